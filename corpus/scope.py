"""Who is asking, and what a search of theirs may see: no read of documents goes without one of the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from corpus.errors import Forbidden, NotFound, Unauthenticated
from corpus.model import GenerationId
from corpus.ways import EVERYTHING, Filter


@dataclass(frozen=True, slots=True)
class Where:
    """What a search may see: within one tenant, what any of `principals` may read, and `document_ids` besides.

    It has no empty form: a search without a tenant or a principal cannot be written down. `without` leaves out
    generations that were found to be no longer live; `only` is what the asker wants of the rest.
    """

    tenant_id: str
    principals: frozenset[str]
    document_ids: frozenset[str] = frozenset()
    without: frozenset[GenerationId] = frozenset()
    only: Filter = EVERYTHING

    def __post_init__(self) -> None:
        if not self.tenant_id or not self.principals or not all(self.principals):
            raise ValueError("A search names its tenant and at least one principal.")

    def leaving_out(self, generations: frozenset[GenerationId]) -> Where:
        """The same, without these generations too."""
        return replace(self, without=self.without | generations)


ENDED = (Unauthenticated, NotFound, Forbidden)
"""What `Scope.expect_still` raises of whoever may not ask any more."""
UNLIMITED = "unlimited"
"""In place of a service level: of whoever owns the machine nothing is counted, and nothing is refused."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is asking, and when: built by a door from a verified identity, never from a request's body.

    `service_level` says how much they may do; a door that forgets to say it gives them the least. `language` is the one
    they would rather read, "" for any. `renewed` looks the asker up as of the moment it is called, as the door does;
    who owns the machine needs none.
    """

    user_id: str
    tenant_id: str
    principals: frozenset[str]
    allowed_actions: frozenset[str]
    now: float
    service_level: str = "basic"
    language: str = ""
    renewed: Callable[[], Scope] | None = field(default=None, repr=False, compare=False)

    def expect_still(self) -> None:
        """Raise what the door would by now, and `Forbidden` if a part of who the asker was has ended meanwhile.

        Who takes their time calls it before they tell anything: rights end by the clock, and by others' hands.
        """
        if self.renewed is None:
            return
        if ended := sorted(self.principals - self.renewed().principals):
            raise Forbidden(
                f"What you had in this building has ended meanwhile: {', '.join(ended)}.",
                hint="Ask again for what you may still read.",
            )

    def where(self, shared: frozenset[str] = frozenset(), only: Filter = EVERYTHING) -> Where:
        """What this asker's searches may see; `shared` are the documents shared with them by name."""
        return Where(self.tenant_id, self.principals, shared, only=only)
