"""Who pays for models: each job and each question has a purse, and every call takes its price out of it beforehand.

A building may have a monthly cap. What a call may cost at most is set aside under it before the call is made, and
replaced by what it did cost afterwards; a call that would pass the cap is refused and not made. A document is embedded
whole or not at all. Models that run here are free, and nothing is written down of them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from corpus.answers import LONGEST_DRAFT, Prompt, Tokens
from corpus.errors import ConfigError, QuotaExceeded, Rejected, Throttled
from corpus.model import Passage, Purpose, Space
from corpus.ports import LLM, Embedder, Table
from corpus.prices import A_MILLION, Price, Prices, is_paid
from corpus.records.spend import Call, CallPurpose, Cost, Spending
from corpus.records.tenants import Tenants

if TYPE_CHECKING:
    from corpus.model import Matrix

BATCH = 256
"""Passages that are paid for together."""
MARKS = 1_000
"""Bytes of marks and rules that go with a prompt, and with each piece of its evidence."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a job or a question is put down to: `of` is its id, `month`, like "2026-11", the one it began in."""

    tenant_id: str
    user_id: str
    of: str
    month: str
    document_id: str = ""
    version: str = ""


class Purse:
    """Pays for the calls of one job or one question; to be made anew for each."""

    def __init__(self, table: Table, prices: Prices, clock: Callable[[], float], account: Account) -> None:
        self._table, self._prices, self._clock, self._account = table, prices, clock, account
        self._spending, self._numbers = Spending(table), itertools.count(1)

    def embedder(self, embedder: Embedder, count: Callable[[str], int] | None = None) -> Embedder:
        """Return the embedder, wrapped to pay for each call unless it is free; `count` says a text's tokens at most."""
        return PaidEmbedder(embedder, self, count or in_bytes) if is_paid(embedder.space.name) else embedder

    def llm(self, llm: LLM, purpose: CallPurpose) -> LLM:
        """Return the model, wrapped so that each call is paid for unless it is free."""
        return PaidLLM(llm, self, purpose) if is_paid(llm.name) else llm

    def spent(self) -> Cost:
        """Return what the calls of this job or question cost, whoever made them."""
        return self._spending.of_job(self._account.tenant_id, self._account.month, self._account.of)

    def price(self, model: str) -> Price:
        """Return what a model costs. Raises `ConfigError` if nobody says it and there is a cap."""
        return self._prices.of(model, capped=self._cap is not None)

    def call(self, purpose: CallPurpose, model: str, batch: str = "") -> Call:
        """Return a call, named by what is bought, so that a later try is the same call, or else by its number."""
        one, batch = self._account, batch or f"{next(self._numbers):05}"
        told = (one.document_id, one.version)
        return Call(one.tenant_id, one.user_id, self._account.month, one.of, purpose, batch, purpose, model, *told)

    def reserve(self, calls: Sequence[tuple[Call, Cost]]) -> None:
        """Set aside what calls may cost at most: of all of them or, raising `QuotaExceeded`, of none."""
        if self._cap is None:
            return
        for number, (call, most) in enumerate(calls):
            try:
                self._spending.reserve(call, most, self._cap, self._clock())
            except QuotaExceeded:
                self.release(call for call, _ in calls[:number])
                raise

    def release(self, calls: Iterable[Call]) -> None:
        """Give back what was set aside for calls that were not made."""
        if self._cap is not None:
            for call in calls:
                self._spending.release(call, self._clock())

    @contextmanager
    def paying(self, call: Call, price: Price, most: Tokens) -> Iterator[Bill]:
        """Put down what a call costs: what its bill says in the end, and nothing if it was declined before it began.

        A call that breaks off costs what its bill says at that moment.
        """
        bill = Bill(most)
        try:
            yield bill
        except BaseException as error:  # declined, an outage, or whoever asked has gone or pressed Ctrl-C
            if isinstance(error, Rejected | ConfigError | Throttled) and not bill.begun:
                self.release([call])
            else:
                self._spending.correct(call, cost(price, bill.tokens), self._clock())
            raise
        self._spending.correct(call, cost(price, bill.tokens), self._clock())

    @cached_property
    def _cap(self) -> int | None:
        return Tenants(self._table).get(self._account.tenant_id).caps.cost_micros_per_month


@dataclass(slots=True)
class Bill:
    """How many tokens a call is billed with, and whether the service has begun: then it has to be paid."""

    tokens: Tokens
    begun: bool = False

    def begin(self, _: object) -> None:
        """Note that the service has begun. An embedder need not have returned vectors yet: its requests are sent."""
        self.begun = True

    def add(self, written: str) -> None:
        """Bill what was written, for as long as nobody says better."""
        self.begun, self.tokens = True, self.tokens._replace(written=self.tokens.written + in_bytes(written))


class PaidEmbedder:
    """An `Embedder` whose every batch of passages is paid for."""

    def __init__(self, embedder: Embedder, purse: Purse, count: Callable[[str], int]) -> None:
        self._embedder, self._purse, self._count = embedder, purse, count

    @property
    def space(self) -> Space:
        """The other's."""
        return self._embedder.space

    def embed(self, passages: Sequence[Passage], purpose: Purpose) -> Generator[Matrix, None, Tokens | None]:
        """Embed as the other does. Raises `QuotaExceeded`, having embedded nothing, for more than the cap allows."""
        price, model = self._purse.price(self.space.name), self.space.name
        batches = [passages[start : start + BATCH] for start in range(0, len(passages), BATCH)]
        calls = [self._purse.call("embed", model, _named(one) if purpose == "document" else "") for one in batches]
        most = [Tokens(sum(self._tokens(one) for one in batch)) for batch in batches]
        self._purse.reserve([(call, cost(price, tokens)) for call, tokens in zip(calls, most, strict=True)])
        made = 0
        try:
            for batch, call, tokens in zip(batches, calls, most, strict=True):
                made += 1
                with self._purse.paying(call, price, tokens) as bill:
                    bill.tokens = (yield from _told(self._embedder.embed(batch, purpose), bill.begin)) or tokens
        finally:
            self._purse.release(calls[made:])
        return None

    def _tokens(self, one: Passage) -> int:
        return self._count(f"{one.prefix}\n{one.body}") + 1


class PaidLLM:
    """An `LLM` whose every draft is paid for."""

    def __init__(self, llm: LLM, purse: Purse, purpose: CallPurpose) -> None:
        self._llm, self._purse, self._purpose = llm, purse, purpose

    @property
    def name(self) -> str:
        """The other's."""
        return self._llm.name

    def stream(self, prompt: Prompt) -> Generator[str, None, Tokens | None]:
        """Write as the other does. Raises `QuotaExceeded`, having asked nobody, for more than the cap allows."""
        if not prompt.evidence:  # nobody is asked
            return (yield from self._llm.stream(prompt))
        price, call = self._purse.price(self.name), self._purse.call(self._purpose, self.name)
        read = in_bytes(prompt.instructions, prompt.question, *itertools.chain(*prompt.history)) + MARKS
        read += sum(in_bytes(one.source, one.header, one.content) + MARKS for one in prompt.evidence)
        most = Tokens(read=read, written=LONGEST_DRAFT)
        self._purse.reserve([(call, cost(price, most))])
        with self._purse.paying(call, price, Tokens(read=read)) as bill:
            bill.tokens = (yield from _told(self._llm.stream(prompt), bill.add)) or bill.tokens
        return bill.tokens


def _told(pieces: Generator[_T, None, Tokens | None], bill: Callable[[_T], None]) -> Generator[_T, None, Tokens | None]:
    """Yield the pieces, each of them billed before, and return what the service says of all of them."""
    try:
        while True:
            piece = next(pieces)
            bill(piece)
            yield piece
    except StopIteration as ended:
        told: Tokens | None = ended.value
        return told
    finally:
        pieces.close()


def cost(price: Price, tokens: Tokens) -> Cost:
    """Return what so many tokens cost, rounded up to a millionth of a dollar."""
    micros = price.read * (tokens.embedded + tokens.read) + price.written * tokens.written
    return Cost(-(-micros // A_MILLION), *tokens)


def in_bytes(*texts: str) -> int:
    """Return how many tokens texts have at most: every token stands for a byte at least."""
    return sum(len(text.encode(errors="replace")) for text in texts)


def _named(batch: Sequence[Passage]) -> str:
    """A name for what is bought, the same whenever it is."""
    told = "\0".join(f"{one.prefix}\n{one.body}" for one in batch)
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:16]
