"""Rights that end while an answer is written: from then on nothing is told, through no door, and the model stops."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import jwt
import pytest
from fastapi.testclient import TestClient

from corpus.answers import Prompt
from corpus.keys import iso_day, iso_time
from corpus.records.grants import Grant
from corpus.records.usage import Usage
from footnote.connect import Footnote
from footnote.identity import LEEWAY_SECONDS
from ingest.terms import Terms
from tests.fakes import Clock
from tests.flows.test_mcp import called
from tests.flows.test_signing_in import DAY, KEY, Someone, client, clock, footnote, provider, work
from tests.flows.test_streams import STREAM, events
from tests.jwks import IdentityServer, id_claims

__all__ = ["client", "clock", "footnote", "provider"]
pytestmark = pytest.mark.service
RULES = b"# Rules\n\nThe pool opens at nine in the morning. The pool closes at eight in the evening.\n"
QUESTION = "When does the pool open?"
FIRST = 'The pool opens at nine [1 "pool opens at nine"]. '
SECOND = 'The pool closes at eight [1 "pool closes at eight"]. '
STAY = 1000
ROUTES = ("ask", "say", "chat")


@dataclass
class Writing:
    """Writes a sentence that is told, has something done, writes another, and would go on."""

    meanwhile: Callable[[], object] = lambda: None
    first: str = FIRST + "The"
    wrote: list[str] = field(default_factory=list)
    left: bool = False
    name: str = "writing"

    def stream(self, _: Prompt) -> Generator[str, None, None]:
        try:
            yield self._written(self.first)
            self.meanwhile()
            yield self._written(SECOND.removeprefix("The") + "More")
            yield self._written(" of it.")
        finally:
            self.left = True

    def _written(self, piece: str) -> str:
        self.wrote.append(piece)
        return piece


class Guest:
    """Somebody who is a guest of a building by token or by key, whose right is ended by one of the methods."""

    def __init__(self, house: House, name: str = "bob", building: str = "home") -> None:
        self.client, self.footnote, self.clock, provider = house
        self.name, self.building = name, building
        someone = Someone(self.client, provider, self.clock, name)
        told = id_claims(provider.url, self.clock(), sub=name, email=f"{name}@example.org", exp=int(self.clock()) + DAY)
        self.token = jwt.encode(told, KEY, "RS256", {"kid": "k1"})
        self.client.get("/v1/me", headers={"authorization": f"Bearer {self.token}"})
        self.footnote.people.change(name, level="enterprise")
        made = someone("POST", "/keys", json={"name": "k", "allowedActions": ["ask", "converse", "stream"], "days": 1})
        self.key, self.key_id = made.json()["key"], made.json()["keyId"]
        until = iso_time(self.clock() + STAY)
        self.footnote.grants.put(Grant("stay", name, building, "guest", iso_time(0), until, "12"))

    def headers(self, *, by_key: bool = False, **more: str) -> dict[str, str]:
        secret = self.key if by_key else self.token
        building = {} if by_key else {"footnote-building": self.building}
        return {"authorization": f"Bearer {secret}", **building, **more}

    def asks(self, route: str, headers: dict[str, str], *, streamed: bool) -> Any:
        """Ask over a route, and return the reply."""
        accept = STREAM if streamed else {}
        if route == "chat":
            said = {"model": "", "messages": [{"role": "user", "content": QUESTION}], "stream": streamed}
            return self.client.post("/v1/chat/completions", json=said, headers=headers)
        path, sent = "/v1/ask", {"question": QUESTION}
        if route == "say":
            begun = self.client.post("/v1/conversations", json={}, headers=headers).json()["conversationId"]
            path, sent = f"/v1/conversations/{begun}/messages", {"text": QUESTION}
        return self.client.post(path, json=sent, headers=headers | accept)

    def stay_ends(self) -> None:
        self.clock.now += STAY

    def grant_is_taken(self) -> None:
        grant = self.footnote.grants.get(self.name, self.building, "stay")
        assert grant
        self.footnote.grants.remove(grant)

    def account_is_off(self) -> None:
        person = self.footnote.people.get(self.name)
        assert person
        self.footnote.people.put(replace(person, is_active=False))

    def key_is_revoked(self) -> None:
        self.footnote.api_keys.revoke(self.name, self.key_id, self.clock())

    def a_day_passes(self) -> None:
        self.clock.now += DAY + LEEWAY_SECONDS

    def used(self) -> int:
        return Usage(self.footnote.table).of(self.name, self.clock()).asks

    def trail(self) -> tuple[str, list[str]]:
        """The outcome of what was asked last, and the documents that were named in it."""
        found, _ = self.footnote.trails.accesses(self.building, iso_day(self.clock()), 10)
        (last,) = [one for one in found if one["action"] == "ask"][:1]
        named: Any = last["documentIds"]
        return str(last["outcome"]), list(named)


class House(NamedTuple):
    """What guests ask, of two buildings with the same rules."""

    client: TestClient
    footnote: Footnote
    clock: Clock
    provider: IdentityServer


@pytest.fixture
def house(client: TestClient, footnote: Footnote, provider: IdentityServer, clock: Clock) -> House:
    for building in ("home", "elm"):
        owner = replace(footnote.local_scope("ann"), tenant_id=building)
        footnote.uploads.put(owner, f"{building}-rules", "rules.md", RULES, terms=Terms(audience=("role:guest",)))
    work(footnote)
    return House(client, footnote, clock, provider)


@pytest.fixture
def bob(house: House) -> Guest:
    return Guest(house)


def told(route: str, reply: Any) -> tuple[str, str, int]:
    """What a stream told, and the code and, where it is said, the status of the problem that it ended in."""
    if route == "chat":
        *deltas, problem = [json.loads(one.removeprefix("data: ")) for one in reply.text.strip().split("\n\n")]
        said = "".join(one["choices"][0]["delta"].get("content", "") for one in deltas)
        return said, problem["error"]["code"], 0
    found = events(reply.text)
    name, problem = found[-1]
    assert name == "problem", found
    return "".join(one["text"] for name, one in found if name == "sentence"), problem["code"], problem["status"]


END: dict[str, tuple[str, bool, Callable[[Guest], None], int, str]] = {
    "a stay that ends": ("home", False, Guest.stay_ends, 403, "forbidden"),
    "a stay that ends elsewhere": ("elm", False, Guest.stay_ends, 404, "not_found"),
    "a stay that ends, by key": ("home", True, Guest.stay_ends, 403, "forbidden"),
    "a grant that is taken": ("home", False, Guest.grant_is_taken, 403, "forbidden"),
    "a grant that is taken elsewhere": ("elm", False, Guest.grant_is_taken, 404, "not_found"),
    "an account that is off": ("home", False, Guest.account_is_off, 403, "forbidden"),
    "an account that is off, by key": ("home", True, Guest.account_is_off, 401, "unauthenticated"),
    "a key that is revoked": ("home", True, Guest.key_is_revoked, 401, "unauthenticated"),
    "a key that expires": ("home", True, Guest.a_day_passes, 401, "unauthenticated"),
    "a token that expires": ("home", False, Guest.a_day_passes, 401, "unauthenticated"),
}


DETAILS: dict[str, tuple[str, ...]] = {
    "forbidden": ("has ended meanwhile: role:guest, unit:12.", "This account was switched off."),
    "not_found": ("There is no building elm.",),
    "unauthenticated": ("This API key", "Whoever made this API key", "The token has expired."),
}


@pytest.mark.parametrize("way", END)
def test_nothing_is_told_any_more(house: House, way: str) -> None:
    """What was told before stays told, and then a problem says what the door would; the model writes no further."""
    building, by_key, end, status, code = END[way]
    for route in ROUTES:
        guest = Guest(house, f"bob-{route}", building)
        house.footnote.llm = model = Writing(partial(end, guest))
        reply = guest.asks(route, guest.headers(by_key=by_key), streamed=True)
        assert reply.status_code == 200, reply.text
        assert told(route, reply) == ("The pool opens at nine. [1]", code, status if route != "chat" else 0)
        assert any(says in reply.text for says in DETAILS[code])
        assert "eight" not in reply.text
        assert (len(model.wrote), model.left) == (2, True)
        assert guest.trail() == (code, [f"{building}-rules"])


@pytest.mark.parametrize("way", END)
def test_nothing_is_replied_any_more(house: House, way: str) -> None:
    """Without events nothing was told yet, so nothing is: the reply is the refusal, with its status."""
    building, by_key, end, status, code = END[way]
    for route in ROUTES:
        guest = Guest(house, f"bob-{route}", building)
        house.footnote.llm = model = Writing(partial(end, guest))
        reply = guest.asks(route, guest.headers(by_key=by_key), streamed=False)
        problem = reply.json()
        assert (reply.status_code, problem.get("error", problem)["code"]) == (status, code)
        assert not any(word in reply.text for word in ("nine", "eight", "rules"))
        assert (len(model.wrote), model.left) == (2, True)
        assert guest.trail() == (code, [])

    guest = Guest(house, "bob-tool", building)
    house.footnote.llm = model = Writing(partial(end, guest))
    result = called(house.client.app, "ask", {"question": QUESTION}, **guest.headers(by_key=by_key))
    assert (result.is_error, result.content[0].text.partition(":")[0]) == (True, code)
    assert not any(word in result.content[0].text for word in ("nine", "eight"))
    assert (len(model.wrote), model.left) == (2, True)


@pytest.mark.parametrize("streamed", [True, False])
def test_at_the_end(bob: Guest, footnote: Footnote, *, streamed: bool) -> None:
    """A right that ends behind the last sentence ends the reply too: no answer, no citation."""
    footnote.llm = Last(bob.account_is_off)
    reply = bob.asks("ask", bob.headers(), streamed=streamed)
    if streamed:
        assert [name for name, _ in events(reply.text)] == ["sentence", "problem"]
        assert events(reply.text)[1][1]["detail"] == "This account was switched off."
    else:
        assert (reply.status_code, "nine" in reply.text) == (403, False)


@pytest.mark.parametrize("before", [0.0, 0.001])
def test_to_the_moment(house: House, before: float) -> None:
    """A stay counts until the last millisecond before its end, and not at its end."""
    for streamed in (True, False):
        guest = Guest(house, f"bob-{streamed}")
        house.footnote.llm = Writing(partial(setattr, house.clock, "now", house.clock() + STAY - before))
        assert ("eight" in guest.asks("ask", guest.headers(), streamed=streamed).text) == bool(before)


class Last(Writing):
    """Writes a sentence, which is told, and nothing behind what is done then."""

    prompts = 0

    def stream(self, _: Prompt) -> Generator[str, None, None]:
        self.prompts += 1
        yield self.first
        self.meanwhile()


def test_a_token_ends_with_its_leeway(bob: Guest, footnote: Footnote, clock: Clock) -> None:
    """A token that expires meanwhile is believed for the minute for which it would be at the door."""
    stay = footnote.grants.get("bob", "home", "stay")
    assert stay
    footnote.grants.put(replace(stay, until=""))
    expires = jwt.decode(bob.token, options={"verify_signature": False})["exp"]
    for seconds, status in ((LEEWAY_SECONDS - 1, 200), (LEEWAY_SECONDS, 401)):
        clock.now = expires - 1.0
        footnote.llm = Writing(partial(setattr, clock, "now", expires + seconds))
        assert bob.asks("ask", bob.headers(), streamed=False).status_code == status


def test_what_goes_on(bob: Guest, footnote: Footnote, clock: Clock) -> None:
    """A stay that is prolonged in time, and a right beside it that ends, end nothing that rests on neither."""
    footnote.grants.put(Grant("other", "bob", "elm", "guest", iso_time(0), iso_time(clock() + 1)))

    def prolonged() -> None:
        footnote.grants.put(Grant("longer", "bob", "home", "guest", iso_time(0), "", "12"))
        bob.grant_is_taken()
        clock.now += STAY

    footnote.llm = Writing(prolonged)
    reply = bob.asks("ask", bob.headers(), streamed=True)
    assert events(reply.text)[-1][0] == "answer"
    assert "eight" in reply.text


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("way", ["a stay that ends", "an account that is off", "a key that is revoked"])
def test_what_is_kept(bob: Guest, footnote: Footnote, way: str, *, streamed: bool) -> None:
    """The question counts and stays as one that was not allowed; of the answer nothing is kept, nor any reply."""
    _, by_key, end, _, _ = END[way]
    footnote.llm = Writing(partial(end, bob))
    headers = bob.headers(by_key=by_key) | {"idempotency-key": "1"}
    conversation = bob.client.post("/v1/conversations", json={}, headers=bob.headers(by_key=by_key)).json()
    path, sent = f"/v1/conversations/{conversation['conversationId']}/messages", {"text": QUESTION}
    accept = STREAM if streamed else {}
    bob.client.post(path, json=sent, headers=headers | accept)
    assert bob.used() == 1

    scope = replace(footnote.local_scope("bob"), principals=frozenset({"user:bob"}))
    mine = footnote.converser.conversations.mine(scope, conversation["conversationId"])
    (kept,) = footnote.converser.conversations.messages(mine, 10)[0]
    assert (kept.text, kept.allowed, kept.answer) == (QUESTION, False, None)

    person = footnote.people.get("bob")
    assert person
    footnote.people.put(replace(person, is_active=True))
    footnote.llm = Writing()
    again = bob.client.post(path, json=sent, headers=bob.headers() | {"idempotency-key": "1"} | accept)
    assert (again.status_code in {200, 201}, "idempotent-replayed" in again.headers) == (True, False)


@pytest.mark.parametrize("path", ["search", "ask"])
def test_before_it_is_looked_up(bob: Guest, footnote: Footnote, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A right that ends while the question is embedded finds nothing, and no model is asked."""
    embed = footnote.embedder.embed

    def slow(*asked: Any) -> Any:
        bob.account_is_off()
        return embed(*asked)

    monkeypatch.setattr(footnote.embedder, "embed", slow)
    footnote.llm = model = Writing()
    reply = bob.client.post(f"/v1/{path}", json={"question": QUESTION}, headers=bob.headers())
    assert (reply.status_code, reply.json()["code"], model.wrote) == (403, "forbidden", [])


def test_while_a_model_rewrites(bob: Guest, footnote: Footnote) -> None:
    """A right that ends while a follow-up is written anew: nothing is looked up, and no model writes an answer."""
    said = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "At nine."}]
    footnote.llm = model = Last(bob.account_is_off, "When does the pool open?")
    sent = {"model": "", "messages": [*said, {"role": "user", "content": "And when does it close?"}], "stream": True}
    reply = bob.client.post("/v1/chat/completions", json=sent, headers=bob.headers())
    assert (reply.status_code, reply.json()["error"]["code"], model.prompts) == (403, "forbidden", 1)
    assert (bob.used(), bob.trail()) == (1, ("forbidden", []))


@pytest.mark.parametrize("streamed", [True, False])
def test_what_was_told_is_not_told_again(house: House, *, streamed: bool) -> None:
    """What is taken back behind its sentence is in no answer: who asked may ask anew, and this counts as nothing."""
    footnote, owner = house.footnote, house.footnote.local_scope("ann")
    for route in ROUTES:
        footnote.amend(owner, "home-rules", Terms(audience=("role:guest",)))
        work(footnote)
        guest = Guest(house, f"bob-{route}")
        footnote.llm = Last(partial(footnote.amend, owner, "home-rules", Terms(audience=())))
        reply = guest.asks(route, guest.headers(), streamed=streamed)
        if streamed:
            assert told(route, reply)[:2] == ("The pool opens at nine. [1]", "conflict")
        else:
            problem = reply.json()
            assert (reply.status_code, problem.get("error", problem)["code"]) == (409, "conflict")
            assert "nine" not in reply.text
        assert guest.used() == 0


def test_what_it_costs(bob: Guest, footnote: Footnote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who signed in is looked up with one read for what is told, who bears a key with two, the local user with none."""
    asked = list[str]()
    get, query = footnote.table.get, footnote.table.query

    def got(*key: Any) -> Any:
        asked.append(key[1])
        return get(*key)

    def queried(index: int, partition: str, *more: Any, **named: Any) -> Any:
        asked.append(partition)
        return query(index, partition, *more, **named)

    monkeypatch.setattr(footnote.table, "get", got)
    monkeypatch.setattr(footnote.table, "query", queried)
    for headers, names in ((bob.headers(), ["USER#bob"]), (bob.headers(by_key=True), ["KEY", "USER#bob"])):
        footnote.llm = Writing(asked.clear)  # what is told then is a sentence and the answer
        assert events(bob.asks("ask", headers, streamed=True).text)[-1][0] == "answer"
        assert [one for one in asked if one in {"KEY", "USER#bob"}] == 2 * names
    assert footnote.local_scope().renewed is None
