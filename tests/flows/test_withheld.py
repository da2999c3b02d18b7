"""Conversations that are read again when what they rest on was taken back: nothing of it is shown, or leant on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from corpus.answers import Answer
from corpus.principals import role_principal
from corpus.records.documents import Documents
from footnote.api.app import create_app
from footnote.api.asker import asker
from footnote.api.once import KEY
from footnote.connect import Footnote
from search.answer import Answerer
from search.withhold import PARTLY, WITHHELD
from tests.flows.test_api import HERE, client, footnote, upload
from tests.test_converse import Model

__all__ = ["client", "footnote"]
POOL = b"# Pool\n\nThe pool opens at nine in the morning. Mr Quillfeather keeps the keys of the pool.\n"
SAUNA = b"# Sauna\n\nThe sauna opens at four in the afternoon.\n"
SECRETS = ("nine", "Quillfeather", "pool.md", "Pool")


class Guest:
    """Bob, who is a guest of the building as long as his stay lasts."""

    def __init__(self, footnote: Footnote) -> None:
        self.footnote, self.stays = footnote, True
        made = create_app(footnote)
        made.dependency_overrides[asker] = self.scope
        self.client = TestClient(made, base_url=HERE, raise_server_exceptions=False)
        self.place = f"/v1/conversations/{self.client.post('/v1/conversations', json={}).json()['conversationId']}"

    def scope(self) -> Any:
        scope = self.footnote.local_scope("bob")
        held = {role_principal("guest")} if self.stays else set()
        return replace(scope, principals=frozenset({"user:bob", *held}))

    def say(self, text: str) -> dict[str, Any]:
        reply = self.client.post(f"{self.place}/messages", json={"text": text})
        assert reply.status_code == 201, reply.text
        told: dict[str, Any] = reply.json()
        return told

    def read(self, **page: Any) -> list[dict[str, Any]]:
        """The messages, newest first."""
        found: list[dict[str, Any]] = self.client.get(self.place, params=page).json()["messages"]
        return found


@pytest.fixture
def bob(footnote: Footnote) -> Iterator[Guest]:
    guest = Guest(footnote)
    with guest.client:
        yield guest


def opened(client: TestClient, footnote: Footnote, data: bytes, name: str, **access: Any) -> str:
    """Upload a document, have it read, open it to somebody, and return where it is."""
    place = f"/v1/documents/{upload(client, footnote, data, name)['documentId']}"
    client.patch(place, json={"access": access})
    while footnote.ingestor.drain(footnote.queue):
        pass
    return place


TAKING: dict[str, tuple[dict[str, Any], Callable[[TestClient, str, Guest], object]]] = {
    "a share that is revoked": (
        {"sharedWith": ["bob"]},
        lambda owner, place, _: owner.patch(place, json={"access": {"sharedWith": []}}),
    ),
    "a stay that is over": ({"audience": ["role:guest"]}, lambda _, __, bob: setattr(bob, "stays", False)),
    "a document that is removed": ({"sharedWith": ["bob"]}, lambda owner, place, _: owner.delete(place)),
}


@pytest.mark.parametrize("way", TAKING)
def test_what_was_taken_back_is_not_shown(client: TestClient, footnote: Footnote, bob: Guest, way: str) -> None:
    """After a revoked share, a stay that is over or a removal, a kept answer tells no quote and no word of it."""
    access, take = TAKING[way]
    place = opened(client, footnote, POOL, "pool.md", **access)
    said = bob.say("When does it open?")
    assert (said["answerType"], said["citations"][0]["available"]) == ("grounded", True)
    assert bob.read()[0] == said

    take(client, place, bob)
    told, asked = bob.read()
    assert (told["text"], told["answerType"], told["notes"]) == (WITHHELD, "not_found", [])
    assert asked["text"] == "When does it open?"
    (cited,) = told["citations"]
    assert (cited["number"], cited["documentId"], cited["available"]) == (1, place.rpartition("/")[2], False)
    assert (cited["quote"], cited["fileName"], cited["section"], cited["version"]) == ("", "", "", "")
    assert not any(word in bob.client.get(bob.place).text for word in SECRETS)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("way", TAKING)
def test_a_kept_reply_is_not_told_again(
    client: TestClient, footnote: Footnote, bob: Guest, way: str, accept: str
) -> None:
    """A repeated request gets its first reply as long as all that it cites may be read, and then a conflict instead."""
    access, take = TAKING[way]
    place = opened(client, footnote, POOL, "pool.md", **access)
    header = {KEY: "1", "accept": accept}

    def asked() -> list[Any]:
        return [
            bob.client.post("/v1/ask", json={"question": "When does it open?"}, headers=header),
            bob.client.post(f"{bob.place}/messages", json={"text": "When does it open?"}, headers=header | {KEY: "2"}),
        ]

    assert all("nine in the morning" in one.text for one in asked())
    again = asked()
    assert [one.headers["idempotent-replayed"] for one in again] == ["true", "true"]
    assert all("nine in the morning" in one.text for one in again)

    take(client, place, bob)
    for reply in asked():
        assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
        assert "no longer available to you" in reply.json()["detail"]
        assert not any(word in reply.text for word in (*SECRETS, place.rpartition("/")[2]))
    assert len(bob.read()) == 2
    anew = bob.client.post("/v1/ask", json={"question": "When does it open?"}, headers={KEY: "3"})
    assert anew.json()["type"] == "not_found"


def test_a_kept_reply_that_leans_on_what_was_taken_back(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """A repeated follow-up is not told as it was understood by what was taken back; others of its kind are."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    bob.say("Who keeps the keys of the pool?")

    def say(text: str, key: str) -> Any:
        return bob.client.post(f"{bob.place}/messages", json={"text": text}, headers={KEY: key})

    said = [say("When does he come?", "1"), say("When does the lift run?", "2")]
    assert [one.json()["citations"] for one in said] == [[], []]
    assert "Quillfeather" in said[0].json()["usedQuery"]
    assert say("When does he come?", "1").content == said[0].content

    client.delete(place)
    refused = say("When does he come?", "1")
    assert (refused.status_code, "Quillfeather" in refused.text) == (409, False)
    assert say("When does the lift run?", "2").content == said[1].content


def test_what_is_given_again(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """Messages are not changed by it: what is shared again is shown again, as it was."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    bob.say("When does the pool open?")
    before = bob.client.get(bob.place).content
    for readers in ([], ["bob"]):
        client.patch(place, json={"access": {"sharedWith": readers}})
        assert (bob.client.get(bob.place).content == before) == bool(readers)


def test_what_rests_on_others_stays(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """Sentences that rest on what is still there stay with their citations; a note says that the others are missing."""
    pool = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    opened(client, footnote, SAUNA, "sauna.md", sharedWith=["bob"])
    said = bob.say("When does the pool open and when does the sauna open?")
    assert ("nine" in said["text"], "four" in said["text"]) == (True, True), said["text"]
    client.delete(pool)
    told = bob.read()[0]
    numbers = {one["fileName"]: one["number"] for one in said["citations"]}
    assert told["text"] == f"The sauna opens at four in the afternoon. [{numbers['sauna.md']}]"
    assert (told["answerType"], told["notes"]) == ("partial", [PARTLY])
    kept = [one for one in told["citations"] if one["available"]]
    assert kept == [one for one in said["citations"] if one["fileName"] == "sauna.md"]
    assert not any(word in str(told) for word in SECRETS[:3])


def test_what_documents_said_against_each_other(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """Where two documents disagreed and one was taken back, neither its side nor its name is told."""
    pool = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    opened(client, footnote, POOL.replace(b"nine", b"ten"), "other.md", sharedWith=["bob"])
    said = bob.say("When does the pool open?")
    assert (said["answerType"], "pool.md" in said["notes"][0]) == ("conflict", True)
    client.delete(pool)
    told = bob.read()[0]
    assert (told["answerType"], told["notes"]) == ("partial", [PARTLY])
    assert "ten" in told["text"]
    assert not any(word in str(told) for word in ("nine", "pool.md"))


def test_a_follow_up_does_not_lean_on_it(
    client: TestClient, footnote: Footnote, bob: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken back is not told to a model as what was said before, nor found out by "is he there?"."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    quoted = "Mr Quillfeather keeps the keys of the pool."
    drafts = [f'{quoted} [1 "{quoted}"]', "Is Mr Quillfeather there on Sundays?"]
    model = Model(iter([*drafts, "Is Mr Quillfeather there?", *(["fail"] * 8)]))
    monkeypatch.setitem(vars(footnote), "llm", model)
    assert "Quillfeather" in bob.say("Who keeps the keys of the pool?")["text"]
    client.patch(place, json={"access": {"sharedWith": []}})
    asked = len(model.prompts)
    said = bob.say("Is he there on Sundays?")
    told = [str(prompt) for prompt in model.prompts[asked:]]
    assert told
    assert not any("Quillfeather" in one or "nine" in one for one in told)
    assert "Quillfeather" not in str(said)


def test_how_a_question_was_understood(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """A follow-up that was understood by what was taken back is not told as it was understood, on whichever page."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    bob.say("Who keeps the keys of the pool?")
    understood = bob.say("When does he come?")["usedQuery"]
    assert understood == "When does Mr Quillfeather come?"
    bob.say("When does the lift run?")
    client.delete(place)
    for page in ({}, {"limit": 4}):
        answers = [one for one in bob.read(**page) if one["userId"] == "bot"]
        assert [one["usedQuery"] for one in answers[:2]] == ["When does the lift run?", None]
    assert not any(word in bob.client.get(bob.place).text for word in SECRETS[:3])


def test_how_a_long_chain_was_understood(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """However many follow-ups lie between: none that was understood by what was taken back is told so, or leant on."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    bob.say("Who keeps the keys of the pool?")
    bob.say("When does he come?")
    days = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays", "holidays", "weekends")
    understood = [bob.say(f"And on {day}?")["usedQuery"] for day in days]
    assert understood[-1] == "When does Mr Quillfeather come on weekends?"
    client.delete(place)
    cursor: str | None = ""
    while cursor is not None:
        page = bob.client.get(bob.place, params={"limit": 1, **({"cursor": cursor} if cursor else {})})
        assert "Quillfeather" not in page.text
        cursor = page.json()["cursor"]
    assert "Quillfeather" not in str(bob.say("And on Mondays?"))


def test_what_a_question_lends_its_answer(
    client: TestClient, footnote: Footnote, bob: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a name told that an answer took over from how its question was understood, in a sentence or a note."""
    pool = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    opened(
        client,
        footnote,
        b"# Hours\n\nHe comes on Mondays at eight.\n\nGuests come at ten.\n",
        "hours.md",
        sharedWith=["bob"],
    )
    keys, hours = "Mr Quillfeather keeps the keys of the pool.", '[1 "He comes on Mondays at eight."]'
    asked = "When does Mr Quillfeather come on Mondays, and what does Mr Quillfeather cost?"
    drafts = [f'{keys} [1 "{keys}"]', asked, f"He comes at eight as quillfeather. {hours} He comes at eight. {hours}"]
    monkeypatch.setitem(vars(footnote), "llm", Model(iter([*drafts, *([""] * 8)])))
    bob.say("Who keeps the keys of the pool?")
    said = bob.say("When does he come on Mondays, and what does he cost?")
    assert "quillfeather" in said["text"]
    assert said["notes"] == ["Not found: what does Mr Quillfeather cost?"]
    client.delete(pool)
    told = bob.read()[0]
    assert "quillfeather" not in str(told).casefold()
    assert told["text"] == "He comes at eight. [1]"


def test_what_was_not_found_in_it(
    client: TestClient, footnote: Footnote, bob: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that found nothing, for pages that nobody could read, does not name the document either; nor do replies
    that are kept of it.
    """
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    unread = Answer("not_found", "No.", notes=("Of pool.md, page 2 could not be read.",), about=(place[-36:],))
    monkeypatch.setattr(Answerer, "stream", lambda *_, **__: (one for one in (None, unread)))
    said = bob.say("When does it open?")
    assert said["notes"] == list(unread.notes)
    assert bob.read()[0] == said

    def kept(accept: str) -> list[Any]:
        asked = {"/v1/ask": {"question": "When does it open?"}, f"{bob.place}/messages": {"text": "When does it open?"}}
        header = {"accept": accept}
        return [
            bob.client.post(path, json=body, headers={KEY: path + accept, **header}) for path, body in asked.items()
        ]

    both = ("application/json", "text/event-stream")
    assert all("pool.md" in one.text for accept in both for one in kept(accept))
    client.delete(place)
    assert not any(word in bob.client.get(bob.place).text for word in SECRETS)
    assert [one.status_code for accept in both for one in kept(accept)] == [409] * 4


def test_what_lies_there_is_unchanged(client: TestClient, footnote: Footnote, bob: Guest) -> None:
    """The records of messages stay as they were written."""
    place = opened(client, footnote, POOL, "pool.md", sharedWith=["bob"])
    bob.say("When does the pool open?")
    records, name = footnote.converser.conversations, bob.place.rpartition("/")[2]
    before = records.messages(records.mine(bob.scope(), name), 10)
    client.delete(place)
    bob.read()
    assert records.messages(records.mine(bob.scope(), name), 10) == before
    assert Documents(footnote.table).get(place.rpartition("/")[2])
