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
from dataclasses import asdict, dataclass, replace
from typing import Self

from corpus import errors
from corpus.errors import Rejected, TimedOut, Unavailable, Unreadable
from corpus.model import Extracted
from corpus.ports import Limits
from corpus.raw_pages import Part, dump_parts, load_part
from corpus.texts import load_text
from ingest.child import Message, pack, unpack
from ingest.extractors import paged_of
from ingest.ocr import BUDGET, PAGE_SECONDS, Budget, Tesseract

CHILD = "ingest.child"
DOCUMENTS_PER_CHILD = 200
START_SECONDS = 30.0
TICK_SECONDS = 1.0
BYTES_PER_CHARACTER = 6
"""In JSON, at most: a control character is six."""
SLACK = 2**20
"""For all of a frame that is not text."""
_KINDS = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Rejected)}


@dataclass(frozen=True, slots=True)
class Reading:
    """How one document is read, besides its bytes.

    `tick` is called about every second. A format that is read from any page on goes on behind the parts that are
    `kept`, which follow on one another from page 0, and `keep` is told of each new one. What either raises ends the
    reading. With `pictures`, text is recognised in pages that are pictures.
    """

    tick: Callable[[], None] = lambda: None
    kept: Sequence[Part] = ()
    keep: Callable[[Part], None] = lambda _: None
    pictures: bool = False


WHOLE = Reading()
"""From the first page on, and nobody is told how far it is."""


class Reader:
    """Reads documents in child processes: one for their text, and one for pictures, which take minutes.

    Each is used by one thread at a time; others wait, and their `tick` is called meanwhile.
    """

    def __init__(self, limits: Limits, engine: Tesseract | None = None, budget: Budget = BUDGET) -> None:
        """Take the limits of a document, and what recognises text in pictures, if anything does."""
        self.limits = limits
        self._engine, self._budget = engine, budget
        self._for_text, self._for_pictures = _Place(), _Place()

    def recogniser(self, media_type: str) -> str:
        """Return the name of what recognises text in the pictures of such a document; "" if nothing does."""
        return self._engine.name if self._engine and paged_of(media_type) else ""

    def read(self, data: bytes, media_type: str, how: Reading = WHOLE) -> Extracted:
        """Return the document's text.

        Raises `Rejected` with the reason, `Unavailable` if no child can be started.
        """
        sight = _sight(self._engine, self._budget.left(how.kept)) if self._engine and how.pictures else None
        place = self._for_pictures if sight else self._for_text
        with place.taken(how.tick) as child:
            return child.read(_Task(media_type, self.limits, how, sight), data)

    def close(self) -> None:
        """End the child processes."""
        self._for_text.close()
        self._for_pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Place:
    """Where one child process is, which is renewed after a crash, a time-out, or 200 documents."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: _Child | None = None

    @contextmanager
    def taken(self, tick: Callable[[], None]) -> Iterator[_Child]:
        """Have the child for as long as the body lasts; one that is left busy is ended."""
        while not self.lock.acquire(timeout=TICK_SECONDS):
            tick()
        try:
            if self.child and (self.child.served >= DOCUMENTS_PER_CHILD or self.child.spoke()):
                self._renew()
            child = self.child = self.child or _Child()
            try:
                yield child
            finally:
                if child.busy:
                    self._renew()
        finally:
            self.lock.release()

    def _renew(self) -> None:
        if self.child:
            self.child.close()
        self.child = None

    def close(self) -> None:
        """End the child."""
        with self.lock:
            self._renew()


class _Task:
    """What all requests about one document have in common; together they take no longer than its limit."""

    def __init__(self, media_type: str, limits: Limits, how: Reading, sight: Message | None) -> None:
        self.media_type = media_type
        self.limits = limits
        self.how = how
        self._sight = sight
        self._seconds = limits.seconds + (sight["budget"]["seconds"] + PAGE_SECONDS if sight else 0)
        self.deadline = time.monotonic() + self._seconds
        self.stopped_by: BaseException | None = None

    def tick(self) -> None:
        """Call the worker's tick; what that raises is none of the child's doing."""
        try:
            self.how.tick()
        except BaseException as error:
            self.stopped_by = error
            raise

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
                [sys.executable, "-P", "-B", "-m", CHILD, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={"PYTHONPATH": paths, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # what it may have started ends with it
            )
        self._pipe.setblocking(False)
        try:
            self._receive(time.monotonic() + START_SECONDS, lambda: None, 0)
            self.busy = False
        except (EOFError, OSError, ValueError) as error:
            raise Unavailable("The process that reads documents does not start.", retry_after=30) from error
        finally:
            if self.busy:
                self.close()

    def spoke(self) -> bool:
        """Whether it said something that it was not asked, or is gone: it is not to be asked any more."""
        return bool(select.select([self._pipe], [], [], 0)[0])

    def read(self, task: _Task, data: bytes) -> Extracted:
        self.served += 1
        if paged_of(task.media_type) is None:
            return self._text(task, "text", data)
        found = list(task.how.kept)
        if not found or found[-1].end < found[-1].total:
            for part in self._parts(task, data, found):
                found.append(part)
                task.how.keep(part)
        return self._text(task, "assembled", dump_parts(found))

    def _text(self, task: _Task, asked: str, data: bytes) -> Extracted:
        with self._translated(task):
            self._send(task, task.asking(asked), data)
            reply, body = self._reply(task)
            found = load_text(reply, body)
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
                part = load_part(body)
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
        except (EOFError, OSError, ValueError, RecursionError) as error:
            if error is task.stopped_by:
                raise
            raise _blamed(error, task.limits) from error

    def _send(self, task: _Task, request: Message, data: bytes) -> None:
        self.busy = True
        left = memoryview(pack(request, data))
        while left:
            if _ready(self._pipe, task.deadline, task.tick, to_send=True):
                with suppress(BlockingIOError):
                    left = left[self._pipe.send(left[: 2**20]) :]

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
                if not _ready(self._pipe, deadline, tick):
                    continue
                part = self._pipe.recv(min(size - len(found), 2**20))
                if not part:
                    raise EOFError
                found += part
            return bytes(found)

        return unpack(take, max_body)

    def close(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()


def _ready(pipe: socket.socket, deadline: float, tick: Callable[[], None], *, to_send: bool = False) -> bool:
    """Whether the pipe can be used, after a second at most, at whose end `tick` is called. Raises `TimeoutError`."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    readers, writers, _ = select.select(
        [] if to_send else [pipe], [pipe] if to_send else [], [], min(left, TICK_SECONDS)
    )
    if not (readers or writers):
        tick()
    return bool(readers or writers)


def _blamed(error: Exception, limits: Limits) -> Rejected:
    """What is said of a file over which a child was too slow, ended, or answered what is no answer."""
    if isinstance(error, TimeoutError):
        return TimedOut(f"Reading it took longer than FOOTNOTE_MAX_SECONDS={limits.seconds:g}.")
    if isinstance(error, (EOFError, OSError)):
        return Unreadable("The file made its reader crash.")
    return Unreadable("The file made its reader answer nonsense.")


def _refusal(reply: Message) -> Rejected:
    """The error a child told of, as this side raises it."""
    page = reply.get("page")
    kind = _KINDS.get(str(reply["error"]), Unreadable)
    return kind(str(reply.get("message")), hint=str(reply.get("hint")), page=page if isinstance(page, int) else None)
