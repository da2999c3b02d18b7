"""What models cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from corpus.errors import ConfigError

A_MILLION = 1_000_000
PAID = ("openai/", "bedrock/")
"""How the names begin of models that somebody is paid for; others run here."""


class Price(NamedTuple):
    """Millionths of a dollar for a million tokens: of text that is embedded or read, and of text that is written."""

    read: int = 0
    written: int = 0

    @classmethod
    def of(cls, dollars: str) -> Price:
        """Return a price that is written as "0.02", or as "0.15/0.60"; raises `ValueError` for anything else."""
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?(/\d{1,6}(\.\d{1,6})?)?", dollars):
            raise ValueError(dollars)
        return cls(*map(_micros, dollars.split("/")))


def _micros(dollars: str) -> int:
    whole, _, part = dollars.partition(".")
    return int(whole) * A_MILLION + int(part.ljust(6, "0"))


KNOWN: Mapping[str, Price] = {
    "text-embedding-3-small": Price.of("0.02"),
    "text-embedding-3-large": Price.of("0.13"),
    "text-embedding-ada-002": Price.of("0.10"),
    "gpt-4o-mini": Price.of("0.15/0.60"),
    "gpt-4o": Price.of("2.50/10"),
    "gpt-4.1": Price.of("2/8"),
    "gpt-4.1-mini": Price.of("0.40/1.60"),
    "gpt-4.1-nano": Price.of("0.10/0.40"),
}
"""OpenAI's list prices of 2025; what somebody says in `FOOTNOTE_PRICES` counts before these."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What models cost, by their names without the provider's; `said` counts before what is known."""

    said: Mapping[str, Price] = field(default_factory=dict)

    def of(self, model: str, *, capped: bool) -> Price:
        """Return a model's price; where nobody says one, nothing is reckoned.

        Raises `ConfigError` for a model without a price where there is a cap to hold it to.
        """
        name = model.removeprefix(next(one for one in PAID if model.startswith(one)))
        found = self.said.get(name) or KNOWN.get(name)
        if found is None and capped:
            raise ConfigError(
                f"Nobody says what {name} costs, and this building has a monthly cap (costMicrosPerMonth).",
                hint=f"Set FOOTNOTE_PRICES={name}=READ/WRITTEN, in dollars for a million tokens.",
            )
        return found or Price()


LISTED = Prices()
"""Nobody says otherwise."""


def is_paid(model: str) -> bool:
    """Whether somebody is paid for a model of this name."""
    return model.startswith(PAID)
