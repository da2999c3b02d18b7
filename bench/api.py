"""Measure what the HTTP door costs: a search over it, without its embedding and its index, and beside a bare route.

    python -m bench.api

It needs no data: the documents of `sample_docs` are put in. The service and the bare FastAPI application that returns
the same body run as processes of their own, one uvicorn worker each. Both, and the embedder and the index without
them, are asked in turn.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from bench.timing import HEAD, machine, row
from corpus import words
from corpus.model import Passage
from footnote.connect import Footnote, connect
from footnote.render import hit_data
from footnote.settings import Settings
from search.retrieve import DEPTH

ROOT = Path(__file__).parent.parent
QUESTIONS = ("When is the pool open?", "Who repairs the garage gate?", "How much is the fee for moving in?")
ROUNDS = 300
CLIENTS, EACH = 50, 20
BARE = """
import sys, json, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from fastapi.responses import Response
app, body = FastAPI(), sys.stdin.read()
class Asked(BaseModel):
    question: str
@app.post("/v1/search")
def search(asked: Asked):
    return Response(body, media_type="application/json")
config = uvicorn.Config(app, port=0, log_level="warning", access_log=False)
server = uvicorn.Server(config)
import socket
listening = socket.create_server(("127.0.0.1", 0), backlog=128)
listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(f"http://127.0.0.1:{listening.getsockname()[1]} ", flush=True)
server.run(sockets=[listening])
"""


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="footnote-api-") as scratch:
        home = Path(scratch)
        with connect(Settings.from_env({"FOOTNOTE_OCR": "off"}, home=home)) as footnote:
            body = prepared(footnote)
            serve = [sys.executable, "-c", "from footnote.cli import main; main()", "--home", str(home), "serve"]
            with running([*serve, "--port", "0"]) as ours, running([sys.executable, "-c", BARE], body) as bare:
                inside, over, bare_over = in_turn(partial(look, footnote), over_http(ours), over_http(bare))
                (late, rate), (bare_late, bare_rate) = (crowd(one) for one in (ours, bare))
    door = statistics.median(whole - part for whole, part in zip(over, inside, strict=True))
    print(f"\n## The HTTP door: `POST /v1/search` ({machine()})\n\n{HEAD}")
    print(row("p50 without embedding and index, ms", 1000 * door, 5, most=True))
    print(row("p50, ms", 1000 * statistics.median(over), None))
    print(row("p50 of a bare FastAPI route with the same body, ms", 1000 * statistics.median(bare_over), None))
    print(row(f"p99 with {CLIENTS} clients at once, ms", 1000 * late, None))
    print(row("the bare route's p99, ms", 1000 * bare_late, None))
    print(row("requests/s ÷ the bare route's", rate / bare_rate, None))
    print(f"\n{rate:.0f} requests/s, the bare route {bare_rate:.0f}.")


def prepared(footnote: Footnote) -> str:
    """Put the samples in; return a reply's body."""
    scope = footnote.local_scope()
    for path in sorted((ROOT / "sample_docs").glob("[a-z]*.*")):
        footnote.uploads.put(scope, path.stem, path.name, path.read_bytes())
    while footnote.ingestor.drain(footnote.queue):
        pass
    hits = footnote.search(scope, QUESTIONS[0]).hits
    return json.dumps({"hits": [hit_data(hit) for hit in hits]}, ensure_ascii=False)


def look(footnote: Footnote, number: int) -> float:
    """Embed a question and look it up in the index; return the seconds it took."""
    question = QUESTIONS[number % len(QUESTIONS)]
    begun = time.perf_counter()
    (rows,) = footnote.embedder.embed([Passage("", question)], "query")
    footnote.index.legs(rows[0], words.asked(question).searched, DEPTH, footnote.local_scope().where())
    return time.perf_counter() - begun


@contextmanager
def running(command: list[str], given: str = "") -> Iterator[str]:
    """Run a server that prints its address; yield host and port."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT, env=dict(os.environ)) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(given)
        process.stdin.close()
        line = process.stdout.readline()
        try:
            yield line.split("http://")[1].split()[0]
        finally:
            process.terminate()


def ask(connection: http.client.HTTPConnection, number: int) -> float:
    """Ask a question and return the seconds it took."""
    body = json.dumps({"question": QUESTIONS[number % len(QUESTIONS)]})
    begun = time.perf_counter()
    connection.request("POST", "/v1/search", body, {"content-type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200, reply.status
    return time.perf_counter() - begun


def over_http(host: str) -> Callable[[int], float]:
    """Return what asks a server over one connection."""
    return partial(ask, http.client.HTTPConnection(host))


def in_turn(*asking: Callable[[int], float]) -> list[list[float]]:
    """Ask each the same question in turn, so that what else the machine does hits all alike; return the seconds."""
    taken = [[one(number) for one in asking] for number in range(ROUNDS)]
    return [list(times) for times in zip(*taken[ROUNDS // 10 :], strict=True)]


def crowd(host: str) -> tuple[float, float]:
    """Ask with many clients at once; return the p99 in seconds, and the requests a second."""
    taken: list[float] = []

    def one() -> None:
        connection = http.client.HTTPConnection(host)
        taken.extend([ask(connection, number) for number in range(EACH)])

    threads = [threading.Thread(target=one) for _ in range(CLIENTS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(np.quantile(taken, 0.99)), len(taken) / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
