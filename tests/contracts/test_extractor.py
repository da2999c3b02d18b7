from __future__ import annotations

from dataclasses import replace

import pytest

from corpus.errors import NoText, TooLarge, Unreadable
from corpus.ports import Limits
from tests.contracts.adapters import Samples

LIMITS = Limits(bytes=10**8, pages=100, characters=10**6, memory=2**30, seconds=30)


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
