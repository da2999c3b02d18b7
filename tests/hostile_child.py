"""A process that reads documents as one would that a document has taken over: what it does, the document says."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from corpus.ports import Limits
from corpus.texts import dump_text
from ingest.child import HEAD, _take, pack, unpack
from ingest.confine import bound, confine
from ingest.extractors import text

DEEP = b"[" * 100_000
FOR_EVER = 600
ODD = {"pages": [["1", 2, 0, 1.5, []]], "sections": [], "title": 7, "flags": "ab"}


def flood(pipe: socket.socket) -> None:
    while True:
        pipe.sendall(pack({"pages": []}, b"x" * 2**20))


def close(pipe: socket.socket) -> None:
    pipe.close()
    time.sleep(FOR_EVER)


def half(pipe: socket.socket) -> None:
    pipe.sendall(HEAD.pack(100, 100) + b"{}")
    time.sleep(FOR_EVER)


def fork(pipe: socket.socket) -> None:
    if os.fork():
        os._exit(0)
    time.sleep(FOR_EVER)


def work(pipe: socket.socket) -> None:
    while True:
        pass


def eat(pipe: socket.socket) -> None:
    eaten = b""
    while True:
        eaten += b"x" * 2**24


def answer(pipe: socket.socket, *texts: bytes) -> None:
    pipe.sendall(b"".join(pack(*dump_text(text.extract(one, Limits()))) for one in texts))


DEEDS: dict[bytes, Callable[[socket.socket], object]] = {
    b"nonsense": lambda pipe: pipe.sendall(b"\xff" * 1000),
    b"deep": lambda pipe: pipe.sendall(HEAD.pack(len(DEEP), 0) + DEEP),
    b"odd kinds": lambda pipe: pipe.sendall(pack(ODD, b"text")),
    b"more": lambda pipe: answer(pipe, b"good", b"of another document"),
    b"sleeps": lambda _: time.sleep(FOR_EVER),
    b"flood": flood,
    b"closes": close,
    b"half": half,
    b"forks": fork,
    b"works": work,
    b"eats": eat,
}


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as pipe:
        confine()
        for ignored in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(ignored, signal.SIG_IGN)
        pipe.sendall(pack({"ready": True}, b""))
        while True:
            request, data = unpack(lambda size: _take(pipe, size), sys.maxsize)
            bound(Limits(**request["limits"]))
            if deed := DEEDS.get(data):
                deed(pipe)
            else:
                answer(pipe, data)


if __name__ == "__main__":
    main()
