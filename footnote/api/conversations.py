"""Conversations: begun, held and forgotten. Another person's is one that is not there."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from corpus.model import Json
from corpus.records.conversations import Conversation, Message, conversation_data, message_data
from corpus.records.personas import contact_data
from corpus.scope import Scope
from footnote.api.answering import answered, telling
from footnote.api.asker import Asker, Parts, Talker
from footnote.api.conversation_shapes import (
    ConversationReply,
    ConversationRequest,
    ConversationShape,
    ConversationsReply,
    MessageShape,
    Said,
)
from footnote.api.lists import Page
from footnote.api.once import Made, Once, once
from footnote.api.replies import UNCHANGED, Data, tagged
from footnote.api.streams import EXAMPLE, described, streamed, wanted
from footnote.api.trails import accessed
from footnote.connect import Footnote

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])
EVENTS = described(
    "As events: what was searched for, each sentence when it is verified, and the bot's message last.",
    'event: usedQuery\ndata: {"usedQuery":"When does the pool open?"}\n\n',
    EXAMPLE,
    'event: answer\ndata: {"messageId":"…","text":"The pool opens at nine. [1]","answerType":"grounded",…}\n\n',
)
NEWEST = 100
"""Messages among which a repeated one is looked for."""


@router.post("", status_code=HTTPStatus.CREATED, response_model=ConversationShape)
def begin(request: Request, footnote: Parts, scope: Talker, asked: ConversationRequest) -> Response:
    """Begin a conversation."""

    def make() -> Made:
        begun = footnote.converser.begin(scope, asked.personaId, asked.title)
        return Made(HTTPStatus.CREATED, conversation_data(begun))

    return once(footnote, scope, request, asked.model_dump(), make)


@router.get("", response_model=ConversationsReply, responses=UNCHANGED)
def conversations(request: Request, footnote: Parts, scope: Talker, page: Page) -> Response:
    """List your conversations, those with the newest message first. Without a cursor it was the last page."""
    found, following = footnote.conversations.listed(scope, page.limit, page.cursor)
    return tagged(request, {"conversations": [conversation_data(one) for one in found], "cursor": following})


@router.get("/{conversation_id}", response_model=ConversationReply, responses=UNCHANGED)
def conversation(request: Request, footnote: Parts, scope: Talker, conversation_id: str, page: Page) -> Response:
    """Return a conversation with its messages, newest first, without what rests on documents you may no longer read."""
    found = footnote.conversations.mine(scope, conversation_id)
    said, following = footnote.converser.shown(scope, found, page.limit, page.cursor)
    messages = _with_contact(footnote, found, said)
    return tagged(request, {**conversation_data(found), "messages": messages, "cursor": following})


@router.post(
    "/{conversation_id}/messages", status_code=HTTPStatus.CREATED, response_model=MessageShape, responses=EVENTS
)
def say(request: Request, footnote: Parts, scope: Asker, conversation_id: str, said: Said) -> Response:
    """Say something, and get the bot's message: an answer as of `POST /v1/ask`, to what was meant by it.

    With `Accept: text/event-stream` what was meant is told first, then each sentence as soon as it is verified, and the
    message last. Who leaves before that finds in the conversation what was verified until then.
    """
    found = footnote.conversations.mine(scope, conversation_id)

    def still(reply: Data) -> bool:
        return reply["usedQuery"] == said.text or _understood(footnote, scope, found, reply)

    def told(message: Message) -> Data:
        (reply,) = _with_contact(footnote, found, [message])
        return reply

    trail = accessed(request, footnote, scope, "ask")
    if wanted(request):
        once_only = Once(footnote, scope, request, said.model_dump(), still)
        replying = footnote.converser.stream(scope, conversation_id, said.text)
        return streamed(request, once_only, telling(trail, replying, told), HTTPStatus.CREATED)

    def make() -> Made:
        message = answered(trail, lambda: footnote.converser.say(scope, conversation_id, said.text))
        return Made(HTTPStatus.CREATED, told(message), message.answer.documents if message.answer else ())

    return once(footnote, scope, request, said.model_dump(), make, still)


@router.delete("/{conversation_id}", status_code=HTTPStatus.NO_CONTENT)
def remove(footnote: Parts, scope: Talker, conversation_id: str) -> Response:
    """Remove a conversation with all that was said in it."""
    footnote.conversations.remove(footnote.conversations.mine(scope, conversation_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _understood(footnote: Footnote, scope: Scope, conversation: Conversation, reply: Data) -> bool:
    """Whether the newest messages show the asker a reply as answer to the same question: that leant on other ones."""
    newest, _ = footnote.converser.shown(scope, conversation, NEWEST)
    return (reply["messageId"], reply["usedQuery"]) in {(one.message_id, one.used_query) for one in newest}


def _with_contact(footnote: Footnote, conversation: Conversation, said: list[Message]) -> list[dict[str, Json]]:
    """Messages as they are sent: answers that are not all of it bear the persona's contact, as it is now."""
    contact = footnote.personas.answering(conversation.tenant_id, conversation.persona_id).contact
    told = contact_data(contact) if contact else None
    open_ended = [one.answer is not None and one.answer.type != "grounded" for one in said]
    return [
        {**message_data(one), "contact": told if lacking else None}
        for one, lacking in zip(said, open_ended, strict=True)
    ]
