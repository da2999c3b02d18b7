"""What follow-ups mean by a model, and what is kept of a conversation, for how long."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from corpus.allowance import Allowance
from corpus.answers import Answer, Citation, Prompt, Sentence
from corpus.errors import BadRequest, FootnoteError, Forbidden, NotFound, QuotaExceeded, Unavailable
from corpus.keys import iso_time
from corpus.llms.quotes import Quotes
from corpus.records.conversations import Conversation, Conversations, Message
from corpus.records.levels import Levels
from corpus.records.personas import Personas
from corpus.records.tenants import Tenant, Tenants
from corpus.records.usage import Usage
from corpus.scope import Scope
from corpus.tables.sqlite import SqliteTable
from search.answer import Answering
from search.converse import LEFT, Converser, Meant, standalone
from search.text import Text, together
from tests.fakes import Clock, MemoryTable

DAY = 86400
CITED = Citation(1, "d1", "1", "rules.md", 1, "", "", 0, 18, "The pool is open.")
SENTENCE = Sentence("The pool is open. [1]", (CITED,))
OPEN = Answer("grounded", SENTENCE.text, (CITED,))
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


def held(clock: Clock, *answer: Sentence | Answer | FootnoteError) -> tuple[Converser, Scope]:
    """What holds conversations in memory and answers like this, or finds nothing, and somebody who may."""
    ids, table = itertools.count(), MemoryTable(clock)
    scope = Scope("ann", "home", frozenset({"user:ann"}), frozenset({"ask", "converse", "stream"}), clock())
    records, allowance = (Conversations(table, Tenants(table).get), Personas(table)), Allowance(table, clock)

    def answering(*_: object) -> Answering:
        yield None
        for one in answer or (Answer("not_found", "No."),):
            if isinstance(one, FootnoteError):
                raise one
            yield one

    return Converser(*records, lambda _: Quotes(), allowance, answering, clock, lambda _: f"id{next(ids)}"), scope


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
    with pytest.raises(Forbidden):
        converser.begin(may_not)
    conversation = converser.begin(scope)
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

    converser = replace(converser, llm_of=lambda _: Counting())
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


def asks(converser: Converser, scope: Scope) -> int:
    return Usage(converser.conversations.table).of(scope.user_id, converser.clock()).asks


def kept(converser: Converser, scope: Scope, name: str) -> list[Message]:
    """The messages of a conversation, newest first."""
    records = converser.conversations
    return records.messages(records.mine(scope, name), 10)[0]


def test_a_streamed_message_is_the_same() -> None:
    """What is meant comes first, then each sentence, then the message that `say` returns, which is kept by then."""
    converser, scope = held(Clock(), SENTENCE, OPEN)
    whole = converser.say(scope, converser.begin(scope).conversation_id, "Is the pool open?")
    name = converser.begin(scope).conversation_id
    streaming = converser.stream(scope, name, "Is the pool open?")
    assert [next(streaming), next(streaming)] == [Meant("Is the pool open?"), SENTENCE]
    assert kept(converser, scope, name) == []
    message = next(streaming)
    assert isinstance(message, Message)
    own = (whole.message_id, whole.conversation_id, whole.timestamp)
    assert replace(message, message_id=own[0], conversation_id=own[1], timestamp=own[2]) == whole
    newest, said = kept(converser, scope, name)
    assert (newest, said.text, said.required_actions) == (message, "Is the pool open?", ("converse", "ask", "stream"))
    assert list(streaming) == []
    assert asks(converser, scope) == 2


def test_sentences_stand_together_as_in_an_answer() -> None:
    """What was verified so far reads as the answer would have: a table's row stands on a line of its own."""
    text = Text()
    rows = ("Fees.", "Deposit | 200", "Evening | 80", "It is cheap.")
    said = [text.add(Sentence(one, (replace(CITED, start=n),))) for n, one in enumerate(rows)]
    assert together(said) == str(text)
    assert "200 [2]\nEvening | 80 [3]\nIt is" in together(said)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_who_leaves_keeps_what_was_verified(steps: int) -> None:
    """Leaving keeps what was said and what was verified until then, both or neither, and counts as an ask."""
    converser, scope = held(Clock(), SENTENCE, OPEN)
    name = converser.begin(scope).conversation_id
    streaming = converser.stream(scope, name, "Is the pool open?")
    for _ in range(steps):
        next(streaming)
    streaming.close()

    *replies, said = kept(converser, scope, name)
    assert (said.text, said.allowed, asks(converser, scope)) == ("Is the pool open?", True, 1)
    so_far = replace(OPEN, type="partial", notes=(LEFT,))
    assert [one.answer for one in replies] == [[], [so_far], [OPEN]][steps - 1]
    assert [one.used_query for one in replies] == ["Is the pool open?"] * len(replies)


def test_who_leaves_what_is_removed() -> None:
    """Nothing is kept of a conversation that was removed while it was answered, whether its asker leaves or stays."""
    for leaves in (True, False):
        converser, scope = held(Clock(), SENTENCE, OPEN)
        name = converser.begin(scope).conversation_id
        streaming = converser.stream(scope, name, "Is the pool open?")
        assert [next(streaming), next(streaming)][1] == SENTENCE
        converser.conversations.remove(converser.conversations.mine(scope, name))
        if leaves:
            streaming.close()
        else:
            with pytest.raises(NotFound):
                next(streaming)
        assert converser.conversations.table.query(0, f"CONVERSATION#{name}").items == ()


def test_a_stream_that_fails() -> None:
    """What fails in the middle, as what fails at once, is as if it had not been said: nothing is kept or counted."""
    for answer in ((Unavailable("The index rests."),), (SENTENCE, Unavailable("The store rests."))):
        converser, scope = held(Clock(), *answer)
        name = converser.begin(scope).conversation_id
        with pytest.raises(Unavailable):
            list(converser.stream(scope, name, "Is the pool open?"))
        assert (kept(converser, scope, name), asks(converser, scope)) == ([], 0)


def test_who_may_not_stream() -> None:
    """Who may talk and not stream is refused before anything is paid for, and what they said is kept as not allowed."""
    converser, scope = held(Clock(), SENTENCE, OPEN)
    may_not = replace(scope, allowed_actions=scope.allowed_actions - {"stream"})
    name = converser.begin(may_not).conversation_id
    with pytest.raises(Forbidden, match="stream"):
        next(converser.stream(may_not, name, "Is the pool open?"))
    (said,) = kept(converser, may_not, name)
    assert (said.allowed, said.required_actions) == (False, ("converse", "ask", "stream"))
    assert asks(converser, scope) == 0
    assert converser.say(may_not, name, "Is the pool open?").answer == OPEN


def test_a_page_of_conversations_is_filled() -> None:
    """A page holds as many conversations as it may, however many somebody has in another building between them."""
    clock = Clock()
    converser, ann = held(clock)
    away = replace(ann, tenant_id="away")
    for n in range(12):
        clock.now += 1
        converser.begin(ann if n % 3 == 0 else away)
    page, cursor = converser.conversations.listed(ann, 3)
    rest, end = converser.conversations.listed(ann, 3, cursor)
    assert [one.conversation_id for one in (*page, *rest)] == ["id9", "id6", "id3", "id0"]

    assert (len(page), len(rest), end) == (3, 1, None)


def test_nobody_begins_with_an_unknown_persona() -> None:
    """A conversation with a persona that the building does not have is not begun, whoever asks for it."""
    converser, ann = held(Clock())
    with pytest.raises(NotFound, match="persona"):
        converser.begin(ann, "nobody")
    assert converser.conversations.listed(ann, 1) == ([], None)
