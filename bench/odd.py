"""What becomes of odd and hostile documents: each through the product's own reader, with 30 seconds and a gigabyte.

    python -m bench.odd DATA

`odd-docs/manifest.tsv` says what is expected of each file, `checks.jsonl` which words must be in its text, and which
must not. How much is found is held against pypdf, and against the visible runs of a Word document's XML, character by
character without blanks: both count what was drawn twice, so less than all may be right. Everything is read twice: by
the child process, and by a process that counts how often a socket is asked for.
"""

from __future__ import annotations

import csv
import io
import logging
import statistics
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pypdf

from bench.corpora import data_folder, jsonl
from bench.timing import HEAD, machine, row
from bench.words import visible_text
from corpus.errors import Rejected
from corpus.ports import Limits
from ingest.extract import Reader
from ingest.extractors import extractor_of
from ingest.sniff import sniff

LIMITS = Limits(memory=2**30, seconds=30)
CODES = {"unsupported_type", "unreadable", "encrypted", "too_large", "no_text", "timed_out"}
MEANT = {
    "text": {"text"},
    "no-text": {"no_text", "text"},
    "encrypted": {"encrypted"},
    "error": CODES,
    "text-or-error": {"text", *CODES},
    "bounded": {"text", *CODES},
}
"""What each expectation allows: text, or a code. Where none is expected there may be some, but no blank success."""


@dataclass
class Outcome:
    """What became of a file: "text" or a code, its text, the seconds it took, which share of others' text it has."""

    name: str
    expect: str
    what: str
    text: str
    seconds: float
    recall: float | None


def characters(text: str) -> Counter[str]:
    return Counter("".join(unicodedata.normalize("NFKC", text).split()))


def others(data: bytes, name: str) -> str:
    """What else is known of a file's text; "" where nothing is."""
    if name.endswith(".docx"):
        return visible_text(data)
    if not name.endswith(".pdf"):
        return ""
    try:
        return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    except Exception:  # noqa: BLE001 -- whatever it raises: then there is nothing to hold ours against
        return ""


def read(reader: Reader, folder: Path, entry: dict[str, str]) -> Outcome:
    name = entry["file"]
    data = (folder / "docs" / name).read_bytes()
    begun = time.monotonic()
    what, text, recall = "text", "", None
    try:
        text = reader.read(data, sniff(data, name).media_type).text
    except Rejected as error:
        what = error.code
    seconds = time.monotonic() - begun
    if what == "text" and (truth := characters(others(data, name))):
        recall = (truth & characters(text)).total() / truth.total()
    return Outcome(name, entry["expect"], what, text, seconds, recall)


def failures(outcome: Outcome, check: dict[str, list[str]]) -> list[str]:
    """What is not as it should be."""
    found = [] if outcome.what in MEANT[outcome.expect] else [f"{outcome.expect} was expected, not {outcome.what}"]
    if outcome.what == "text" and not outcome.text.strip():
        found.append("is blank")
    if outcome.what == "text":
        found += [f"lacks {words!r}" for words in check.get("contains", []) if words not in outcome.text]
        found += [f"has {words!r}" for words in check.get("not_contains", []) if words in outcome.text]
    return found


def sockets(folder: Path) -> int:
    """How many sockets are asked for while all files are read in a process that counts them."""
    counted = subprocess.run(
        [sys.executable, "-m", "bench.odd", "--watched", str(folder)], capture_output=True, text=True, check=True
    )
    return int(counted.stdout.split()[-1])


def watched(folder: Path) -> int:
    """Read all files in this process, and return how many sockets were asked for."""
    asked: list[str] = []
    sys.addaudithook(lambda event, _: asked.append(event) if event.startswith("socket.") else None)
    for path in sorted((folder / "docs").iterdir()):
        data = path.read_bytes()
        extractor = extractor_of(sniff(data, path.name).media_type)
        try:
            if extractor:
                extractor.extract(data, LIMITS)
        except Rejected:
            continue
    return len(asked)


def main() -> None:
    logging.disable()  # pypdf tells of all that it mends
    folder = data_folder() / "odd-docs"
    entries = list(csv.DictReader((folder / "manifest.tsv").open(encoding="utf-8"), delimiter="\t"))
    checks = {check["file"]: check for check in jsonl(folder / "checks.jsonl")}
    with Reader(LIMITS) as reader:
        outcomes = [read(reader, folder, entry) for entry in entries]
    wrong = {one.name: failures(one, checks.get(one.name, {})) for one in outcomes}
    wrong = {name: found for name, found in wrong.items() if found}
    crashed = sum(one.what not in {"text", *CODES} for one in outcomes)
    shares = sorted((one.recall, one.name) for one in outcomes if one.recall is not None)
    print(f"## Odd documents: {len(outcomes)} files ({machine()})\n\n{HEAD}")
    print(row("files that came to text or a stable code", (len(outcomes) - crashed) / len(outcomes), 1))
    print(row("files that came to what is expected of them", 1 - len(wrong) / len(outcomes), 1))
    mean = statistics.mean(share for share, _ in shares)
    print(row(f"characters of others' text that are found, mean of {len(shares)} files", mean, 0.97))
    print(row("sockets asked for", sockets(folder), 0, most=True))
    slowest = max(one.seconds for one in outcomes)
    print(f"\nThe slowest took {slowest:.1f} of {LIMITS.seconds:.0f} seconds. Least found:", end=" ")
    print(", ".join(f"{share:.2f} of `{name}`" for share, name in shares[:5]) + ".\n")
    for name, found in wrong.items():
        print(f"- `{name}`: {'; '.join(found)}")


if __name__ == "__main__":
    if "--watched" in sys.argv:
        print(watched(Path(sys.argv[-1])))
    else:
        main()
