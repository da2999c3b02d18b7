"""Where the sentences of a text are: offsets, so that a quote is always a piece of the text itself.

Extracted text has lines, and a line's end means nothing in a paragraph and everything in a table or a list. A line goes
on in the next one if it is about as long as its neighbours let it be and holds no amount, or if the next begins like
the middle of a sentence; otherwise each line stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

WRAPPED = 0.75
"""A line of this share of the longest line may have been broken only because it was full."""
SHORTEST_WRAP = 45
_END = re.compile(r"""[.!?…]["'”’)\]]*(?=\s+["'“‘(\[]*[A-Z0-9À-Þ])|[。！？]""")
_ABBREVIATED = re.compile(r"\b(?:[A-Za-z]|No|Nos|Art|Mr|Mrs|Ms|Dr|St|vs|etc|approx|Inc|Ltd|Co|Fig|pp|e\.g|i\.e)\.$")
_ITEM = re.compile(r"\s*(?:[-*•▪◦‣+>|#]|\d{1,3}[.)]\s|[a-z][.)]\s|\([a-z0-9]{1,3}\)\s)")
_AMOUNT = re.compile(r"\d[.,]\d\d(?!\d)")
"""What a line of a table of prices or figures has in it."""
_CELL_END = re.compile(r"(?:^|(?<=[ \t]))\|(?=[ \t]|$)", re.MULTILINE)
"""What stands between the cells of a row, as extractors and Markdown write it."""
_GOES_ON = re.compile(r"\s*[a-zß-ÿ(,;]")


def sentences(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, row, list item or heading of a text, in order, without blanks around."""
    found: list[tuple[int, int]] = []
    for start, end in _paragraphs(text):
        at = start
        for stop in () if _CELL_END.search(text, start, end) else _END.finditer(text, start, end):
            begun = text[at : stop.start() + 1].lstrip()
            if not _ABBREVIATED.search(begun, max(0, len(begun) - 12)) and not begun[:-1].isdigit():
                found.append((at, stop.end()))
                at = stop.end()
        found.append((at, end))
    return [span for span in (_inked(text, *one) for one in found) if span]


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of lines that belong together."""
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n\f]+", text)]
    widest = max((end - start for start, end in lines), default=0)
    start = None
    for number, (begin, end) in enumerate(lines):
        start = begin if start is None else start
        following = lines[number + 1] if number + 1 < len(lines) else None
        if following is None or not _goes_on(text, (begin, end), following, widest):
            yield start, end
            start = None


def is_row(text: str) -> bool:
    """Whether a line is a row of a table: cells with bars between them."""
    return _CELL_END.search(text) is not None


def _goes_on(text: str, line: tuple[int, int], following: tuple[int, int], widest: int) -> bool:
    if (
        following[0] > line[1] + 1
        or _ITEM.match(text, *following)
        or text[line[0] : line[1]].lstrip().startswith("#")
        or any(_CELL_END.search(text, *one) for one in (line, following))
    ):
        return False
    if _GOES_ON.match(text, *following):
        return True
    full = line[1] - line[0] >= max(SHORTEST_WRAP, WRAPPED * widest)
    return full and text[line[1] - 1] not in ".!?:;…" and not _AMOUNT.search(text, *line)


def _inked(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    return (start, end) if start < end else None
