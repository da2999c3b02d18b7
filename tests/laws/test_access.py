"""Access: whatever was written, and whatever a search asks for, it finds what it may see and passes, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.model import Generation
from corpus.ports import VectorIndex
from corpus.scope import Where
from corpus.vectors.sqlite import SqliteIndex
from corpus.ways import Filter
from tests.contracts.adapters import SPACE
from tests.contracts.test_index import TEXTS, generation, unit
from tests.fakes import MemoryIndex

PRINCIPALS = ("user:a", "user:b", "tenant:home", "role:home:staff")
TAGS, TYPES, DAYS = ("red", "blue"), ("text/plain", "text/html"), ("", "2026-01-01", "2026-02-01", "2026-03-01")


def some(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values), max_size=2)


written = st.lists(
    st.builds(
        lambda n, tenant, readers, tags, kind, day, texts: replace(
            generation(f"d{n}", tenant_id=tenant, readers=tuple(readers), seed=7 * n, texts=TEXTS[:texts]),
            tags=tuple(tags),
            file_type=kind,
            created_at=day,
        ),
        st.integers(0, 9),
        st.sampled_from(("home", "tower")),
        some(PRINCIPALS),
        some(TAGS),
        st.sampled_from(TYPES),
        st.sampled_from(DAYS),
        st.integers(1, 4),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)
filters = st.builds(
    Filter,
    some(tuple(f"d{n}" for n in range(10))),
    some(TAGS),
    some(TYPES),
    st.sampled_from(DAYS),
    st.sampled_from(DAYS),
)
asked = st.builds(
    lambda principals, shared, without, only: Where("home", principals, shared, only=only).leaving_out(without),
    st.frozensets(st.sampled_from(PRINCIPALS), min_size=1),
    some(("d1", "d2", "d3")),
    st.frozensets(st.sampled_from([generation(f"d{n}").id for n in range(4)]), max_size=2),
    filters,
)


@contextmanager
def memory() -> Iterator[VectorIndex]:
    yield MemoryIndex(SPACE)


@contextmanager
def in_sqlite(exact_below: int) -> Iterator[VectorIndex]:
    with TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "footnote.db", SPACE, exact_below=exact_below)
        yield index
        index.close()


WAYS: dict[str, Callable[[], AbstractContextManager[VectorIndex]]] = {
    "memory": memory,
    "exactly": partial(in_sqlite, 1000),
    "by graphs": partial(in_sqlite, 2),
}


def may_see(one: Generation, where: Where) -> bool:
    """The rule in its own words: tenant, a reader or a share by name, live, and every part of the filter."""
    only = where.only
    return (
        one.tenant_id == where.tenant_id
        and (bool(where.principals & {*one.readers}) or one.id.document_id in where.document_ids)
        and one.id not in where.without
        and (not only.document_ids or one.id.document_id in only.document_ids)
        and (not only.tags or bool(only.tags & {*one.tags}))
        and (not only.types or one.file_type in only.types)
        and (not only.since or one.created_at >= only.since)
        and (not only.until or "" < one.created_at < only.until)
    )


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=60)
@given(before=written, after=written, gone=st.integers(0, 9), wheres=st.lists(asked, min_size=1, max_size=4))
def test_nothing_foreign_and_nothing_missing(
    way: str, before: list[Generation], after: list[Generation], gone: int, wheres: list[Where]
) -> None:
    """Both lists hold each chunk that the asker may see and that passes, once, and no other: by every way there is."""
    with WAYS[way]() as index:
        there: dict[str, Generation] = {}
        for one in before:
            index.write(one)
            there[one.id.document_id] = one
        index.tend(lambda: False)
        for one in after:
            index.write(one)
            there[one.id.document_id] = one
        index.prune(f"d{gone}", None, "9")
        there.pop(f"d{gone}", None)
        for where in wheres:
            found = index.legs(unit(0), ("lift", "pool"), 1000, where)
            wanted = sorted(
                (one.id, chunk.index) for one in there.values() if may_see(one, where) for chunk in one.chunks
            )
            for leg in (found.nearest, found.matching):
                assert sorted((hit.generation, hit.chunk_index) for hit in leg) == wanted
