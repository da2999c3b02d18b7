"""The nouns: frozen values without input or output.

A document comes in as a `Change`, is read into an `Extracted` text, cut into `Chunk`s, and lies in an index as one
`Generation`. A question comes with a `Scope`, becomes a `Where` and a vector, and finds `Hit`s; what is made of these
stands in `corpus.answers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from corpus.force import Force
from corpus.keys import Original, original_key, parse_original
from corpus.principals import tenant_principal, user_principal
from corpus.ways import Way

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from corpus.scope import Scope

    Matrix: TypeAlias = NDArray[np.float32]
    Vector: TypeAlias = NDArray[np.float32]

Json: TypeAlias = bool | int | str | list["Json"] | tuple["Json", ...] | Mapping[str, "Json"] | None
ChangeKind = Literal["put", "removed"]
Status = Literal["uploading", "processing", "ready", "error"]
Purpose = Literal["document", "query"]
PageProblem = Literal["", "empty", "image", "garbage", "failed"]
Method = Literal["", "text", "ocr"]
"""How a page was read: the file's own text, or recognised in its picture; not at all."""

HEADING_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Change:
    """All that an outside event means to us: the original under `key` was put or removed.

    `version` sorts: of two changes of one key the later has the greater. `etag` names the bytes meant; it is empty on a
    replay, which means the bytes its record speaks of.
    """

    kind: ChangeKind
    key: str
    version: str
    etag: str = ""

    @property
    def original(self) -> Original | None:
        """Whose document it speaks of; None if `key` names no original."""
        return parse_original(self.key)


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes and what the store knows of them; `bucket` is "" where there are none."""

    key: str
    data: bytes
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A change handed to one worker for a while; `count` says how often it was handed out, this time included."""

    change: Change
    receipt: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an extracted text: `text[start:end]`, physical `number` from 1, printed `label` ("" if unpaged).

    `confidence` says in percent how sure its reader was: of the characters it could decode, of the words it recognised.
    """

    number: int
    label: str
    start: int
    end: int
    problem: PageProblem = ""
    method: Method = "text"
    confidence: int = 100


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading: from `start` to the next section's, `headings` from the outermost inwards."""

    start: int
    headings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: each line of `text[start:end]` is a row, and the lines before `header_end` are its header, if any."""

    start: int
    header_end: int
    end: int


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document's text with its structure as offsets, so that nobody searches for structure again."""

    text: str
    pages: tuple[Page, ...]
    sections: tuple[Section, ...] = ()
    title: str = ""
    flags: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()

    def page_at(self, offset: int) -> Page:
        """Return the page on which a place of the text stands."""
        return [page for page in self.pages if page.start <= offset][-1]

    def section_at(self, offset: int) -> str:
        """Return the headings above a place of the text on one line, from the outermost inwards."""
        above = [section for section in self.sections if section.start <= offset]
        return HEADING_SEPARATOR.join(above[-1].headings) if above else ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document: `content == extracted.text[start:end]`, always.

    Rows that stand apart from their table's header have it in `header`: repeated, and so no part of `content`.
    """

    index: int
    start: int
    end: int
    content: str
    page: int
    end_page: int
    headings: tuple[str, ...]
    token_count: int
    header: str = ""

    @property
    def section(self) -> str:
        """The heading path in one line."""
        return HEADING_SEPARATOR.join(self.headings)


@dataclass(frozen=True, slots=True)
class Passage:
    """What is embedded: a body, and the words that say where it stands."""

    prefix: str
    body: str


@dataclass(frozen=True, slots=True)
class Space:
    """What makes two vectors comparable."""

    name: str
    dimensions: int

    def __str__(self) -> str:
        return f"{self.name}@{self.dimensions}"


class GenerationId(NamedTuple):
    """Which chunks: those of one version of a document, made by one recipe."""

    document_id: str
    version: str
    recipe: str


@dataclass(frozen=True, slots=True)
class Generation:
    """The chunks of one version and recipe of a document, as an index stores them; row i of `vectors` is chunk i's.

    Whoever makes it again makes the same chunks: only readers, tags and title may be others.
    """

    id: GenerationId
    user_id: str
    tenant_id: str
    readers: tuple[str, ...]
    file_name: str
    file_type: str
    tags: tuple[str, ...]
    title: str
    created_at: str
    chunks: tuple[Chunk, ...]
    vectors: Matrix
    language: str = ""


class Hit(NamedTuple):
    """A chunk that was found, with the score of whoever found it.

    A tuple, since a search makes hundreds: a data class takes four times as long to make, or to make anew.
    """

    chunk_id: str
    generation: GenerationId
    chunk_index: int
    start: int
    end: int
    content: str
    page: int
    end_page: int
    file_name: str
    title: str
    section: str
    created_at: str
    score: float
    header: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Legs:
    """The two lists of one search, best first: by meaning (`score` is the cosine) and by words (its own scale).

    `way` says how the first was found, where the index knows.
    """

    nearest: tuple[Hit, ...]
    matching: tuple[Hit, ...]
    way: Way | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Live:
    """Which generation of a document answers in one index, how many chunks it has, and what these were marked with."""

    version: str
    recipe: str
    chunk_count: int
    marks: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Who but its owner may read a document: the tenant, people by id, principals."""

    is_public: bool = False
    shared_with: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stages:
    """How far the current attempt came, and what stopped it."""

    text_extracted: bool = False
    chunks_created: bool = False
    vectors_generated: bool = False
    indexed: bool = False
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The page ledger in short: how many pages, how many were readable, and the ranges ("3-5", "7") that were not.

    `recognised` are those of the readable pages whose text was recognised in a picture.
    """

    pages: int = 0
    readable: int = 0
    empty: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    garbage: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    recognised: tuple[str, ...] = ()

    @property
    def gaps(self) -> tuple[str, ...]:
        """The page ranges that may hold something nobody has read; blank pages are no gap."""
        return self.images + self.garbage


def pages_of(ranges: Sequence[str]) -> str:
    """Return page ranges in words: "page 2", "pages 2-3, 7"."""
    several = len(ranges) > 1 or "-" in ranges[0]
    return f"page{'s' if several else ''} {', '.join(ranges)}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a document is in `error`: a stable code, the stage, whether trying again may help, and what would."""

    code: str
    stage: str
    transient: bool
    hint: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What became of an upload. `live` says which generation answers, by index; `rev` is its record's.

    It is called by `read_title` unless a person says otherwise. `cost_micros`: what its jobs cost, in micro-dollars.
    """

    document_id: str
    user_id: str
    tenant_id: str
    file_name: str = ""
    file_type: str = ""
    file_size: int = 0
    bucket: str = ""
    upload_date: str = ""
    status: Status = "uploading"
    stages: Stages = Stages()
    title: str = ""
    read_title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    page_count: int = 0
    word_count: int = 0
    preview: str = ""
    keywords: tuple[str, ...] = ()
    access: Access = Access()
    force: Force = field(default_factory=Force)
    version: str = ""
    live: Mapping[str, Live] = field(default_factory=dict)
    job_id: str = ""
    checksum_md5: str = ""
    checksum_sha256: str = ""
    coverage: Coverage = Coverage()
    reason: Reason | None = None
    cost_micros: int = 0
    deleted_at: str = ""
    updated_at: str = ""
    rev: int = 0

    @property
    def key(self) -> str:
        """The key of its original."""
        return original_key(self.user_id, self.document_id)

    @property
    def readers(self) -> tuple[str, ...]:
        """The principals an index filters by: the owner, the tenant if public, the audience.

        People it is shared with by name are not among them: their searches name the document instead, so that a share
        needs no rewrite of chunks.
        """
        everyone = (tenant_principal(self.tenant_id),) if self.access.is_public else ()
        return tuple(dict.fromkeys((user_principal(self.user_id), *everyone, *self.access.audience)))

    @property
    def marks(self) -> str:
        """What people said of it that its chunks bear, readers, tags and title, by a short name; "" if nothing."""
        said = [*self.readers[1:], "", *self.tags, "", self.given_title]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12] if any(said) else ""

    @property
    def given_title(self) -> str:
        """The title that a person gave it; "" if nobody did."""
        return "" if self.title == self.read_title else self.title

    def admits(self, scope: Scope) -> bool:
        """Whether this asker may know of it. The record decides; an index filter only comes first."""
        if self.deleted_at or self.tenant_id != scope.tenant_id:
            return False
        return scope.user_id in self.access.shared_with or not scope.principals.isdisjoint(self.readers)

    def is_of(self, scope: Scope) -> bool:
        """Whether it is this asker's own, in the building they ask in: nobody changes one building's in another."""
        return (self.user_id, self.tenant_id) == (scope.user_id, scope.tenant_id)

    def is_replacing(self, older: Document) -> bool:
        """Whether it is there, of the same owner, and says that it takes the place of the other."""
        same = (self.user_id, self.tenant_id) == (older.user_id, older.tenant_id)
        return same and not self.deleted_at and self.force.supersedes == older.document_id

    def live_in(self, index_name: str) -> GenerationId | None:
        """Which generation answers in that index; None if none does."""
        live = None if self.deleted_at else self.live.get(index_name)
        return GenerationId(self.document_id, live.version, live.recipe) if live else None
