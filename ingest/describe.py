"""What a record says of a text: its title, its language, how long it is, how it begins, and the words it is about.

Pure functions of an extracted text and its file's name. Extractors say what a document calls itself and where its
headings are; what is made of that is decided here, for every format alike. Nobody retrieves by it: a guess is shown to
people only, and where nothing can be said, nothing is.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus import languages, words
from corpus.model import Extracted
from ingest import tokens
from ingest.clean import clean

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

NAME = "describe-1"
"""Part of every recipe: what a document calls itself is embedded with each of its chunks."""

MAX_TITLE, MAX_PREVIEW, MAX_KEYWORDS, MAX_KEYWORD = 300, 500, 20, 40
HEADINGS_TRIED = 20

SURE = 0.7
"""So probable must a language be: more than 0.5, a text in two, less than 0.8, a sentence in Danish, near Norwegian."""
FEWEST_LETTERS = 40
LANGUAGE_PIECES, LANGUAGE_PIECE = 8, 1_000
NO_LANGUAGE = "zxx"
"""What the detector calls identifiers, hashes and noise."""

KEYWORD_PIECES, KEYWORD_PIECE = 8, 50_000
CANDIDATES = 1_500
"""Of a text's different words only so many are looked at, the most frequent; it is they that can be keywords."""

_WRITTEN_BY = re.compile(r"^Microsoft (?:Office )?(?:Word|PowerPoint|Excel|Publisher) - ", re.IGNORECASE)
_FILE = re.compile(
    r"^(?:[a-z]:[\\/]|\\\\|/|file:|https?:)"
    r"|\.(?:docx?|dotx?|odt|rtf|wpd|pages|pdf|xlsx?|ods|csv|pptx?|odp|txt|md|html?|eml|tex|dvi|indd|qxd|pmd|tmp)$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"""(?: (?: (?:untitled|unnamed|new|blank|scanned|default|no)[ ]?
              | sin\ t[ií]tulo | sans\ titre | senza\ titolo | sem\ t[ií]tulo | ohne\ titel | unbenannt | naamloos )?
            (?: title | name | document(?:o|um)? | dokument | doc | text | file | report
              | pr[eäé]senta(?:tion|tie|ción|zione) | apresentação | workbook | (?:work)?sheet | book | slide | page
              | mappe | tabelle | folie | classeur | feuil | hoja | foglio | scan | ima?ge?
              | (?:microsoft\ )?word\ document | powerpoint[ ]presentation | powerpoint-präsentation
              | présentation\ powerpoint | presentación\ de\ powerpoint )?
          | unknown | none | null | n/a )[-_ ]?\(?\d*\)?""",
    re.IGNORECASE | re.VERBOSE,
)
"""What programs and scanners put where a title should be."""
_CONTENTS = re.compile(
    r"(?:table of )?contents|cover(?: page)?|title page|inhalt(?:sverzeichnis)?|sommaire|table des matières|[íi]ndice"
    r"|inhoud(?:sopgave)?|目次|目录",
    re.IGNORECASE,
)

_UNREAD_LETTER = re.compile(r"[^\W\d_]")
_JAPANESE = re.compile("[\u30a1-\u30fa\u30fc]{2,12}|[\u3005\u4e00-\u9fff]{2,8}")
"""Runs in katakana, which are borrowed words, or in kanji, which are words or put together of few."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a text at a glance; `own_title` is "" where `title` is a heading or the file's name instead."""

    title: str
    own_title: str
    language: str
    page_count: int
    word_count: int
    keywords: tuple[str, ...]
    preview: str


def description(extracted: Extracted, file_name: str) -> Description:
    """Return what a record says of a text."""
    language_found = language(extracted.text)
    return Description(
        title=title(extracted, file_name),
        own_title=own_title(extracted, file_name),
        language=language_found,
        page_count=len(extracted.pages),
        word_count=word_count(extracted.text, language_found),
        keywords=keywords(extracted.text, language_found),
        preview=preview(extracted.text),
    )


def title(extracted: Extracted, file_name: str) -> str:
    """Return what to call a document: its own title, else its first heading that says something, else its file's name.

    Never empty unless the file's name is.
    """
    outermost = dict.fromkeys(one.headings[0] for one in extracted.sections[:HEADINGS_TRIED] if one.headings)
    headings = (_fair(one, file_name) for one in outermost if not _CONTENTS.fullmatch(one.strip()))
    found = own_title(extracted, file_name) or next(filter(None, headings), "")
    return found or words.file_words(file_name)[:MAX_TITLE] or file_name


def own_title(extracted: Extracted, file_name: str) -> str:
    """Return the title a document gives itself in its properties, "" if it has none or a program's.

    This is what its chunks bear and are embedded with. A heading or a file's name would say it no better there, since
    each chunk is embedded with the headings above it and the words of the file's name as it is; but a change of the
    first heading would then change every chunk, and buy all vectors of the document again.
    """
    return _fair(extracted.title, file_name)


def _fair(words_of_it: str, file_name: str) -> str:
    """A title without what its program put before it, on one line; "" if it is none."""
    line = _WRITTEN_BY.sub("", " ".join(clean(words_of_it[: 10 * MAX_TITLE]).split()))
    says_nothing = _FILE.search(line) or _NOTHING.fullmatch(line) or line.casefold() == file_name.casefold()
    return "" if says_nothing or not _UNREAD_LETTER.search(line) else line[:MAX_TITLE].rstrip()


def language(text: str) -> str:
    """Return the language of a text by its ISO 639-1 code; "" if it is in several, too short or in none.

    A long text is sampled; each piece counts as much as it has letters.
    """
    sums: Counter[str] = Counter()
    total = 0
    for piece in _pieces(text, LANGUAGE_PIECES, LANGUAGE_PIECE):
        letters = len(_UNREAD_LETTER.findall(piece))
        total += letters
        if letters:
            for name, probability in _detector().rank(piece)[:5]:
                sums[name] += letters * probability
    if total < FEWEST_LETTERS:
        return ""
    best, weight = max(sums.items(), key=lambda one: one[1])
    return best if weight >= SURE * total and best != NO_LANGUAGE else ""


@lru_cache(maxsize=1)
def _detector() -> LanguageIdentifier:
    """The detector, which takes half a second and 75 MB, so nobody has it who has nothing to read.

    It knows varieties too (Wu, Moroccan Arabic, Naijá), among which a language's share would be divided.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages([name for name in detector.labels if len(name) == len("en") or name == NO_LANGUAGE])
    return detector


def word_count(text: str, language_found: str) -> int:
    """Return how many words a text has: `words.count`, but Korean, written with blanks, counts pieces between them."""
    return len(text.split()) if language_found == "ko" else words.count(text)


def preview(text: str) -> str:
    """Return how a text begins: up to 500 characters as they are stored, line ends too, without page breaks.

    No accent is cut off its letter.
    """
    head = text[: 4 * MAX_PREVIEW].replace("\f", "").lstrip()
    end = min(MAX_PREVIEW, len(head))
    while 0 < end < len(head) and unicodedata.category(head[end])[0] == "M":
        end -= 1
    return head[:end].rstrip()


def keywords(text: str, language_found: str) -> tuple[str, ...]:
    """Return up to 20 words that the text uses more than other texts do, the most telling first, as it writes them.

    A word's score is the weighted log-likelihood tf · log(tf / N ÷ p), after Rayson and Garside, "Comparing corpora
    using frequency profiling" (2000), with Zipf's p = 1 / (rank · ln V). The rank is the word's in cl100k_base, whose
    tokens were learned in the order of their frequency. Forms of one stem are one keyword. Chinese, Thai, Lao, Burmese
    and Khmer, written without blanks, have none; of Japanese there are the runs in katakana and in kanji.
    """
    pieces = Counter(" ".join(_pieces(text, KEYWORD_PIECES, KEYWORD_PIECE)).split())
    total, size = pieces.total(), math.log(tokens.encoding().n_vocab)
    stop = _stop_words(language_found)
    by_stem: dict[str, Counter[str]] = {}
    for piece, times in pieces.most_common(CANDIDATES):
        for form in _forms(piece, language_found, stop):
            if stem := " ".join(words.tokens(form)):
                by_stem.setdefault(stem, Counter())[form] += times
    scores: dict[str, float] = {}
    for forms in by_stem.values():
        most = max(forms, key=lambda form: (forms[form], form.islower(), not form.isupper()))
        rank = min(tokens.rank(form) for form in {most, most.lower()})
        scores[most] = forms.total() * math.log(forms.total() / total * rank * size)
    best = sorted((form for form in scores if scores[form] > 0), key=lambda form: -scores[form])
    return tuple(best[:MAX_KEYWORDS])


def _forms(piece: str, language_found: str, stop: frozenset[str]) -> Iterator[str]:
    """The words in a piece between blanks that may be keywords; addresses and what holds digits are none."""
    if "://" in piece or "@" in piece or piece.startswith("www."):
        return
    for part in "".join(map(_letter, piece)).split():
        if _UNSPACED.search(part):
            found = _JAPANESE.findall(part) if language_found == "ja" else ()
            yield from (run for run in found if not _numeric(run))
        elif part.strip("'-").casefold() not in stop:
            word = max(part.split("'"), key=len).strip("-")  # the French and Italian article goes, and the English 's
            if 1 < len(word) <= MAX_KEYWORD and word.casefold() not in stop and not _numeric(word):
                yield word


def _numeric(word: str) -> bool:
    """Whether there is a digit in a word, or what stands for one: 九 is nine."""
    return any(map(str.isnumeric, word))


@lru_cache(maxsize=4096)
def _letter(character: str) -> str:
    """The character if words are made of such, else a blank."""
    if character in "'’":
        return "'"
    return character if character == "-" or unicodedata.category(character)[0] in "LMN" else " "


@lru_cache(maxsize=64)
def _stop_words(language_found: str) -> frozenset[str]:
    """Words that are no keywords in a text of this language; English ones are none in any."""
    return languages.stop_words("en") | languages.stop_words(language_found) | languages.STOP_WORDS


def _pieces(text: str, most: int, size: int) -> Iterator[str]:
    """Yield a text in pieces of `size`; of one that has more than `most`, so many that lie evenly spread."""
    last = max(0, len(text) - size)
    starts = range(0, len(text), size) if len(text) <= most * size else (last * n // (most - 1) for n in range(most))
    for start in starts:
        yield text[start : start + size]
