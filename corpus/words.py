"""The one analyser: text to the words that full-text search and the hashed block of the local embedder agree on.

A word is folded (compatibility forms, case, accents), stemmed and kept unless it is a stop word. Chinese, Japanese,
Korean, Thai and their neighbours, which write without blanks, give pairs of characters. `NAME` is part of every recipe
and of the local space: whoever changes what a text's words are changes it too.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePath

import Stemmer

from corpus.model import HEADING_SEPARATOR
from corpus.ports import MAX_QUERY_WORDS

NAME = "words-1"
MAX_WORD = 64
"""Characters of a word that count; Lucene would split what is longer than 255."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u2e80-\u2fdf\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"  # kana, ideographs
    "\uac00-\ud7af\U00020000-\U0003ffff"  # Hangul, rarer ideographs
)
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")
_SPACED_WORD = re.compile(rf"[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")
_WORD = re.compile(rf"([{_UNSPACED}]+)|{_SPACED_WORD.pattern}")
_ACCENTS = re.compile("[\u0300-\u036f]")

STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being below between both but by can
    could did do does doing don't down during each few for from further had has have having he her here hers him his
    how i i'm if in into is isn't it it's its itself just let's many may me might more most much must my no nor not now
    of off on once only or other our ours out over own please same shall she should so some such than that that's the
    their theirs them then there there's these they this those through to too under until up us very was we were what
    what's when where which while who whom whose why will with would you your yours
    """.split()  # noqa: SIM905 -- a column of eighty quoted strings would be harder to read
)

_ASKING = re.compile(
    r"\bhow (?:long|far|often|old|big|large|high|soon|late|early|deep|wide|heavy|expensive)\b"
    r"|\b(?:what|which) (?:time|kinds?|sorts?)\b"
)
_stemmer = Stemmer.Stemmer("english")
_stemmer_lock = threading.Lock()


def tokens(text: str) -> list[str]:
    """Return the words of a text in order, each at most 64 characters, none with a blank or a control character.

    Example: "The lifts' MAINTENANCE fees" -> ["lift", "mainten", "fee"]
    """
    folded = fold(text)
    if folded.isascii() or not _UNSPACED_RUN.search(folded):
        return [word for word in map(_stem, _SPACED_WORD.findall(folded)) if word]
    found: list[str] = []
    for match in _WORD.finditer(folded):
        if match[1]:
            found += _pairs(match[1])
        elif word := _stem(match[0]):
            found.append(word)
    return found


def count(text: str) -> int:
    """Return how many words a text has: pieces between blanks, or characters of scripts that write without."""
    return max(len(text.split()), 0 if text.isascii() else sum(map(len, _UNSPACED_RUN.findall(text))))


def question_words(text: str, limit: int = MAX_QUERY_WORDS) -> tuple[str, ...]:
    """Return the first `limit` different words of a question, without those that only ask: "how long", "what time"."""
    asked = tokens(_ASKING.sub(" ", fold(text))) or tokens(text)
    return tuple(dict.fromkeys(asked))[:limit]


def heading_line(title: str, headings: Iterable[str]) -> str:
    """Return where a chunk stands, in one line: title › heading › heading, without saying the same thing twice."""
    return HEADING_SEPARATOR.join({part.casefold(): part for part in (title, *headings) if part}.values())


def file_words(file_name: str) -> str:
    """Return what a file's name says in words: "2026-03_house-rules.pdf" says "2026 03 house rules"."""
    return " ".join(re.split(r"[\s._-]+", PurePath(file_name).stem)).strip()


def fold(text: str) -> str:
    """Return the text with compatibility forms, case and Latin, Greek and Cyrillic accents taken away."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", bare).casefold()


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """The stem of a folded word; "" for a stop word."""
    word = word.replace("’", "'")
    if word in STOP_WORDS:
        return ""
    with _stemmer_lock:  # a stemmer serves one thread at a time
        return str(_stemmer.stemWord(word[: 2 * MAX_WORD]))[:MAX_WORD]
