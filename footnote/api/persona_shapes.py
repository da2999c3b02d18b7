"""What goes in and comes out of personas over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

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
