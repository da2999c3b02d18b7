"""Search and answers."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.answers import Answer
from corpus.records.personas import contact_data
from corpus.scope import Scope
from footnote.api.answering import answered, telling
from footnote.api.asker import Asker, Parts
from footnote.api.once import Made, Once, once
from footnote.api.question_shapes import AnswerReply, Question, SearchReply, SearchRequest
from footnote.api.replies import Data, sent
from footnote.api.streams import EXAMPLE, described, streamed, wanted
from footnote.api.trails import accessed
from footnote.connect import Footnote
from footnote.render import answer_data, hit_data

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
    trail = accessed(request, footnote, scope, "ask")
    if wanted(request):
        once_only = Once(footnote, scope, request, asked.model_dump(mode="json"))
        replying = footnote.stream(scope, asked.question, only=asked.only, as_of=asked.day)
        return streamed(request, once_only, telling(trail, replying, partial(told, footnote, scope)))

    def make() -> Made:
        answer = answered(trail, lambda: footnote.ask(scope, asked.question, only=asked.only, as_of=asked.day))
        return Made(HTTPStatus.OK, told(footnote, scope, answer), answer.documents)

    return once(footnote, scope, request, asked.model_dump(mode="json"), make)


def told(footnote: Footnote, scope: Scope, answer: Answer) -> Data:
    """An answer as it is sent; one that is not all of it bears the contact of the building's default persona."""
    grounded = answer.type == "grounded"
    contact = None if grounded else footnote.personas.answering(scope.tenant_id, "").contact
    return {**answer_data(answer), "contact": contact_data(contact) if contact else None}
