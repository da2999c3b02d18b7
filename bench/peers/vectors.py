"""Other engines that run inside a process, each over the same vectors, in an environment of its own (bench/engines.py).

    python bench/peers/vectors.py ENGINE FOLDER DATA

Loads `DATA/rows.npy` and `DATA/owners.npy`, says so in a line, and then answers lines: `{"owner", "query"}` with the
ids and the seconds of a search that returns text too, `{"write": owner, "seconds"}` with how many documents it wrote.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

K, A_DOCUMENT, BATCH = 10, 35, 5_000
FILLER = " the pool opens at nine in the morning" * 17


def text(number: int) -> str:
    return f"chunk {number:07}{FILLER}"


class SqliteVec:
    """float32, a partition an owner; small partitions, as the usual 1,024 slots cost a small owner 6 MB."""

    column, convert = "float[1536] distance_metric=cosine", staticmethod(lambda rows: rows)
    candidates = K

    def __init__(self, folder: Path) -> None:
        import apsw
        import sqlite_vec

        self.db = apsw.Connection(str(folder / "vec.db"))
        self.db.set_busy_timeout(30_000)
        self.db.enable_load_extension(True)
        self.db.load_extension(sqlite_vec.loadable_path())
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "mmap_size = 4294967296"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("CREATE TABLE IF NOT EXISTS chunk (id INTEGER PRIMARY KEY, text TEXT, half BLOB)")
        self.db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS vector USING vec0"
            f"(owner integer partition key, id integer primary key, row {self.column}, chunk_size=64)"
        )

    def add(self, ids: Any, owners: Any, rows: Any) -> None:
        with self.db:
            pairs = zip(ids.tolist(), rows.astype(np.float16), strict=True)
            self.db.executemany("INSERT INTO chunk VALUES (?, ?, ?)", ((n, text(n), row.tobytes()) for n, row in pairs))
            found = zip(owners.tolist(), ids.tolist(), self.convert(rows), strict=True)
            self.db.executemany(
                f"INSERT INTO vector (owner, id, row) VALUES (?, ?, {self.marked})",
                ((o, n, r.tobytes()) for o, n, r in found),
            )

    marked = "?"

    def ready(self) -> None:
        pass

    def search(self, owner: int, vector: Any) -> list[int]:
        asked = self.convert(vector[None])[0].tobytes()
        statement = f"SELECT id FROM vector WHERE row MATCH {self.marked} AND k = ? AND owner = ?"
        ids = [row[0] for row in self.db.execute(statement, (asked, self.candidates, owner))]
        marks = ", ".join("?" * len(ids))
        chunks = {
            n: (said, half) for n, said, half in self.db.execute(f"SELECT * FROM chunk WHERE id IN ({marks})", ids)
        }
        return self.ranked(ids, chunks, vector)

    def ranked(self, ids: list[int], chunks: Any, vector: Any) -> list[int]:
        del chunks, vector
        return ids


class SqliteVecBits(SqliteVec):
    """One bit a dimension, and the best hundred scored again in float16."""

    column, convert = "bit[1536]", staticmethod(lambda rows: np.packbits(rows > 0, axis=1, bitorder="little"))
    candidates, marked = 100, "vec_bit(?)"

    def ranked(self, ids: list[int], chunks: Any, vector: Any) -> list[int]:
        if not ids:
            return []
        halves = np.frombuffer(b"".join(chunks[n][1] for n in ids), np.float16).reshape(len(ids), -1)
        return [ids[n] for n in np.argsort(-(halves.astype(np.float32) @ vector))[:K]]


class Lance:
    """No vector index, and a scalar index on the owner: the fastest for all but the largest."""

    def __init__(self, folder: Path) -> None:
        import lancedb
        import pyarrow as pa

        self.arrow = pa
        self.db = lancedb.connect(folder, read_consistency_interval=dt.timedelta(0))
        vector = pa.list_(pa.float32(), 1536)
        fields = (("id", pa.int64()), ("owner", pa.int64()), ("text", pa.string()), ("vector", vector))
        self.schema = pa.schema(list(fields))
        self.table = self.db.create_table("chunk", schema=self.schema, exist_ok=True)

    def add(self, ids: Any, owners: Any, rows: Any) -> None:
        vectors = self.arrow.FixedSizeListArray.from_arrays(self.arrow.array(rows.ravel()), 1536)
        columns = [self.arrow.array(ids), self.arrow.array(owners), self.arrow.array(map(text, ids.tolist())), vectors]
        self.table.add(self.arrow.Table.from_arrays(columns, schema=self.schema))

    def ready(self) -> None:
        self.table.create_scalar_index("owner")
        self.table.optimize()

    def search(self, owner: int, vector: Any) -> list[int]:
        asked = self.table.search(vector).distance_type("cosine").where(f"owner = {owner}", prefilter=True)
        found: list[int] = asked.limit(K).select(["id", "text", "_distance"]).to_arrow()["id"].to_pylist()
        return found


class QdrantEdge:
    """No graph, an index on the owner, int8 with fourfold rescoring: the fastest of one process."""

    def __init__(self, folder: Path) -> None:
        import qdrant_edge as q

        self.q = q
        (folder / "shard").mkdir()
        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=1536, distance=q.Distance.Cosine),
            hnsw_config=q.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000),
            quantization_config=q.ScalarQuantizationConfig(type=q.ScalarType.Int8, always_ram=True),
        )
        self.shard = q.EdgeShard.create(str(folder / "shard"), config)
        self.shard.update(q.UpdateOperation.create_field_index("owner", q.PayloadSchemaType.Integer))

    def add(self, ids: Any, owners: Any, rows: Any) -> None:
        found = zip(ids.tolist(), owners.tolist(), rows.tolist(), strict=True)
        points = [self.q.Point(n, row, {"owner": owner, "text": text(n)}) for n, owner, row in found]
        self.shard.update(self.q.UpdateOperation.upsert_points(points))

    def ready(self) -> None:
        self.shard.flush()
        self.shard.optimize()

    def search(self, owner: int, vector: Any) -> list[int]:
        q = self.q
        request = q.QueryRequest(
            limit=K,
            query=q.Query.Nearest(vector.tolist()),
            filter=q.Filter(must=[q.FieldCondition("owner", match=q.MatchValue(owner))]),
            params=q.SearchParams(quantization=q.QuantizationSearchParams(rescore=True, oversampling=4.0)),
            with_payload=True,
        )
        return [point.id for point in self.shard.query(request)]


ENGINES: dict[str, Any] = {
    "qdrant-edge": QdrantEdge,
    "LanceDB": Lance,
    "sqlite-vec": SqliteVec,
    "sqlite-vec bits": SqliteVecBits,
}


def writing(engine: Any, rows: Any, owner: int, seconds: float) -> int:
    """Write documents into an owner for so long; return how many."""
    until, written, number = time.perf_counter() + seconds, 0, 10_000_000
    while time.perf_counter() < until:
        chosen = rows[written * A_DOCUMENT % 50_000 :][:A_DOCUMENT]
        engine.add(np.arange(number, number + len(chosen)), np.full(len(chosen), owner), chosen)
        written, number = written + 1, number + A_DOCUMENT
    return written


def answers(engine: Any, rows: Any, queries: Any) -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.perf_counter()
        if "write" in asked:
            yield {"written": writing(engine, rows, asked["write"], asked["seconds"])}
        else:
            found = engine.search(asked["owner"], queries[asked["query"]])
            yield {"ids": found, "seconds": time.perf_counter() - begun}


def main(name: str, folder: Path, data: Path) -> None:
    rows, owners, queries = (np.load(data / f"{part}.npy", mmap_mode="r") for part in ("rows", "owners", "queries"))
    begun = time.perf_counter()
    fresh = not any(folder.iterdir())
    engine = ENGINES[name](folder)
    if fresh:
        for start in range(0, len(rows), BATCH):
            ids = np.arange(start, min(start + BATCH, len(rows)))
            engine.add(ids, np.asarray(owners[ids]), np.asarray(rows[ids]))
        engine.ready()
    print(json.dumps({"loaded": time.perf_counter() - begun}), flush=True)
    for answer in answers(engine, rows, queries):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
