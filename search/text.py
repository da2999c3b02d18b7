"""An answer's text while it is written: sentences with the numbers of their citations, one number for one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from corpus.answers import Answer, Citation

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", "»", ")")
_BRACKETED = re.compile(r"\[(\d+)\]")


@dataclass(slots=True)
class Text:
    """What was said so far, and the citations of it."""

    citations: list[Citation] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(self._pieces).rstrip()

    def add(self, sentence: str, cited: Sequence[Citation]) -> None:
        """Say a sentence, with citations whose own numbers do not count."""
        numbers = dict.fromkeys(self._number(one) for one in cited)
        own = _BRACKETED.sub(r"(\1)", sentence)  # a document's own note numbers are not ours
        ends = " " if own.endswith(SENTENCE_ENDS) else "\n"  # a table's row stands on a line of its own
        self._pieces += [own, " ", *(f"[{number}]" for number in numbers), ends]

    def append(self, answer: Answer) -> None:
        """Say a whole answer, on lines of its own, if it says anything with citations."""
        if not answer.citations:
            return
        numbers = {one.number: self._number(one) for one in answer.citations}
        renumbered = _BRACKETED.sub(lambda found: f"[{numbers[int(found[1])]}]", answer.text)
        self._pieces += [renumbered, "\n"]

    def has(self, one: Citation) -> bool:
        """Whether that place is cited already, or lies within one that is."""
        return any(
            (known.document_id, known.version) == (one.document_id, one.version)
            and known.start < one.end
            and one.start < known.end
            for known in self.citations
        )

    def _number(self, one: Citation) -> int:
        """The number under which a place is cited, new if it is cited for the first time."""
        for known in self.citations:
            if replace(known, number=0) == replace(one, number=0):
                return known.number
        self.citations.append(replace(one, number=len(self.citations) + 1))
        return len(self.citations)
