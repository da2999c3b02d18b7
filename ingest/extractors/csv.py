"""CSV: rows with a header, whatever parts their cells (comma, semicolon, tab, bar) and whatever encodes them.

What parts the cells is what cuts most rows into equally many. (`csv.Sniffer` guesses from the frequencies of
characters, and takes letters for delimiters.)
"""

from __future__ import annotations

import csv
import io
from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Literal

from corpus.errors import TooLarge
from corpus.model import Extracted
from corpus.ports import Limits
from ingest.compose import Composer
from ingest.encodings import decode
from ingest.grids import Row, add_tables

NAME = "csv-1"
MEDIA_TYPES: tuple[str, ...] = ("text/csv", "text/tab-separated-values")
SUFFIXES: tuple[str, ...] = (".csv", ".tsv", ".tab")

DELIMITERS = "\t|;,"
"""Where two do equally well, the first: "1,5;2,5" has commas in its numbers."""
NEVER = "\x1f"
"""What parts nothing: lines of a text that is no table."""
Quoting = Literal[0, 3]
"""`csv.QUOTE_MINIMAL` or `csv.QUOTE_NONE`."""
SAMPLE_CHARACTERS, SAMPLE_ROWS = 64 * 1024, 200
FEW_ROWS = 2
"""In more rows than these, one that a delimiter cuts is a sentence with a comma."""
_END = "end of the file"


def extract(data: bytes, limits: Limits) -> Extracted:
    """Return the rows as a table, or several; the contract is `Extractor`'s."""
    text, flags = decode(data)
    if len(text) > limits.characters:
        raise TooLarge(f"The text has {len(text)} characters, more than FOOTNOTE_MAX_CHARACTERS={limits.characters}.")
    made = Composer(limits)
    add_tables(made, _rows(text.replace("\0", "")), limits)
    return made.done(flags=flags)


def _rows(text: str) -> Iterator[Row]:
    """Yield each row's cells that are not blank; nothing for an empty line is an empty row."""
    told, text = _told(text)
    delimiter = told or _delimiter(text, csv.QUOTE_MINIMAL)
    quoting: Quoting = csv.QUOTE_MINIMAL
    if not _is_closed(text, delimiter):
        quoting = csv.QUOTE_NONE
        delimiter = told or _delimiter(text, quoting)
    for cells in _read(text, delimiter, quoting):
        yield {column: cell for column, cell in enumerate(cells) if cell.strip()}


def _told(text: str) -> tuple[str, str]:
    """What the first line says of the delimiter, as spreadsheets write it ("sep=;"), and what follows that line."""
    line = text[:64].partition("\n")[0]
    mark, _, delimiter = line.rstrip("\r").strip('"').partition("=")
    if mark.lower() == "sep" and len(delimiter) == 1 and not delimiter.isalnum():
        return delimiter, text[len(line) + 1 :]
    return "", text


def _delimiter(text: str, quoting: Quoting) -> str:
    sample = text[:SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: 1 + max(sample.rfind("\n"), sample.rfind("\r"))] or sample
    scores = {delimiter: _agreement(sample, delimiter, quoting) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] else NEVER


def _agreement(sample: str, delimiter: str, quoting: Quoting) -> float:
    """The share of rows that a delimiter cuts into the number of cells that most rows have, if that is two or more."""
    rows = (row for row in _read(sample, delimiter, quoting) if any(cell.strip() for cell in row))
    widths = Counter(len(row) for row in islice(rows, SAMPLE_ROWS))
    count = max((count for width, count in widths.items() if width > 1), default=0)
    if count == 1 and widths.total() > FEW_ROWS:
        return 0.0
    return count / max(1, widths.total())


def _is_closed(text: str, delimiter: str) -> bool:
    """Whether no quote that opens a cell swallows the rest of the file: inches are written as quotes, too."""
    if '"' not in text:
        return True
    ends = "" if text.endswith(("\n", "\r")) else "\n"
    return deque(_read(text + ends, delimiter, csv.QUOTE_MINIMAL, _END), maxlen=1)[0] == [_END]


def _read(text: str, delimiter: str, quoting: Quoting, *more: str) -> Iterator[list[str]]:
    """Read rows, and lines that follow them."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # a bound of the whole process, and a low one
    lines = chain(io.StringIO(text, newline=""), more)
    return csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)
