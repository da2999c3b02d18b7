"""From bytes to an `Extracted` text: has the child process read a file within limits."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Self

from corpus import errors
from corpus.errors import Rejected, TimedOut, Unavailable, Unreadable
from corpus.model import Extracted
from corpus.parts import Part, listed
from corpus.parts import heard as heard_part
from corpus.ports import Limits
from corpus.texts import heard
from ingest.child import Message, pack, unpack
from ingest.extractors import paged_of
from ingest.ocr import PAGE_SECONDS, Budget, Tesseract

DOCUMENTS_PER_CHILD = 200
START_SECONDS = 30.0
TICK_SECONDS = 1.0
BYTES_PER_CHARACTER = 6
"""In JSON, at most: a control character is six."""
SLACK = 2**20
"""For all of a frame that is not text."""
_KINDS = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Rejected)}


class Reader:
    """Reads documents in a child process that is renewed after a crash, a time-out, or 200 documents.

    Used by one thread at a time; others wait, and their `tick` is called meanwhile.
    """

    def __init__(self, limits: Limits, engine: Tesseract | None = None, budget: Budget = Budget()) -> None:  # noqa: B008 -- it is frozen
        """Take the limits of a document, and what recognises text in pictures, if anything does."""
        self.limits = limits
        self._engine, self._budget = engine, budget
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def recogniser(self, media_type: str) -> str:
        """Return the name of what recognises text in the pictures of such a document; "" if nothing does."""
        return self._engine.name if self._engine and paged_of(media_type) else ""

    def read(
        self,
        data: bytes,
        media_type: str,
        tick: Callable[[], None] = lambda: None,
        kept: Sequence[Part] = (),
        keep: Callable[[Part], None] = lambda _: None,
        *,
        pictures: bool = False,
    ) -> Extracted:
        """Return the document's text. `tick` is called about every second; what it raises ends the reading.

        A format that is read from any page on goes on behind the parts that are `kept`, which follow on one another
        from page 0, and `keep` is told of each new one; what that raises ends the reading too. With `pictures`, text is
        recognised in pages that are pictures. Raises `Rejected` with the reason, `Unavailable` if no child can be
        started.
        """
        with self._turn(tick):
            if self._child and self._child.served >= DOCUMENTS_PER_CHILD:
                self._renew()
            child = self._child = self._child or _Child()
            try:
                sight = _sight(self._engine, self._budget.left(kept)) if self._engine and pictures else None
                return child.read(_Task(media_type, self.limits, tick, sight), data, kept, keep)
            finally:
                if child.busy:
                    self._renew()

    @contextmanager
    def _turn(self, tick: Callable[[], None]) -> Iterator[None]:
        while not self._lock.acquire(timeout=TICK_SECONDS):
            tick()
        try:
            yield
        finally:
            self._lock.release()

    def _renew(self) -> None:
        if self._child:
            self._child.close()
        self._child = None

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Task:
    """What all requests about one document have in common; together they take no longer than its limit."""

    def __init__(self, media_type: str, limits: Limits, tick: Callable[[], None], sight: Message | None) -> None:
        self.media_type = media_type
        self.limits = limits
        self.tick = tick
        self._sight = sight
        self._seconds = limits.seconds + (sight["budget"]["seconds"] + PAGE_SECONDS if sight else 0)
        self.deadline = time.monotonic() + self._seconds

    def asking(self, what: str, **more: int) -> Message:
        """A request's head."""
        limits = asdict(replace(self.limits, seconds=self._seconds))
        return {"mediaType": self.media_type, "limits": limits, "asked": what, "ocr": self._sight, **more}


def _sight(engine: Tesseract, budget: Budget) -> Message:
    """What a child needs to know to recognise text."""
    return {"engine": asdict(engine), "budget": asdict(budget)}


class _Child:
    """One child process and its pipe; `busy` from a request until its reply is understood."""

    def __init__(self) -> None:
        self.served = 0
        self.busy = True
        self._pipe, theirs = socket.socketpair()
        with theirs:
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-B", "-m", "ingest.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={"PYTHONPATH": paths, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # what it starts itself ends with it
            )
        try:
            self._receive(time.monotonic() + START_SECONDS, lambda: None, 0)
            self.busy = False
        except (EOFError, OSError, ValueError) as error:
            self.close()
            raise Unavailable("The process that reads documents does not start.", retry_after=30) from error

    def read(self, task: _Task, data: bytes, kept: Sequence[Part], keep: Callable[[Part], None]) -> Extracted:
        self.served += 1
        if paged_of(task.media_type) is None:
            return self._text(task, "text", data)
        found = list(kept)
        if not found or found[-1].end < found[-1].total:
            for part in self._parts(task, data, found):
                found.append(part)
                keep(part)
        return self._text(task, "assembled", listed(found))

    def _text(self, task: _Task, asked: str, data: bytes) -> Extracted:
        with self._translated(task):
            self._send(task, task.asking(asked), data)
            reply, body = self._reply(task)
            found = heard(reply, body)
            self.busy = False
            return found

    def _parts(self, task: _Task, data: bytes, before: Sequence[Part]) -> Iterator[Part]:
        """Yield the parts behind those before, as the child reads them."""
        end, total = (before[-1].end, before[-1].total) if before else (0, 0)
        characters = sum(part.characters for part in before)
        with self._translated(task):
            self._send(task, task.asking("parts", begin=end, characters=characters), data)
        while True:
            with self._translated(task):
                reply, body = self._reply(task)
                if "read" in reply:
                    self.busy = False
                    return
                part = heard_part(body)
                characters += part.characters
                total = total or part.total
                if (part.begin, part.total) != (end, total) or characters > task.limits.characters:
                    raise ValueError("The parts of a document do not fit together.")
                end = part.end
            yield part

    @contextmanager
    def _translated(self, task: _Task) -> Iterator[None]:
        """What goes wrong with a child is the file's fault, and told as such."""
        try:
            yield
        except TimeoutError as error:
            raise TimedOut(f"Reading it took longer than FOOTNOTE_MAX_SECONDS={task.limits.seconds:g}.") from error
        except (EOFError, OSError) as error:
            raise Unreadable("The file made its reader crash.") from error
        except ValueError as error:
            raise Unreadable("The file made its reader answer nonsense.") from error

    def _send(self, task: _Task, request: Message, data: bytes) -> None:
        self.busy = True
        self._pipe.settimeout(max(task.deadline - time.monotonic(), TICK_SECONDS))
        self._pipe.sendall(pack(request, data))

    def _reply(self, task: _Task) -> tuple[Message, bytes]:
        """The child's next frame; raises what it was told if the child refuses."""
        reply, body = self._receive(task.deadline, task.tick, BYTES_PER_CHARACTER * task.limits.characters + SLACK)
        if "error" in reply:
            self.busy = False
            raise _refusal(reply)
        return reply, body

    def _receive(self, deadline: float, tick: Callable[[], None], max_body: int) -> tuple[Message, bytes]:
        def take(size: int) -> bytes:
            found = bytearray()
            while len(found) < size:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                if not select.select([self._pipe], [], [], min(left, TICK_SECONDS))[0]:
                    tick()
                    continue
                part = self._pipe.recv(min(size - len(found), 2**20))
                if not part:
                    raise EOFError
                found += part
            return bytes(found)

        return unpack(take, max_body)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()


def _refusal(reply: Message) -> Rejected:
    """The error a child told of, as this side raises it."""
    page = reply.get("page")
    kind = _KINDS.get(str(reply["error"]), Unreadable)
    return kind(str(reply.get("message")), hint=str(reply.get("hint")), page=page if isinstance(page, int) else None)
