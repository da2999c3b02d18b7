"""The same answers for programs that speak the OpenAI protocol: a model is a persona, citations are annotations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from corpus.answers import Answer, Citation
from corpus.errors import BadRequest
from corpus.keys import ulid
from corpus.records.personas import Persona
from footnote.api.asker import Asker, Parts
from footnote.api.chat_shapes import ChatCompletion, ChatRequest, ModelsReply
from footnote.api.problems import EXPECTED, OpenAIErrorReply
from footnote.api.replies import sent
from footnote.api.streams import MEDIA_TYPE, UNBUFFERED
from footnote.api.trails import accessed

ERRORS: Mapping[int | str, dict[str, Any]] = {
    status.value: {"description": status.phrase, "model": OpenAIErrorReply} for status in EXPECTED
}
router = APIRouter(prefix="/v1", tags=["chat"], responses={**ERRORS})
CHUNKS: Mapping[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "description": "The answer; with `stream`, in chunks.",
        "content": {MEDIA_TYPE: {"schema": {}}},
    }
}
_MARK = re.compile(r"\[(\d+)\]")


@router.get("/models", response_model=ModelsReply)
def models(footnote: Parts, scope: Asker) -> Response:
    """List the building's personas, as models; without any there is one that has nothing of its own to say."""
    personas = footnote.converser.personas
    found = personas.of_tenant(scope.tenant_id) or [personas.answering(scope.tenant_id, "")]
    data = [{"id": one.persona_id, "object": "model", "created": 0, "owned_by": scope.tenant_id} for one in found]
    return sent({"object": "list", "data": data})


@router.post("/chat/completions", response_model=ChatCompletion, responses={**CHUNKS})
def complete(request: Request, footnote: Parts, scope: Asker, asked: ChatRequest) -> Response:
    """Answer the last message from the documents, in the persona's voice, with the earlier ones as what it leans on.

    What a system message orders is not followed: the persona says how to answer, and the documents what. A sentence's
    `[n]` is annotated with the citation that it points at.
    """
    question, turns = asked.question_and_turns()
    if not question:
        raise BadRequest("The last message is to be a user's, and to hold text.")
    persona = footnote.converser.personas.answering(scope.tenant_id, asked.model)
    with accessed(request, footnote, scope, "ask") as documents:
        _, answer = footnote.converser.reply(scope, persona, question, turns)
        documents += [one.document_id for one in answer.citations]
    reply = _Reply(f"chatcmpl-{ulid(footnote.clock())}", int(footnote.clock()), persona, answer)
    if asked.stream:
        return StreamingResponse(reply.events(), headers=UNBUFFERED, media_type=MEDIA_TYPE)
    return sent(reply.whole(), HTTPStatus.OK)


class _Reply:
    """A chat completion, whole or in chunks."""

    def __init__(self, reply_id: str, created: int, persona: Persona, answer: Answer) -> None:
        self._head = {"id": reply_id, "created": created, "model": persona.persona_id}
        self._answer = answer

    def whole(self) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": self._answer.text,
            "refusal": None,
            "annotations": self._annotations(),
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage}

    def events(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})
        yield self._chunk({"content": self._answer.text})
        yield self._chunk({"annotations": self._annotations()})
        yield self._chunk({}, "stop")
        yield b"data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        data = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"

    def _annotations(self) -> list[dict[str, Any]]:
        """For each mark in the text where it stands, and the page that it points at."""
        by_number = {one.number: one for one in self._answer.citations}
        return [
            {"type": "url_citation", "url_citation": _located(by_number[int(mark[1])], mark.start(), mark.end())}
            for mark in _MARK.finditer(self._answer.text)
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
