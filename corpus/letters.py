"""Characters: which make up words, which are written without blanks, and which forms of a letter are one.

`fold` is where "Straße", "STRASSE" and "Strasse" become the same. A vowel sign of an Indic script is part of its word
and stays; Hebrew points and Arabic harakat, which most people leave out, go.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e80-\u0ecf\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u1050-\u109f\u1780-\u17d3\u17d7\u17dc\u17dd"  # Burmese, Khmer
    "\u2e80-\u2fdf\u3005\u3007\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
    "\uac00-\ud7af"  # Hangul: written with blanks, but for the endings that hang on its words
)
"""The inside of a character class: scripts whose words are not told apart by blanks, or not well."""
UNSEEN = "\u00ad\u0640\u200c\u200d\u2060\ufe00-\ufe0f\ufeff"
"""The inside of a character class: hyphens and joiners that nobody sees, and the Arabic dash that fills a line."""

_ACCENTS = re.compile(
    "(?<![\u0418\u0423\u0438\u0443])\u0306|(?<![\u0406\u0456])\u0308"  # in й, ў and ї they make another letter
    "|[\u0300-\u0305\u0307\u0309-\u036f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"  # Arabic harakat
    f"{UNSEEN}]"
)
_BARE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
    | {"ی": "ي", "ک": "ك", "’": "'", "ʼ": "'", "ʻ": "'"}
)
"""Letters with a stroke, and others that Unicode does not take apart; the Persian ye and kaf; apostrophes."""


def fold(text: str) -> str:
    """Return the text with compatibility forms, case and accents taken away, its digits those of ASCII.

    Example: "Łódź, ﬁre, ＡＢＣ, Straße" -> "lodz, fire, abc, strasse"
    """
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", bare))  # a small letter may come apart again
    return unicodedata.normalize("NFC", bare).translate(_BARE).translate(_digits())


@lru_cache(maxsize=1)
def _digits() -> dict[int, str]:
    """The digits of all scripts, to those of ASCII."""
    return {code: str(unicodedata.digit(chr(code))) for code in _codes("Nd")}


@lru_cache(maxsize=1)
def marks() -> str:
    """Return the inside of a character class: all that is written on, under or around another letter."""
    return "".join(map(chr, (*_codes("Mn"), *_codes("Mc"))))


def _codes(category: str) -> list[int]:
    """The characters of a category in the first plane: living scripts stand there, and patterns are quick with it."""
    return [code for code in range(0x80, 0x10000) if unicodedata.category(chr(code)) == category]
