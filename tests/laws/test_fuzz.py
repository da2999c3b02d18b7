from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.model import Extracted, Grid, Page, Section
from tests.laws.fuzzing import (
    SAMPLES,
    ZIPPED,
    Change,
    check,
    check_chunks,
    mutated,
    mutated_part,
    tight,
)

KEPT = Path(__file__).parent.parent / "data" / "fuzz"
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
BYTES = st.binary(max_size=20) | st.sampled_from(
    [
        b"\0",
        b"\xff\xfe",
        b"<",
        b">",
        b"]]>",
        b"&#0;",
        b'"',
        b"\n",
        b"\r\n\r\n",
        b"-1",
        b"9" * 30,
        b"/",
        b"(",
        b"<<",
        b"\xed\xa0\x80",
    ]
)
CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from(["flip", "cut", "splice", "repeat"]),
        st.integers(0, 2**16 - 1),
        st.integers(0, 64),
        BYTES,
    ),
    max_size=6,
)


@cache
def samples(name: str) -> list[bytes]:
    return SAMPLES[name]()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_read(name: str) -> None:
    """What is mutated is something to begin with."""
    for data in samples(name):
        check(name, data)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=40, suppress_health_check=QUIET)
@given(which=st.integers(0, 9), changes=CHANGES, limits=st.integers(0, 9))
def test_damaged_bytes(name: str, which: int, changes: list[Change], limits: int) -> None:
    """Of whatever bytes, an extractor makes a text that keeps its contract and the limits, or one of our errors."""
    found = samples(name)
    check(name, mutated(found[which % len(found)], changes), tight(limits))


@pytest.mark.parametrize("name", ZIPPED)
@settings(max_examples=40, suppress_health_check=QUIET)
@given(which=st.integers(0, 9), part=st.integers(0, 99), changes=CHANGES, limits=st.integers(0, 9))
def test_damaged_parts(name: str, which: int, part: int, changes: list[Change], limits: int) -> None:
    """The same of an archive that is whole, and one of whose parts is damaged."""
    found = samples(name)
    check(name, mutated_part(found[which % len(found)], part, changes), tight(limits))


@settings(max_examples=100, suppress_health_check=QUIET)
@given(st.lists(st.text(alphabet="a .\n|-#é日\u0627\U0001f600\t", max_size=60), min_size=1, max_size=5), st.data())
def test_chunks_of_any_structure(pages: list[str], data: st.DataObject) -> None:
    """Whatever sections and tables a text claims, its chunks are pieces of it, in order, and nothing is lost."""
    text, found = "", []
    for number, page in enumerate(pages, 1):
        found.append(Page(number, "", len(text), len(text) + len(page)))
        text += page + "\n\f"
    places = st.integers(0, len(text) - 1)
    starts = sorted(data.draw(st.sets(places, max_size=5)))
    edges = sorted(data.draw(st.lists(places, max_size=9)))
    grids = tuple(Grid(*edges[at : at + 3]) for at in range(0, len(edges) // 3 * 3, 3))
    sections = tuple(Section(start, ("A", str(start))) for start in starts)
    check_chunks(Extracted(text, tuple(found), sections, "", (), grids), data.draw(st.integers(8, 64)))


@pytest.mark.parametrize("path", sorted(KEPT.iterdir()), ids=lambda path: path.name)
def test_what_once_broke_something(path: Path) -> None:
    """Inputs that once broke something break nothing any more; the name begins with the extractor, and says what."""
    check(path.name.partition("-")[0], path.read_bytes())
