"""Keys that rotate: everybody is sealed anew, and then the newest key alone does for all there is to do."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from corpus.errors import ConfigError, Forbidden
from corpus.items import Item
from corpus.model import Json
from corpus.ports import Table
from corpus.records.people import Claims, People
from corpus.records.privacy import OPEN, Emails, Privacy, with_naming
from corpus.records.rotation import Outcome, buildings, rotated
from corpus.tables.dynamodb import DynamoDbTable
from corpus.tables.sqlite import SqliteTable
from footnote.api.app import create_app
from footnote.cli import app
from footnote.commands.setting_up import add_person
from footnote.connect import Footnote
from footnote.privacy import sealed
from footnote.settings import Settings
from tests.fakes import Clock, MemoryTable
from tests.flows.test_api import HERE
from tests.flows.test_people import of_email
from tests.services.aws import dynamodb
from tests.worlds import WITHOUT_OCR, Fuse, Fused, Killed, World

OLD, NEW, OTHER = "A" * 43 + "=", "B" * 42 + "A=", "C" * 42 + "A="
NAMES = ("ann", "bob", "eve")
SEALED, AS_IT_WAS = Outcome.SEALED, Outcome.AS_IT_WAS


def claims(name: str, turn: int = 1, email: str = "", *, verified: bool = True) -> Claims:
    return Claims(
        name,
        f"token {turn}",
        2_000_000_000,
        "COGNITO",
        email or f"{name}@example.org",
        verified,
        name.title(),
        "Quill",
        f"{name}.quill",
    )


def under(table: Table, *keys: str) -> People:
    return People(table, privacy(*keys))


def privacy(*keys: str) -> Privacy:
    return sealed(keys) if keys else OPEN


def sign_in(people: People, clock: Clock, *names: str, turn: int = 1) -> None:
    for name in names:
        clock.sleep(1)
        people.signed_in(claims(name, turn), "home", clock())


def run(table: Table, *keys: str) -> dict[str, Outcome]:
    return dict(rotated(table, privacy(*keys), buildings(table, "home")))


def held(table: Table, email: str) -> str:
    """Under which keys an e-mail is held: `n` for the new one, `o` for the old one, `-` for none."""
    known = {"n": privacy(NEW), "o": privacy(OLD), "-": OPEN}
    alone = {name: Emails(table, replace(one, earlier=())) for name, one in known.items()}
    return "".join(name for name, emails in alone.items() if emails.held(email).items)


def works(table: Table, clock: Clock, *names: str) -> None:
    """With the new key alone people are read, looked up and listed, they sign in, and each e-mail stays theirs."""
    people = under(table, NEW)
    for name in names:
        person = people.get(name)
        assert person
        assert (person.email, person.first_name, person.username) == (
            f"{name}@example.org",
            name.title(),
            f"{name}.quill",
        )
        assert of_email(people, person.email.upper()) == person
        with pytest.raises(Forbidden, match="another person"):
            people.signed_in(claims("mallory", email=person.email), "home", clock())
        assert people.signed_in(claims(name, 9), "home", clock()).login_count == person.login_count + 1
        assert held(table, person.email) == "n"
    assert {one.user_id for one in people.recent("home", 100)[0]} == set(names)


def changed(table: Table, user_id: str, **told: Json) -> Item:
    """The record of a person, written otherwise."""
    item = table.get(f"USER#{user_id}", "PROFILE")
    assert item
    return table.put(replace(item, data={**item.data, **told}), item.rev)


@pytest.mark.parametrize("before", [(), (OLD,), (OTHER, OLD)], ids=["open", "one key", "two keys"])
def test_everybody_is_sealed_anew(world: World, before: tuple[str, ...]) -> None:
    """After one run the newest key alone does; the next one finds everybody as they are to be, and writes nothing."""
    sign_in(under(world.table, *before), world.clock, *NAMES)
    assert run(world.table, NEW, *before) == dict.fromkeys(NAMES, SEALED)
    fuse, counting = Fuse(), Counter[str]()

    class Counted(Fused):
        def __getattr__(self, name: str) -> Any:
            counting[name] += 1
            return super().__getattr__(name)

    counted: Any = Counted(world.table, fuse)
    assert run(counted, NEW, *before) == dict.fromkeys(NAMES, AS_IT_WAS)
    assert not {"put", "transact", "delete", "add"} & set(counting)
    works(world.table, world.clock, *NAMES)


def test_nothing_else_of_them_changes(world: World) -> None:
    """Sealing anew changes nothing that is known of a person, also not what only another release knows."""
    sign_in(under(world.table, OLD), world.clock, "ann")
    changed(world.table, "ann", isActive=False, later=["x"])
    before = under(world.table, OLD).get("ann")
    run(world.table, NEW, OLD)

    after = under(world.table, NEW).get("ann")
    assert before
    assert after
    assert after == replace(before, rev=after.rev, updated_at=after.updated_at)
    item = world.table.get("USER#ann", "PROFILE")
    assert item
    assert item.data["later"] == ["x"]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_it_dies_anywhere(tmp_path: Path, kind: str) -> None:
    """Wherever a run ends, everybody can be read and looked up; the next one goes on, and the new key does alone."""
    clock = Clock()
    for point, after in ((point, after) for point in itertools.count(1) for after in (False, True)):
        with ExitStack() as stack:
            table: Table = MemoryTable(clock)
            if kind == "sqlite":
                table = stack.enter_context(closing(SqliteTable(tmp_path / f"{point}-{after}.db", clock)))
            sign_in(under(table, OLD), clock, *NAMES)
            dying: Any = Fused(table, Fuse(point, after))
            try:
                run(dying, NEW, OLD)
            except Killed:
                pass
            else:
                break
            both = under(table, NEW, OLD)
            for name in NAMES:
                person = both.get(name)
                assert person
                assert of_email(both, f"{name}@example.org") == person
                assert held(table, person.email) in {"n", "o"}
            run(table, NEW, OLD)
            works(table, clock, *NAMES)
    assert point > 2 * len(NAMES)


@pytest.mark.service
def test_over_dynamodb() -> None:
    """On DynamoDB too a run that dies is gone on with, beside somebody who signs in, and the new key does alone."""
    clock = Clock()
    with dynamodb() as (client, name):
        table = DynamoDbTable(client, name, clock)
        sign_in(under(table, OLD), clock, *NAMES)
        for point in range(4, 10):
            dying: Any = Fused(table, Fuse(point, after=bool(point % 2)))
            with suppress(Killed):
                run(dying, NEW, OLD)
        sign_in(under(table, NEW, OLD), clock, "bob", turn=2)
        assert set(run(table, NEW, OLD).values()) <= {SEALED, AS_IT_WAS}
        assert run(table, NEW, OLD) == dict.fromkeys(("ann", "eve", "bob"), AS_IT_WAS)
        works(table, clock, *NAMES)


def between(table: Table, *calls: Callable[[], object]) -> Any:
    """The table, with something done before each of the first transactions."""
    left = list(calls)

    class Between:
        def __getattr__(self, name: str) -> Any:
            if name == "transact" and left:
                left.pop(0)()
            return getattr(table, name)

    return Between()


@pytest.mark.parametrize("email", ["", "quill@example.org"])
def test_who_signs_in_meanwhile(world: World, email: str) -> None:
    """Whoever signs in while their record is sealed anew, also with another e-mail, keeps what they said last."""
    both = under(world.table, NEW, OLD)
    sign_in(under(world.table, OLD), world.clock, *NAMES)
    world.clock.sleep(1)
    table = between(world.table, lambda: both.signed_in(claims("ann", 2, email), "home", world.clock()))
    assert set(run(table, NEW, OLD).values()) <= {SEALED, AS_IT_WAS}

    person = under(world.table, NEW).get("ann")
    assert person
    assert (person.login_count, person.email) == (2, email or "ann@example.org")
    assert held(world.table, person.email) == "n"
    assert of_email(under(world.table, NEW), person.email) == person
    assert held(world.table, "ann@example.org") == ("" if email else "n")


def test_two_runs_at_once(world: World) -> None:
    """Two that run beside one another seal everybody once, and neither takes back what the other did."""
    sign_in(under(world.table, OLD), world.clock, *NAMES)
    second: list[dict[str, Outcome]] = []
    table = between(world.table, lambda: second.append(run(world.table, NEW, OLD)))
    assert run(table, NEW, OLD) == dict.fromkeys(NAMES, AS_IT_WAS)
    assert second == [dict.fromkeys(NAMES, SEALED)]
    works(world.table, world.clock, *NAMES)


def test_who_is_never_still(world: World) -> None:
    """Somebody who is written again and again is told of, and the others are sealed."""
    sign_in(under(world.table, OLD), world.clock, *NAMES)
    table = between(world.table, *[lambda: changed(world.table, "ann")] * 100)
    done = run(table, NEW, OLD)
    assert done == {"ann": Outcome.BUSY, "bob": SEALED, "eve": SEALED}


def test_a_key_that_is_not_set(world: World) -> None:
    """Whoever is sealed with a key that is gone is told of and stays as they are; the others are sealed."""
    sign_in(under(world.table, OTHER), world.clock, "ann")
    sign_in(under(world.table, OLD), world.clock, "bob")
    before = world.table.get("USER#ann", "PROFILE")
    assert run(world.table, NEW, OLD) == {"ann": Outcome.LOCKED, "bob": SEALED}
    assert world.table.get("USER#ann", "PROFILE") == before
    assert run(world.table, NEW, OTHER) == {"ann": SEALED, "bob": AS_IT_WAS}
    works(world.table, world.clock, "ann", "bob")


def test_one_key_in_common_keeps_an_e_mail_unique(world: World) -> None:
    """While some have the old key, some both and some the new one, an e-mail goes to whoever verified it first."""
    old, both, new = under(world.table, OLD), under(world.table, NEW, OLD), under(world.table, NEW)
    turned = under(world.table, OLD, NEW)
    sign_in(old, world.clock, "ann")
    sign_in(both, world.clock, "bob")
    sign_in(turned, world.clock, "eve")
    assert [held(world.table, f"{name}@example.org") for name in NAMES] == ["o", "no", "no"]
    for people in (both, turned):
        for name in NAMES:
            with pytest.raises(Forbidden):
                people.signed_in(claims("mallory", email=f"{name}@example.org"), "home", world.clock())
    for people in (old, new):
        with pytest.raises(Forbidden):
            people.signed_in(claims("mallory", email="bob@example.org"), "home", world.clock())
    sign_in(both, world.clock, "ann", turn=2)
    assert held(world.table, "ann@example.org") == "no"

    assert run(world.table, NEW, OLD) == dict.fromkeys(NAMES, SEALED)
    sign_in(both, world.clock, *NAMES, turn=3)
    works(world.table, world.clock, *NAMES)


def test_an_e_mail_under_a_key_that_is_gone(world: World) -> None:
    """A verified e-mail that no key finds is not given away by its owner's own sign-in, but a run finds it again."""
    sign_in(under(world.table, OLD), world.clock, "ann")
    item = changed(world.table, "ann")
    kept, gone = privacy(NEW), privacy(OLD)
    world.table.put(replace(item, data=with_naming(item.data, lambda one: kept.seal(gone.unseal(one)))), item.rev)
    people = under(world.table, NEW)
    for email in ("", "lee@example.org"):
        with pytest.raises(ConfigError, match="not in FOOTNOTE_PRIVACY_KEYS") as caught:
            people.signed_in(claims("ann", 2, email), "home", world.clock())
        assert "Put it back" in caught.value.hint
    assert run(world.table, NEW) == {"ann": SEALED}
    assert of_email(people, "ann@example.org") == people.get("ann")


def test_an_e_mail_of_two(world: World) -> None:
    """An e-mail that two got, as they had no key in common, is whose the newest key says; the other is told of."""
    sign_in(under(world.table, OLD), world.clock, "ann")
    under(world.table, NEW).signed_in(claims("bob", email="ann@example.org"), "home", world.clock() + 1)
    for _ in range(2):
        assert run(world.table, NEW, OLD) == {"ann": Outcome.DISPUTED, "bob": AS_IT_WAS}
        people = under(world.table, NEW)
        assert of_email(people, "ann@example.org") == people.get("bob")
        assert people.get("ann")
        assert held(world.table, "ann@example.org") == "n"


def test_an_e_mail_of_two_that_are_both_to_be_sealed(world: World) -> None:
    """Of two with one e-mail, each under another older key, one has it after a run, and only the other is told of."""
    for name, key in (("ann", OTHER), ("bob", OLD)):
        world.clock.sleep(1)
        under(world.table, key).signed_in(claims(name, email="lee@example.org"), "home", world.clock())
    assert run(world.table, NEW, OLD, OTHER) == {"ann": Outcome.DISPUTED, "bob": SEALED}
    people = under(world.table, NEW)
    assert of_email(people, "lee@example.org") == people.get("bob")


def test_who_lost_an_e_mail_to_another_takes_a_new_one(world: World) -> None:
    """Whoever an e-mail was taken from, as it is another's too, comes in again with one of their own."""
    for keys, name in (((OLD,), "ann"), ((OTHER,), "bob")):
        under(world.table, *keys).signed_in(claims(name, email="both@example.org"), "home", world.clock())
        world.clock.sleep(1)
    assert set(run(world.table, NEW, OLD, OTHER).values()) == {SEALED, Outcome.DISPUTED}
    people = under(world.table, NEW, OLD, OTHER)
    first = of_email(people, "both@example.org")
    assert first
    (lost,) = {"ann", "bob"} - {first.user_id}
    with pytest.raises(Forbidden, match="another person"):
        people.signed_in(claims(lost, 2, "both@example.org"), "home", world.clock())
    assert people.signed_in(claims(lost, 3), "home", world.clock()).email == f"{lost}@example.org"
    for name, email in ((first.user_id, "both@example.org"), (lost, f"{lost}@example.org")):
        found = of_email(people, email)
        assert found
        assert found.user_id == name


def test_who_is_met_twice(world: World) -> None:
    """Whoever signs in behind the place where a run is, and so is met again at the end, counts once."""
    both, names = under(world.table, NEW, OLD), [f"p{n}" for n in range(102)]
    sign_in(under(world.table, OLD), world.clock, *names)
    calls = [*[lambda: None] * 100, lambda: sign_in(both, world.clock, "p0", turn=2)]
    table = between(world.table, *calls)
    found = list(rotated(table, both.privacy, ["home", "home"]))
    assert found == [(name, SEALED) for name in names]


def test_what_nobody_verified(world: World) -> None:
    """An e-mail that was not verified is sealed anew, and is nobody's afterwards too."""
    under(world.table, OLD).signed_in(claims("ann", verified=False), "home", world.clock())
    assert run(world.table, NEW, OLD) == {"ann": SEALED}
    assert held(world.table, "ann@example.org") == ""
    assert under(world.table, NEW).get("ann")


def opened(home: Path, *keys: str) -> Footnote:
    return Footnote(Settings.from_env({**WITHOUT_OCR, "FOOTNOTE_PRIVACY_KEYS": ",".join(keys)}, home=home))


def test_over_http_it_is_told_what_to_mend(tmp_path: Path) -> None:
    """Where the key of somebody's record is not set, their list is no bug: it is said which setting, and the fix."""
    with opened(tmp_path, OTHER) as footnote:
        sign_in(footnote.people, Clock(), "ann")
    with opened(tmp_path, NEW) as footnote:
        client = TestClient(create_app(footnote), base_url=HERE, raise_server_exceptions=False)
        told = [client.get("/v1/people"), client.patch("/v1/people/ann", json={"role": "staff"})]
    for reply in told:
        assert (reply.status_code, reply.json()["code"]) == (503, "config")
        assert "FOOTNOTE_PRIVACY_KEYS" in reply.json()["detail"]
        assert "Put it back" in reply.json()["hint"]
        assert not [word for word in ("xample", NEW, OTHER) if word in reply.text]


def test_the_command(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """`footnote person seal` seals people of all buildings, says how many and whether the older key may go, no name."""
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    with opened(tmp_path, OLD) as footnote:
        add_person(footnote, "bob", "mill-lane", "", "")
        sign_in(footnote.people, clock, "ann", "bob")
        footnote.table.delete("TENANT#mill-lane", "CONFIG", 1)  # as it was before buildings were written down then
        add_person(footnote, "eve", "tower", "", "")
        sign_in(footnote.people, clock, "eve")
        sign_in(under(footnote.table, OTHER), clock, "zoe")

    def seal(*keys: str) -> tuple[int, str]:
        monkeypatch.setenv("FOOTNOTE_PRIVACY_KEYS", ",".join(keys))
        done = CliRunner().invoke(app, ["--home", str(tmp_path), "person", "seal"])
        told = done.output + caplog.text
        assert not [word for word in ("xample", "Quill", "quill", "Ann", *keys) if word and word in told]
        return done.exit_code, done.output

    code, told = seal(NEW, OLD)
    assert code == 1
    assert "3 sealed anew" in told
    assert "zoe: sealed with a key that is not set" in told
    assert "No key may go yet" in told
    code, told = seal(NEW, OTHER, OLD)
    assert code == 0
    assert told.startswith("1 sealed anew\n3 sealed with the newest key already\n")
    assert "the 2 older keys may be taken out" in told
    code, told = seal(NEW)
    assert (code, told.splitlines()[-1]) == (0, "Everybody is sealed with the one key that is set.")
    with opened(tmp_path, NEW) as footnote:
        assert {str(person.email) for person in map(footnote.people.get, (*NAMES, "zoe")) if person} == {
            f"{name}@example.org" for name in (*NAMES, "zoe")
        }
    code, told = seal("")
    assert code == 2
    for line in (["seal", "ann"], ["seal", "--role", "admin"]):
        assert CliRunner().invoke(app, ["--home", str(tmp_path), "person", *line]).exit_code == 1
    for verb in ("add", "set"):
        assert CliRunner().invoke(app, ["--home", str(tmp_path), "person", verb]).exit_code == 2
