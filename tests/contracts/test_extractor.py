from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import NoText, TooLarge, Unreadable
from corpus.ports import Limits
from corpus.raw_pages import PART_PAGES, RawPage
from tests.contracts.adapters import LongSamples, Samples

LIMITS = Limits(bytes=10**8, pages=200, characters=10**6, memory=2**30, seconds=30)


def test_extract(samples: Samples) -> None:
    """Return the document's text with its pages and sections as offsets into it."""
    found = samples.extractor.extract(samples.good, LIMITS)

    assert [page.number for page in found.pages] == list(range(1, len(found.pages) + 1))
    assert all(found.text.index(word) >= 0 for word in samples.words)
    ends = 0
    for page in found.pages:
        assert ends <= page.start <= page.end <= len(found.text)
        assert not found.text[ends : page.start].strip()
        ends = page.end
    assert not found.text[ends:].strip()
    if samples.paged:
        for page, word in zip(found.pages, samples.words, strict=True):
            assert word in found.text[page.start : page.end]
            assert page.label
    assert [section.start for section in found.sections] == sorted({section.start for section in found.sections})
    for section in found.sections:
        assert 0 <= section.start < len(found.text)
        assert all(section.headings)


def test_damaged(samples: Samples) -> None:
    """Raises `Unreadable`, never a parser's own error, for bytes that are damaged or of another kind."""
    for data in samples.damaged:
        with pytest.raises(Unreadable):
            samples.extractor.extract(data, LIMITS)


def test_limits(samples: Samples) -> None:
    """Raises `TooLarge` for more pages or characters than the limits allow."""
    with pytest.raises(TooLarge):
        samples.extractor.extract(samples.good, replace(LIMITS, characters=3))
    if samples.paged:
        with pytest.raises(TooLarge):
            samples.extractor.extract(samples.good, replace(LIMITS, pages=2))


def test_blank(samples: Samples) -> None:
    """Raises `NoText` when no page of it holds text."""
    with pytest.raises(NoText):
        samples.extractor.extract(samples.blank, LIMITS)


def test_it_says_what_it_reads(samples: Samples) -> None:
    """An extractor has a name for recipes, media types and lower-case suffixes."""
    assert samples.extractor.NAME
    assert all("/" in kind for kind in samples.extractor.MEDIA_TYPES)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in samples.extractor.SUFFIXES)


def test_parts(long_samples: LongSamples) -> None:
    """Yield the pages from index `begin` on, none twice and none left out, in parts of at most 64."""
    for begin in (0, 1, 63, 64, 149):
        at = begin
        for part in long_samples.extractor.parts(long_samples.data, LIMITS, begin, 0):
            assert (part.begin, 1 <= len(part.pages) <= PART_PAGES) == (at, True)
            assert all(f"Page {number} " in page.text for number, page in enumerate(part.pages, at))
            at = part.end
        assert at == 150


def test_what_parts_tell(long_samples: LongSamples) -> None:
    """Each part tells how many pages there are; the one with page 0 tells title and outline too."""
    first, *others = long_samples.extractor.parts(long_samples.data, LIMITS, 0, 0)

    assert {part.total for part in (first, *others)} == {150}
    assert first.title
    assert first.outline
    assert all((part.title, part.outline) == ("", ()) for part in others)


def test_reading_from_anywhere(long_samples: LongSamples) -> None:
    """A page is the same wherever reading begins."""

    def pages(begin: int) -> list[RawPage]:
        found = long_samples.extractor.parts(long_samples.data, LIMITS, begin, 0)
        return [page for part in found for page in part.pages]

    whole = pages(0)
    assert [pages(begin) for begin in (1, 70, 149)] == [whole[1:], whole[70:], whole[149:]]


def test_characters_before(long_samples: LongSamples) -> None:
    """`characters` is how many the pages before have: they count in the limit."""
    parts, data = long_samples.extractor.parts, long_samples.data
    before = sum(part.characters for part in parts(data, LIMITS, 0, 0)) - 20

    assert list(parts(data, replace(LIMITS, characters=before + 100), 149, before))
    with pytest.raises(TooLarge):
        list(parts(data, replace(LIMITS, characters=before + 19), 149, before))


def test_assembled(long_samples: LongSamples) -> None:
    """Return what `extract` returns, from parts that follow on one another and hold every page."""
    extractor, data = long_samples.extractor, long_samples.data
    whole = list(extractor.parts(data, LIMITS, 0, 0))
    cut = replace(whole[0], pages=whole[0].pages[:5])
    others = list(extractor.parts(data, LIMITS, 5, 0))

    expected = extractor.extract(data, LIMITS)
    assert extractor.assembled(whole) == extractor.assembled([cut, *others]) == expected
    assert expected.title
    assert expected.sections
