"""Search and answers."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from footnote.api.asker import Asker, Parts
from footnote.api.replies import Once, once, sent
from footnote.api.shapes import AnswerReply, Question, SearchReply, SearchRequest
from footnote.api.streams import STREAMED, streamed, wanted
from footnote.render import answer_data, hit_data

router = APIRouter(prefix="/v1", tags=["questions"])


@router.post("/search", response_model=SearchReply)
def search(footnote: Parts, scope: Asker, asked: SearchRequest) -> Response:
    """Return the chunks that fit a question best."""
    found = footnote.search(scope, asked.question, asked.k, asked.only, asked.day)
    return sent({"hits": [hit_data(hit) for hit in found.hits]})


@router.post("/ask", response_model=AnswerReply, responses={**STREAMED})
def ask(request: Request, footnote: Parts, scope: Asker, asked: Question) -> Response:
    """Answer a question from the documents, with a citation for every sentence, or say that they do not.

    With `Accept: text/event-stream` each sentence is sent as soon as it is verified, and the answer last.
    """
    told, given = asked.model_dump(mode="json"), (scope, asked.question, asked.day, asked.only)
    if wanted(request):
        return streamed(request, Once(footnote, scope, request, told), footnote.stream(*given))
    return once(footnote, scope, request, told, lambda: (HTTPStatus.OK, answer_data(footnote.ask(*given))))
