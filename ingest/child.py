"""The process in which documents are opened: this side of the pipe, and the frames that both sides speak.

A document is untrusted input for parsers written in C. They run here, without the environment, and confined
(`ingest.confine`). What goes over the pipe is JSON and bytes, never a pickle. Run as
`python -m ingest.child DESCRIPTOR`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from corpus import raw_pages, texts
from corpus.errors import Rejected, TooLarge, Unreadable
from corpus.ports import Limits
from ingest import ocr
from ingest.confine import bound, confine
from ingest.extractors import extractor_of, paged_of
from ingest.refusals import refusal

HEAD = struct.Struct(">IQ")
"""A frame: the sizes of its JSON and of its bytes, then both."""
MAX_JSON = 64 * 2**20
Take = Callable[[int], bytes]
Message = dict[str, Any]
"""What stands in a frame's JSON; only this file and its parent look into it."""


def pack(message: Message, body: bytes) -> bytes:
    """Return a frame; raises `TooLarge` for one that nobody would accept."""
    head = json.dumps(message).encode()
    if len(head) > MAX_JSON:
        raise TooLarge(f"The headings, pages and tables of the text take {len(head)} bytes, more than {MAX_JSON}.")
    return HEAD.pack(len(head), len(body)) + head + body


def unpack(take: Take, max_body: int) -> tuple[Message, bytes]:
    """Read one frame through `take`, which returns as many bytes as it is asked for.

    Raises `ValueError` for a frame that no honest speaker would send.
    """
    sizes = HEAD.unpack(take(HEAD.size))
    if sizes[0] > MAX_JSON or sizes[1] > max_body:
        raise ValueError("A frame is larger than any may be.")
    message = json.loads(take(sizes[0]))
    if not isinstance(message, dict):
        raise ValueError("A frame's head is no object.")  # noqa: TRY004 -- it is the frame that is wrong
    return message, take(sizes[1])


def main(descriptor: int) -> None:
    """Answer the parent's requests until it hangs up."""
    with socket.socket(fileno=descriptor) as pipe:
        confine()
        pipe.sendall(pack({"ready": True}, b""))
        with suppress(EOFError):
            while True:
                _serve(pipe)


def _serve(pipe: socket.socket) -> None:
    """Answer one request; raises `EOFError` when there will be none."""
    request, data = unpack(lambda size: _take(pipe, size), sys.maxsize)
    limits = Limits(**request["limits"])
    bound(limits)
    for frame in _answers(request, data, limits):
        pipe.sendall(frame)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _take(pipe: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = pipe.recv(min(size - len(found), 2**20))
        if not part:
            raise EOFError
        found += part
    return bytes(found)


def _answers(request: Message, data: bytes, limits: Limits) -> Iterator[bytes]:
    """Yield the frames that answer a request: the last says what became of it."""
    refused: Rejected
    try:
        for reply, body in _done(request, data, limits):
            yield pack(reply, body)
    except Rejected as error:
        refused = error
    except MemoryError:
        refused = TooLarge(f"Reading it takes more than FOOTNOTE_MAX_MEMORY={limits.memory} bytes of memory.")
    except Exception as error:  # noqa: BLE001 -- whatever a parser raises is the document's fault, and must be told
        refused = Unreadable(f"The file is damaged in a way its reader does not know ({type(error).__name__}).")
    else:
        return
    told = {"error": refused.code, "message": refused.message, "hint": refused.hint, "page": refused.page}
    yield pack(told, b"")


def _done(request: Message, data: bytes, limits: Limits) -> Iterator[tuple[Message, bytes]]:
    """Do what is asked: the whole text of a file, its parts from a page on, or the text of all of its parts."""
    media_type = request["mediaType"]
    extractor, paged = extractor_of(media_type), paged_of(media_type)
    if extractor is None:
        raise refusal(media_type)
    if paged and request["asked"] == "parts":
        found = paged.parts(data, limits, request["begin"], request["characters"])
        if sight := request["ocr"]:
            engine, budget = ocr.Tesseract(**sight["engine"]), ocr.Budget(**sight["budget"])
            found = ocr.seen(data, found, limits, engine, budget)
        for part in found:
            yield {"part": part.begin}, raw_pages.dump_part(part)
        yield {"read": True}, b""
    elif paged and request["asked"] == "assembled":
        yield texts.dump_text(paged.assembled(raw_pages.load_parts(data)))
    else:
        yield texts.dump_text(extractor.extract(data, limits))


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # a parser's threads and clean-up are nothing to wait for
