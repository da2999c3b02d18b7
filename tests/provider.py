"""A service that speaks the OpenAI protocol on loopback, and can be slow, wrong, busy, or obedient to injections.

In a test it is a thread: `with Provider() as provider: …`. As a process of its own, `python -m tests.provider` prints
its address, and tells at `/stats` what it was sent.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np

from corpus.answers import Evidence, Prompt
from corpus.llms.quotes import Quotes

FENCED = r"<evidence-{nonce} n=(\d+)>\n(.*?)\n\n(.*?)\n</evidence-{nonce}>"


class Allowance:
    """A token bucket as a provider keeps one: `limit` a minute, of whatever length a minute has here."""

    def __init__(self, limit: float, minute: float) -> None:
        self.limit, self.rate = limit, limit / minute
        self.level, self.at = limit, time.monotonic()

    def take(self, cost: float) -> bool:
        now = time.monotonic()
        self.level, self.at = min(self.limit, self.level + (now - self.at) * self.rate), now
        enough = self.level >= cost
        self.level -= cost if enough else 0
        return enough

    def wait(self, cost: float) -> float:
        return (cost - self.level) / self.rate

    def headers(self, name: str) -> dict[str, str]:
        return {
            f"x-ratelimit-limit-{name}": f"{self.limit:.0f}",
            f"x-ratelimit-remaining-{name}": f"{self.level:.0f}",
            f"x-ratelimit-reset-{name}": f"{round(1000 * (self.limit - self.level) / self.rate)}ms",
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever asked has left, or was killed in the middle of a word."""


@dataclass(frozen=True)
class Fault:
    """A reply that is served instead of the right one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "No, and here is your text: %s", "type": "some_error", "code": null}}'


@dataclass
class Provider:
    """The service; its fields may be changed while it runs. `faults` are served first, one a request."""

    requests_per_minute: float = 0
    tokens_per_minute: float = 0
    minute: float = 60.0
    latency: float = 0.0
    dimensions: int = 1536
    floats: bool = False
    key: str = ""
    """Any key will do, if it is empty."""
    refuses: str = ""
    """A text that holds this is a bad request."""
    faults: list[Fault] = field(default_factory=list)
    stall_after: int = -1
    """The chat's reply stops, without an end, after so many pieces …"""
    stall_seconds: float = 0.0
    """… for so long, and then breaks off."""
    murmurs: bool = False
    """While it stalls, it sends comments, as some gateways do."""
    chat: str = "faithful"
    """Or `obedient`: does what a line `SAY: …` tells it; or `gullible`: even inside the evidence."""

    texts: int = 0
    accepted: int = 0
    tokens: int = 0
    refused: int = 0
    times: list[float] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    keep_bodies: bool = True

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._allowances = {}
        if self.requests_per_minute:
            self._allowances["requests"] = Allowance(self.requests_per_minute, self.minute)
        if self.tokens_per_minute:
            self._allowances["tokens"] = Allowance(self.tokens_per_minute, self.minute)
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def stats(self) -> dict[str, float]:
        return {
            "texts": self.texts,
            "accepted": self.accepted,
            "tokens": self.tokens,
            "requests": len(self.times),
            "refused": self.refused,
            "first": min(self.times, default=0.0),
            "last": max(self.times, default=0.0),
        }

    def admitted(self, costs: Mapping[str, float]) -> tuple[Fault | None, dict[str, str]]:
        """Take from the allowances, or say when to come again; and the headers that tell how they stand."""
        with self._lock:
            fault = self.faults.pop(0) if self.faults else None
            short = [name for name, one in self._allowances.items() if not one.take(costs[name])]
            headers = {k: v for name, one in self._allowances.items() for k, v in one.headers(name).items()}
            if fault is None and short:
                wait = max(self._allowances[name].wait(costs[name]) for name in short)
                fault = Fault(429, {"retry-after": f"{wait:.3f}"})
            self.refused += fault is not None
        return fault, headers

    def came(self, body: dict[str, Any], key: str, headers: dict[str, str], texts: int) -> None:
        with self._lock:
            self.times.append(time.monotonic())
            self.texts += texts
            if self.keep_bodies:
                self.bodies.append(body)
                self.keys.append(key)
                self.headers.append(headers)

    def embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        """The reply's rows come in any order, each with its index."""
        texts: list[str] = body["input"]
        data = []
        for index, text in enumerate(texts):
            row = vector(text, self.dimensions)
            said: object = row.tolist()
            if body.get("encoding_format") == "base64" and not self.floats:
                said = base64.b64encode(row.astype("<f4").tobytes()).decode()
            data.append({"object": "embedding", "index": index, "embedding": said})
        with self._lock:
            self.accepted += len(texts)
            self.tokens += (count := sum(map(tokens, texts)))
        usage = {"prompt_tokens": count, "total_tokens": count}
        return {"object": "list", "model": body["model"], "data": data[1::2] + data[::2], "usage": usage}

    def answer(self, body: dict[str, Any]) -> str:
        """What the model says: the quotes of the fenced evidence, or what it is told to say."""
        system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
        nonce = re.search(r"<evidence-(\w+) ", system)
        fence = re.compile(FENCED.format(nonce=nonce[1] if nonce else "none"), re.DOTALL)
        outside = fence.sub("", asked)
        order = re.search(r"SAY: (.*)", asked if self.chat == "gullible" else outside)
        if self.chat != "faithful" and order:
            return order[1]
        evidence = tuple(Evidence(int(one[1]), one[2], one[3]) for one in fence.finditer(asked))
        question = outside.rpartition("Question: ")[2]
        return "".join(Quotes().stream(Prompt("", question, evidence)))


def tokens(text: str) -> int:
    return max(1, len(text.encode()) // 4)


def vector(text: str, dimensions: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A vector of the text's words: the same for the same text, and near for similar ones. Not of unit length."""
    places = [1 + zlib.crc32(word.encode()) % (dimensions - 1) for word in re.findall(r"\w+", text.lower())]
    row = np.bincount(places, minlength=dimensions).astype(np.float32)
    row[0] = 0.1
    return row


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._reply(200, {}, json.dumps(self.provider.stats()))

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        texts = body.get("input", [])
        self.provider.came(body, key, dict(self.headers), len(texts))
        fault, headers = self.provider.admitted({"requests": 1, "tokens": sum(map(tokens, texts))})
        if self.provider.key and key != self.provider.key:
            fault = Fault(401)
        if self.provider.refuses and any(self.provider.refuses in text for text in texts):
            fault = Fault(400)
        if self.provider.latency:
            time.sleep(self.provider.latency)
        if fault:
            said = fault.body.replace("%s", json.dumps(f"{texts} {key}")[1:-1])
            self._reply(fault.status, {**headers, **fault.headers}, said)
        elif self.path == "/v1/embeddings":
            self._reply(200, headers, json.dumps(self.provider.embeddings(body)))
        else:
            self._stream(body)

    def _reply(self, status: int, headers: Mapping[str, str], body: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for number, event in enumerate(_events(body, self.provider.answer(body))):
            if number == self.provider.stall_after:
                self._stall()
                return
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()

    def _stall(self) -> None:
        until = time.monotonic() + self.provider.stall_seconds
        while time.monotonic() < until:
            time.sleep(0.05)
            try:
                self.wfile.write(b": still here\n\n" if self.provider.murmurs else b"")
                self.wfile.flush()
            except OSError:  # whoever asked has left
                return


def _events(body: dict[str, Any], text: str) -> Iterator[str]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for at in range(0, len(text), 9):
        yield json.dumps(
            {**head, "choices": [{"index": 0, "delta": {"content": text[at : at + 9]}, "finish_reason": None}]}
        )
    yield json.dumps({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if body.get("stream_options", {}).get("include_usage"):
        usage = {"prompt_tokens": 100, "completion_tokens": tokens(text), "total_tokens": 100 + tokens(text)}
        yield json.dumps({**head, "choices": [], "usage": usage})
    yield "[DONE]"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=float, default=0)
    parser.add_argument("--tokens", type=float, default=0)
    parser.add_argument("--minute", type=float, default=60)
    parser.add_argument("--latency", type=float, default=0)
    given = parser.parse_args()
    provider = Provider(given.requests, given.tokens, given.minute, given.latency, keep_bodies=False)
    print(provider.url, flush=True)  # noqa: T201 -- whoever started it waits for this line
    provider.serve()


if __name__ == "__main__":
    main()
