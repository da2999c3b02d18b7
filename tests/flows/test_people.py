"""People and API keys as records: who signs in, whose an e-mail is, and what a key opens."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from corpus.errors import BadRequest, ConfigError, Conflict, Forbidden, NotFound
from corpus.items import Item
from corpus.model import Json
from corpus.records.api_keys import ApiKeys, KeyTerms
from corpus.records.people import PREFERENCES, Claims, People, Person
from corpus.records.privacy import OPEN, Emails
from footnote.privacy import sealed
from tests.fakes import MemoryTable
from tests.worlds import World

ANN = Claims("ann", "token 1", 2_000_000_000, "COGNITO", "Ann@Example.org", True, "Ann", "Lee", "ann.lee")
BOB = Claims("bob", "token 2", 2_000_000_000, "Google", "bob@example.org", True)
FIRST, SECOND = ("A" * 43 + "=", "B" * 42 + "A=")
ANY = KeyTerms("report", frozenset({"search", "ask"}))


@pytest.fixture(params=[OPEN, sealed([FIRST]), sealed([SECOND, FIRST])], ids=["open", "sealed", "rotated"])
def people(world: World, request: pytest.FixtureRequest) -> People:
    return People(world.table, request.param)


def stored(world: World, user_id: str) -> Item:
    item = world.table.get(f"USER#{user_id}", "PROFILE")
    assert item
    return item


def of_email(people: People, email: str) -> Person | None:
    """The person whose verified e-mail this is."""
    held = Emails(people.table, people.privacy).held(email).items
    return people.get(str(held[0].data["userId"])) if held else None


def test_a_first_sign_in(world: World, people: People) -> None:
    """Whoever signs in for the first time becomes a person, with the names of the data model."""
    person = people.signed_in(ANN, "home", world.clock())

    assert person == people.get("ann") == of_email(people, "ann@example.ORG ")
    assert (person.is_active, person.role, person.service_level, person.login_count) == (True, "user", "basic", 1)
    assert people.tenant_of("ann") == "home"
    data = stored(world, "ann").data
    assert set(data) == {
        *("userId", "tenantId", "email", "firstName", "lastName", "role", "provider", "isActive", "serviceLevel"),
        *("lastLoginAt", "loginCount", "preferences", "metadata"),
    }
    assert data["preferences"] == PREFERENCES
    metadata: Any = data["metadata"]
    assert {**metadata, "cognitoUsername": ""} == {
        "registrationSource": "COGNITO",
        "emailVerified": True,
        "termsAcceptedAt": None,
        "cognitoUsername": "",
    }
    assert person.username == "ann.lee"


def test_a_sign_in_counts_once_for_each_token(world: World, people: People) -> None:
    """However often a token is shown, and whichever is shown between, it is one sign-in; a new one is another."""
    begun = world.clock()
    for token, count in (("a", 1), ("a", 1), ("b", 2), ("a", 2), ("b", 2), ("c", 3)):
        world.clock.sleep(1)
        assert people.signed_in(replace(ANN, token=token), "home", world.clock()).login_count == count
    rev = stored(world, "ann").rev
    people.signed_in(replace(ANN, token="a"), "home", world.clock())
    assert stored(world, "ann").rev == rev
    world.clock.sleep(2_000_000_000 - begun)
    assert world.table.query(0, "USER#ann", ("LOGIN#", "LOGIN#~")).items == ()


def test_what_claims_leave_out_stays(world: World, people: People) -> None:
    """An access token, which says little, takes nothing away; what is said anew is taken, and the home stays."""
    people.signed_in(ANN, "home", world.clock())
    person = people.signed_in(Claims("ann", "2", 2_000_000_000, "COGNITO"), "elsewhere", world.clock())
    assert (person.email, person.first_name, person.tenant_id) == ("Ann@Example.org", "Ann", "home")

    changed = replace(ANN, token="3", first_name="Anna", email="anna@example.org", email_verified=False)
    person = people.signed_in(changed, "home", world.clock())
    assert (person.first_name, person.email, person.email_verified) == ("Anna", "Ann@Example.org", True)
    assert of_email(people, "anna@example.org") is None


def test_a_verified_e_mail_is_one_persons(world: World, people: People, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody signs in with an e-mail that another has verified, and nothing of it is told; one given back is free."""
    caplog.set_level(logging.DEBUG)
    people.signed_in(ANN, "home", world.clock())
    for claims in (replace(BOB, email="ANN@example.ORG"), replace(BOB, user_id="ann2", email="ann@example.org")):
        with pytest.raises(Forbidden) as caught:
            people.signed_in(claims, "home", world.clock())
        assert people.get(claims.user_id) is None
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint + caplog.text + repr(claims)
        assert "example.org" not in told.lower()

    people.signed_in(replace(ANN, token="2", email="lee@example.org"), "home", world.clock())
    assert of_email(people, "ann@example.org") is None
    assert people.signed_in(replace(BOB, email="ann@example.org"), "home", world.clock()).user_id == "bob"
    with pytest.raises(Forbidden):
        people.signed_in(replace(ANN, token="3"), "home", world.clock())
    assert of_email(people, "lee@example.org") == people.get("ann")


def test_an_unverified_e_mail_is_nobodys(world: World, people: People) -> None:
    """An e-mail that nobody verified keeps nobody out, and finds nobody."""
    people.signed_in(replace(BOB, email="ann@example.org", email_verified=False), "home", world.clock())
    assert of_email(people, "ann@example.org") is None
    assert people.signed_in(ANN, "home", world.clock()).email_verified
    with pytest.raises(Forbidden):
        people.signed_in(replace(BOB, token="4", email="ann@example.org"), "home", world.clock())


def test_two_who_claim_one_e_mail_at_once(world: World, people: People) -> None:
    """Of two who sign in at the same moment with one e-mail exactly one gets it, and the other has no record."""

    class Racing(MemoryTable):
        """Lets others sign in after it was looked whether the e-mail is free."""

        others: list[Callable[[], object]] = []  # noqa: RUF012 -- one table has them

        def transact(self, writes: Any) -> None:
            if self.others:
                self.others.pop()()
            super().transact(writes)

    table = Racing(world.clock)
    racing = People(table)
    table.others.append(lambda: racing.signed_in(replace(BOB, email=ANN.email), "home", world.clock()))
    with pytest.raises(Forbidden):
        racing.signed_in(ANN, "home", world.clock())
    assert (racing.get("ann"), of_email(racing, ANN.email)) == (None, racing.get("bob"))

    table.others.append(lambda: racing.signed_in(replace(BOB, token="2"), "home", world.clock()))
    other = racing.signed_in(replace(BOB, token="3"), "home", world.clock())
    assert other.login_count == 3  # the two did not count as one


def test_who_was_switched_off(world: World, people: People) -> None:
    """Whoever is no longer active cannot sign in, with an old token or a new one, and nothing of theirs is written."""
    person = people.signed_in(ANN, "home", world.clock())
    off = people.put(replace(person, is_active=False))
    for token in ("token 1", "new"):
        with pytest.raises(Forbidden, match="switched off"):
            people.signed_in(replace(ANN, token=token), "home", world.clock())
    assert people.tenant_of("ann") is None
    assert people.get("ann") == off
    with pytest.raises(Conflict):
        people.put(person)
    people.put(replace(off, is_active=True))
    assert people.signed_in(replace(ANN, token="new"), "home", world.clock()).login_count == 2


def test_who_signed_in_lately(world: World, people: People) -> None:
    """A building's people are listed by their last sign-in, newest first, page by page; who never did is not."""
    people.add("idle", "home")
    for n, name in enumerate(["ann", "bob", "eve", "ann"]):
        world.clock.sleep(60)
        claims = Claims(name, f"{n}", 2_000_000_000)
        people.signed_in(claims, "other" if name == "eve" else "home", world.clock())
    first, cursor = people.recent("home", 1)
    rest, _ = people.recent("home", 5, cursor)
    assert [one.user_id for one in (*first, *rest)] == ["ann", "bob"]
    assert [one.user_id for one in people.recent("other", 5)[0]] == ["eve"]


def test_who_is_changed_by_hand(world: World) -> None:
    """A role is changed without the keys that seal the record, and nothing else of it; who is unknown stays so."""
    keyed, bare = People(world.table, sealed([FIRST])), People(world.table)
    before = keyed.signed_in(ANN, "home", world.clock())
    assert bare.change("ann", role="admin") == "home"
    after = keyed.get("ann")
    assert after
    assert after == replace(before, role="admin", updated_at=after.updated_at, rev=after.rev)
    assert keyed.recent("home", 5)[0] == [after]
    with pytest.raises(NotFound):
        bare.change("bob", role="admin")
    assert bare.get("bob") is None


def test_who_was_added_by_hand_signs_in(world: World, people: People) -> None:
    """Who was added before, also by an older release, keeps their home; what is no id is refused."""
    assert (people.add("ann", "mill-lane"), people.add("ann", "home")) == (True, False)
    old: dict[str, Json] = {"userId": "old", "tenantId": "home", "provider": "local", "role": "user", "isActive": True}
    world.table.put(Item("USER#old", "PROFILE", "person", old), 0)

    assert people.signed_in(ANN, "home", world.clock()).tenant_id == "mill-lane"
    assert people.signed_in(replace(BOB, user_id="old"), "home", world.clock()).login_count == 1
    for claims in (replace(ANN, user_id="../x"), replace(ANN, user_id="")):
        with pytest.raises(BadRequest):
            people.signed_in(claims, "home", world.clock())


def test_what_names_a_person_can_be_sealed(world: World) -> None:
    """With keys nothing in a record names the person, and all of it is there for who reads it with the same."""
    private = People(world.table, sealed([FIRST]))
    person = private.signed_in(replace(ANN, first_name="Annabelle", last_name="Lee-Hart"), "home", world.clock())

    items = world.table.query(0, "USER#ann").items
    lying = str([(item.pk, item.sk, item.data, item.keys) for item in items])
    words = ("Annabelle", "Lee-", "ann.lee", "@")  # three letters alone may stand in what is sealed
    assert not [word for word in words if word in lying]
    assert private.get("ann") == person
    assert (person.email, person.last_name, person.username) == (ANN.email, "Lee-Hart", "ann.lee")
    assert of_email(private, ANN.email) == person
    assert of_email(People(world.table), ANN.email) is None
    assert "xample" not in repr(person) + repr(private)
    assert FIRST not in repr(private)


def test_what_is_sealed_needs_its_key(world: World) -> None:
    """Without the key, or with another, a person cannot be read, and it is said which setting; their building can."""
    People(world.table, sealed([FIRST])).signed_in(ANN, "home", world.clock())
    for wrong in (People(world.table), People(world.table, sealed([SECOND]))):
        with pytest.raises(ConfigError, match="FOOTNOTE_PRIVACY_KEYS") as caught:
            wrong.get("ann")
        told = "".join(traceback.format_exception(caught.value))
        assert not [secret for secret in (FIRST, SECOND, "xample") if secret in told]
        assert wrong.tenant_of("ann") == "home"
        with pytest.raises(ConfigError):
            wrong.signed_in(replace(ANN, token="2"), "home", world.clock())


@pytest.mark.parametrize("value", [{"sealed": ""}, {"sealed": "ü"}, {"sealed": 7}, {"sealed": "gAAAA"}, 7, ["x"]])
def test_what_was_never_sealed(world: World, value: Json) -> None:
    """A record in which something else lies is told of as one under another key, and is no bug."""
    private = People(world.table, sealed([FIRST]))
    private.signed_in(ANN, "home", world.clock())
    item = stored(world, "ann")
    world.table.put(replace(item, data={**item.data, "email": value}), item.rev)
    with pytest.raises(ConfigError, match="FOOTNOTE_PRIVACY_KEYS"):
        private.get("ann")


def test_keys_rotate(world: World) -> None:
    """A new key in front seals what is written from now on; who is sealed with the older stays readable, and unique."""
    before, after = People(world.table, sealed([FIRST])), People(world.table, sealed([SECOND, FIRST]))
    before.signed_in(ANN, "home", world.clock())
    before.signed_in(replace(BOB, email="lee@example.org"), "home", world.clock())

    assert of_email(after, ANN.email) == after.get("ann") == before.get("ann")
    with pytest.raises(Forbidden):
        after.signed_in(replace(BOB, user_id="eve", email=ANN.email), "home", world.clock())
    with pytest.raises(Forbidden):  # and the other way round, while some processes have the new key and some have not
        before.signed_in(replace(BOB, user_id="eve", email="LEE@example.org"), "home", world.clock())
    again = after.signed_in(replace(ANN, token="2"), "home", world.clock())
    assert People(world.table, sealed([SECOND])).get("ann") == again
    with pytest.raises(ConfigError):
        People(world.table, sealed([SECOND])).get("bob")
    with pytest.raises(ConfigError):
        before.get("ann")


def test_records_from_before_there_were_keys(world: World) -> None:
    """What lies open stays readable with keys, its e-mail stays its owner's, and the next sign-in seals it."""
    plain = People(world.table)
    plain.signed_in(ANN, "home", world.clock())
    private = People(world.table, sealed([FIRST]))

    assert private.get("ann") == of_email(private, ANN.email) == plain.get("ann")
    with pytest.raises(Forbidden):
        private.signed_in(replace(BOB, email=ANN.email), "home", world.clock())
    person = private.signed_in(replace(ANN, token="2"), "home", world.clock())
    assert "xample" not in str(stored(world, "ann").data)
    assert (of_email(private, ANN.email), of_email(plain, ANN.email)) == (person, None)
    private.signed_in(replace(ANN, token="3", email="lee@example.org"), "home", world.clock())
    assert of_email(private, ANN.email) is None


def test_a_text_cannot_pass_for_a_sealed_one(world: World) -> None:
    """Whatever somebody is called is read as it is, also once there are keys."""
    token = sealed([FIRST]).seal("x")
    names = replace(ANN, first_name=str(token), last_name='{"sealed": "gAAAA"}', username="gAAAA")
    person = People(world.table).signed_in(names, "home", world.clock())
    assert People(world.table, sealed([FIRST])).get("ann") == person


def test_a_person_can_be_changed(world: World, people: People) -> None:
    """What a person prefers is written once it was read, and nothing else changes by it."""
    person = people.signed_in(ANN, "home", world.clock())
    changed = people.put(replace(person, preferences={**person.preferences, "language": "de"}))
    assert changed.preferences["language"] == "de"
    assert replace(changed, preferences=person.preferences, rev=person.rev, updated_at=person.updated_at) == person
    assert Person("x", "home").preferences == PREFERENCES


def made(world: World, terms: KeyTerms = ANY, secret: bytes = b"s" * 32) -> tuple[str, str]:
    within = {"search", "ask", "upload"}
    key, known = ApiKeys(world.table).make("ann", "home", terms, within, secret, world.clock())
    return key, known.key_id


def test_a_key_is_shown_once(world: World) -> None:
    """A key opens what it is for, and does not lie anywhere itself."""
    keys = ApiKeys(world.table)
    key, key_id = made(world)
    found = keys.find(key, world.clock())

    assert found
    assert (found.key_id, found.user_id, found.tenant_id) == (key_id, "ann", "home")
    assert found.allowed_actions == {"search", "ask"}
    assert key.startswith("fn_")
    (item,) = world.table.query(1, "USER#ann#KEY").items
    assert key not in str(item)
    assert key[3:] not in str(item)
    for other in ("", "fn_", key[:-1], key + "x", key.upper(), f" {key}", f"{key}\n", item.pk, item.pk[4:]):
        assert keys.find(other, world.clock()) is None


def test_what_a_key_may_not_be(world: World) -> None:
    """A key cannot do what its maker may not, nor nothing; it needs a name, and is never made twice of one secret."""
    for terms in (replace(ANY, actions=frozenset({"ask", "reindex"})), replace(ANY, actions=frozenset({"nonsense"}))):
        with pytest.raises(Forbidden, match="what you may not do yourself"):
            made(world, terms)
    for terms in (
        replace(ANY, name=""),
        replace(ANY, name="x" * 101),
        replace(ANY, name="a\nb"),
        replace(ANY, actions=frozenset()),
        replace(ANY, seconds=-1),
    ):
        with pytest.raises(BadRequest):
            made(world, terms)
    made(world)
    with pytest.raises(Conflict):
        made(world)
    with pytest.raises(ValueError, match="32 random bytes"):
        made(world, secret=b"short")


def test_a_key_ends(world: World) -> None:
    """A key with an end opens nothing from then on, and is gone."""
    key, _ = made(world, replace(ANY, seconds=100))
    world.clock.sleep(99)
    assert ApiKeys(world.table).find(key, world.clock())
    world.clock.sleep(1)
    assert ApiKeys(world.table).find(key, world.clock()) is None
    assert ApiKeys(world.table).of_user("ann", 10) == ([], None)


def test_a_key_is_taken_back(world: World) -> None:
    """A key that its owner takes back opens nothing at once, and stays listed; nobody takes back another's."""
    keys = ApiKeys(world.table)
    (key, key_id), (other, _) = made(world), made(world, secret=b"t" * 32)
    for user, name in (("bob", key_id), ("ann", "none")):
        with pytest.raises(NotFound):
            keys.revoke(user, name, world.clock())
    revoked = keys.revoke("ann", key_id, world.clock())

    assert keys.find(key, world.clock()) is None
    assert keys.find(other, world.clock())
    world.clock.sleep(60)
    assert keys.revoke("ann", key_id, world.clock()) == revoked
    assert {one.key_id: bool(one.revoked_at) for one in keys.of_user("ann", 10)[0]}[key_id]
    (first,), cursor = keys.of_user("ann", 1)
    (second,), _ = keys.of_user("ann", 1, cursor)
    assert {first.key_id, second.key_id} >= {key_id}


def test_the_use_of_a_key_is_noted(world: World) -> None:
    """The last use of a key is known to the hour, and costs a write an hour at most."""
    keys = ApiKeys(world.table)
    key, _ = made(world)

    def seen() -> tuple[str, int]:
        keys.find(key, world.clock())
        (item,) = world.table.query(1, "USER#ann#KEY").items
        return str(item.data["lastUsedAt"]), item.rev

    first = seen()
    world.clock.sleep(3599)
    assert seen() == first
    world.clock.sleep(1)
    assert seen() > first
