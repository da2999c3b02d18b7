"""The same answers for programs that speak the OpenAI protocol: a model is a persona, citations are annotations."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.answers import Answer, Citation, Sentence
from corpus.errors import BadRequest
from corpus.keys import ulid
from footnote.api.answering import answered, answering
from footnote.api.asker import Asker, Parts
from footnote.api.chat_shapes import ChatCompletion, ChatRequest, ModelsReply
from footnote.api.problems import documented
from footnote.api.replies import Data, rendered, sent
from footnote.api.streams import MEDIA_TYPE, sending
from footnote.api.trails import accessed
from search.converse import Meant

router = APIRouter(prefix="/v1", tags=["chat"], responses=documented("/v1/models"))
CHUNKS: Mapping[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "description": "The answer; with `stream`, in chunks.",
        "content": {MEDIA_TYPE: {"schema": {}, "example": 'data: {…,"choices":[…]}\n\ndata: [DONE]\n\n'}},
    }
}
_MARK = re.compile(r"\[(\d+)\]")


@router.get("/models", response_model=ModelsReply)
def models(footnote: Parts, scope: Asker) -> Response:
    """List the building's personas, as models; without any there is one that has nothing of its own to say."""
    found = footnote.personas.of_tenant(scope.tenant_id) or [footnote.personas.answering(scope.tenant_id, "")]
    data = [{"id": one.persona_id, "object": "model", "created": 0, "owned_by": scope.tenant_id} for one in found]
    return sent({"object": "list", "data": data})


@router.post("/chat/completions", response_model=ChatCompletion, responses={**CHUNKS})
def complete(request: Request, footnote: Parts, scope: Asker, asked: ChatRequest) -> Response:
    """Answer the last message from the documents, in the persona's voice, with the earlier ones as what it leans on.

    What a system message orders is not followed: the persona says how to answer, and the documents what. A sentence's
    `[n]` is annotated with the citation that it points at. With `stream` each sentence is a chunk as soon as it is
    verified, and the annotations come with the last.
    """
    question, turns = asked.question_and_turns()
    if not question:
        raise BadRequest("The last message is to be a user's, and to hold text.")
    persona = footnote.personas.answering(scope.tenant_id, asked.model)
    head = {"id": f"chatcmpl-{ulid(footnote.clock())}", "created": int(footnote.clock()), "model": persona.persona_id}
    trail = accessed(request, footnote, scope, "ask")
    if asked.stream:
        replying = footnote.converser.replying(scope, persona, question, turns, "stream")
        return sending(request, _chunks(head, answering(trail, replying, _delta)), _event)
    return sent(_completion(head, answered(trail, lambda: footnote.converser.reply(scope, persona, question, turns))))


def _completion(head: Data, answer: Answer) -> Data:
    """A chat completion as one object."""
    message = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": _annotations(answer)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def _delta(one: Meant | Sentence | Answer | None) -> Data | None:
    """Return what a message has more by what is said: a sentence once it is verified, and last its annotations.

    The `openai` package puts a message together from its deltas, and can do that with one list of annotations only.
    """
    if isinstance(one, Meant):
        return {"role": "assistant", "content": ""}
    if isinstance(one, Answer):  # one with citations was told by its sentences
        return {"content": "" if one.citations else one.text, "annotations": _annotations(one)}
    return {"content": one.behind + one.text} if one else None


def _chunks(head: Data, deltas: Generator[Data | None, None, None]) -> Generator[bytes, None, None]:
    """Yield deltas as they are sent, b"" for None, and behind them the end."""
    with closing(deltas):
        for delta in deltas:
            yield _chunk(head, delta) if delta else b""
    yield _chunk(head, {}, "stop") + b"data: [DONE]\n\n"


def _chunk(head: Data, delta: Data, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return _event(rendered({**head, "object": "chat.completion.chunk", "choices": [choice]}))


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _annotations(answer: Answer) -> list[dict[str, Any]]:
    """For each mark in the text where it stands, and the page that it points at."""
    by_number = {one.number: one for one in answer.citations}
    return [
        {"type": "url_citation", "url_citation": _located(by_number[int(mark[1])], mark.start(), mark.end())}
        for mark in _MARK.finditer(answer.text)
        if int(mark[1]) in by_number
    ]


def _located(one: Citation, start: int, end: int) -> dict[str, Any]:
    page = f", page {one.page_label or one.page}"
    return {
        "start_index": start,
        "end_index": end,
        "title": f"{one.file_name}{page}",
        "url": f"/v1/documents/{one.document_id}/pages/{one.page}",
    }
