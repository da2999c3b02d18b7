"""What is known of languages: how words are stemmed, which words only join others, and what a question is asked in.

A language is named by its ISO 639-1 code, "" if nobody knows it. Its stemmer is Snowball's; most languages have none.
What a question is asked in is a guess, by stop words alone: a wrong one costs stemming, never a match, because the
words of every text are found by their neutral form too (`corpus.words`).
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from corpus.letters import fold

ENGLISH = "en"
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Snowball's name of the stemmer of each language that has one."""
_OTHER_LETTERS = ("ar", "el", "fa", "hi", "hy", "ne", "ru", "ta", "yi")
"""Those of them that are not written in Latin letters: Latin letters are none of their stemmers' business."""
_SPELLED = {"pt": (("coes", "ções"), ("cao", "ção"))}
"""Endings that a stemmer knows by their accents only."""
SHORTEST = 3
"""Letters of a stem; with fewer, words of several languages would meet that have nothing in common."""
LONGEST_JOINING = 6
"""Letters of a stop word of another language than English: the longer ones listed say something as often as not."""
FEWEST = 2
"""Stop words that make a language likely."""
_STOP_LISTS = {"no": "nb", "nn": "nb"}
_LISTED = tuple("ar bg ca cs da de el es fi fr hu id it nb nl pl pt ro ru sk sv tr uk".split())  # noqa: SIM905
"""Languages that a question's stop words may tell from English."""

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
"""Of English: texts in all languages are stored without these. Of other languages only questions lose theirs."""

_stemmers: dict[str, Stemmer.Stemmer] = {}
_lock = threading.Lock()


def stem(word: str, language: str) -> str:
    """Return the stem of a folded word in a language; the word if hardly a stem is left, "" if it has no stemmer."""
    name = STEMMERS.get(language)
    if name is None or (language in _OTHER_LETTERS and word.isascii()):
        return ""
    spelled = next((word[: -len(a)] + b for a, b in _SPELLED.get(language, ()) if word.endswith(a)), word)
    with _lock:  # a stemmer serves one thread at a time
        stemmer = _stemmers.get(name) or _stemmers.setdefault(name, Stemmer.Stemmer(name))
        found = fold(str(stemmer.stemWord(spelled)))
    return found if len(found) >= min(SHORTEST, len(word)) else word


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language as they are written, in small letters; none if nobody listed them."""
    import stop_words as lists  # noqa: PLC0415 -- it reads files

    listed = lists.safe_get_stop_words(_STOP_LISTS.get(language, language))
    return frozenset(word.casefold().replace("’", "'") for word in listed)


class Asking(NamedTuple):
    """What a question seems to be asked in: languages that may stem its words, and the words that only join others."""

    languages: tuple[str, ...]
    joining: frozenset[str]


def asking(words: Collection[str]) -> Asking:
    """Return what a question of these folded words seems to be asked in.

    It is the language with the most stop words among them; several, if they have as many. Without a stop word it may be
    any. The stop words are English ones unless it is surely another.
    Words in other letters are always stemmed by the languages that are written in these.
    """
    english = sum(word in STOP_WORDS for word in words)
    counts = {name: sum(word in joining for word in words) for name, joining in _joining().items()}
    most = max(counts.values())
    if not most and not english:
        return Asking(tuple(STEMMERS), STOP_WORDS)
    if most < english:
        return Asking(_OTHER_LETTERS, STOP_WORDS)
    best = [name for name, times in counts.items() if times == most]
    sure = most > english and most >= FEWEST
    joining = frozenset[str]().union(*(_joining()[name] for name in best)) if sure else STOP_WORDS
    return Asking((*best, *_OTHER_LETTERS), joining)


@lru_cache(maxsize=1)
def _joining() -> dict[str, frozenset[str]]:
    """The short stop words, folded, of each language that a question may be told by."""
    lists = {name: map(fold, stop_words(name)) for name in _LISTED}
    return {name: frozenset(word for word in one if len(word) <= LONGEST_JOINING) for name, one in lists.items()}
