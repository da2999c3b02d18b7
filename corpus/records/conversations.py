"""Conversations and their messages as records, for as long as their building says: 30 days, if it says nothing.

Those days count from a conversation's last message, and for each message from when it was said. A message is written
once and never changed. Whoever reads goes through a scope: another person's conversation is one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from corpus.answers import Answer, Citation
from corpus.errors import BadRequest, Conflict, NotFound
from corpus.items import ABSENT, Item, Put
from corpus.keys import A_DAY, ID, checked_id
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import filled
from corpus.records.tenants import TenantOf
from corpus.scope import Scope

CONVERSATION, MESSAGE = "conversation", "message"
OF_USER = 1
MESSAGES = ("MESSAGE#", "MESSAGE#~")
BOT = "bot"
TRIES = 20


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a person and a persona of their building say to each other; without a `persona_id`, the default one."""

    conversation_id: str
    user_id: str
    tenant_id: str
    created_at: str
    last_message_at: str
    title: str = field(default="", repr=False)
    persona_id: str = ""
    rev: int = ABSENT

    def __post_init__(self) -> None:
        checked_id("conversationId", self.conversation_id)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said, by a person or by `BOT`.

    Of a person: which action it asks for, what that needs, and whether they were allowed to. Of the bot: the `answer`,
    and the question that was searched for.
    """

    message_id: str
    conversation_id: str
    timestamp: str
    user_id: str
    text: str = field(repr=False)
    request_type: str = ""
    required_actions: tuple[str, ...] = ()
    allowed: bool = True
    used_query: str = field(default="", repr=False)
    answer: Answer | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadRequest("A message has no text.", hint="Say something.")


@dataclass(frozen=True, slots=True)
class Conversations:
    """The conversations of a table, by `CONVERSATION#{conversationId}` / `CONVERSATION`.

    `tenant_of` says for how long a building keeps them.
    """

    table: Table
    tenant_of: TenantOf

    def mine(self, scope: Scope, conversation_id: str) -> Conversation:
        """Return a conversation of the asker's own; raises `NotFound` for any other."""
        item = self.table.get(_pk(conversation_id), "CONVERSATION") if ID.fullmatch(conversation_id) else None
        found = _conversation(item) if item else None
        if found is None or (found.user_id, found.tenant_id) != (scope.user_id, scope.tenant_id):
            raise unknown_conversation(conversation_id)
        return found

    def listed(self, scope: Scope, limit: int, after: str | None = None) -> tuple[list[Conversation], str | None]:
        """Return a page of the asker's own conversations, those with the newest message first, and the next cursor.

        What they talk about in another building is not among them. A page may be short, or even empty.
        """
        mine = partial(self.table.query, OF_USER, f"USER#{scope.user_id}#CONVERSATION", newest_first=True)

        def here(items: Sequence[Item]) -> Iterator[Conversation]:
            return (one for one in map(_conversation, items) if one.tenant_id == scope.tenant_id)

        return filled(mine, here, limit, after)

    def messages(
        self, conversation: Conversation, limit: int, after: str | None = None
    ) -> tuple[list[Message], str | None]:
        """Return a page of a conversation's messages, newest first, and the cursor of the next."""
        partition = _pk(conversation.conversation_id)
        batch = self.table.query(0, partition, MESSAGES, newest_first=True, limit=limit, after=after)
        return [_message(item) for item in batch.items], batch.cursor

    def begin(self, conversation: Conversation) -> Conversation:
        """Write a new conversation, and return it."""
        days = self.tenant_of(conversation.tenant_id).conversation_days
        return _conversation(self.table.put(_conversation_item(conversation, days), ABSENT))

    def add(self, scope: Scope, said: Sequence[Message]) -> None:
        """Add messages of one conversation at once, which is the asker's own; raises `NotFound` once it is removed."""
        days = self.tenant_of(scope.tenant_id).conversation_days
        puts = [Put(_message_item(one, scope.user_id, days), ABSENT) for one in said]
        for _ in range(TRIES):
            known = self.mine(scope, said[0].conversation_id)
            latest = max(known.last_message_at, *(one.timestamp for one in said))
            with suppress(Conflict):  # another message was faster
                grown = replace(known, last_message_at=latest)
                self.table.transact([Put(_conversation_item(grown, days), known.rev), *puts])
                return
        raise Conflict("Too much is said in this conversation at once.", hint="Say it again in a moment.")

    def remove(self, conversation: Conversation) -> None:
        """Remove a conversation, which nobody knows from that moment on, and then its messages."""
        partition = _pk(conversation.conversation_id)
        self.table.delete(partition, "CONVERSATION", conversation.rev)
        while items := self.table.query(0, partition, MESSAGES).items:
            for item in items:
                with suppress(Conflict):  # another removal was faster
                    self.table.delete(item.pk, item.sk, item.rev)


def unknown_conversation(conversation_id: str) -> NotFound:
    """Return what is said of a conversation that is not there, or is another person's."""
    hint = "List your conversations to see their ids. One is known for 30 days, or as long as your building says."
    return NotFound(f"There is no conversation {conversation_id[:130]}.", hint=hint)


def conversation_data(conversation: Conversation) -> dict[str, Json]:
    """Return a conversation with the names it is stored and sent under."""
    return {
        "conversationId": conversation.conversation_id,
        "userId": conversation.user_id,
        "tenantId": conversation.tenant_id,
        "personaId": conversation.persona_id or None,
        "title": conversation.title,
        "createdAt": conversation.created_at,
        "lastMessageAt": conversation.last_message_at,
    }


def citation_data(one: Citation) -> dict[str, Json]:
    """Return a citation with the names it is stored and sent under."""
    return {
        "number": one.number,
        "documentId": one.document_id,
        "version": one.version,
        "fileName": one.file_name,
        "pageNumber": one.page,
        "pageLabel": one.page_label,
        "section": one.section,
        "startPosition": one.start,
        "endPosition": one.end,
        "quote": one.quote,
        "inForceFrom": one.in_force_from or None,
        "inForceUntil": one.in_force_until or None,
        "available": one.available,
    }


def message_data(message: Message) -> dict[str, Json]:
    """Return a message with the names it is stored and sent under: what is only the bot's is null of a person's."""
    answer = message.answer
    return {
        "messageId": message.message_id,
        "conversationId": message.conversation_id,
        "timestamp": message.timestamp,
        "userId": message.user_id,
        "text": message.text,
        "requestType": message.request_type or None,
        "requiredActions": list(message.required_actions),
        "allowed": message.allowed,
        "usedQuery": message.used_query or None,
        "answerType": answer.type if answer else None,
        "citations": [citation_data(one) for one in answer.citations] if answer else [],
        "notes": list(answer.notes) if answer else [],
    }


def _pk(conversation_id: str) -> str:
    return f"CONVERSATION#{conversation_id}"


def _until(timestamp: str, days: int) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp()) + days * A_DAY


def _conversation_item(one: Conversation, days: int) -> Item:
    keys = {OF_USER: (f"USER#{one.user_id}#CONVERSATION", f"{one.last_message_at}#{one.conversation_id}")}
    data, ttl = conversation_data(one), _until(one.last_message_at, days)
    return Item(_pk(one.conversation_id), "CONVERSATION", CONVERSATION, data, keys, ttl=ttl)


def _message_item(one: Message, owner_id: str, days: int) -> Item:
    sort = f"{one.timestamp}#{one.message_id}"
    keys = {OF_USER: (f"USER#{owner_id}#MESSAGE", sort)}
    about: Json = list(one.answer.about) if one.answer else []
    data, ttl = {**message_data(one), "about": about}, _until(one.timestamp, days)
    return Item(_pk(one.conversation_id), f"MESSAGE#{sort}", MESSAGE, data, keys, ttl=ttl)


def _conversation(item: Item) -> Conversation:
    data: dict[str, Any] = dict(item.data)
    return Conversation(
        conversation_id=data["conversationId"],
        user_id=data["userId"],
        tenant_id=data["tenantId"],
        created_at=data["createdAt"],
        last_message_at=data["lastMessageAt"],
        title=data["title"],
        persona_id=data["personaId"] or "",
        rev=item.rev,
    )


def _message(item: Item) -> Message:
    data: dict[str, Any] = dict(item.data)
    cited = tuple(map(_citation, data["citations"]))
    kind = data["answerType"]
    return Message(
        message_id=data["messageId"],
        conversation_id=data["conversationId"],
        timestamp=data["timestamp"],
        user_id=data["userId"],
        text=data["text"],
        request_type=data["requestType"] or "",
        required_actions=tuple(data["requiredActions"]),
        allowed=data["allowed"],
        used_query=data["usedQuery"] or "",
        answer=Answer(kind, data["text"], cited, tuple(data["notes"]), about=tuple(data.get("about", ())))
        if kind
        else None,
    )


def _citation(data: dict[str, Any]) -> Citation:
    return Citation(
        number=data["number"],
        document_id=data["documentId"],
        version=data["version"],
        file_name=data["fileName"],
        page=data["pageNumber"],
        page_label=data["pageLabel"],
        section=data["section"],
        start=data["startPosition"],
        end=data["endPosition"],
        quote=data["quote"],
        in_force_from=data["inForceFrom"] or "",
        in_force_until=data["inForceUntil"] or "",
    )
