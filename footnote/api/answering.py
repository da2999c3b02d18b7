"""The way of every question, whichever door it came by: within the trail that it leaves, which names what is told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing
from typing import TypeAlias, TypeVar

from corpus.answers import Answer, Sentence
from corpus.records.conversations import Message
from footnote.api.replies import Data
from footnote.api.streams import ANSWER, SENTENCE, Event, Telling
from footnote.render import sentence_data
from search.converse import Meant

Whole = TypeVar("Whole", Answer, Message)
Told = TypeVar("Told")
Said: TypeAlias = Meant | Sentence | Whole | None
Trail: TypeAlias = AbstractContextManager[list[str]]


def answered(trail: Trail, answer: Callable[[], Whole]) -> Whole:
    """Return an answer, or the message that bears it, when it is whole."""
    with trail as documents:
        whole = answer()
        documents.extend(_named(whole))
    return whole


def answering(
    trail: Trail, replying: Generator[Said[Whole], None, None], tell: Callable[[Said[Whole]], Told]
) -> Generator[Told, None, None]:
    """Yield what is said of a question as `tell` puts it; closing this ends what answers."""
    with trail as documents, closing(replying):
        for one in replying:
            documents.extend(_named(one))
            yield tell(one)


def telling(trail: Trail, replying: Generator[Said[Whole], None, None], told: Callable[[Whole], Data]) -> Telling:
    """Yield the same as events, the last of them as `told` puts it."""

    def tell(one: Said[Whole]) -> Event | None:
        if isinstance(one, Meant):
            return Event("usedQuery", {"usedQuery": one.question})
        if isinstance(one, Sentence):
            return Event(SENTENCE, sentence_data(one))
        return Event(ANSWER, told(one), [*_named(one)]) if one else None

    return answering(trail, replying, tell)


def _named(one: Meant | Sentence | Answer | Message | None) -> Iterable[str]:
    """The ids of the documents that it names."""
    if isinstance(one, Sentence):
        return (cited.document_id for cited in one.citations)
    answer = one.answer if isinstance(one, Message) else one
    return answer.documents if isinstance(answer, Answer) else ()
