"""From what a request bears to who is asking: a token, an API key, or nothing on one's own machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from corpus.errors import NotFound, Unauthenticated
from corpus.keys import ID
from corpus.principals import LOCAL_TENANT
from corpus.records.api_keys import PREFIX
from corpus.records.grants import Grant, principals
from corpus.records.levels import ACTIONS
from corpus.records.people import Person, switched_off
from corpus.scope import Scope
from footnote.connect import Footnote

if TYPE_CHECKING:
    from footnote.identity import Verifier

ADMIN, OPERATE = "admin", "operate"
"""What administrators do in their own building; and those of the installation's own, for all buildings."""
SIGN_IN = "Send a token of your identity provider, or an API key: `Authorization: Bearer …`."


def scope_of(footnote: Footnote, authorization: str, tenant_id: str = "") -> Scope:
    """Return who is asking, in the building they name, or the one they are at home in.

    `authorization` is the header of that name. Without an identity provider, whoever bears nothing is the local user:
    the door lets in only this machine's own programs and pages then. Raises `Unauthenticated` for what is not believed,
    `Forbidden` for an account that was switched off, `NotFound` for a building that is not theirs. So does the scope
    from then on, whenever it is expected to hold still.
    """
    kind, _, secret = authorization.strip().partition(" ")
    if not authorization.strip():
        if footnote.verifier is None:
            return footnote.local_scope()
        raise Unauthenticated("This needs to know who is asking.", hint=SIGN_IN)
    if kind.lower() != "bearer":
        raise Unauthenticated("Only bearer tokens are taken.", hint=SIGN_IN)
    if secret.startswith(PREFIX):
        known = partial(_by_key, footnote, secret, tenant_id)
        return replace(known(), renewed=known)
    if footnote.verifier is None:
        raise Unauthenticated("There is no identity provider here whose token this could be.", hint=SIGN_IN)
    person = footnote.people.signed_in(footnote.verifier.claims(secret), LOCAL_TENANT, footnote.clock())
    scope = _of_person(footnote, person, footnote.grants.of_person(person.user_id), tenant_id)
    return replace(scope, renewed=partial(_by_token, footnote, footnote.verifier, secret, scope.tenant_id))


def _by_token(footnote: Footnote, verifier: Verifier, token: str, tenant_id: str) -> Scope:
    """Who bears a token that was taken before: nobody is made, counted or brought up to date."""
    person, grants = footnote.people.with_grants(verifier.claims(token).user_id)
    if person is None or not person.is_active:
        raise switched_off()
    return _of_person(footnote, person, grants, tenant_id)


def _by_key(footnote: Footnote, secret: str, tenant_id: str) -> Scope:
    """Who bears a key: the person it belongs to, in its building, and only as far as it goes."""
    key = footnote.api_keys.find(secret, footnote.clock())
    if key is None:
        raise Unauthenticated("This API key is unknown, has expired or was taken back.", hint="Make a new one.")
    if tenant_id not in {"", key.tenant_id}:
        raise _unknown(tenant_id)
    person, grants = footnote.people.with_grants(key.user_id)
    if (person is None and footnote.verifier) or (person and not person.is_active):  # who never signed in has no record
        raise Unauthenticated("Whoever made this API key has no account any more.", hint="Make a new one.")
    if person and footnote.verifier:
        scope = _of_person(footnote, person, grants, key.tenant_id)
    else:
        scope = footnote.local_scope(key.user_id)
    return replace(scope, allowed_actions=scope.allowed_actions & key.allowed_actions)


def _of_person(footnote: Footnote, person: Person, grants: Sequence[Grant], tenant_id: str) -> Scope:
    now = footnote.clock()
    tenant = tenant_id or person.tenant_id
    counting = [one for one in grants if one.tenant_id == tenant and one.counts(now)]
    if tenant != person.tenant_id and not counting:
        raise _unknown(tenant)
    found = principals(person.user_id, tenant, grants, now)
    actions = _actions(person, tenant, counting)
    language = str(person.preferences.get("language") or footnote.tenants.get(tenant).language)
    return Scope(person.user_id, tenant, found, actions, now, person.service_level, language)


def _actions(person: Person, tenant_id: str, counting: list[Grant]) -> frozenset[str]:
    at_home = person.role == ADMIN and person.tenant_id == tenant_id
    if not (at_home or any(one.role == ADMIN for one in counting)):
        return frozenset(ACTIONS)
    return frozenset((*ACTIONS, ADMIN, OPERATE) if tenant_id == LOCAL_TENANT else (*ACTIONS, ADMIN))


def _unknown(tenant_id: str) -> NotFound:
    named = tenant_id if ID.fullmatch(tenant_id) else "of that name"
    return NotFound(f"There is no building {named}.", hint="Leave the header out for the one you are at home in.")
