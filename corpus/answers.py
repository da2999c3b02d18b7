"""The nouns of answering: what a language model is asked, and what the asker gets. Frozen values, as in `model`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

LONGEST_DRAFT = 20_000
"""Characters that a model may write; a longer draft is cut off: nobody asked for a book."""
AnswerType = Literal["grounded", "partial", "conflict", "not_found"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hit put before a language model: `number` is what its citations say, `header` the columns of its rows.

    `language` is the document's, "" if nobody knows it.
    """

    number: int
    source: str
    content: str
    header: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a language model is asked. History is earlier turns, oldest first, as (question, answer)."""

    instructions: str
    question: str
    evidence: tuple[Evidence, ...]
    history: tuple[tuple[str, str], ...] = ()


class Tokens(NamedTuple):
    """What a model was given and gave, as it counts it: text that became vectors, text it read, and text it wrote."""

    embedded: int = 0
    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands: `quote` is the stored text of that version from `start` to `end`, on page `page`.

    `in_force_from` and `in_force_until` are the document's days, as ISO dates, "" without. One whose document
    is no longer `available` to whoever reads it names the document and says nothing else of it.
    """

    number: int
    document_id: str
    version: str
    file_name: str
    page: int
    page_label: str
    section: str
    start: int
    end: int
    quote: str
    in_force_from: str = ""
    in_force_until: str = ""
    available: bool = True


@dataclass(frozen=True, slots=True)
class Sentence:
    """A verified sentence of an answer while that is written: `[n]` in `text` points at the citation of that number.

    `behind` is what stands in the answer between the sentence before it and this one.
    """

    text: str
    citations: tuple[Citation, ...]
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the asker gets: `[n]` in `text` points at the citation of that number.

    `notes` says what was not read, and who answered if the model did not; `as_of` is the day that was asked for, if
    one was. `about` are the ids of documents that the notes name and that it does not cite.
    """

    type: AnswerType
    text: str
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()
    as_of: str = ""
    about: tuple[str, ...] = ()

    @property
    def documents(self) -> tuple[str, ...]:
        """The ids of all documents that it names."""
        return tuple(dict.fromkeys((*(one.document_id for one in self.citations), *self.about)))
