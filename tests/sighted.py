"""A reader that sees: text whose pages end in form feeds, some of which are pictures, read without a child."""

from __future__ import annotations

from dataclasses import replace

from corpus.errors import NoText, Unreadable
from corpus.model import Extracted, Page
from ingest.clean import PAGE_BREAK, letters
from ingest.extract import WHOLE, Reader, Reading
from tests.worlds import LIMITS

SEEN = "[picture]"
"""What is behind this on a page is only to be seen."""
FLAW = "[flaw]"
"""Whoever looks at a picture of this cannot go on."""


class SightedReader(Reader):
    """Recognises text, by an engine of that name if it has one."""

    def __init__(self, engine: str = "eyes-1") -> None:
        super().__init__(LIMITS)
        self.engine = engine
        self.reads: list[bool] = []

    def recogniser(self, media_type: str) -> str:
        return self.engine

    def read(self, data: bytes, media_type: str, how: Reading = WHOLE) -> Extracted:
        self.reads.append(how.pictures)
        pages, texts, at = [], [], 0
        for number, found in enumerate(data.decode().split("\f"), 1):
            shown, picture, words = found.partition(SEEN)
            if how.pictures and FLAW in words:
                raise Unreadable("The file made its reader crash.")
            text = shown + (words if how.pictures else "")
            page = Page(number, "", at, at + len(text))
            if picture:
                page = replace(page, method="ocr", confidence=90) if how.pictures else replace(page, problem="image")
            pages.append(page)
            texts.append(text)
            at += len(text) + len(PAGE_BREAK)
            how.tick()
        if not any(map(letters, texts)):
            raise NoText("No page holds text.")
        return Extracted(PAGE_BREAK.join(texts), tuple(pages))
