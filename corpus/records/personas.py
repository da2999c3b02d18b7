"""Personas as records: who answers in a building, in which voice, and whom to turn to where the documents end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from corpus.errors import NotFound
from corpus.items import ABSENT, Item, Put, Remove
from corpus.keys import checked_id
from corpus.model import Json
from corpus.ports import Table
from corpus.records.every import every

KIND = "persona"
SPAN = ("PERSONA#", "PERSONA#~")


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to turn to where the documents do not answer; "" for what is not known."""

    name: str = ""
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    hours: str = ""

    def __bool__(self) -> bool:
        return any((self.name, self.email, self.phone, self.hours))


@dataclass(frozen=True, slots=True)
class Persona:
    """Who answers in a building; `tone`, `language` and `instructions` are for a model, "" for none."""

    persona_id: str
    tenant_id: str
    name: str
    tone: str = ""
    language: str = ""
    instructions: str = ""
    contact: Contact = Contact()
    is_default: bool = False
    rev: int = ABSENT

    def __post_init__(self) -> None:
        checked_id("personaId", self.persona_id)
        checked_id("tenantId", self.tenant_id)


@dataclass(frozen=True, slots=True)
class Personas:
    """The personas of a table, by `TENANT#{tenantId}` / `PERSONA#{personaId}`."""

    table: Table

    def get(self, tenant_id: str, persona_id: str) -> Persona | None:
        """Return a persona of this building."""
        item = self.table.get(*_key(tenant_id, persona_id))
        return _persona(item, tenant_id) if item else None

    def of_tenant(self, tenant_id: str) -> list[Persona]:
        """Return all personas of a building, by id."""
        return [_persona(item, tenant_id) for item in every(self.table, 0, f"TENANT#{tenant_id}", SPAN)]

    def answering(self, tenant_id: str, persona_id: str) -> Persona:
        """Return the persona of this id, else the building's default, else one that has nothing of its own to say."""
        found = self.get(tenant_id, persona_id) if persona_id else None
        default = next((one for one in self.of_tenant(tenant_id) if one.is_default), None) if not found else None
        return found or default or Persona("footnote", tenant_id, "Footnote")

    def put(self, persona: Persona) -> Persona:
        """Write a persona if nobody has since it was read, and return it; a default one is the only default.

        Raises `Conflict` if somebody has.
        """
        others = [one for one in self.of_tenant(persona.tenant_id) if one.persona_id != persona.persona_id]
        former = [replace(one, is_default=False) for one in others if persona.is_default and one.is_default]
        self.table.transact([Put(_item(one), one.rev) for one in (persona, *former)])
        return self.get(persona.tenant_id, persona.persona_id) or persona

    def remove(self, persona: Persona) -> None:
        """Remove a persona; its conversations go on with the default one."""
        self.table.transact([Remove(*_key(persona.tenant_id, persona.persona_id), persona.rev)])


def unknown_persona(persona_id: str) -> NotFound:
    """Return what is said of a persona that is not there, or is another building's."""
    return NotFound(f"There is no persona {persona_id[:130]}.", hint="List the personas to see their ids.")


def contact_data(contact: Contact) -> dict[str, Json]:
    """Return a contact with the names it is stored and sent under."""
    return {"name": contact.name, "email": contact.email, "phone": contact.phone, "hours": contact.hours}


def persona_data(persona: Persona) -> dict[str, Json]:
    """Return a persona with the names it is stored and sent under."""
    return {
        "personaId": persona.persona_id,
        "name": persona.name,
        "tone": persona.tone,
        "language": persona.language,
        "instructions": persona.instructions,
        "contact": contact_data(persona.contact),
        "isDefault": persona.is_default,
    }


def _key(tenant_id: str, persona_id: str) -> tuple[str, str]:
    return f"TENANT#{tenant_id}", f"PERSONA#{persona_id}"


def _item(persona: Persona) -> Item:
    return Item(*_key(persona.tenant_id, persona.persona_id), KIND, persona_data(persona))


def _persona(item: Item, tenant_id: str) -> Persona:
    data: dict[str, Any] = dict(item.data)
    return Persona(
        persona_id=data["personaId"],
        tenant_id=tenant_id,
        name=data["name"],
        tone=data["tone"],
        language=data["language"],
        instructions=data["instructions"],
        contact=Contact(**data["contact"]),
        is_default=data["isDefault"],
        rev=item.rev,
    )
