r"""What a text is rid of before anything else looks at it: the same rules for every format.

Line ends become `\\n` and every other blank becomes a blank, characters are composed (NFC), and what nobody can see or
send (controls, stray form feeds that would look like page breaks, lone surrogates) is dropped. Nothing visible goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import islice

NAME = "clean-1"
PAGE_BREAK = "\n\f"
"""What stands between two pages of an extracted text."""

GARBAGE_SHARE = 0.05
"""If more of a page than this cannot be decoded, none of it can be trusted."""
_BREAKS = re.compile("\r\n?|[\x0b\x85\u2028\u2029]")
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_INVISIBLE = re.compile("[\x00-\x08\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\ufdd0-\ufdef\ufeff\ufffe\uffff\ud800-\udfff]")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++$", re.MULTILINE)
_LINE_END_HYPHEN = re.compile("(?<![^\\W\\d_])([^\\W\\d_]++)[\ufffe\x02]([^\\W\\d_]++)")
_HYPHEN_MARK = re.compile("[\ufffe\x02]")
_UNREADABLE = re.compile(
    "[\ue000-\uf8ff\U000f0000-\U0010ffff\x00-\x08\x0e-\x1f\ufffd]|\\(cid:\\d+\\)|/g\\d+(?=/|\\s|$)"
)
_LETTER = re.compile(r"[^\W_]")


def clean(text: str) -> str:
    """Return the text as it is stored, searched and cited."""
    text = _BREAKS.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _BLANKS.sub(" ", text))
    return _TRAILING.sub("", text)


def mend_hyphens(pages: Sequence[str]) -> list[str]:
    """Return pages in which the marks of hyphens at line ends (U+FFFE, U+0002) are hyphens again, or gone.

    A mark says only that a line ended there. The document is its own dictionary: where the two halves stand elsewhere
    as one word, they are one word; else the hyphen is kept, because to lose it would glue "open-market" together.
    """
    if not any(_HYPHEN_MARK.search(page) for page in pages):
        return list(pages)
    known = {word for page in pages for word in re.findall(r"[^\W\d_]{4,}", page.lower())}

    def mend(match: re.Match[str]) -> str:
        joined = match[1] + match[2]
        return joined if joined.lower() in known else f"{match[1]}-{match[2]}"

    return [_HYPHEN_MARK.sub("-", _LINE_END_HYPHEN.sub(mend, page)) for page in pages]


def undecodable(text: str) -> float:
    """Return which share of a raw page's visible characters is private, undecodable or glyph numbers, from 0 to 1."""
    unreadable = sum(len(match[0]) for match in _UNREADABLE.finditer(text))
    visible = sum(map(len, text.split())) if unreadable else 1
    return min(1.0, unreadable / max(visible, 1))


def letters(text: str, enough: int = 1) -> int:
    """Return how many letters and digits a text has, counting no further than `enough`."""
    return sum(1 for _ in islice(_LETTER.finditer(text), enough))
