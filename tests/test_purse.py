from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.answers import Evidence, Prompt, Tokens
from corpus.errors import ConfigError, FootnoteError, QuotaExceeded, Rejected, Throttled, Unavailable
from corpus.llms.quotes import Quotes
from corpus.model import Passage, Purpose, Space
from corpus.prices import KNOWN, Price, Prices
from corpus.purse import BATCH, Account, Purse, cost
from corpus.records.spend import Cost, Spending
from corpus.records.tenants import Caps, Tenant, Tenants
from tests.fakes import Clock, HashEmbedder, MemoryTable

if TYPE_CHECKING:
    from corpus.model import Matrix

MONTH = "1970-01"
PROMPT = Prompt("Answer.", "When does the pool open?", (Evidence(1, "House Rules", "The pool opens at nine."),))
PRICES = Prices({"embed": Price(1_000_000), "write": Price(1_000_000, 2_000_000)})


@dataclass
class Sold:
    """An embedder that is paid for: a token for each passage. It fails before the batch of number `at`."""

    failing: FootnoteError | None = None
    at: int = 0
    bought: list[Sequence[Passage]] = field(default_factory=list)
    space: Space = field(default_factory=lambda: Space("openai/embed", 8))

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:
        if self.failing and len(self.bought) == self.at:
            raise self.failing
        self.bought.append(passages)
        yield np.ones((len(passages), 8), np.float32)
        return Tokens(embedded=len(passages))


@dataclass
class Writing:
    """A model that is paid for, writes two words, and says it read 100 tokens, or fails behind the first."""

    name: str = "openai/write"
    failing: FootnoteError | None = None
    asked: int = 0

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:
        self.asked += 1
        yield "At "
        if self.failing:
            raise self.failing
        yield "nine."
        return Tokens(read=100, written=2)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable(Clock())


def purse(table: MemoryTable, cap: int | None = None, of: str = "job1", prices: Prices = PRICES) -> Purse:
    known = Tenants(table)
    known.put(Tenant("linden", caps=Caps(cap), rev=known.get("linden").rev))
    return Purse(table, prices, Clock(), Account("linden", "ann", of, MONTH, "d1", "v1"))


def spent(table: MemoryTable) -> Cost:
    return Spending(table).of_month("linden", MONTH)


def passages(count: int) -> list[Passage]:
    return [Passage("", f"passage {n}") for n in range(count)]


def test_what_runs_here_is_free(table: MemoryTable) -> None:
    """Of what runs on the machine itself nothing is written down, and it is used as it is."""
    local, quotes = HashEmbedder(), Quotes()
    assert purse(table, cap=0).embedder(local) is local
    assert purse(table, cap=0).llm(quotes, "answer") is quotes


def test_a_document_is_paid_for(table: MemoryTable) -> None:
    """Each batch of a document's passages is a call, which costs what the service says."""
    one = purse(table)
    rows = np.concatenate(list(one.embedder(Sold()).embed(passages(BATCH + 4), "document")))

    assert len(rows) == BATCH + 4
    assert spent(table) == one.spent() == Cost(BATCH + 4, embed_tokens=BATCH + 4)
    calls = table.query(0, f"SPEND#linden#{MONTH}", ("CALL#", "CALL#~")).items
    assert sorted(int(str(item.data["embedTokens"])) for item in calls) == [4, BATCH]
    assert {(item.data["documentId"], item.data["version"], item.data["purpose"]) for item in calls} == {
        ("d1", "v1", "embed")
    }


def test_a_document_is_embedded_whole_or_not_at_all(table: MemoryTable) -> None:
    """A document that would pass the cap with its last batch is refused before its first, and costs nothing."""
    sold = Sold()
    with pytest.raises(QuotaExceeded):
        list(purse(table, cap=20 * BATCH).embedder(sold, lambda _: 19).embed(passages(BATCH + 4), "document"))

    assert (sold.bought, spent(table)) == ([], Cost())


def test_a_document_that_is_tried_again(table: MemoryTable) -> None:
    """Embedding that breaks off and is tried again counts each batch once, and nothing stays set aside."""
    for at, failing in ((1, Unavailable("later")), (9, None)):
        sold = Sold(failing=failing, at=at)
        try:
            list(purse(table, cap=10**9).embedder(sold).embed(passages(3 * BATCH), "document"))
        except Unavailable:
            continue
    most = sum(len(f"\npassage {n}") + 1 for n in range(BATCH, 2 * BATCH))

    assert spent(table).embed_tokens == 2 * BATCH + most  # the batch that broke off may have been paid for
    stored = table.query(0, f"SPEND#linden#{MONTH}", ("CALL#", "CALL#~")).items
    assert all(item.data["done"] for item in stored)


@pytest.mark.parametrize("error", [Rejected("no"), Throttled("slowly"), ConfigError("no such model")])
def test_what_is_declined_costs_nothing(table: MemoryTable, error: FootnoteError) -> None:
    """A call that the service declines gives back what was set aside for it."""
    with pytest.raises(type(error)):
        list(purse(table, cap=10**9).embedder(Sold(failing=error)).embed(passages(2), "query"))
    assert spent(table) == Cost()


@pytest.mark.parametrize("error", [Rejected("no"), Throttled("slowly"), KeyboardInterrupt()])
def test_what_stops_halfway_was_paid_for(table: MemoryTable, error: BaseException) -> None:
    """A batch or a draft that is declined, or stopped by Ctrl-C, once something came back of it is counted."""

    class Halfway(Sold):
        def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:
            yield np.ones((1, 8), np.float32)
            raise error

    class Stopped(Writing):
        def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:
            yield "At "
            raise error

    for cap in (10**9, None):
        before = spent(table)
        with pytest.raises(type(error)):
            list(purse(table, cap, of=f"job{cap}").embedder(Halfway(), lambda _: 9).embed(passages(2), "document"))
        assert spent(table) == before + Cost(20, embed_tokens=20)
        before = spent(table)
        with pytest.raises(type(error)):
            list(purse(table, cap, of=f"ask{cap}").llm(Stopped(), "answer").stream(PROMPT))
        assert (spent(table) - before).output_tokens == 3


def test_ctrl_c_before_anything_came_back(table: MemoryTable) -> None:
    """A call that Ctrl-C stops while it is waited for may have been paid for, and is counted, with a cap or without."""

    class Waiting(Writing):
        def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:
            yield from ()
            raise KeyboardInterrupt

    for cap in (10**9, None):
        before = spent(table)
        with pytest.raises(KeyboardInterrupt):
            list(purse(table, cap, of=f"ask{cap}").llm(Waiting(), "answer").stream(PROMPT))
        assert (spent(table) - before).input_tokens > 0
    assert all(item.data["done"] for item in table.query(0, f"SPEND#linden#{MONTH}", ("CALL#", "CALL#~")).items)


def test_an_answer_is_paid_for(table: MemoryTable) -> None:
    """A draft costs what the service says of it, in tokens read and written; two questions are two calls."""
    model = purse(table, cap=10**9).llm(Writing(), "answer")
    assert "".join(model.stream(PROMPT)) == "At nine."
    assert spent(table) == Cost(104, input_tokens=100, output_tokens=2)
    assert "".join(model.stream(PROMPT)) == "At nine."
    assert spent(table).cost_micros == 208


def test_a_draft_that_breaks_off(table: MemoryTable) -> None:
    """A draft that breaks off, or that nobody waits for any more, costs what was sent and what was written of it."""
    with pytest.raises(Unavailable):
        list(purse(table, cap=10**9).llm(Writing(failing=Unavailable("gone")), "answer").stream(PROMPT))
    broken = spent(table)
    pieces = purse(table, cap=10**9, of="request2").llm(Writing(), "answer").stream(PROMPT)
    next(pieces)
    pieces.close()

    assert broken.output_tokens == len("At ")
    assert broken.input_tokens > sum(map(len, (PROMPT.question, PROMPT.evidence[0].content)))
    assert spent(table) == broken + broken


def test_refused_before_it_is_spent(table: MemoryTable) -> None:
    """A model that may cost more than is left of the month is not asked; an answer without evidence asks nobody."""
    model = Writing()
    with pytest.raises(QuotaExceeded, match="costMicrosPerMonth"):
        list(purse(table, cap=1_000).llm(model, "answer").stream(PROMPT))
    assert (model.asked, spent(table)) == (0, Cost())
    list(purse(table, cap=0).llm(model, "answer").stream(Prompt("Answer.", "When?", ())))
    assert spent(table) == Cost()


def test_prices() -> None:
    """What was said of a price counts before what is known; without either nothing is reckoned, and a cap refuses."""
    said = Prices({"gpt-4o-mini": Price.of("1/2.5")})
    assert said.of("openai/gpt-4o-mini", capped=True) == Price(1_000_000, 2_500_000)
    assert said.of("openai/text-embedding-3-small", capped=True) == KNOWN["text-embedding-3-small"] == Price(20_000)
    assert said.of("openai/llama", capped=False) == Price()
    with pytest.raises(ConfigError, match="Nobody says what llama costs") as refused:
        said.of("openai/llama", capped=True)
    assert "FOOTNOTE_PRICES=llama=READ/WRITTEN" in refused.value.hint
    for wrong in ("", "x", "1/2/3", "-1", "1e9", "0.1234567"):
        with pytest.raises(ValueError, match=f"^{wrong}$"):
            Price.of(wrong)
    assert cost(Price.of("0.02"), Tokens(embedded=1)) == Cost(1, embed_tokens=1)
    assert cost(Price.of("0.15/0.60"), Tokens(read=1_000_000, written=1_000_000)).cost_micros == 750_000
