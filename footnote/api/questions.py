"""Search and answers."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.answers import Answer
from corpus.records.personas import contact_data
from corpus.scope import Scope
from footnote.api.asker import Asker, Parts
from footnote.api.replies import Data, Made, Once, once, sent
from footnote.api.shapes import AnswerReply, Question, SearchReply, SearchRequest
from footnote.api.streams import ANSWER, EXAMPLE, SENTENCE, Event, Telling, described, streamed, wanted
from footnote.api.trails import accessed
from footnote.connect import Footnote
from footnote.render import answer_data, hit_data, sentence_data

router = APIRouter(prefix="/v1", tags=["questions"])
EVENTS = described(
    "The answer; as events, each sentence when it is verified, and the answer last.",
    EXAMPLE,
    'event: answer\ndata: {"type":"grounded","text":"The pool opens at nine. [1]",…}\n\n',
)


@router.post("/search", response_model=SearchReply)
def search(request: Request, footnote: Parts, scope: Asker, asked: SearchRequest) -> Response:
    """Return the chunks that fit a question best."""
    with accessed(request, footnote, scope, "search") as documents:
        found = footnote.search(scope, asked.question, asked.k, only=asked.only, as_of=asked.day)
        documents += [hit.generation.document_id for hit in found.hits]
    return sent({"hits": [hit_data(hit) for hit in found.hits]})


@router.post("/ask", response_model=AnswerReply, responses=EVENTS)
def ask(request: Request, footnote: Parts, scope: Asker, asked: Question) -> Response:
    """Answer a question from the documents, with a citation for every sentence, or say that they do not.

    With `Accept: text/event-stream` each sentence is sent as soon as it is verified, and the answer last. What is not
    answered in full comes with whom to turn to, where the building says so.
    """
    if wanted(request):
        once_only = Once(footnote, scope, request, asked.model_dump(mode="json"))
        return streamed(request, once_only, _answering(request, footnote, scope, asked))

    def make() -> Made:
        with accessed(request, footnote, scope, "ask") as documents:
            answer = footnote.ask(scope, asked.question, only=asked.only, as_of=asked.day)
            documents.extend(answer.documents)
        return Made(HTTPStatus.OK, told(footnote, scope, answer), documents)

    return once(footnote, scope, request, asked.model_dump(mode="json"), make)


def _answering(request: Request, footnote: Footnote, scope: Scope, asked: Question) -> Telling:
    answering = footnote.stream(scope, asked.question, only=asked.only, as_of=asked.day)
    with accessed(request, footnote, scope, "ask") as documents, closing(answering):
        for one in answering:
            if isinstance(one, Answer):
                documents.extend(one.documents)
                yield Event(ANSWER, told(footnote, scope, one), documents)
            else:
                documents.extend(cited.document_id for cited in (one.citations if one else ()))
                yield Event(SENTENCE, sentence_data(one)) if one else None


def told(footnote: Footnote, scope: Scope, answer: Answer) -> Data:
    """An answer as it is sent; one that is not all of it bears the contact of the building's default persona."""
    grounded = answer.type == "grounded"
    contact = None if grounded else footnote.converser.personas.answering(scope.tenant_id, "").contact
    return {**answer_data(answer), "contact": contact_data(contact) if contact else None}
