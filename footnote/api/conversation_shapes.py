"""What goes in and comes out of conversations and personas over HTTP, with the names of the data model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from footnote.api.shapes import CitationShape

CONVERSATION_ID = "01KD0000000000000000000000"
CONTACT: dict[str, Any] = {
    "name": "Mr Okafor",
    "email": "",
    "phone": "555 0141",
    "hours": "working days, 8:00 to 10:00",
}
PERSONA: dict[str, Any] = {"name": "Linden", "tone": "warm and brief", "contact": CONTACT}


class ContactShape(BaseModel):
    """Whom to turn to where the documents do not answer; empty for what is not known."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [CONTACT]})

    name: str = Field(default="", max_length=200)
    email: str = Field(default="", max_length=320)
    phone: str = Field(default="", max_length=100)
    hours: str = Field(default="", max_length=200)


class PersonaRequest(BaseModel):
    """Who answers. Tone, language and instructions go to a model, and change nothing of what an answer rests on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [PERSONA]},
    )

    name: str = Field(min_length=1, max_length=100)
    tone: str = Field(default="", max_length=200)
    language: str = Field(default="", pattern="^([a-z]{2})?$", description="ISO 639-1 code")
    instructions: str = Field(default="", max_length=4000)
    contact: ContactShape = ContactShape()
    isDefault: bool = Field(default=False, description="answers where no persona is named; a building has one at most")


class PersonaShape(PersonaRequest):
    """A persona, as it is kept."""

    personaId: str = Field(examples=["linden"])


class PersonasReply(BaseModel):
    """The personas of a building."""

    personas: list[PersonaShape]


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
