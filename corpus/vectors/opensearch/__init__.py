"""Chunks in OpenSearch: one document a chunk, HNSW graphs, and the filter inside the nearest-neighbour clause.

Correctness rests on what every dialect has: the fields of a chunk. Ids chosen by us make repeats cheap and a refresh
makes writes show early, but a repeat or a late write only ever means that `count` says less, and the work is delivered
again. The index is made by `setup` alone; reading and writing refuse one that is missing or looks other than wanted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from corpus.errors import ConfigError, Forbidden, Unavailable
from corpus.keys import chunk_id
from corpus.model import Chunk, Generation, GenerationId, Hit, Legs
from corpus.ports import MAX_QUERY_WORDS
from corpus.scope import Where
from corpus.vectors.common import check_vectors, index_name, searched_words
from corpus.vectors.opensearch.bulk import Bulk
from corpus.vectors.opensearch.client import encoded, translated
from corpus.vectors.opensearch.mapping import EF_SEARCH, Design, is_younger
from corpus.ways import Exact, Filter, GraphState

if TYPE_CHECKING:
    from corpus.model import Vector

Clause = dict[str, Any]

PAGE = 1000
EXACTLY = 40_000
"""Up to how many different values a cardinality is asked to be exact."""
MOST_GENERATIONS = 1000
SEARCH_SECONDS = 10
SOURCE_IS_CHEAP = 3
"""From this major version on the vector is not part of the stored source, so reading a field of it costs nothing."""
OVER_ALL_SHARDS: Clause = {"search_type": "dfs_query_then_fetch"}
"""Count how rare a word is over the whole index, as one machine does; each shard alone would rank otherwise."""
STORED = ("content", "metadata.title", "metadata.section", "metadata.tableHeader")
VALUES = (
    "chunkId",
    "documentId",
    "version",
    "recipe",
    "chunkIndex",
    "startPosition",
    "endPosition",
    "metadata.fileName",
    "metadata.pageNumber",
    "metadata.endPage",
)


class OpenSearchIndex:
    """A `VectorIndex` in OpenSearch, for one space."""

    def __init__(self, client: Any, design: Design, *, name: str = "", read_only: bool = False) -> None:
        """Take a client (`client.connected`); opens nothing. With `read_only`, refuses whatever would change it."""
        self.space = design.space
        self.name = name or index_name(design.space)
        self._client, self._design = client, design
        self._read_only = read_only
        self._bulk = Bulk(client, self.name)
        self._lock = threading.Lock()
        self._version = 0

    def setup(self) -> bool:
        """Make the index if it is missing, bring settings that can change up to date; return whether it was made.

        Raises `ConfigError` for an index of the same name that looks otherwise, and leaves that alone.
        """
        self._may_change()
        with translated(f"The index {self.name}"):
            missing = not self._client.indices.exists(index=self.name)
            if missing:
                self._client.indices.create(index=self.name, body=self._design.body())
        drift = self._design.drift(self._mapping())
        self._refuse([one for one in drift if not is_younger(one)])
        with translated(f"The index {self.name}"):
            if drift:
                self._client.indices.put_mapping(index=self.name, body={"properties": self._design.properties()})
            self._client.indices.put_settings(index=self.name, body=self._design.live_settings())
        self.ping()
        return missing

    def ping(self) -> None:
        with translated(f"The index {self.name}"):
            version = self._client.info()["version"]["number"]
            settings = self._client.indices.get_settings(index=self.name, params={"flat_settings": "true"})
        drift = self._design.drift(self._mapping())
        self._refuse(drift or self._design.settings_drift(settings[self.name]["settings"]))
        with self._lock:
            self._version = int(version.split(".")[0])

    def _mapping(self) -> dict[str, Any]:
        with translated(f"The index {self.name}"):
            found: dict[str, Any] = self._client.indices.get_mapping(index=self.name)[self.name]["mappings"]
        return found

    def _refuse(self, drift: Sequence[str]) -> None:
        if drift:
            hint = "`footnote setup` mends settings; for anything else choose another index and run `footnote reindex`."
            raise ConfigError(f"The index {self.name} is not as it should be: {'; '.join(drift[:3])}.", hint=hint)

    def write(self, generation: Generation) -> None:
        self._may_change()
        check_vectors(generation, self.space)
        self._checked()
        self._bulk.send(_write(generation, chunk) for chunk in generation.chunks)

    def count(self, generation: GenerationId) -> int:
        """Return how many different chunks of the generation a search finds: repeats count once."""
        self._checked()
        body = {
            "size": 0,
            "track_total_hits": True,
            "query": {"bool": {"filter": _of(generation)}},
            "aggs": {"chunks": {"cardinality": {"field": "chunkId", "precision_threshold": EXACTLY}}},
        }
        answer = self._search(body)
        total, different = int(answer["hits"]["total"]["value"]), int(answer["aggregations"]["chunks"]["value"])
        if total == different:
            return total
        pages = self._pages(_of(generation), ["chunkId"])  # there are repeats, or so many that the figure is a guess
        return len({hit["fields"]["chunkId"][0] for hit in pages})

    def prune(self, document_id: str, keep: GenerationId | None, upto: str) -> None:
        self._may_change()
        self._checked()
        for generation in self._generations(document_id):
            if generation.version > upto or generation == keep:
                continue
            found = (hit["_id"] for hit in list(self._pages(_of(generation))))
            self._bulk.send(encoded({"delete": {"_id": one}}) + b"\n" for one in found)

    def legs(self, vector: Vector, words: Sequence[str], k: int, where: Where) -> Legs:
        version = self._checked()
        visible = _visible(where)
        searches: list[tuple[Clause, Clause]] = [({}, _nearest(vector, k, visible))]
        if words:
            searches.append((OVER_ALL_SHARDS, _matching(words[:MAX_QUERY_WORDS], k, visible)))
        lines = b"".join(
            encoded(how) + b"\n" + encoded({**_fetched(version), **body}) + b"\n" for how, body in searches
        )
        with translated(f"The index {self.name}"):
            answer = self._client.transport.perform_request(
                "POST",
                f"/{self.name}/_msearch",
                body=lines,
                headers={"content-type": "application/x-ndjson"},
            )
        nearest, *matching = [self._whole(one)["hits"]["hits"] for one in answer["responses"]]
        return Legs(
            _hits(nearest, k, cosine=True),
            _hits(matching[0], k) if matching else (),
        )

    def exactly(self, vector: Vector, k: int, where: Where) -> Exact:
        self._checked()
        found = self._search(_exactly(vector, k, _visible(where)))["hits"]
        ids = dict.fromkeys(hit["fields"]["chunkId"][0] for hit in found["hits"])
        return Exact(tuple(ids), int(found["total"]["value"]))

    def tend(self, stop: Callable[[], bool]) -> None:
        """Do nothing: OpenSearch builds its graphs by itself."""

    def graphs(self) -> list[GraphState]:
        return []

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _checked(self) -> int:
        """The server's major version; the first call looks whether the index is as it should be."""
        if not self._version:
            self.ping()
        return self._version

    def _may_change(self) -> None:
        if self._read_only:
            raise Forbidden(f"The index {self.name} was opened for reading only.")

    def _search(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with translated(f"The index {self.name}"):
            return self._whole(self._client.search(index=self.name, body=body))

    def _whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer in which every shard took part, in time; a part of the truth is not passed on."""
        if "error" in answer:
            kind = str(answer["error"].get("type", ""))
            if answer.get("status", 500) < HTTPStatus.INTERNAL_SERVER_ERROR:  # a mistake in our request
                raise RuntimeError(f"The index {self.name}: OpenSearch refused a search ({kind}).")
            raise Unavailable(f"The index {self.name} could not be searched ({kind}).", retry_after=5)
        if answer["timed_out"] or answer["_shards"]["failed"]:
            raise Unavailable(f"The index {self.name} could not be searched in full.", retry_after=5)
        return answer

    def _pages(self, clauses: Iterable[Clause], values: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Yield every hit of a filter, page by page, without its source."""
        body: dict[str, Any] = {
            "size": PAGE,
            "_source": False,
            "docvalue_fields": list(values),
            "query": {"bool": {"filter": list(clauses)}},
            "sort": [{"chunkId": "asc"}, {"_doc": "asc"}],
        }
        while hits := self._search(body)["hits"]["hits"]:
            yield from hits
            body["search_after"] = hits[-1]["sort"]

    def _generations(self, document_id: str) -> list[GenerationId]:
        """Which generations of a document lie in the index."""
        sources = [{name: {"terms": {"field": name}}} for name in ("version", "recipe")]
        body = {
            "size": 0,
            "query": {"bool": {"filter": [{"term": {"documentId": document_id}}]}},
            "aggs": {"generations": {"composite": {"size": MOST_GENERATIONS, "sources": sources}}},
        }
        buckets = self._search(body)["aggregations"]["generations"]["buckets"]
        return [GenerationId(document_id, one["key"]["version"], one["key"]["recipe"]) for one in buckets]


def _write(generation: Generation, chunk: Chunk) -> bytes:
    """The two lines of a bulk body that store a chunk."""
    name = chunk_id(*generation.id, chunk.index)
    about = {
        "fileName": generation.file_name,
        "fileType": generation.file_type,
        "tags": generation.tags,
        "title": generation.title,
        "section": chunk.section,
        "pageNumber": chunk.page,
        "endPage": chunk.end_page,
        "wordCount": len(chunk.content.split()),
        "charCount": len(chunk.content),
        "tableHeader": chunk.header,
    }
    stored = {
        "chunkId": name,
        "documentId": generation.id.document_id,
        "userId": generation.user_id,
        "tenantId": generation.tenant_id,
        "version": generation.id.version,
        "recipe": generation.id.recipe,
        "readers": generation.readers,
        "chunkIndex": chunk.index,
        "startPosition": chunk.start,
        "endPosition": chunk.end,
        "content": chunk.content,
        "searchText": searched_words(generation, chunk),
        "embedding": generation.vectors[chunk.index],
        "metadata": about,
        "createdAt": generation.created_at or None,
    }
    return encoded({"index": {"_id": name}}) + b"\n" + encoded(stored) + b"\n"


def _of(generation: GenerationId) -> list[Clause]:
    """The filter that finds a generation's chunks."""
    names = ("documentId", "version", "recipe")
    return [{"term": {name: value}} for name, value in zip(names, generation, strict=True)]


def _visible(where: Where) -> Clause:
    """The filter that is ANDed to every search: tenant, readers, what the asker wants, and what is left out.

    Values only, never syntax.
    """
    readable: list[Clause] = [{"terms": {"readers": sorted(where.principals)}}]
    if where.document_ids:
        readable.append({"terms": {"documentId": sorted(where.document_ids)}})
    return {
        "bool": {
            "filter": [
                {"term": {"tenantId": where.tenant_id}},
                {"bool": {"should": readable, "minimum_should_match": 1}},
                *_passing(where.only),
            ],
            "must_not": [{"bool": {"filter": _of(one)}} for one in sorted(where.without)],
        }
    }


def _passing(only: Filter) -> Iterator[Clause]:
    """What a filter asks, each kind that is given in a clause of its own."""
    kinds = {"documentId": only.document_ids, "metadata.tags": only.tags, "metadata.fileType": only.types}
    for name, values in kinds.items():
        if values:
            yield {"terms": {name: sorted(values)}}
    times = {"gte": only.since, "lt": only.until}
    if only.since or only.until:
        yield {"range": {"createdAt": {bound: time for bound, time in times.items() if time}}}


def _nearest(vector: Vector, k: int, visible: Clause) -> Clause:
    """The filter stands inside the clause: the k nearest of what may be seen, not what may be seen of the k nearest."""
    asked = {
        "vector": vector,
        "k": k,
        "method_parameters": {"ef_search": max(EF_SEARCH, k)},
        "filter": visible,
    }
    return {"size": k, "query": {"knn": {"embedding": asked}}}


def _exactly(vector: Vector, k: int, visible: Clause) -> Clause:
    """Every chunk that passes is scored by a script of the k-NN plug-in, which knows no graphs."""
    asked = {"field": "embedding", "query_value": vector, "space_type": "cosinesimil"}
    script = {"lang": "knn", "source": "knn_score", "params": asked}
    return {
        "size": k,
        "track_total_hits": True,
        "timeout": f"{SEARCH_SECONDS}s",
        "_source": False,
        "docvalue_fields": ["chunkId"],
        "query": {"script_score": {"query": visible, "script": script}},
    }


def _matching(words: Sequence[str], k: int, visible: Clause) -> Clause:
    any_of = [{"term": {"searchText": word}} for word in words]
    query = {"bool": {"should": any_of, "minimum_should_match": 1, "filter": [visible]}}
    return {"size": k, "query": query, "sort": ["_score", {"documentId": "asc"}, {"chunkIndex": "asc"}]}


def _fetched(version: int) -> Clause:
    """What to return of a hit.

    Before version 3 the source holds the vector as text, and reading it costs more than the search; from 3 on it is the
    cheapest.
    """
    about: Clause = {"track_total_hits": False, "timeout": f"{SEARCH_SECONDS}s"}
    if version >= SOURCE_IS_CHEAP:
        return {**about, "_source": [*STORED, *VALUES, "createdAt"]}
    dates = {"field": "createdAt", "format": "strict_date_time"}
    return {**about, "_source": False, "stored_fields": list(STORED), "docvalue_fields": [*VALUES, dates]}


def _hits(found: Iterable[dict[str, Any]], k: int, *, cosine: bool = False) -> tuple[Hit, ...]:
    """The hits, each chunk once; OpenSearch scores a cosine as (1 + cos) / 2."""
    hits: dict[str, Hit] = {}
    for one in found:
        score = 2 * one["_score"] - 1 if cosine else one["_score"]
        hit = _hit(one["fields"] if "fields" in one else _flat(one["_source"]), score)
        hits.setdefault(hit.chunk_id, hit)
    return tuple(hits.values())[:k]


def _flat(source: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A source in the shape of fields: full names, and lists."""
    about = {f"metadata.{name}": value for name, value in source.get("metadata", {}).items()}
    return {name: [value] for name, value in {**source, **about}.items() if name != "metadata"}


def _hit(fields: Mapping[str, list[Any]], score: float) -> Hit:
    def value(name: str, otherwise: Any = "") -> Any:
        return fields.get(name, [otherwise])[0]

    return Hit(
        chunk_id=value("chunkId"),
        generation=GenerationId(value("documentId"), value("version"), value("recipe")),
        chunk_index=value("chunkIndex"),
        start=value("startPosition"),
        end=value("endPosition"),
        content=value("content"),
        page=value("metadata.pageNumber"),
        end_page=value("metadata.endPage"),
        file_name=value("metadata.fileName"),
        title=value("metadata.title"),
        section=value("metadata.section"),
        created_at=value("createdAt"),
        score=score,
        header=value("metadata.tableHeader"),
    )
