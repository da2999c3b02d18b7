"""In-memory adapters, and things that go wrong on purpose.

The adapters are in the contract tables too, so what the other tests build on is proved like everything else.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from corpus import words
from corpus.answers import Prompt
from corpus.errors import (
    BadRequest,
    BlobMissing,
    Conflict,
    NoText,
    QuotaExceeded,
    TooLarge,
    Unavailable,
    Unreadable,
)
from corpus.items import ABSENT, MAX_TRANSACTION, Batch, Item, Put, Remove
from corpus.keys import checked_key, chunk_id, iso_time, parse_original
from corpus.model import (
    Blob,
    Change,
    Chunk,
    Delivery,
    Extracted,
    Generation,
    GenerationId,
    Hit,
    Legs,
    Page,
    Passage,
    Purpose,
    Section,
    Space,
)
from corpus.ports import LEASE_SECONDS, MAX_DELAY_SECONDS, MAX_DELIVERIES, Limits, Queue
from corpus.raw_pages import OutlineEntry, Part, RawPage
from corpus.scope import Where
from corpus.ways import Exact, GraphState, Way

if TYPE_CHECKING:
    from corpus.model import Matrix, Vector


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class MemoryBlobs:
    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.blobs: dict[str, Blob] = {}
        self.last = 0

    def _next(self) -> str:
        self.last += 1
        return f"{self.last:020}"

    def get(self, key: str, limit: int) -> Blob:
        blob = self.blobs.get(checked_key(key))
        if blob is None:
            raise BlobMissing(f"There is no blob {key}.")
        if len(blob.data) > limit:
            raise TooLarge(f"{key} holds {len(blob.data)} bytes, more than {limit}.")
        return blob

    def put(self, key: str, data: bytes, metadata: Mapping[str, str], *, absent: bool = False) -> str:
        if absent and checked_key(key) in self.blobs:
            raise Conflict(f"{key} is there already.")
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self.blobs[checked_key(key)] = Blob(key, bytes(data), etag, dict(metadata))
        if parse_original(key):
            self.queue.send(Change("put", key, self._next(), etag))
        return etag

    def delete(self, key: str) -> None:
        if self.blobs.pop(checked_key(key), None) and parse_original(key):
            self.queue.send(Change("removed", key, self._next()))

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self.blobs if key.startswith(prefix))

    def link(self, key: str, media_type: str, disposition: str, seconds: int) -> None:
        checked_key(key)

    def ping(self) -> None:
        pass


@dataclass
class _Waiting:
    change: Change | None  # None: a message that nobody can understand
    visible: float
    count: int = 0
    receipt: str = ""


class MemoryQueue:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.messages: list[_Waiting] = []
        self.dead: list[Change | None] = []
        self._receipts = 0

    def send(self, change: Change, delay: float = 0) -> None:
        if not 0 <= delay <= MAX_DELAY_SECONDS:
            raise BadRequest(f"A delay of {delay} seconds is beyond {MAX_DELAY_SECONDS}.")
        self.messages.append(_Waiting(change, self.clock() + delay))

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        if not any(one.visible <= self.clock() for one in self.messages):
            self.clock.sleep(wait)
        found: list[Delivery] = []
        for one in sorted(self.messages, key=lambda one: one.visible):
            if one.visible > self.clock() or len(found) == limit:
                continue
            if one.count == MAX_DELIVERIES or one.change is None:
                self.messages.remove(one)
                self.dead.append(one.change)
                continue
            self._receipts += 1
            one.count, one.visible, one.receipt = one.count + 1, self.clock() + LEASE_SECONDS, f"r{self._receipts}"
            found.append(Delivery(one.change, one.receipt, one.count))
        return found

    def garble(self) -> None:
        """Make everything that waits impossible to understand."""
        for one in self.messages:
            one.change = None

    def _held(self, delivery: Delivery) -> Iterator[_Waiting]:
        yield from [one for one in self.messages if one.receipt == delivery.receipt]

    def extend(self, delivery: Delivery, seconds: float) -> None:
        for one in self._held(delivery):
            one.visible = self.clock() + seconds

    def give_way(self, delivery: Delivery) -> None:
        for one in self._held(delivery):
            one.visible, one.count = self.clock(), 0

    def waiting(self) -> bool:
        return any(one.visible <= self.clock() for one in self.messages)

    def done(self, delivery: Delivery) -> None:
        for one in self._held(delivery):
            self.messages.remove(one)

    def failed(self, delivery: Delivery, error: Exception) -> None:
        least = (error.retry_after or 0) if isinstance(error, Unavailable) else 0
        self.extend(delivery, min(MAX_DELAY_SECONDS, max(least, 2**delivery.count)))

    def dead_letters(self) -> int:
        return len(self.dead)

    def ping(self) -> None:
        pass


class MemoryTable:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.items: dict[tuple[str, str], Item] = {}
        self._writing = threading.RLock()

    def get(self, pk: str, sk: str) -> Item | None:
        item = self.items.get((pk, sk))
        return item if item and (item.ttl is None or item.ttl > self.clock()) else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        return [self.get(*key) for key in keys]

    def _check(self, pk: str, sk: str, only_if: int) -> Item | None:
        there = self.get(pk, sk)
        if (there.rev if there else ABSENT) != only_if:
            raise Conflict(f"{pk} / {sk} is not at rev {only_if}.")
        return there

    def _stamp(self) -> str:
        return iso_time(self.clock())

    def put(self, item: Item, only_if: int) -> Item:
        with self._writing:
            there = self._check(item.pk, item.sk, only_if)
            created = there.created_at if there else self._stamp()
            item = replace(item, rev=only_if + 1, created_at=created, updated_at=self._stamp())
            item = replace(item, data=json.loads(json.dumps(item.data)))
            self.items[item.pk, item.sk] = item
            return item

    def add(
        self, pk: str, sk: str, amounts: Mapping[str, int], cap: Mapping[str, int], ttl: int | None = None
    ) -> Mapping[str, int]:
        with self._writing:
            there = self.get(pk, sk)
            counters = dict(there.counters) if there else {}
            for name, amount in amounts.items():
                counters[name] = counters.get(name, 0) + amount
                if name in cap and counters[name] > cap[name]:
                    raise QuotaExceeded(f"{name} would pass {cap[name]}.", counter=name)
            item = there or Item(pk, sk, "counters", {})
            item = replace(item, counters=counters, ttl=ttl if item.ttl is None else item.ttl)
            self.put(item, there.rev if there else ABSENT)
            return counters

    def delete(self, pk: str, sk: str, only_if: int) -> None:
        with self._writing:
            self._check(pk, sk, only_if)
            self.items.pop((pk, sk), None)

    def query(
        self,
        index: int,
        partition: str,
        span: tuple[str, str] = ("", "~"),
        *,
        newest_first: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> Batch:
        rows: list[tuple[str, str, str]] = []
        for (pk, sk), item in self.items.items():
            key = (pk, sk) if index == 0 else item.keys.get(index)
            if key and key[0] == partition and span[0] <= key[1] <= span[1] and self.get(pk, sk):
                rows.append((key[1], pk, sk))
        rows.sort(reverse=newest_first)
        try:
            start = json.loads(after) if after else None
            json.dumps(start, ensure_ascii=False).encode()
        except ValueError as error:
            raise BadRequest("That is no cursor of this query.") from error
        if after and not (isinstance(start, list) and len(start) == 3 and all(isinstance(part, str) for part in start)):
            raise BadRequest("That is no cursor of this query.")
        later = [row for row in rows if start is None or (list(row) < start if newest_first else list(row) > start)]
        cursor = json.dumps(later[limit - 1]) if len(later) > limit else None
        return Batch(tuple(self.items[pk, sk] for _, pk, sk in later[:limit]), cursor)

    def transact(self, writes: Sequence[Put | Remove]) -> None:
        with self._writing:
            names = [(w.item.pk, w.item.sk) if isinstance(w, Put) else (w.pk, w.sk) for w in writes]
            if len(writes) > MAX_TRANSACTION or len(set(names)) < len(names):
                raise BadRequest("A transaction has at most 100 writes, each of another item.")
            for name, write in zip(names, writes, strict=True):
                self._check(*name, write.only_if)
            for write in writes:
                if isinstance(write, Put):
                    self.put(write.item, write.only_if)
                else:
                    self.delete(write.pk, write.sk, write.only_if)

    def ping(self) -> None:
        pass


@dataclass
class _Row:
    generation: Generation
    chunk: Chunk
    vector: Vector
    words: list[str]


class MemoryIndex:
    """`tear` makes the next write stop after so many chunks, aloud or `silently`; `late` empties that many counts."""

    def __init__(self, space: Space) -> None:
        self.name = "memory"
        self.space = space
        self.rows: dict[str, _Row] = {}
        self.tear: int | None = None
        self.silently = False
        self.late = 0

    def write(self, generation: Generation) -> None:
        shape = (len(generation.chunks), self.space.dimensions)
        if generation.vectors.shape != shape or not np.allclose(
            np.linalg.norm(generation.vectors, axis=1), 1, atol=1e-3
        ):
            raise BadRequest(f"The vectors are not {shape[0]} unit rows of {shape[1]}.")
        for name in [name for name in self._of(generation.id) if self.rows[name].chunk.index >= len(generation.chunks)]:
            del self.rows[name]
        for chunk, vector in zip(generation.chunks, generation.vectors, strict=True):
            if self.tear is not None and chunk.index >= self.tear:
                self.tear = None
                if self.silently:
                    return
                raise Unavailable("The index went away in the middle of a write.")
            above = words.heading_line(generation.title, chunk.headings)
            row = _Row(
                generation,
                chunk,
                vector,
                words.indexed(f"{above}\n{chunk.header}\n{chunk.content}", generation.language),
            )
            self.rows[chunk_id(*generation.id, chunk.index)] = row

    def _of(self, generation: GenerationId) -> list[str]:
        return [name for name, row in self.rows.items() if row.generation.id == generation]

    def count(self, generation: GenerationId) -> int:
        if self.late:
            self.late -= 1
            return 0
        return len(self._of(generation))

    def prune(self, document_id: str, keep: GenerationId | None, upto: str) -> None:
        for name, row in list(self.rows.items()):
            one = row.generation.id
            if one.document_id == document_id and one.version <= upto and one != keep:
                del self.rows[name]

    def legs(self, vector: Vector, words: Sequence[str], k: int, where: Where) -> Legs:
        seen = {name: row for name, row in self.rows.items() if self._visible(row.generation, where)}
        cosines = {name: float(row.vector @ vector) for name, row in seen.items()}
        counts = {name: float(sum(map(row.words.count, words))) for name, row in seen.items()}
        matching = self._best({name: n for name, n in counts.items() if n}, k)
        return Legs(self._best(cosines, k), matching, Way(exact=len(seen)))

    def _visible(self, generation: Generation, where: Where) -> bool:
        if generation.tenant_id != where.tenant_id or generation.id in where.without:
            return False
        only, made = where.only, generation.created_at
        wanted = ((only.document_ids, {generation.id.document_id}), (only.types, {generation.file_type}))
        if any(asked and asked.isdisjoint(there) for asked, there in (*wanted, (only.tags, {*generation.tags}))):
            return False
        if (only.since or only.until) and not (made and only.since <= made < (only.until or "~")):
            return False
        return generation.id.document_id in where.document_ids or not where.principals.isdisjoint(generation.readers)

    def _best(self, scores: dict[str, float], k: int) -> tuple[Hit, ...]:
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])[:k]
        return tuple(self._hit(name, score) for name, score in ranked)

    def _hit(self, name: str, score: float) -> Hit:
        generation, chunk = self.rows[name].generation, self.rows[name].chunk
        return Hit(
            chunk_id=name,
            generation=generation.id,
            chunk_index=chunk.index,
            start=chunk.start,
            end=chunk.end,
            content=chunk.content,
            page=chunk.page,
            end_page=chunk.end_page,
            file_name=generation.file_name,
            title=generation.title,
            section=chunk.section,
            created_at=generation.created_at,
            score=score,
            header=chunk.header,
        )

    def exactly(self, vector: Vector, k: int, where: Where) -> Exact:
        everything = self.legs(vector, (), len(self.rows), where).nearest
        return Exact(tuple(hit.chunk_id for hit in everything[:k]), len(everything))

    def tend(self, stop: Callable[[], bool]) -> None:
        pass

    def graphs(self) -> list[GraphState]:
        return []

    def ping(self) -> None:
        pass


@dataclass
class HashEmbedder:
    """Words hashed into a few dimensions: quick, and similar texts are near. `bought` counts what was embedded."""

    space: Space = field(default_factory=lambda: Space("fake/words", 64))
    block: int = 4
    bought: int = 0
    meanwhile: Callable[[], None] | None = None

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, None]:
        for start in range(0, len(passages), self.block):
            if self.meanwhile and purpose == "document":
                meanwhile, self.meanwhile = self.meanwhile, None
                meanwhile()
            block = passages[start : start + self.block]
            self.bought += len(block) if purpose == "document" else 0
            yield np.stack([self._row(one) for one in block])

    def _row(self, passage: Passage) -> Vector:
        row = np.zeros(self.space.dimensions, np.float32)
        row[0] = 0.1
        for word in words.tokens(f"{passage.prefix}\n{passage.body}"):
            row[1 + zlib.crc32(word.encode()) % (self.space.dimensions - 1)] += 1
        return row / np.float32(math.sqrt(float(row @ row)))


class PagedText:
    """An extractor: `PAGED`, a title, and then pages parted by form feeds; each page is a line of its outline."""

    NAME = "paged-1"
    MEDIA_TYPES: tuple[str, ...] = ("text/x-paged",)
    SUFFIXES: tuple[str, ...] = (".paged",)

    def extract(self, data: bytes, limits: Limits) -> Extracted:
        return self.assembled(list(self.parts(data, limits, 0, 0)))

    def parts(self, data: bytes, limits: Limits, begin: int, characters: int) -> Iterator[Part]:
        if not data.startswith(b"PAGED"):
            raise Unreadable("The file is not paged text.")
        texts = data.removeprefix(b"PAGED").decode("utf-8", "replace").split("\f")
        if len(texts) > limits.pages or characters + sum(map(len, texts[begin:])) > limits.characters:
            raise TooLarge("The file is beyond its limits.")
        outline = tuple(OutlineEntry(1, f"page {number}", number) for number in range(len(texts)))
        for start in range(begin, len(texts), 10):
            pages = (RawPage(one, str(n), "" if one.strip() else "empty") for n, one in enumerate(texts, 1))
            head = ("title", outline) if start == 0 else ("", ())
            yield Part(start, len(texts), tuple(pages)[start : start + 10], *head)

    def assembled(self, parts: Sequence[Part]) -> Extracted:
        pages, text = [], ""
        for number, one in enumerate((page for part in parts for page in part.pages), 1):
            pages.append(Page(number, one.label, len(text), len(text) + len(one.text), one.problem))
            text += one.text + "\n\f"
        if not text.strip():
            raise NoText("No page of the file holds text.")
        sections = tuple(Section(pages[page].start, (title,)) for _, title, page in parts[0].outline)
        return Extracted(text, tuple(pages), sections, parts[0].title)


@dataclass
class ScriptedLLM:
    """Answers with a fixed draft, if there is any evidence at all that shares a word with the question."""

    draft: str
    name: str = "scripted"

    def stream(self, prompt: Prompt) -> Generator[str, None, None]:
        asked = set(words.tokens(prompt.question))
        if any(asked & set(words.tokens(one.content)) for one in prompt.evidence):
            yield from (self.draft[i : i + 7] for i in range(0, len(self.draft), 7))
