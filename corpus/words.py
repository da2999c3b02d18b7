"""The one analyser: text to the words that full-text search and the hashed block of the local embedder agree on.

A word is folded, stemmed, and left out if it is a stop word. Its neutral form, the same whatever the language, is
stemmed as in English; an index also has the stems of its document's language, and a question those of the languages it
may be in. Chinese, Japanese, Korean, Thai and their neighbours give pairs of characters; an index has the single ones
too, for whoever asks for one. A code, a number or a name in a program is kept whole, beside its parts. `NAME` is part
of every recipe and of the local space: whoever changes what a text's words are changes it too.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import PurePath
from typing import TypeVar

from corpus.languages import ENGLISH, STEMMERS, STOP_WORDS, asking, stem
from corpus.letters import UNSEEN, UNSPACED, fold, marks
from corpus.model import HEADING_SEPARATOR
from corpus.ports import MAX_QUERY_WORDS

NAME = "words-2"
T = TypeVar("T", bound=Hashable)
MAX_WORD = 64
"""Characters of a word that count; Lucene would split what is longer than 255."""
MOST_PARTS = 6
"""A longer row of parts is an address or data: its parts are words, the whole is none."""
MOST_JOINED = 7
"""Signs within a run; what is joined by more is data, and taken apart after so many."""
MOST_KEPT = (MOST_JOINED + 1) * (MAX_WORD + 1)
"""Characters of a text that are looked up at once; the longest run has one less."""
KEPT = 50_000
"""Stretches of each language whose words are kept."""
_FIRST_IDEOGRAPH = "\u2e80"
"""From here on no character has marks on it that are not in it."""

_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
_JOINERS = "-'’._/:,"
_ASCII_RUN, _PLAIN_RUN = (
    re.compile(rf"({one}{{1,{MAX_WORD}}}(?:[{_JOINERS}]{one}{{1,{MAX_WORD}}}){{0,{MOST_JOINED}}}){one}*")
    for one in ("[A-Za-z0-9]", r"[^\W_]")
)
_ASKING = re.compile(
    r"\bhow (?:long|far|often|old|big|large|high|soon|late|early|deep|wide|heavy|expensive)\b"
    r"|\b(?:what|which) (?:time|kinds?|sorts?)\b"
    r"|\bwhom? (?:do|can|should|must) (?:I|we) (?:call|phone|ring|ask|contact)\b"
    r"|^\W*(?:list|(?:show|tell|give) (?:me|us)|name (?=all|every|the))\b",
    re.IGNORECASE,
)
_BREAK = re.compile(r"[/:,](?!\d)|(?<!\d)[/:,]")
_LOOSE = re.compile(r"(?<!\d)[-._/:,]+|[-._/:,]+(?!\d)")
_ABBREVIATION = re.compile(r"[^\W\d_]{1,2}(?:/[^\W\d_]{1,2})+|(?:[^\W\d_]\.)+[^\W\d_]")
_CAMEL = "(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})"
_PART = re.compile(f"[-._/:,]+|{_CAMEL}")
_CODE = re.compile(rf"[\d_]|{_CAMEL}")
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|(?:jus|lors|puis)qu|(?:d|n|s|su)?all|(?:d|n|s)ell|un|quest)'(?=\w{3})")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_GROUPED = re.compile(r"(?!0)\d{1,3}(?:([.,'])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """The different words of a question, each in the forms in which a text may hold it, the neutral one first."""

    words: tuple[tuple[str, ...], ...]

    @property
    def searched(self) -> tuple[str, ...]:
        """What an index is asked for: each word in its neutral form, then other forms, as many as an index takes."""
        neutral = (word[0] for word in self.words)
        others = (form for word in self.words for form in word[1:])
        return tuple(dict.fromkeys((*neutral, *others)))[:MAX_QUERY_WORDS]

    def found_in(self, text: str, language: str = "") -> frozenset[tuple[str, ...]]:
        """Return which of the words a text in this language holds."""
        held = set(indexed(text, language))
        return frozenset(word for word in self.words if not held.isdisjoint(word))


def tokens(text: str) -> list[str]:
    """Return the words of a text in order, in the form that is the same whatever the language: stemmed as in English.

    Each has at most 64 characters, none a blank or a control character.
    Example: "The lifts' MAINTENANCE fees" -> ["lift", "mainten", "fee"]
    """
    try:
        return _plain(text)
    except KeyError:
        runs = _runs(text)
        return [word for unspaced, spaced in runs for word in (_pairs(unspaced) if unspaced else _kept(spaced))]


def indexed(text: str, language: str = "") -> list[str]:
    """Return the words that find a text: its tokens, stems of its language that are others, and single characters.

    These are of scripts without blanks, where a token is a pair.
    """
    other = language if language in STEMMERS and language != ENGLISH else ""
    try:
        return _plain(text, other)
    except KeyError:
        if not other and not _UNSPACED_RUN.search(text):
            return tokens(text)
    found: list[str] = []
    for unspaced, spaced in _runs(text):
        if unspaced:
            letters = _letters(unspaced)
            found += (*_pairs(unspaced), *letters) if len(letters) > 1 else letters
        else:
            found += _found(spaced, other)
    return found


def asked(question: str, limit: int = MAX_QUERY_WORDS) -> Asked:
    """Return the first `limit` different words of a question, without those that only ask: "how long", "list"."""
    every = _asked_pieces(question)
    telling = _asked_pieces(_ASKING.sub(" ", question))
    languages, joining = asking(every)
    for pieces in (telling, every):
        kept = [_forms(one, languages) for one in pieces if one not in joining and one not in STOP_WORDS]
        if kept:
            return Asked(tuple({forms[0]: forms for forms in kept}.values())[:limit])
    return Asked(())


def rarity(wanted: Iterable[T], texts: Sequence[Collection[T]]) -> dict[T, float]:
    """Return how much each word tells texts apart, from what each of them holds: its idf by BM25's formula.

    That is never negative, and most for what none holds. Source: Lucene's BM25Similarity.
    """
    having = {word: sum(word in text for text in texts) for word in wanted}
    return {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in having.items()}


def count(text: str) -> int:
    """Return how many words a text has: pieces between blanks, or characters of scripts that write without."""
    return max(len(text.split()), 0 if text.isascii() else sum(map(len, _UNSPACED_RUN.findall(text))))


def heading_line(title: str, headings: Iterable[str]) -> str:
    """Return where a chunk stands, in one line: title › heading › heading, without saying the same thing twice."""
    return HEADING_SEPARATOR.join({part.casefold(): part for part in (title, *headings) if part}.values())


@lru_cache(maxsize=10_000)
def file_words(file_name: str) -> str:
    """Return what a file's name says in words: "2026-03_house-rules.pdf" says "2026 03 house rules"."""
    return " ".join(re.split(r"[\s._-]+", PurePath(file_name).stem)).strip()


def _runs(text: str) -> list[tuple[str, str]]:
    """The stretches of a text that are words: each either without blanks between its words, or else one, or a code."""
    if text.isascii():
        return [("", run) for run in _ASCII_RUN.findall(text)]
    return _any_run().findall(unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=1)
def _odd() -> re.Pattern[str]:
    """What makes a text one that the plain pattern, which is the quicker one, cannot cut."""
    return re.compile(f"[{UNSPACED}{marks()}{UNSEEN}]")


@lru_cache(maxsize=1)
def _any_run() -> re.Pattern[str]:
    """What cuts any text. A run is of bounded length, so that keeping the words of runs takes bounded memory."""
    letter, marked = rf"[^\W_{UNSPACED}]", rf"[{marks()}{UNSEEN}]"
    word = rf"(?:{letter}{{1,{MAX_WORD}}}+{marked}{{0,8}}+){{1,{MAX_WORD // 2}}}+"
    return re.compile(rf"([{UNSPACED}]+)|({word}(?:[{_JOINERS}]{word}){{0,{MOST_JOINED}}}){letter}*")


@lru_cache(maxsize=KEPT)
def _kept(run: str) -> tuple[str, ...]:
    """The tokens of a spaced run: kept, because a text has far fewer different ones than it has."""
    return tuple(_neutral(piece) for piece in _pieces(run) if piece not in STOP_WORDS)


@lru_cache(maxsize=KEPT)
def _besides(run: str, language: str) -> tuple[str, ...]:
    """What finds a spaced run in a text of a language, besides its tokens."""
    return tuple(form for one in _pieces(run) if one not in STOP_WORDS for form in _forms(one, (language,))[1:])


def _asked_pieces(question: str) -> tuple[str, ...]:
    """The different pieces of a question, in order."""
    pieces = (_pairs(unspaced) if unspaced else _pieces(spaced) for unspaced, spaced in _runs(question))
    return tuple(dict.fromkeys(chain.from_iterable(pieces)))


class _Stretches(dict[str, tuple[str, ...]]):
    """The words that find what stands between blanks: its tokens, and the stems of one language that are others.

    No run has a blank in it, and to cut only what was not seen before is quicker than to cut everything. It empties
    itself, as a cache that puts in order what it is asked for takes longer to ask than all the rest of the cutting.
    Raises `KeyError` for a stretch that makes its text an odd one.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, stretch: str) -> tuple[str, ...]:
        plain = stretch if stretch.isascii() else unicodedata.normalize("NFKC", stretch)
        if not plain.isascii() and _odd().search(plain):
            raise KeyError(stretch)
        if self._language and len(plain) > MAX_WORD:
            raise KeyError(stretch)  # the two patterns cut longer words in different places
        found = tuple(chain.from_iterable(_found(run, self._language) for run in _PLAIN_RUN.findall(plain)))
        if len(stretch) <= MOST_KEPT:
            if len(self) >= KEPT:
                self.clear()
            self[stretch] = found
        return found


@lru_cache(maxsize=4)
def _stretches(language: str) -> _Stretches:
    return _Stretches(language)


def _plain(text: str, language: str = "") -> list[str]:
    """The words that find a text which is no odd one; raises `KeyError` if it is."""
    return list(chain.from_iterable(map(_stretches(language).__getitem__, text.split())))


def _found(run: str, language: str) -> tuple[str, ...]:
    """What finds a spaced run in a text of a language, or in any."""
    return (*_kept(run), *_besides(run, language)) if language else _kept(run)


def _pairs(run: str) -> list[str]:
    """The pairs of neighbours of an unspaced run, or its only character."""
    if run[0] >= _FIRST_IDEOGRAPH:
        return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
    letters = _letters(run)
    return list(map("".join, pairwise(letters))) or [run]


def _letters(run: str) -> list[str]:
    """The characters of an unspaced run, each with the marks on it."""
    return list(run) if run[0] >= _FIRST_IDEOGRAPH else _any_letter().findall(run)


@lru_cache(maxsize=1)
def _any_letter() -> re.Pattern[str]:
    """A character and the marks on it, in Khmer and Burmese also the letter written under it."""
    return re.compile(f".(?:[\u17d2\u1039].|[{marks()}])*")


def _neutral(piece: str) -> str:
    """A piece as it is stored whatever the language: stemmed as in English, which leaves most others alone."""
    return stem(_bare(piece), ENGLISH)[:MAX_WORD] if _bends(piece) else piece


def _forms(piece: str, languages: Iterable[str]) -> tuple[str, ...]:
    """A piece in its neutral form, then as each of the languages stems it, if otherwise."""
    if not _bends(piece):
        return (piece,)
    stems = (stem(_bare(piece), one)[:MAX_WORD] for one in languages)
    return tuple(dict.fromkeys((_neutral(piece), *filter(None, stems))))


def _bends(piece: str) -> bool:
    """Whether a piece is a word that has endings, rather than a code, a number or characters."""
    return not any(map(str.isdigit, piece)) and not _UNSPACED_RUN.match(piece)


def _bare(piece: str) -> str:
    """A word without the French or Italian article before it or the English 's behind it."""
    return _ELISION.sub("", piece).removesuffix("'s") if "'" in piece else piece


def _pieces(run: str) -> Iterator[str]:
    """Yield the folded words of a spaced run before they are stemmed: codes and numbers whole, then their parts."""
    if run.isascii() and run.isalpha() and (run.islower() or run.istitle() or run.isupper()):
        yield run.lower()
    elif _ABBREVIATION.fullmatch(run):
        yield from _of_code(run)
    else:
        for piece in _BREAK.split(run):
            if _GROUPED.fullmatch(piece):
                yield from _of_number(piece)
            elif _DECIMAL_COMMA.fullmatch(piece):
                yield from _of_code(piece.replace(",", "."))
            else:
                yield from chain.from_iterable(map(_of_code, piece.split(",")))


def _of_number(piece: str) -> Iterator[str]:
    """A number with its thousands apart: "1,250.00" and "1.250,00" are both "1250.00", which "1250" finds.

    "1.250" may be a little more than one, or the number of a paragraph: it is that too.
    """
    whole, fraction = piece, ""
    if (last := re.search(r"[.,](?=\d+$)", piece)) and len(set(re.findall(r"[.,']", piece))) > 1:
        whole, fraction = piece[: last.start()], piece[last.end() :]
    plain = fold(re.sub(r"[.,']", "", whole))
    if fraction:
        yield f"{plain}.{fold(fraction)}"[:MAX_WORD]
    elif "." in piece:
        yield from _of_code(piece)
    yield plain[:MAX_WORD]


def _of_code(piece: str) -> Iterator[str]:
    """The whole of a code, without the signs that only part it, and its parts: "B-17" is "b17", "b" and "17".

    So is what is written with a single letter, "e-mail", and the names in programs: "foo_bar" and "fooBar" are both
    "foobar", "foo" and "bar".
    """
    parts = [fold(part).strip("'")[:MAX_WORD] for part in _PART.split(piece)]
    parts = [part for part in parts if part]
    if 1 < len(parts) <= MOST_PARTS and (_CODE.search(piece) or min(map(len, parts)) == 1):
        yield _LOOSE.sub("", fold(piece).replace("'", ""))[:MAX_WORD]
    yield from parts
