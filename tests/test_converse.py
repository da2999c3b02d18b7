"""What follow-ups mean by a model, and what is kept of a conversation, for how long."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from corpus.allowance import Allowance
from corpus.answers import Answer, Prompt
from corpus.errors import BadRequest, Forbidden, NotFound, QuotaExceeded, Unavailable
from corpus.keys import iso_time
from corpus.llms.quotes import Quotes
from corpus.records.conversations import Conversation, Conversations, Message
from corpus.records.levels import Levels
from corpus.records.personas import Personas
from corpus.records.tenants import Tenant, Tenants
from corpus.scope import Scope
from corpus.tables.sqlite import SqliteTable
from search.converse import Converser, standalone
from tests.fakes import Clock, MemoryTable

DAY = 86400
TURN = ("When does the pool open?", "The pool opens at nine. [1]")


@dataclass
class Model:
    """Writes these drafts, one for each prompt, and keeps the prompts."""

    drafts: Iterator[str]
    prompts: list[Prompt] = field(default_factory=list)
    name: str = "model"

    def stream(self, prompt: Prompt) -> Generator[str, None, None]:
        self.prompts.append(prompt)
        draft = next(self.drafts)
        if draft == "fail":
            raise Unavailable("not now")
        yield from draft


def held(clock: Clock) -> tuple[Converser, Scope]:
    """What holds conversations in memory and finds nothing, and somebody who may."""
    ids, table = itertools.count(), MemoryTable(clock)
    scope = Scope("ann", "home", frozenset({"user:ann"}), frozenset({"ask", "converse"}), clock())
    records, answer = (Conversations(table, Tenants(table).get), Personas(table)), Answer("not_found", "No.")
    allowance = Allowance(table, clock)
    return Converser(*records, Quotes(), allowance, lambda *_: answer, clock, lambda _: f"id{next(ids)}"), scope


@pytest.mark.parametrize(
    ("draft", "meant"),
    [
        ("When does the sauna open?", "When does the sauna open?"),
        ("At nine, when does the sauna open?", "At nine, when does the sauna open?"),
        ("When does the sauna of Linden Court open?", "When does sauna open?"),
        ("Linden opens when?", "When does sauna open?"),
        ("When does the sauna open in 2027?", "When does sauna open?"),
        ('The pool opens at nine. [1 "The pool opens"]', "When does sauna open?"),
        ("Sure!\nWhen does the sauna open?", "When does sauna open?"),
        ("sauna " * 200, "When does sauna open?"),
        ("", "When does sauna open?"),
        ("fail", "When does sauna open?"),
    ],
)
def test_a_rewrite_adds_nothing(draft: str, meant: str) -> None:
    """A model's rewrite counts if it is one bare question without a new name or figure; else that of the rules does."""
    model = Model(iter([draft]))
    assert standalone("And sauna?", [TURN], model) == meant
    (prompt,) = model.prompts
    assert [(one.number, one.content) for one in prompt.evidence] == [(1, "\n\n".join(TURN))]


def test_a_first_question_needs_no_model() -> None:
    """Where nothing was said before, nothing is asked of a model."""
    assert standalone(" And sauna? ", [], Model(iter([]))) == "And sauna?"


def test_who_may_not_ask() -> None:
    """A refused request is kept as one that was not allowed, and nothing is answered."""
    converser, scope = held(Clock())
    may_not = replace(scope, allowed_actions=frozenset({"search", "ask"}))
    conversation = converser.begin(may_not)
    with pytest.raises(Forbidden, match="converse"):
        converser.say(may_not, conversation.conversation_id, "When does the pool open?")
    (kept,) = converser.conversations.messages(conversation, 10)[0]
    assert (kept.allowed, kept.request_type, kept.required_actions) == (False, "ask", ("converse", "ask"))


def test_thirty_days() -> None:
    """A conversation is known for 30 days from its last message, and each message for 30 days."""
    clock = Clock()
    converser, scope = held(clock)
    records = converser.conversations
    name = converser.begin(scope).conversation_id
    converser.say(scope, name, "When does the pool open?")
    clock.sleep(20 * DAY)
    converser.say(scope, name, "And the sauna?")
    clock.sleep(29 * DAY)
    found, _ = records.messages(records.mine(scope, name), 10)
    assert [one.text for one in found] == ["No.", "And the sauna?"]
    clock.sleep(2 * DAY)
    with pytest.raises(NotFound):
        records.mine(scope, name)


def test_as_long_as_the_building_says() -> None:
    """Where a building keeps conversations for two days they are, each message from when it was said."""
    clock = Clock()
    converser, scope = held(clock)
    records = converser.conversations
    Tenants(records.table).put(Tenant("home", conversation_days=2))
    name = converser.begin(scope).conversation_id
    for question in ("When does the pool open?", "And the sauna?"):
        converser.say(scope, name, question)
        clock.sleep(1.5 * DAY)
    found, _ = records.messages(records.mine(scope, name), 10)
    assert [one.text for one in found] == ["No.", "And the sauna?"]
    clock.sleep(DAY)
    with pytest.raises(NotFound):
        records.mine(scope, name)
    empty = converser.begin(scope).conversation_id
    clock.sleep(2 * DAY + 1)
    with pytest.raises(NotFound):
        records.mine(scope, empty)


def test_at_once(tmp_path: Path) -> None:
    """Messages that are said at once are all kept, and the conversation's time is the latest one's."""
    clock = Clock()
    table = SqliteTable(tmp_path / "footnote.db", clock)
    records = Conversations(table, Tenants(table).get)
    scope = Scope("ann", "home", frozenset({"user:ann"}), frozenset(), clock())
    begun = records.begin(Conversation("c1", "ann", "home", iso_time(clock()), iso_time(clock())))
    said = [Message(f"m{n}", "c1", iso_time(clock() + n), "ann", f"{n}") for n in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: records.add(scope, [one]), said))
    assert [one.text for one in records.messages(begun, 10)[0]] == ["2", "1", "0"]
    assert records.mine(scope, "c1").last_message_at == said[-1].timestamp
    with pytest.raises(BadRequest):
        replace(said[0], text=" ")


def test_nothing_is_paid_for_that_is_not_allowed() -> None:
    """A question beyond the day's is refused before a model rewrites it, and kept as not allowed."""
    converser, scope = held(Clock())
    asked: list[Prompt] = []

    class Counting(Quotes):
        def stream(self, prompt: Prompt) -> Generator[str, None, None]:
            asked.append(prompt)
            yield from super().stream(prompt)

    converser = replace(converser, llm=Counting())
    name = converser.begin(scope).conversation_id
    converser.say(scope, name, "When does the sauna open?")
    converser.say(scope, name, "And on Sundays?")
    assert len(asked) == 1
    levels = Levels(converser.conversations.table)
    levels.put(replace(levels.get("basic"), max_asks_per_day=2))
    with pytest.raises(QuotaExceeded):
        converser.say(scope, name, "And on Mondays?")
    assert len(asked) == 1
    newest = converser.conversations.messages(converser.conversations.mine(scope, name), 1)[0][0]
    assert (newest.text, newest.allowed) == ("And on Mondays?", False)
