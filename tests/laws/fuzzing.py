"""What the fuzz tests and `make fuzz` have in common: samples, mutations, and what must hold of all that comes out.

A mutation is a row of small changes to a sample's bytes; of a zipped document one part is changed and zipped again, so
that what reads it is reached behind the archive's checksums.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from corpus.errors import Rejected
from corpus.model import Extracted
from corpus.ports import Limits
from corpus.raw_pages import dump_part, load_part
from corpus.texts import dump_text, load_text
from ingest.chunk import chunk
from ingest.clean import PAGE_BREAK
from ingest.extractors import EXTRACTORS, extractor_of, paged_of
from tests.docx import everywhere
from tests.odd_files import message
from tests.pdfs import PICTURE, leftward_pdf, pdf
from tests.sheets import by_another_hand, workbook
from tests.slides import deck

LIMITS = Limits(
    bytes=10**7, pages=20, characters=20_000, rows=500, nesting=20, expanded=2**24, ratio=200, password="secret"
)
PAGE = b"""<!doctype html><meta charset=utf-8><title>Rules</title><h1>Pool</h1><p>Opens <b>at</b> nine.<ol start=3>
<li>One<li>Two</ol><table><caption>Fees</caption><tr><th>Item<th>Fee
<tr><td rowspan=2>Lift<td>3<tr><td colspan=2>x</table>
<select><option>a<option>b</select><pre>kept  lines</pre><h2>End</h2><script>no</script>"""
SAMPLES: dict[str, Callable[[], list[bytes]]] = {
    "pdf": lambda: [
        pdf(["Pool rules", PICTURE, "Fees"], outline=[("Pool", 0, 0), ("Fees", 1, 2)], roman=1, title="T"),
        pdf(["locked"], password="secret"),
        leftward_pdf("\u062d\u0628\u064a\u0628\u064a habibi"),
    ],
    "docx": lambda: [everywhere(), everywhere(strict=True)],
    "xlsx": lambda: [
        by_another_hand([("Lift", 3.5), ("Pool", 2)]),
        workbook({"a": [["x", 1], ["y", 2]], "b": [["z"]]}),
    ],
    "pptx": lambda: [deck("Pool", "Fees", title="Rules")],
    "html": lambda: [PAGE, b"<?xml version='1.0' encoding='cp1252'?><html><p><![CDATA[caf\xe9]]><br/></p></html>"],
    "eml": lambda: [
        message("The pool.", page="<h1>The pool</h1>", files=[("a.csv", b"x,y\n1,2\n"), ("b.eml", message("inner"))]),
        message(files=[("../../rules.docx", everywhere())]),
    ],
    "csv": lambda: [b'Item;Fee\nLift;3,5\n"Pool; warm";2\n\n\nName;Year\nA;1999\n', b"sep=|\na|b\n1|2\n"],
    "jsonl": lambda: [b'{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n', b'{"a": {"b": [1, {"c": "x"}]}}\n[1, "y"]\n"z"\n'],
    "markdown": lambda: [
        b"---\ntitle: T\n---\n# A\n\ntext\n\n## B\n| a | b |\n|---|---|\n| 1 | 2 |\n\nC\n===\n```\n# x\n```\n"
    ],
    "text": lambda: [
        "Grüße aus dem Bad.\n\n日本語 text".encode(),
        "Grüße".encode("utf-16"),
        "Größe\r\n".encode("cp1252"),
    ],
}
"""By the name of an extractor's module: documents to begin with, small ones."""
ZIPPED = ("docx", "xlsx", "pptx")


class Change(NamedTuple):
    """One change: what is done, where in the bytes (a share of 2 ** 16), to how many of them, and what with."""

    kind: Literal["flip", "cut", "splice", "repeat"]
    at: int
    size: int
    data: bytes


def mutated(data: bytes, changes: Sequence[Change]) -> bytes:
    """Return the bytes after all changes."""
    for change in changes:
        at = change.at * len(data) >> 16
        piece = data[at : at + change.size]
        if change.kind == "flip":
            piece = bytes(one ^ 1 << (number + change.at) % 8 for number, one in enumerate(piece))
        elif change.kind == "cut":
            piece = b""
        elif change.kind == "splice":
            piece = change.data
        else:
            piece *= 1 + len(change.data) * 8
        data = data[:at] + piece + data[at + change.size :]
    return data


def mutated_part(data: bytes, part: int, changes: Sequence[Change]) -> bytes:
    """Return an archive one of whose parts is changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        for name in names:
            body = old.read(name)
            new.writestr(name, mutated(body, changes) if name == names[part % len(names)] else body)
    return target.getvalue()


def extractor_named(name: str) -> str:
    """Return the media type that an extractor's module reads."""
    return next(one.MEDIA_TYPES[0] for one in EXTRACTORS if one.NAME.partition("-")[0] == name)


def check(name: str, data: bytes, limits: Limits = LIMITS) -> None:
    """Have an extractor read the bytes, and hold what comes out against all that is promised of it."""
    media_type = extractor_named(name)
    extractor, paged = extractor_of(media_type), paged_of(media_type)
    assert extractor
    try:
        found = extractor.extract(data, limits)
    except Rejected as error:
        check_refusal(error)
        return
    parts = list(paged.parts(data, limits, 0, 0)) if paged else []
    check_text(found, limits)
    assert all(load_part(dump_part(part)) == part for part in parts)
    if paged:
        assert paged.assembled(parts) == found


def check_refusal(error: Rejected) -> None:
    """Hold an error against what is promised of its sentence."""
    assert error.message
    assert error.hint
    assert "secret" not in error.message + error.hint


def check_text(found: Extracted, limits: Limits) -> None:
    """Hold a text against the contract of `Extractor`, and its chunks against theirs."""
    found.text.encode()
    assert load_text(*dump_text(found)) == found
    assert found.pages
    assert len(found.pages) <= limits.pages
    assert len(found.text) - len(PAGE_BREAK) * (len(found.pages) - 1) <= limits.characters
    assert [page.number for page in found.pages] == list(range(1, len(found.pages) + 1))
    assert not any(one in found.text for one in "\0\ufffe\r")
    ends = 0
    for page in found.pages:
        assert ends <= page.start <= page.end <= len(found.text)
        assert not found.text[ends : page.start].strip()
        ends = page.end
    assert not found.text[ends:].strip()
    starts = [section.start for section in found.sections]
    assert starts == sorted(set(starts))
    assert all(0 <= start < max(1, len(found.text)) for start in starts)
    for words in (found.title, *found.flags, *(page.label for page in found.pages)):
        words.encode()
    for section in found.sections:
        assert all(section.headings)
        "".join(section.headings).encode()
    assert sum(found.text.count("\n", grid.start, grid.end) + 1 for grid in found.grids) <= limits.rows + 2 * len(
        found.grids
    )
    check_chunks(found)


def check_chunks(found: Extracted, size: int = 64) -> None:
    """Hold the chunks of a text against what is promised of them."""
    ends = 0
    for number, one in enumerate(chunk(found, size)):
        assert one.index == number
        assert one.content == found.text[one.start : one.end]
        assert one.content.strip()
        assert not found.text[ends : one.start].strip()
        assert ends <= one.start
        ends = one.end
    assert not found.text[ends:].strip()


def tight(chance: int) -> Limits:
    """Limits of which one is small, by a number."""
    small: list[Limits] = [
        replace(LIMITS, pages=1),
        replace(LIMITS, characters=10),
        replace(LIMITS, rows=1),
        replace(LIMITS, nesting=1),
        replace(LIMITS, expanded=2_000),
        replace(LIMITS, password="another"),
        LIMITS,
    ]
    return small[chance % len(small)]
