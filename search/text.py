"""An answer's text while it is written: sentences with the numbers of their citations, one number for one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from corpus.answers import Citation, Sentence

SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", "»", ")")
_BRACKETED = re.compile(r"\[(\d+)\]")


@dataclass(slots=True)
class Text:
    """What was said so far, and the citations of it."""

    citations: list[Citation] = field(default_factory=list)
    _said: list[Sentence] = field(default_factory=list)
    _next: str = ""

    def __str__(self) -> str:
        return together(self._said)

    def add(self, sentence: Sentence) -> Sentence:
        """Say a sentence whose citations have no numbers yet, and return it as it is said."""
        cited = dict.fromkeys(self._numbered(one) for one in sentence.citations)
        own = _BRACKETED.sub(r"(\1)", sentence.text)  # a document's own note numbers are not ours
        said = own + " " + "".join(f"[{one.number}]" for one in cited)
        self._said.append(Sentence(said, tuple(cited), self._next))
        self._next = _behind(said)
        return self._said[-1]

    def end_line(self) -> None:
        """Have what follows stand on a line of its own."""
        if self._said:
            self._next = "\n"

    def has(self, one: Citation) -> bool:
        """Whether that place is cited already, or lies within one that is."""
        return any(
            (known.document_id, known.version) == (one.document_id, one.version)
            and known.start < one.end
            and one.start < known.end
            for known in self.citations
        )

    def _numbered(self, one: Citation) -> Citation:
        """A citation with the number of its place, a new one if that is cited for the first time."""
        for known in self.citations:
            if replace(known, number=0) == one:
                return known
        self.citations.append(replace(one, number=len(self.citations) + 1))
        return self.citations[-1]


def together(said: Sequence[Sentence]) -> str:
    """Return sentences, as they were said, as one text."""
    return "".join(one.behind + one.text for one in said)


def _behind(said: str) -> str:
    """What stands between a sentence with its marks and the next: a table's row stands on a line of its own."""
    own, _, _ = said.rpartition(" ")
    return " " if own.endswith(SENTENCE_ENDS) else "\n"
