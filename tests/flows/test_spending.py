"""What models cost a building: put down by document and question, and refused before it is spent."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from fastapi.testclient import TestClient

from corpus import purse
from corpus.answers import Prompt, Tokens
from corpus.errors import BadRequest, NotFound, QuotaExceeded
from corpus.keys import A_DAY, iso_month
from corpus.llms.quotes import Quotes
from corpus.model import Passage, Purpose, Space
from corpus.prices import Price, Prices
from corpus.records.spend import Call, Cost, Spending
from corpus.records.tenants import Caps, Tenants
from footnote import adapters
from footnote.api.app import create_app
from footnote.client import _document
from footnote.commands import managing, spending
from footnote.connect import Footnote, connect
from footnote.settings import Settings
from ingest.replay import replay
from search.answer import FAILED, SPENT
from tests.fakes import Clock, HashEmbedder
from tests.flows.test_api import HERE, RULES
from tests.flows.test_checkpoint import CHUNKS
from tests.flows.test_checkpoint import TEXT as LONG
from tests.flows.test_levels import NOON, QUESTION
from tests.flows.test_mcp import called
from tests.provider import Provider
from tests.worlds import Killed, World

if TYPE_CHECKING:
    from corpus.model import Matrix

PRICES = Prices({"embed": Price(1_000_000), "write": Price(1_000_000, 1_000_000)})
TEXT = "# Rules\nThe pool opens at nine."


@dataclass
class Sold(HashEmbedder):
    """As the other, and paid for: ten tokens a passage."""

    space: Space = field(default_factory=lambda: Space("openai/embed", 64))

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:  # type: ignore[override]
        yield from super().embed(passages, purpose)
        return Tokens(embedded=10 * len(passages))


class Writing(Quotes):
    """As the other, and paid for: seven tokens a draft."""

    @property
    def name(self) -> str:
        return "openai/write"

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:  # type: ignore[override]
        yield from super().stream(prompt)
        return Tokens(read=5, written=2)


class Unpriced(Writing):
    """As the other; nobody says what it costs."""

    @property
    def name(self) -> str:
        return "openai/nobody-knows"


def capped(world: World | Footnote, most: int | None) -> None:
    known = Tenants(world.table)
    known.put(replace(known.get("home"), caps=Caps(most)))


@pytest.fixture
def paying(world: World) -> World:
    """A world whose embedder is paid for."""
    world.embedder, world.prices = Sold(), PRICES
    return world


def spent(world: World | Footnote) -> Cost:
    return Spending(world.table).of_month("home", iso_month(world.clock()))


def test_a_document_says_what_it_cost(paying: World) -> None:
    """A document and its job say what embedding cost; a new version adds to it, and unchanged bytes add nothing."""
    costs = []
    for text in (TEXT, TEXT, f"{TEXT}\nIt closes at eight."):
        paying.put("d1", text)
        paying.work()
        costs.append(paying.document("d1").cost_micros)
    job = paying.ingestor()._jobs.get("d1", paying.document("d1").job_id)

    assert costs == [10, 10, 20]
    assert job
    assert (job.embed_tokens, job.cost_micros) == (10, 10)
    assert spent(paying) == Cost(20, embed_tokens=20)


def test_what_a_document_cost_is_shown(
    client: TestClient, footnote: Footnote, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a document's embeddings cost is told by its record over HTTP, to programs, and on the command line."""
    (listed,) = client.get("/v1/documents").json()["documents"]
    scope = footnote.local_scope()
    managing.show(footnote, scope, "rules.md", as_json=False)
    assert "dollars" not in capsys.readouterr().out  # what runs here is free
    found = footnote.documents.get(listed["documentId"])
    assert found
    footnote.documents.put(replace(found, cost_micros=1_250))

    told = client.get(f"/v1/documents/{listed['documentId']}").json()
    assert (told["costMicros"], _document(told).cost_micros) == (1_250, 1_250)
    managing.show(footnote, scope, "rules.md", as_json=False)
    assert "0.001250 dollars for its embeddings" in capsys.readouterr().out


def test_a_document_beyond_the_cap(paying: World) -> None:
    """A version beyond the cap costs nothing, says when to try again, and leaves what answers; later it goes in."""
    newer = f"{TEXT}\nIt closes at eight."
    paying.put("d1", TEXT)
    paying.work()
    capped(paying, 10)
    paying.put("d1", newer)
    paying.work()

    refused = paying.document("d1")
    assert refused.reason
    assert (refused.status, refused.reason.code, refused.reason.transient) == ("error", "quota_exceeded", True)
    assert "Try again from" in refused.reason.hint
    assert "costMicrosPerMonth" in refused.stages.error_message
    assert paying.visible() == {"d1": [TEXT]}
    assert spent(paying) == Cost(10, embed_tokens=10)
    assert not paying.ingestor().settled(refused)

    capped(paying, 1_000)
    for _, change in replay(paying.table, "home"):
        paying.ingestor().apply(change)
    assert (paying.document("d1").status, paying.visible()) == ("ready", {"d1": [newer]})
    assert spent(paying) == Cost(20, embed_tokens=20)


@pytest.fixture
def footnote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Footnote]:
    embedder = HashEmbedder()
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_EMBEDDER", {"local": lambda *_: embedder})
    monkeypatch.setitem(adapters.ADAPTERS, "FOOTNOTE_LLM", {"quotes": lambda *_: Writing()})
    settings = replace(Settings.from_env({}, home=tmp_path / "home"), prices=PRICES)
    with Footnote(settings, Clock(NOON)) as one:
        yield one


@pytest.fixture
def client(footnote: Footnote) -> Iterator[TestClient]:
    with TestClient(create_app(footnote), base_url=HERE, raise_server_exceptions=False) as one:
        one.post("/v1/documents", files={"file": ("rules.md", RULES)})
        while footnote.ingestor.drain(footnote.queue):
            pass
        yield one


def test_questions_are_paid_for(client: TestClient) -> None:
    """An administrator sees what the month's answers cost, by day, beside the cap."""
    assert client.post("/v1/ask", json=QUESTION).json()["type"] == "grounded"
    assert client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 90_000}}).status_code == 200
    assert client.post("/v1/ask", json=QUESTION, headers={"accept": "text/event-stream"}).status_code == 200
    costs = {"costMicros": 14, "embedTokens": 0, "inputTokens": 10, "outputTokens": 4}

    assert client.get("/v1/spend").json() == {
        "month": "2026-11",
        **costs,
        "costMicrosPerMonth": 90_000,
        "days": [{"day": "2026-11-21", **costs}],
    }
    assert client.get("/v1/spend", params={"month": "2026-10"}).json()["costMicros"] == 0
    assert client.get("/v1/spend", params={"month": "2026-13"}).status_code == 422


def test_a_months_spending_is_told_on_the_command_line(
    client: TestClient, footnote: Footnote, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`footnote spend` says what `GET /v1/spend` does, and what it was spent on, in lines of 80 columns at most."""

    def said(month: str = "", *, as_json: bool = False) -> str:
        spending.spend(footnote, "home", month, as_json=as_json)
        return capsys.readouterr().out

    monkeypatch.setenv("COLUMNS", "80")
    capped(footnote, 25_000_000)
    for _ in range(2):
        assert client.post("/v1/ask", json=QUESTION).json()["type"] == "grounded"
    records = Spending(footnote.table)
    call = Call("home", "ann", "2026-11", "job", "embed", "1", "embed", "openai/text-embedding-3-small")
    records.correct(call, Cost(41_230, embed_tokens=1_250_000), NOON + A_DAY)
    records.reserve(replace(call, batch="2"), Cost(1_000_000), None, NOON)

    told = said()
    assert max(map(len, told.splitlines())) <= 80
    assert [" ".join(line.split()) for line in told.splitlines() if line.strip()] == [
        "home spent 1.041244 dollars on models in 2026-11; its cap is 25.00 dollars.",
        "1.00 dollars of it is set aside for calls that have not ended.",
        "for model dollars tokens read written",
        "answer openai/write 0.000014 10 4",
        "embed openai/text-embedding-3-small 0.041230 1,250,000 0",
        "day dollars tokens read written",
        "2026-11-21 0.000014 10 4",
        "2026-11-22 0.041230 1,250,000 0",
    ]
    programs = json.loads(said(as_json=True))
    uses = programs.pop("uses")
    assert [(one["purpose"], one["model"], one["costMicros"]) for one in uses] == [
        ("answer", "openai/write", 14),
        ("embed", "openai/text-embedding-3-small", 41_230),
    ]
    assert programs == {"tenantId": "home", **client.get("/v1/spend").json()}
    assert said("2026-10").startswith("home spent nothing on models in 2026-10; its cap is 25.00 dollars.\n")


def test_spending_nothing_is_said(footnote: Footnote, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was spent it is said, and that what is set costs nothing; an unknown building or month is none."""
    spending.spend(footnote, "home", "", as_json=False)
    assert capsys.readouterr().out == (
        "home spent nothing on models in 2026-11; it has no cap.\nThe models that are set run here and cost nothing.\n"
    )
    with pytest.raises(NotFound, match=r"no building nowhere\."):
        spending.spend(footnote, "nowhere", "", as_json=False)
    with pytest.raises(BadRequest, match="'2026-13' is no month"):
        spending.spend(footnote, "home", "2026-13", as_json=False)


def test_what_nobody_says_the_price_of(footnote: Footnote, capsys: pytest.CaptureFixture[str]) -> None:
    """A model without a price is told of with its tokens, and that nobody says what it costs."""
    call = Call("home", "ann", "2026-11", "ask", "answer", "1", "answer", "openai/nobody-knows")
    Spending(footnote.table).correct(call, Cost(0, input_tokens=5), NOON)
    spending.spend(footnote, "home", "", as_json=False)

    assert "What costs 0 is free, or nobody says its price (FOOTNOTE_PRICES)." in capsys.readouterr().out


TWO = RULES + b"\n## Laundry\n\nThe laundry room is in the cellar.\n"
BOTH = "When does the pool open? Where is the laundry room?"


class Dear(Writing):
    """As the other, and one draft costs a good deal."""

    tokens = 29_999

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:  # type: ignore[override]
        yield from super().stream(prompt)
        return Tokens(read=self.tokens)


@pytest.mark.parametrize("way", ["json", "events", "conversation", "chat", "tool"])
def test_a_cap_reached_in_the_middle_of_an_answer(client: TestClient, footnote: Footnote, way: str) -> None:
    """What was paid for is told: when the cap ends an answer halfway, the rest is quotes, and the answer says so."""
    footnote.llm = Dear()
    client.post("/v1/documents", files={"file": ("two.md", TWO)})
    while footnote.ingestor.drain(footnote.queue):
        pass
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 30_000}})
    told = client.post("/v1/conversations", json={}).json()["conversationId"] if way == "conversation" else ""

    def asked() -> Any:
        if way == "tool":
            return called(client.app, "ask", {"question": BOTH})
        chat = {"model": "footnote", "messages": [{"role": "user", "content": BOTH}]}
        return {
            "json": lambda: client.post("/v1/ask", json={"question": BOTH}),
            "events": lambda: client.post("/v1/ask", json={"question": BOTH}, headers={"accept": "text/event-stream"}),
            "conversation": lambda: client.post(f"/v1/conversations/{told}/messages", json={"text": BOTH}),
            "chat": lambda: client.post("/v1/chat/completions", json=chat),
        }[way]()

    reply = asked()
    text = str(reply.structured_content) if way == "tool" else reply.text
    assert "nine in the morning" in text
    assert "in the cellar" in text
    assert way == "chat" or FAILED in text
    assert spent(footnote) == Cost(29_999, input_tokens=29_999)

    reply = asked()
    text = str(reply.content) if way == "tool" else reply.text
    assert "quota_exceeded" in text
    assert spent(footnote) == Cost(29_999, input_tokens=29_999)


def test_looking_up_refused_in_the_middle_of_an_answer(client: TestClient, footnote: Footnote) -> None:
    """A part of a question that nobody may pay to look up is named as not found, beside what was paid for before."""

    class Looking(Sold):
        def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:  # type: ignore[override]
            yield from super().embed(passages, purpose)
            return Tokens(embedded=990)

    space = Space("openai/embed", footnote.index.space.dimensions)
    footnote.embedder, footnote.llm = Looking(space), Quotes()
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 1_000}})
    answer = client.post("/v1/ask", json={"question": BOTH}).json()

    assert (answer["type"], answer["notes"]) == ("partial", ["Not found: Where is the laundry room?", SPENT])
    assert "nine in the morning" in answer["text"]
    assert client.post("/v1/ask", json={"question": BOTH}).status_code == 429


def test_a_question_beyond_the_cap(client: TestClient, footnote: Footnote) -> None:
    """A question that the cap does not allow is refused with the time it begins anew, and costs and counts nothing."""
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 10}})
    refused = client.post("/v1/ask", json=QUESTION)

    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert "costMicrosPerMonth" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) == 9.5 * 24 * 3600
    assert spent(footnote) == Cost()
    assert client.post("/v1/search", json=QUESTION).status_code == 200


@pytest.mark.service
def test_what_the_provider_counted_is_what_is_told(tmp_path: Path) -> None:
    """The tokens of a document, a question and its answer are those that the provider says, at its list prices."""
    with Provider() as provider:
        environ = {
            "FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small",
            "FOOTNOTE_LLM": "openai:gpt-4o-mini",
            "OPENAI_BASE_URL": provider.url,
        }
        with connect(Settings.from_env(environ, home=tmp_path)) as footnote:
            capped(footnote, 1_000_000)
            scope = footnote.local_scope()
            footnote.uploads.put(scope, "d1", "rules.md", RULES)
            while footnote.ingestor.drain(footnote.queue):
                pass
            embedding = spent(footnote)
            assert embedding.embed_tokens == provider.tokens > 0
            assert footnote.ask(scope, QUESTION["question"]).type == "grounded"
            month = spent(footnote)

    assert month.embed_tokens == provider.tokens > embedding.embed_tokens
    assert (month.input_tokens, month.output_tokens > 0) == (100, True)  # the double reads 100, whatever it is given
    calls = (embedding.embed_tokens, month.embed_tokens - embedding.embed_tokens)
    dearest = math.ceil(0.15 * month.input_tokens + 0.60 * month.output_tokens)
    assert month.cost_micros == sum(math.ceil(0.02 * tokens) for tokens in calls) + dearest


def test_two_hundred_ask_at_once(client: TestClient, footnote: Footnote) -> None:
    """However many ask at once, models cost no more than the cap; whoever is refused is told so, and costs nothing."""
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 150_000}})
    scope, question = footnote.local_scope(), QUESTION["question"]

    def ask(_: int) -> str:
        try:
            return footnote.ask(scope, question).type
        except QuotaExceeded as refused:
            return refused.code

    footnote.llm = dear = Dear()
    dear.tokens = 20_000
    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(ask, range(200)))
    assert set(outcomes) == {"grounded", "quota_exceeded"}
    assert spent(footnote) == Cost(20_000 * outcomes["grounded"], input_tokens=20_000 * outcomes["grounded"])
    assert spent(footnote).cost_micros <= 150_000


@pytest.mark.parametrize("cap", [None, 10_000])
def test_a_worker_that_dies_behind_a_batch(paying: World, monkeypatch: pytest.MonkeyPatch, cap: int | None) -> None:
    """A document of many batches whose worker dies behind the first buys each once, and says what all of them cost."""
    monkeypatch.setattr(purse, "BATCH", 2)
    capped(paying, cap)
    paying.put("d1", LONG)
    living, dead = paying.table, [False]

    class Dying(Sold):
        def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:  # type: ignore[override]
            if self.bought:
                dead[0] = True
                raise Killed
            return (yield from super().embed(passages, purpose))

    class Gone:
        """A table that a dead worker no longer reaches."""

        def __getattr__(self, name: str) -> Any:
            if dead[0]:
                raise Killed
            return getattr(living, name)

    paying.table, dying = cast("Any", Gone()), Dying()
    with pytest.raises(Killed):
        paying.work(paying.ingestor(embedder=dying))
    paying.table = living
    paying.work()

    assert (dying.bought, dying.bought + paying.embedder.bought) == (2, CHUNKS)
    assert paying.document("d1").cost_micros == spent(paying).cost_micros == 10 * CHUNKS


def test_a_model_without_a_price(paying: World) -> None:
    """With a cap, a model whose price nobody says embeds nothing, and the record says what to set; without, it does."""
    paying.prices = Prices()
    capped(paying, 10_000)
    paying.put("d1", TEXT)
    paying.work()
    refused = paying.document("d1")
    assert refused.reason
    assert (refused.status, refused.reason.code, paying.embedder.bought) == ("error", "config", 0)
    assert "FOOTNOTE_PRICES=embed=READ/WRITTEN" in refused.reason.hint

    capped(paying, None)
    for _, change in replay(paying.table, "home"):
        paying.ingestor().apply(change)
    assert paying.document("d1").status == "ready"
    assert spent(paying) == Cost(0, embed_tokens=10)


def test_asking_a_model_without_a_price(client: TestClient, footnote: Footnote) -> None:
    """A model without a price under a cap is stood in for, and one that embeds questions is a problem that says why."""
    footnote.llm = Unpriced()
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 1_000}})
    answer = client.post("/v1/ask", json=QUESTION).json()
    assert (answer["type"], answer["notes"]) == ("grounded", [FAILED])

    footnote.embedder = Sold(Space("openai/unpriced", footnote.index.space.dimensions))
    for path in ("/v1/ask", "/v1/search"):
        reply = client.post(path, json=QUESTION)
        assert (reply.status_code, reply.json()["code"]) == (503, "config")
        assert "Nobody says what unpriced costs" in reply.json()["detail"]
        assert "FOOTNOTE_PRICES=unpriced=READ/WRITTEN" in reply.json()["hint"]


def test_what_is_free_reads_nothing_of_money(client: TestClient, footnote: Footnote) -> None:
    """With models of the machine's own, a search or an answer makes no call for money's sake, cap or none."""
    client.patch("/v1/building", json={"caps": {"costMicrosPerMonth": 0}})
    footnote.llm = Quotes()
    calls: list[tuple[str, object]] = []

    class Watched:
        def __getattr__(self, name: str) -> Any:
            found = getattr(table, name)

            def call(*args: Any, **named: Any) -> Any:
                calls.append((name, args))
                return found(*args, **named)

            return call

    table, footnote.__dict__["table"] = footnote.table, Watched()
    scope = footnote.local_scope()
    footnote.search(scope, QUESTION["question"])
    footnote.ask(scope, QUESTION["question"])
    assert {name for name, key in calls if "RECALL#" not in str(key)} == {"get_many", "query"}  # one in 100 is measured
    assert not [one for one in calls if "SPEND#" in str(one) or "TENANT#" in str(one)]
