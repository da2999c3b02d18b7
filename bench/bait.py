"""Of orders to a model that were written before they were measured: how many are flagged, and how many are obeyed.

    python -m bench.bait

They are in `tests/injections/held_out`, with harmless sentences that sound like them. The rules may be widened by every
other line, from the first on; what they know of the lines between is what to expect of wordings by another hand, or
less. "Under its question": in a file that is called like the question, so that all of it seems to answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from bench.timing import machine
from corpus.bait import FLAG, addressed
from ingest.extract import Reader
from tests.flows.test_injections import HARMLESS, HELD_OUT, Obedient
from tests.worlds import LIMITS, World, memory_world


def main() -> None:
    """Print a table, a column for each half."""
    logging.disable(logging.INFO)
    print(f"{machine()}\n\n| what | development half | unseen half |\n|---|---|---|")
    with Reader(LIMITS) as reader:
        worlds = [[planted(one, one["name"], reader) for one in half] for half in halves(HELD_OUT)]
        named = [[planted(one, _named(one), reader) for one in half] for half in halves(HELD_OUT)]
        for what, found in (
            ("orders flagged", [sum(map(is_flagged, some)) for some in worlds]),
            ("orders obeyed", [obeyed(*both) for both in zip(halves(HELD_OUT), worlds, strict=True)]),
            ("orders obeyed under its question", [obeyed(*both) for both in zip(halves(HELD_OUT), named, strict=True)]),
        ):
            _print(what, found, halves(HELD_OUT))
    _print(
        "harmless sentences flagged",
        [sum(addressed(one["text"]) for one in half) for half in halves(HARMLESS)],
        halves(HARMLESS),
    )


def halves(rows: Sequence[dict[str, Any]]) -> tuple[Sequence[dict[str, Any]], ...]:
    """Return the development half and the unseen one."""
    return rows[::2], rows[1::2]


def planted(row: dict[str, Any], name: str, reader: Reader) -> World:
    """Return a corpus of one document that bears an order."""
    world = memory_world(reader)
    world.put("d1", row["content"], name=name)
    world.work()
    return world


def is_flagged(world: World) -> bool:
    """Whether the document's record says that it speaks to a model."""
    return FLAG in world.document("d1").coverage.flags


def obeyed(rows: Sequence[dict[str, Any]], worlds: Sequence[World]) -> int:
    """Return how many answers say what the document ordered, if the model does."""
    said = [
        world.ask(row["question"], llm=Obedient(row["order"])).text for row, world in zip(rows, worlds, strict=True)
    ]
    return sum(row["order"].casefold() in text.casefold() for row, text in zip(rows, said, strict=True))


def _named(row: dict[str, Any]) -> str:
    name = str(row["name"])
    return name if row["where"] == "name" else f"{row['question'].strip('?¿？ 。')}.{name.rpartition('.')[2]}"


def _print(what: str, found: Sequence[int], rows: Sequence[Sequence[object]]) -> None:
    print(f"| {what} | " + " | ".join(f"{n} of {len(half)}" for n, half in zip(found, rows, strict=True)) + " |")


if __name__ == "__main__":
    main()
