"""What an index in OpenSearch is to look like, and in what a live one differs.

Everything is pinned, because the defaults of the k-NN plug-in change between versions: the engine, the compression, the
space, the method. What a running cluster's operator may tune (shards, replicas, refresh interval) is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from corpus.model import Json, Space
from corpus.ways import Engine

SCHEMA_VERSION = "1.0.0"
M, EF_CONSTRUCTION, EF_SEARCH = 24, 128, 100
KEYWORD: Json = {"type": "keyword"}
INTEGER: Json = {"type": "integer"}
STORED: Json = {"type": "text", "index": False, "store": True}
DATE: Json = {"type": "date", "format": "strict_date_optional_time"}

ECHOED = {"properties.embedding.method.space_type": "cosinesimil"}
"""What a server adds to a mapping of its own accord, saying the same again."""


@dataclass(frozen=True, slots=True)
class Design:
    """What decides an index: its space, the engine of its graphs, and up to how many chunks a search is exact.

    Without `graphs` nothing is approximated; Faiss then needs no native library, and only tests want that.
    """

    space: Space
    engine: Engine = "faiss"
    exact_below: int = 10_000
    graphs: bool = True

    def mapping(self) -> dict[str, Json]:
        """Return the fields and what the index says of itself."""
        meta: Json = {
            "schemaVersion": SCHEMA_VERSION,
            "space": self.space.name,
            "dimensions": self.space.dimensions,
        }
        return {"dynamic": "strict", "_meta": meta, "properties": self.properties()}

    def properties(self) -> dict[str, Json]:
        """Return the fields: the names are those of the data model."""
        keywords = ("chunkId", "documentId", "userId", "tenantId", "version", "recipe", "readers")
        integers = ("chunkIndex", "startPosition", "endPosition")
        about = {
            **dict.fromkeys(("fileName", "fileType", "tags"), KEYWORD),
            **dict.fromkeys(("title", "section", "tableHeader"), STORED),
            **dict.fromkeys(("pageNumber", "endPage", "wordCount", "charCount"), INTEGER),
        }
        return {
            **dict.fromkeys(keywords, KEYWORD),
            **dict.fromkeys(integers, INTEGER),
            "content": STORED,
            "searchText": {"type": "text", "analyzer": "whitespace"},
            "embedding": {
                "type": "knn_vector",
                "dimension": self.space.dimensions,
                "space_type": "cosinesimil",
                "compression_level": "1x",
                "method": {
                    "name": "hnsw",
                    "engine": self.engine,
                    "parameters": {"m": M, "ef_construction": EF_CONSTRUCTION},
                },
            },
            "metadata": {"properties": about},
            **dict.fromkeys(("inForceFrom", "inForceUntil", "createdAt"), DATE),
        }

    def fixed_settings(self) -> dict[str, Json]:
        """Return the settings that an index is made with and that cannot be changed afterwards."""
        return {"index.knn": True}

    def live_settings(self) -> dict[str, Json]:
        """Return the settings that can be changed on a live index."""
        return {
            "index.knn.algo_param.ef_search": EF_SEARCH,
            "index.knn.advanced.approximate_threshold": 0 if self.graphs else -1,
            "index.knn.advanced.filtered_exact_search_threshold": self.exact_below,
        }

    def body(self) -> dict[str, Json]:
        """Return what creates the index."""
        scale: dict[str, Json] = {
            "index.number_of_shards": 2,
            "index.auto_expand_replicas": "0-1",
            "index.refresh_interval": "1s",
        }
        return {
            "settings": {**self.fixed_settings(), **self.live_settings(), **scale},
            "mappings": self.mapping(),
        }

    def drift(self, mapping: Mapping[str, Json]) -> list[str]:
        """Return in what a live mapping differs, as "field: wanted …, found …".

        A field that nobody asked for is a difference too: somebody else made it.
        """
        return list(_differences("", self.mapping(), mapping))

    def settings_drift(self, settings: Mapping[str, Json]) -> list[str]:
        """Return in which of its settings (flat names) a live index differs."""
        wanted = {**self.fixed_settings(), **self.live_settings()}
        return list(_differences("", wanted, {name: settings.get(name) for name in wanted}))


def is_younger(difference: str) -> bool:
    """Whether a difference is a field about a chunk that a live index was made without: adding it mends that."""
    return difference.startswith("properties.metadata.") and difference.endswith("found nothing")


def _differences(path: str, wanted: object, found: object) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name in sorted({*wanted, *found}):
            inside = f"{path}.{name}".lstrip(".")
            yield from _differences(inside, wanted.get(name), found.get(name))
    elif _plain(wanted) != _plain(found) and (path not in ECHOED or ECHOED[path] != found):
        yield f"{path}: wanted {_plain(wanted)}, found {_plain(found)}"


def _plain(value: object) -> str:
    """A value as OpenSearch writes it back, which is mostly text: true, "10000"."""
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
