"""What goes in and comes out of conversations over HTTP, with the names of the data model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from footnote.api.persona_shapes import ContactShape
from footnote.api.question_shapes import CitationShape

CONVERSATION_ID = "01KD0000000000000000000000"


class ConversationRequest(BaseModel):
    """What to call a conversation, and with whom it is; without a persona, with the building's default one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "The pool"}]})

    title: str = Field(default="", max_length=200)
    personaId: str = Field(default="", max_length=128)


class Said(BaseModel):
    """What a person says."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "And on Sundays?"}]})

    text: str = Field(min_length=1, max_length=4000, pattern=r"\S")


class ConversationShape(BaseModel):
    """A conversation; it is known from its last message for as long as the building says."""

    conversationId: str = Field(examples=[CONVERSATION_ID])
    userId: str = Field(examples=["local"])
    tenantId: str = Field(examples=["home"])
    personaId: str | None = Field(examples=["linden"])
    title: str = Field(examples=["The pool"])
    createdAt: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    lastMessageAt: str = Field(examples=["2026-11-21T09:00:00.000Z"])


class MessageShape(BaseModel):
    """Something that was said, by a person or by `bot`; what is the bot's only is null of a person's."""

    messageId: str = Field(examples=["01KD0000000000000000000000"])
    conversationId: str = Field(examples=[CONVERSATION_ID])
    timestamp: str = Field(examples=["2026-11-21T09:00:00.000Z"])
    userId: str = Field(examples=["bot"])
    text: str = Field(examples=["The pool opens at ten on Sundays. [1]"])
    requestType: str | None = Field(examples=[None])
    requiredActions: list[str] = Field(examples=[[]])
    allowed: bool
    usedQuery: str | None = Field(
        examples=["When does the pool open on Sundays?"], description="what was searched for: the question by itself"
    )
    answerType: str | None = Field(examples=["grounded"], description="grounded, partial, conflict or not_found")
    citations: list[CitationShape]
    notes: list[str] = Field(examples=[[]])
    contact: ContactShape | None = Field(description="whom to turn to, where the documents do not answer all of it")


class ConversationsReply(BaseModel):
    """A page of conversations, those with the newest message first; without a cursor it was the last."""

    conversations: list[ConversationShape]
    cursor: str | None = Field(examples=[None])


class ConversationReply(ConversationShape):
    """A conversation with a page of its messages, newest first; without a cursor it was the last."""

    messages: list[MessageShape]
    cursor: str | None = Field(examples=[None])
