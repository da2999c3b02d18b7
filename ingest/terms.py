"""What a person may say of a document, and what of it makes sense."""

from __future__ import annotations

from dataclasses import dataclass, replace

from corpus.errors import BadRequest
from corpus.force import Force
from corpus.keys import ID, checked_day
from corpus.model import Access, Document

MAX_TITLE, MAX_DESCRIPTION, MAX_TAGS, MAX_TAG = 300, 2_000, 20, 50
MAX_READERS, MAX_AUDIENCE = 90, 20
AUDIENCES = ("unit", "role")
"""What an audience may be of: the people of a unit, and those of a role."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be said of a document from now on; None leaves as it is what was said before, "" takes it back.

    Raises `BadRequest` for what cannot be said.
    """

    start: str | None = None
    until: str | None = None
    supersedes: str | None = None
    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    is_public: bool | None = None
    shared_with: tuple[str, ...] | None = None
    audience: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, day in (("inForceFrom", self.start), ("inForceUntil", self.until)):
            if day:
                checked_day(name, day)
        for name, text, most in (("title", self.title, MAX_TITLE), ("description", self.description, MAX_DESCRIPTION)):
            if text and (len(text) > most or not text.replace("\n", " ").isprintable()):
                raise BadRequest(f"The {name} has more than {most} characters, or some that nobody can see.")
        if self.tags and (len(self.tags) > MAX_TAGS or not all(_is_tag(one) for one in self.tags)):
            raise BadRequest(f"A document has at most {MAX_TAGS} tags, each of 1 to {MAX_TAG} characters.")
        if self.shared_with and (len(self.shared_with) > MAX_READERS or not all(map(ID.fullmatch, self.shared_with))):
            said = f"A document is shared with at most {MAX_READERS} people, each named by id, not by e-mail or name."
            raise BadRequest(said, hint="GET /v1/me tells everybody their own, as `userId`.")
        if self.audience and (len(self.audience) > MAX_AUDIENCE or not all(map(_is_audience, self.audience))):
            said = f"An audience is at most {MAX_AUDIENCE} units and roles."
            raise BadRequest(said, hint='Each is like "unit:12" or "role:staff".')

    def of(self, document: Document) -> Document:
        """Return the document as it is said to be; raises `BadRequest` for a last day before the first."""
        access = document.access
        return replace(
            document,
            title=document.title if self.title is None else " ".join(self.title.split()) or document.read_title,
            description=document.description if self.description is None else self.description.strip(),
            tags=document.tags if self.tags is None else tuple(dict.fromkeys(one.strip() for one in self.tags)),
            access=Access(
                access.is_public if self.is_public is None else self.is_public,
                access.shared_with if self.shared_with is None else tuple(dict.fromkeys(self.shared_with)),
                access.audience if self.audience is None else tuple(dict.fromkeys(self.audience)),
            ),
            force=self._force(document.force),
        )

    def _force(self, force: Force) -> Force:
        start = force.start if self.start is None else self.start
        until = force.until if self.until is None else self.until
        if until and until < start:
            raise BadRequest(f"The document would be in force from {start} until {until}.", hint="Check the two dates.")
        supersedes = force.supersedes if self.supersedes is None else self.supersedes
        return replace(force, start=start, until=until, supersedes=supersedes)


NO_TERMS = Terms()


def _is_tag(tag: str) -> bool:
    return bool(tag.strip()) and len(tag) <= MAX_TAG and tag.isprintable()


def _is_audience(principal: str) -> bool:
    kind, _, name = principal.partition(":")
    return kind in AUDIENCES and bool(ID.fullmatch(name))
