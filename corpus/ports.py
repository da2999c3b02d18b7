"""Every socket of the product: what can be plugged in, and what is promised.

A docstring here is the contract. Each sentence of it is proved by a test of the same words in `tests/contracts/`, run
against every adapter and against the in-memory fakes. Adapters raise only errors of `corpus.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the settings take their limits from here, and want none of the nouns
    from corpus.answers import Prompt, Tokens
    from corpus.items import Batch, Item, Put, Remove
    from corpus.model import (
        Blob,
        Change,
        Delivery,
        Extracted,
        Generation,
        GenerationId,
        Legs,
        Matrix,
        Passage,
        Purpose,
        Space,
        Vector,
    )
    from corpus.raw_pages import Part
    from corpus.scope import Where
    from corpus.uploads import BegunUpload, Link, UploadPart
    from corpus.ways import Exact, GraphState

LEASE_SECONDS = 60
MAX_DELIVERIES = 10
MAX_DELAY_SECONDS = 900
MAX_QUERY_WORDS = 64


class BlobStore(Protocol):
    """Where uploads and everything derived from them lie."""

    def get(self, key: str, limit: int) -> Blob:
        """Return the blob whole: bytes, etag and metadata of one and the same put.

        Raises `BlobMissing` when nothing is there. Raises `TooLarge`, without reading the body, when it holds more than
        `limit` bytes. Raises `BadRequest` for a key that could step outside the store.
        """
        ...

    def put(self, key: str, data: bytes, metadata: Mapping[str, str], *, absent: bool = False) -> str:
        """Store the bytes, durably and never in part, and return their etag.

        Putting an original sends a `put` change with its key, etag and version to the queue of the store.
        The versions of a key's changes strictly increase, whatever the clock says.
        A put under any other key sends nothing.
        With `absent`, raises `Conflict` and changes nothing when something is there already.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the blob and its metadata.

        Deleting an original sends a `removed` change with a greater version than any before it.
        Deleting what is not there is no error.
        """
        ...

    def link(self, key: str, media_type: str, disposition: str, seconds: int) -> str | None:
        """Return where anybody may read the blob for so long, with these headers; None if it is read by `get` only.

        Raises `BadRequest` for a key that could step outside the store.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in order, and nothing the store keeps for itself."""
        ...

    def ping(self) -> None:
        """Return if the store can be used, else raise `ConfigError` or `Unavailable` with the reason."""
        ...


class PartStore(Protocol):
    """Where a large upload comes in parts, which become one blob or none. All parts but the last have 5 MB or more."""

    def begin(self, upload_id: str, key: str, metadata: Mapping[str, str]) -> BegunUpload:
        """Begin an upload in parts; what is under the key stays as it is until it is completed."""
        ...

    def link(self, begun: BegunUpload, part: UploadPart, seconds: int) -> Link | None:
        """Return where anybody may put this part and no other bytes, for so long; None if it comes by `put` only."""
        ...

    def put(self, begun: BegunUpload, part: UploadPart, data: bytes) -> None:
        """Store the bytes of a part, in place of those it had.

        Raises `BadRequest`, storing nothing, for bytes of another size or SHA-256 than the part's.
        """
        ...

    def parts(self, begun: BegunUpload) -> list[int]:
        """Return the numbers of the parts that are there, in order.

        Raises `BlobMissing` once the upload is completed or aborted.
        """
        ...

    def digest(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        """Return the SHA-256 of the parts in a row, in hex; "" where nobody can read them before they are whole."""
        ...

    def complete(self, begun: BegunUpload, parts: Sequence[UploadPart]) -> str:
        """Make the parts one blob, in their order, with the metadata it was begun with, and return its etag.

        It is announced as a put is. Raises `BadRequest`, completing nothing, if a part is not there or has another
        size. Raises `BlobMissing` once the upload is completed or aborted.
        """
        ...

    def abort(self, begun: BegunUpload) -> None:
        """Forget the upload and its parts; what is under the key stays as it is.

        Aborting what is not there is no error.
        """
        ...


class Deliveries(Protocol):
    """What hands changes to a worker, as far as the worker goes: a queue, or a batch that somebody took from one."""

    def receive(self, limit: int, wait: float) -> list[Delivery]:
        """Hand out at most `limit` changes, waiting at most `wait` seconds for the first.

        A delivery is nobody else's for 60 seconds; unfinished by then, it is handed out again.
        A change that was handed out 10 times and not finished goes to the dead letters instead of out again.
        A message that cannot be understood goes to the dead letters, and its neighbours are handed out.
        """
        ...

    def extend(self, delivery: Delivery, seconds: float) -> None:
        """Keep the delivery for `seconds` from now; 0 hands it back at once."""
        ...

    def give_way(self, delivery: Delivery) -> None:
        """Hand the delivery back at once, to be handed out as if for the first time."""
        ...

    def waiting(self) -> bool:
        """Return whether a change waits that could be handed out now, without taking it."""
        ...

    def done(self, delivery: Delivery) -> None:
        """Finish the delivery: it is never handed out again.

        Finishing it twice, or after it was handed to another, is no error.
        """
        ...

    def failed(self, delivery: Delivery, error: Exception) -> None:
        """Hand the delivery back, to be handed out again after a pause that grows with its count.

        The pause is at least the `retry_after` of an `Unavailable`, up to 900 seconds.
        """
        ...


class Queue(Deliveries, Protocol):
    """Changes on their way to a worker: at least once, in no promised order."""

    def send(self, change: Change, delay: float = 0) -> None:
        """Make the change receivable after `delay` seconds, durably.

        Raises `BadRequest` for a delay beyond 900 seconds.
        """
        ...

    def dead_letters(self) -> int:
        """Return how many changes lie among the dead letters."""
        ...

    def ping(self) -> None:
        """Return if the queue can be used, else raise `ConfigError` or `Unavailable` with the reason."""
        ...


class Table(Protocol):
    """Records, with DynamoDB's guarantees and no more."""

    def get(self, pk: str, sk: str) -> Item | None:
        """Return the item as it was last written, or None.

        An item whose `ttl` has passed is not there for any read and for any condition.
        """
        ...

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        """Return one entry for each key, in order, as `get` would."""
        ...

    def put(self, item: Item, only_if: int) -> Item:
        """Write the item if its stored `rev` is `only_if`, and return it with its new `rev` and times.

        Each write raises `rev` by one, and a first write makes it 1. `created_at` stays that of the first write.
        Raises `Conflict`, changing nothing, when the stored `rev` is another, or when `ABSENT` and one is there.
        """
        ...

    def add(
        self, pk: str, sk: str, amounts: Mapping[str, int], cap: Mapping[str, int], ttl: int | None = None
    ) -> Mapping[str, int]:
        """Add to the counters of an item in one step, making it where there is none, and return their new values.

        An item that has no `ttl` gets this one, if there is one.
        Raises `QuotaExceeded`, which names the counter, changing nothing, when one would pass its cap.
        """
        ...

    def delete(self, pk: str, sk: str, only_if: int) -> None:
        """Delete the item if its stored `rev` is `only_if`, else raise `Conflict` and change nothing."""
        ...

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
        """Return the partition's items whose sort key lies in `span`, both ends included, in the sort key's order.

        Index 0 is the primary key; 1 to 3 find only the items that carry such a key.
        `newest_first` turns the order around.
        `after` goes on behind the page whose cursor it was, and only a page without a cursor is the last.
        Raises `BadRequest` for a cursor that is none.
        """
        ...

    def transact(self, writes: Sequence[Put | Remove]) -> None:
        """Do all of the writes or none; raises `Conflict`, changing nothing, when one condition does not hold.

        Raises `BadRequest` for more than 100 writes, or two of one item.
        """
        ...

    def ping(self) -> None:
        """Return if the table can be used, else raise `ConfigError` or `Unavailable` with the reason."""
        ...


class VectorIndex(Protocol):
    """Chunks with their vectors and words, of one space."""

    name: str
    space: Space

    def write(self, generation: Generation) -> None:
        """Store the generation's chunks; writing it again leaves it there once.

        A write that was cut short is made whole by the next.
        Raises `BadRequest` for vectors of another shape, or that are not of unit length.
        """
        ...

    def count(self, generation: GenerationId) -> int:
        """Return how many of the generation's chunks a search could find now."""
        ...

    def prune(self, document_id: str, keep: GenerationId | None, upto: str) -> None:
        """Remove the document's generations whose version is at most `upto`, except `keep`.

        A newer generation stays. Pruning what is not there is no error.
        """
        ...

    def legs(self, vector: Vector, words: Sequence[str], k: int, where: Where) -> Legs:
        """Return the k nearest and the k best matching chunks of what `where` may see, from one state of the index.

        `nearest` filters first and then chooses: whoever may see k chunks gets k, and they are the nearest of those.
        `nearest` scores by cosine, and `matching` holds only chunks with at least one of the words.
        Nothing of another tenant, of other readers or of a generation left out is ever in either list.
        A document of the tenant named in `where` is found whoever its readers are.
        Both lists hold only what passes the filter of `where`, and `nearest` the k nearest of that.
        """
        ...

    def exactly(self, vector: Vector, k: int, where: Where) -> Exact:
        """Return the k nearest chunks of what `where` may see, each of which is compared, graphs or not."""
        ...

    def tend(self, stop: Callable[[], bool]) -> None:
        """Build what makes searches fast, until `stop` says so.

        What a search finds is the same before and after, but for what a graph misses.
        """
        ...

    def graphs(self) -> list[GraphState]:
        """Return how it stands with the graphs that `tend` builds; none where the index keeps its own."""
        ...

    def ping(self) -> None:
        """Return if the index can be used and is of this space, else raise `ConfigError` or `Unavailable`."""
        ...


class Embedder(Protocol):
    """Passages to vectors of one space."""

    @property
    def space(self) -> Space:
        """What makes its vectors comparable; the same for as long as they are."""
        ...

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:
        """Yield blocks of rows as they are done: one row for each passage, in order, of unit length.

        The same passage gets the same row, within 1e-5, whatever stands beside it.
        A passage of any length, empty ones too, gets a row.
        Documents may yield blocks without a row besides: they say that the work goes on; a query yields one block.
        Closing it in the middle ends the work, and leaves nothing running.
        Where somebody is to be paid, it returns the tokens that were embedded.
        """
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost: bytes stored, pages, characters of text, rows of tables, bytes of memory, seconds.

    `nesting` is how deep tables, elements or attachments may lie in one another; `expanded` how many bytes an archive
    may unpack to, and `ratio` how many times its own size. `password` opens what is locked.
    """

    bytes: int = 100 * 2**20
    pages: int = 5_000
    characters: int = 20_000_000
    rows: int = 200_000
    nesting: int = 100
    expanded: int = 2**30
    ratio: int = 200
    memory: int = 2**30
    seconds: float = 120
    password: str = field(default="", repr=False)


class Extractor(Protocol):
    """One format's reader; a module satisfies it. It runs in a process of its own, with limits."""

    NAME: str
    MEDIA_TYPES: tuple[str, ...]
    SUFFIXES: tuple[str, ...]

    def extract(self, data: bytes, limits: Limits) -> Extracted:
        """Return the document's text with its pages and sections as offsets into it.

        Raises `Unreadable`, never a parser's own error, for bytes that are damaged or of another kind.
        Raises `TooLarge` for more pages or characters than the limits allow.
        Raises `NoText` when no page of it holds text.
        """
        ...


class PagedExtractor(Extractor, Protocol):
    """A format that can be read from any page on, so that a long document outlives whoever reads it."""

    def parts(self, data: bytes, limits: Limits, begin: int, characters: int) -> Iterator[Part]:
        """Yield the pages from index `begin` on, none twice and none left out, in parts of at most 64.

        Each part tells how many pages there are; the one with page 0 tells title and outline too.
        A page is the same wherever reading begins.
        `characters` is how many the pages before have: they count in the limit.
        """
        ...

    def assembled(self, parts: Sequence[Part]) -> Extracted:
        """Return what `extract` returns, from parts that follow on one another and hold every page."""
        ...


class LLM(Protocol):
    """A language model, or what stands in for one."""

    @property
    def name(self) -> str:
        """Which model it is."""
        ...

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:
        """Yield the answer in pieces: sentences that each end in `[n "quote"]`, quoting evidence n.

        Yields nothing at all when the evidence holds no answer.
        Where somebody is to be paid, it returns the tokens that were read and written.
        """
        ...
