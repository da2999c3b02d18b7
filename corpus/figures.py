"""Figures as documents write them: numbers in digits and in words, years, and the names of days and months."""

from __future__ import annotations

import re

NUMBER = re.compile(r"\d+(?:[.,:'’]\d+)*")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_UP_TO_TWENTY = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty
"""
NUMBER_WORDS = {word: str(n) for n, word in enumerate(_UP_TO_TWENTY.split(), 1)} | {"noon": "12", "midnight": "0"}
WEEKDAYS = frozenset(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
DAYS = WEEKDAYS.union(
    ("january", "february", "march", "april", "may", "june"),
    ("july", "august", "september", "october", "november", "december"),
)
_LARGE = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "half")
_ANY = re.compile(rf"\d|\b(?:{'|'.join(sorted({*NUMBER_WORDS, *WEEKDAYS, *_LARGE}))})\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"[,'’](?=\d{3}(?:\D|$))")


def has_figure(text: str) -> bool:
    """Whether a text has a number or names a day of the week."""
    return bool(_ANY.search(text))


def plain_number(written: str) -> str:
    """Return a number however it is written: 07:00 as 7:00, 1,250.00 as 1250."""
    bare = _THOUSANDS.sub("", written).replace(",", ".")
    if "." in bare and ":" not in bare:
        bare = bare.rstrip("0").rstrip(".")
    return bare.lstrip("0") or "0"
