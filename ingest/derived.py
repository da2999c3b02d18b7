"""What was made of one version of a document by one recipe, kept as blobs.

Each file is a stage's checkpoint: put if absent and never overwritten, so whoever comes second finds what the first
made. A file that cannot be understood is no checkpoint; it is removed and made again. What answers is not read for
that each time: only a change that was asked for again (a replay, a retry) looks at every file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import logging
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from corpus import raw_pages, texts
from corpus.errors import BlobMissing, Conflict
from corpus.keys import chunk_id, processed_prefix
from corpus.model import HEADING_SEPARATOR, Chunk, Document, Extracted, Generation, GenerationId, Passage
from corpus.ports import BlobStore
from corpus.raw_pages import Part
from corpus.words import file_words, heading_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.model import Matrix, Vector

log = logging.getLogger(__name__)

CHUNKS, EMBEDDINGS = "chunks.jsonl.gz", "embeddings.npz"
CHECKPOINTS = "checkpoints/"
PARTS, VECTORS = CHECKPOINTS + "extract-v", CHECKPOINTS + "embed-v"
_T = TypeVar("_T")
_DAMAGED = (
    *(ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError, OSError),
    *(zlib.error, zipfile.BadZipFile, struct.error),
)
"""What reading raises, of a file that somebody else wrote over or cut off."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a chunk's line says of its document; and its language, which decides its words."""

    user_id: str
    tenant_id: str
    file_name: str
    file_type: str
    tags: tuple[str, ...]
    title: str
    created_at: str
    language: str = ""


class Derived:
    """The derived files of one generation; `kept` is called after each that is kept."""

    def __init__(
        self, blobs: BlobStore, user_id: str, generation: GenerationId, kept: Callable[[], None] = lambda: None
    ) -> None:
        self._blobs = blobs
        self._kept = kept
        self._user_id = user_id
        self._generation = generation
        self._prefix = processed_prefix(user_id, *generation)

    def extracted(self) -> Extracted | None:
        """Return the text with its structure, if the stage is done."""
        return self._understood(lambda: texts.stored(self._blobs, self._user_id, self._generation), *texts.NAMES)

    def parts(self) -> tuple[Part, ...]:
        """Return the parts of the text that were kept before all were read, as far as they follow on one another."""
        return raw_pages.in_a_row(
            part for name in self._checkpoints(PARTS) if (part := self._load(name, raw_pages.load_part))
        )

    def keep_part(self, part: Part) -> None:
        """Keep a part under the number of its first page, unless it is all there is: then the text is kept next."""
        if not part.whole:
            self._keep(f"{PARTS}{part.begin + 1}.json", raw_pages.dump_part(part))

    def keep_extracted(self, extracted: Extracted) -> Extracted:
        """Keep the text, then its structure: the second says that both are there."""
        for name, data in texts.kept(extracted).items():
            self._keep(name, data)
        return extracted

    def damaged(self) -> tuple[str, ...]:
        """Return which files of a generation that was made are gone, cannot be understood, or do not fit the others."""
        text = self._tried(lambda: texts.stored(self._blobs, self._user_id, self._generation), texts.TEXT)
        chunks = self._tried(lambda: _read_chunks(self._data(CHUNKS))[0], CHUNKS)
        if chunks and text and not fits(chunks, text):
            chunks = None
        vectors = self._tried(lambda: _read_vectors(self._data(EMBEDDINGS)), EMBEDDINGS)
        if vectors is not None and chunks and len(vectors) != len(chunks):
            vectors = None
        gone = ((texts.NAMES, text), ((CHUNKS,), chunks), ((EMBEDDINGS,), vectors))
        return tuple(name for names, found in gone if found is None for name in names)

    def drop(self, names: Iterable[str]) -> None:
        """Remove files, for them to be made anew."""
        for name in names:
            self._blobs.delete(self._prefix + name)

    def chunks(self) -> tuple[tuple[Chunk, ...], str] | None:
        """Return the chunks and when they were made, if the stage is done."""
        return self._load(CHUNKS, _read_chunks)

    def keep_chunks(self, chunks: tuple[Chunk, ...], context: Context) -> None:
        """Keep the chunks, one line each, as the index will store them.

        Those that are kept already stay, unless they were embedded with another title: then they go with their vectors.
        """
        kept = self.embed_hashes()
        if kept and kept == [embed_hash(passage(one, context)) for one in chunks]:
            return
        self.drop((EMBEDDINGS, CHUNKS) if kept else ())
        lines = [json.dumps(self._line(one, context), ensure_ascii=False) for one in chunks]
        self._keep(CHUNKS, gzip.compress("\n".join(lines).encode(), mtime=0))

    def _line(self, chunk: Chunk, context: Context) -> dict[str, object]:
        return {
            "chunkId": chunk_id(*self._generation, chunk.index),
            "documentId": self._generation.document_id,
            "userId": context.user_id,
            "tenantId": context.tenant_id,
            "version": self._generation.version,
            "recipe": self._generation.recipe,
            "chunkIndex": chunk.index,
            "startPosition": chunk.start,
            "endPosition": chunk.end,
            "content": chunk.content,
            "metadata": {
                "fileName": context.file_name,
                "fileType": context.file_type,
                "tags": context.tags,
                "title": context.title,
                "section": chunk.section,
                "pageNumber": chunk.page,
                "endPage": chunk.end_page,
                "wordCount": len(chunk.content.split()),
                "charCount": len(chunk.content),
                "tableHeader": chunk.header,
            },
            "createdAt": context.created_at,
            "tokenCount": chunk.token_count,
            "embedHash": embed_hash(passage(chunk, context)),
        }

    def embed_hashes(self) -> list[str]:
        """Return the hash of what was embedded for each chunk; empty if the stage is not done."""
        return self._load(CHUNKS, lambda data: [str(line["embedHash"]) for line in _lines(data)]) or []

    def vectors(self) -> Matrix | None:
        """Return the vectors, row i that of chunk i, if the stage is done."""
        return self._load(EMBEDDINGS, _read_vectors)

    def keep_vectors(self, vectors: Matrix) -> None:
        """Keep the vectors as float32."""
        self._keep(EMBEDDINGS, _archive(embeddings=vectors))

    def checkpoints(self) -> Iterator[dict[str, Vector]]:
        """Yield the vectors that were kept before all were there, by the name of what was embedded."""
        for name in self._checkpoints(VECTORS):
            yield self._load(name, _read_checkpoint) or {}

    def keep_checkpoint(self, rows: Mapping[str, Vector]) -> None:
        """Keep some of the vectors, under the next number that is free."""
        data = _archive(names=np.array(list(rows)), embeddings=np.stack(list(rows.values())))
        for number in itertools.count(1):
            if self._keep(f"{VECTORS}{number}.npz", data):
                return

    def drop_checkpoints(self) -> None:
        """Remove what was kept on the way, now that all is made."""
        self.drop(self._checkpoints(CHECKPOINTS))

    def _checkpoints(self, begins: str) -> list[str]:
        return [key.removeprefix(self._prefix) for key in self._blobs.keys(self._prefix + begins)]

    def _keep(self, name: str, data: bytes) -> bool:
        try:
            self._blobs.put(self._prefix + name, data, {}, absent=True)
        except Conflict:  # made by another
            log.info("a derived file was there already", extra={"key": self._prefix + name})
            return False
        self._kept()
        return True

    def _load(self, name: str, read: Callable[[bytes], _T]) -> _T | None:
        try:
            data = self._data(name)
        except BlobMissing:
            return None
        return self._understood(lambda: read(data), name)

    def _data(self, name: str) -> bytes:
        return self._blobs.get(self._prefix + name, texts.ANY_SIZE).data

    def _understood(self, read: Callable[[], _T | None], *names: str) -> _T | None:
        try:
            return read()
        except _DAMAGED as error:
            self._note(names[0], error)
            self.drop(names)
            return None

    def _tried(self, read: Callable[[], _T | None], name: str) -> _T | None:
        """What is read, or None; nothing is removed."""
        try:
            return read()
        except (BlobMissing, *_DAMAGED) as error:
            self._note(name, error)
            return None

    def _note(self, name: str, error: Exception) -> None:
        log.warning("a derived file is damaged", extra={"key": self._prefix + name, "error": type(error).__name__})


def damaged(blobs: BlobStore, document: Document, index_name: str) -> tuple[str, ...]:
    """Return which of the files are damaged that were made of what answers of a document; none if nothing does."""
    live_id = document.live_in(index_name)
    return Derived(blobs, document.user_id, live_id).damaged() if live_id else ()


def fits(chunks: Sequence[Chunk], extracted: Extracted) -> bool:
    """Whether chunks are of this text."""
    return all(extracted.text[one.start : one.end] == one.content for one in chunks)


def generation_of(
    generation_id: GenerationId, document: Document, chunks: tuple[Chunk, ...], context: Context, vectors: Matrix
) -> Generation:
    """Return what an index stores of chunks and their vectors."""
    return Generation(
        id=generation_id,
        user_id=document.user_id,
        tenant_id=document.tenant_id,
        readers=document.readers,
        file_name=context.file_name,
        file_type=context.file_type,
        tags=document.tags,
        title=context.title,
        created_at=context.created_at,
        chunks=chunks,
        vectors=vectors,
        language=context.language,
    )


def passage(chunk: Chunk, context: Context) -> Passage:
    """Return what is embedded of a chunk: its text, behind the words of file name, title, headings and columns."""
    prefix = heading_line(file_words(context.file_name), (context.title, *chunk.headings))
    return Passage(f"{prefix}\n{chunk.header}" if chunk.header else prefix, chunk.content)


def embed_hash(one: Passage) -> str:
    """Return the name of what was embedded: vectors of the same space and name are the same."""
    return hashlib.sha256(f"{one.prefix}\n{one.body}".encode("utf-8", "surrogatepass")).hexdigest()


def _lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in gzip.decompress(data).split(b"\n")]


def _read_chunks(data: bytes) -> tuple[tuple[Chunk, ...], str]:
    lines = [json.loads(line) for line in gzip.decompress(data).split(b"\n")]
    chunks = tuple(
        Chunk(
            index=line["chunkIndex"],
            start=line["startPosition"],
            end=line["endPosition"],
            content=line["content"],
            page=line["metadata"]["pageNumber"],
            end_page=line["metadata"]["endPage"],
            headings=tuple(part for part in line["metadata"]["section"].split(HEADING_SEPARATOR) if part),
            token_count=line["tokenCount"],
            header=line["metadata"].get("tableHeader", ""),
        )
        for line in lines
    )
    return chunks, str(lines[0]["createdAt"])


def _archive(**arrays: NDArray[Any]) -> bytes:
    target = io.BytesIO()
    arrays["embeddings"] = arrays["embeddings"].astype(np.float32, copy=False)
    np.savez(target, **arrays)  # type: ignore[arg-type] # its flag is no array
    return target.getvalue()


def _read_checkpoint(data: bytes) -> dict[str, Vector]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        names = [str(name) for name in archive["names"]]
    return dict(zip(names, _read_vectors(data), strict=True))


def _read_vectors(data: bytes) -> Matrix:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        vectors: Matrix = archive["embeddings"]
    if vectors.dtype != np.float32 or vectors.ndim != 2:  # noqa: PLR2004 -- rows and columns
        raise ValueError("The vectors are not rows of float32.")
    return vectors
