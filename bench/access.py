"""Search as very many people, in two buildings, at all times, and hold every hit against an oracle.

    python -m bench.access [HITS]

It goes on until so many hits were checked, 1,000,000 unless another number is named, over the index in SQLite and, if
OpenSearch runs (`make services`), over that too. Rights change all the while, and papers are removed; chunks are left
as they were written, so that the records have to decide. It ends with 1 if a hit was somebody else's.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from corpus.errors import Unavailable
from corpus.model import Space
from corpus.ports import VectorIndex
from corpus.tables.sqlite import SqliteTable
from corpus.vectors.opensearch import OpenSearchIndex
from corpus.vectors.opensearch.client import connected
from corpus.vectors.opensearch.mapping import Design
from corpus.vectors.sqlite import SqliteIndex
from tests.city import BUILDINGS, HORIZON, PEOPLE, WORDS, City, some_grant
from tests.services.servers import OPENSEARCH

SPACE = Space("fake/words", 64)
PAPERS, GRANTS, K = 2_000, 60, 100
CHANGED_EVERY = 20
"""After so many searches the rights of a paper change."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("hits", type=int, nargs="?", default=1_000_000)
    wanted = parser.parse_args().hits
    foreign = 0
    print(
        "\n## Hits checked against an oracle\n\n| index | searches | hits checked | foreign | |\n|---|---|---|---|---|"
    )
    with TemporaryDirectory(prefix="footnote-access-") as folder:
        for name, index in indexes(Path(folder)):
            begun = time.perf_counter()
            searches, checked, found = soak(City(SqliteTable(Path(folder) / f"{name}.db"), index), wanted)
            foreign += found
            met = "met" if not found else "**missed**"
            print(f"| {name} | {searches:,} | {checked:,} | {found} | {met} |", flush=True)
            print(f"{time.perf_counter() - begun:.0f} s", file=sys.stderr)
    sys.exit(1 if foreign else 0)


def indexes(folder: Path) -> Iterator[tuple[str, VectorIndex]]:
    index = SqliteIndex(folder / "footnote.db", SPACE)
    yield "SQLite", index
    index.close()
    try:
        with opensearch() as other:
            yield "OpenSearch", other
    except Unavailable:
        print("| OpenSearch | does not run | | | |")


@contextmanager
def opensearch() -> Iterator[VectorIndex]:
    client = connected(OPENSEARCH)
    index = OpenSearchIndex(client, Design(SPACE, "lucene", graphs=True), name=f"bench-access-{uuid.uuid4().hex}")
    index.setup()
    try:
        yield index
    finally:
        client.indices.delete(index=index.name)
        client.close()


def soak(city: City, wanted: int) -> tuple[int, int, int]:
    """Search until so many hits were checked; return searches, hits checked, and those that were somebody else's."""
    random = Random(4)  # noqa: S311 -- no secret, and the same each time
    city.grants = [some_grant(random, number) for number in range(GRANTS)]
    city.put(random, *(f"d{number}" for number in range(PAPERS)))
    searches = checked = foreign = 0
    while checked < wanted:
        person, building, now = random.choice(PEOPLE), random.choice(BUILDINGS), random.randrange(HORIZON)
        hits = city.search(person, building, now, " ".join(random.choices(WORDS, k=2)), K)
        searches, checked = searches + 1, checked + len(hits)
        foreign += len(city.foreign(person, building, now, hits))
        if searches % CHANGED_EVERY == 0:
            city.change(random, random.choice(city.there()))
    return searches, checked, foreign


if __name__ == "__main__":
    main()
