"""`search` and `ask`: one question from the command line, or many from a file."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from corpus import words
from corpus.errors import BadRequest, NotFound
from corpus.model import Document, Extracted, Hit
from corpus.records.documents import Listing
from corpus.scope import Scope
from corpus.sentences import sentences
from corpus.texts import TextLost
from corpus.ways import Filter
from footnote.commands.output import print_json
from footnote.connect import Footnote
from footnote.render import answer_data, hit_data, page_in_words, place

WIDEST = 100
"""Characters of a line that can still be read with ease."""
SHOWN = 400
"""Characters of a hit that a person is shown."""


def search(
    footnote: Footnote, scope: Scope, question: str, k: int, only: Filter, as_of: str, *, as_json: bool, explain: bool
) -> None:
    """Print the k best chunks for a question, and with `explain` how the index looked for them."""
    found = footnote.search(scope, question, k, only=only, as_of=as_of)
    hits, way = found.hits, str(found.way or "as the index decides")
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        print_json({"query": question, "hits": [hit_data(hit) for hit in hits], **({"way": way} if explain else {})})
        return
    if explain:
        console.print(f"[dim]looked for by meaning: {way}[/]\n")
    if not hits:
        _nothing(footnote, scope, console)
    documents = footnote.documents.get_many(sorted({hit.generation.document_id for hit in hits}))
    texts = {name: _text(footnote, document) for name, document in documents.items()}
    for number, hit in enumerate(hits, 1):
        begins = telling(question, hit)
        where = standing(hit, begins, texts.get(hit.generation.document_id))
        console.print(f"[bold]{number}[/]  {escape(where)}  [dim]{hit.score:.3f}[/]")
        shown = " ".join(hit.content[begins:].split())
        cut = "…" if len(shown) > SHOWN else ""
        _paragraph(console, f"{'… ' if begins else ''}{shown[:SHOWN]}{cut}", indent=3)
        console.print()


def _text(footnote: Footnote, document: Document) -> Extracted | None:
    """The text that answers of a document, if it is there: a hit is shown without its place, too."""
    try:
        return footnote.text(document)
    except TextLost:
        return None


def telling(question: str, hit: Hit) -> int:
    """Return where in a hit begins what a person is shown of it: with the sentence that holds most of the question.

    Of a hit that can be shown whole that is 0; otherwise so much is left behind it that the line is full, if it can be.
    """
    if len(hit.content) <= SHOWN:
        return 0
    asked = words.asked(question)
    each = sentences(hit.content)
    best = max(each, key=lambda one: len(asked.found_in(hit.content[slice(*one)], hit.language)), default=(0, 0))
    full = [start for start, _ in each if start <= best[0] and len(hit.content) - start >= SHOWN]
    begins = full[-1] if full else 0
    return begins if begins > each[0][0] else 0


def standing(hit: Hit, begins: int, text: Extracted | None) -> str:
    """Return where what is shown of a hit stands: the file, the page where there are any, the headings."""
    page, section = "", hit.section
    if text:
        at = text.page_at(hit.start + begins)
        page, section = page_in_words(at.number, at.label), text.section_at(hit.start + begins)
    return hit.file_name + page + (f" · {section}" if section else "")


def ask(footnote: Footnote, scope: Scope, question: str, as_of: str, *, as_json: bool) -> None:
    """Print an answer with its footnotes."""
    answer = footnote.ask(scope, question, as_of=as_of)
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        print_json({"query": question, "answer": answer_data(answer)})
        return
    if answer.as_of:
        console.print(f"[dim]As of {answer.as_of}:[/]")
    for line in answer.text.splitlines():
        _paragraph(console, line)
    for one in answer.citations:
        console.print(f"\n  [bold]\\[{one.number}][/] {escape(place(one))}")
        _paragraph(console, f"“{' '.join(one.quote.split())}”", indent=6, style="dim")
    for note in answer.notes:
        console.print(f"\n  [yellow]{escape(note)}[/]")
    if answer.type == "not_found":
        _nothing(footnote, scope, console)


def search_many(footnote: Footnote, scope: Scope, queries: Path, k: int, only: Filter, as_of: str) -> None:
    """Print a JSON line of hits for each line of a file of `{"id", "text"}`."""
    for name, text in read_queries(queries):
        hits = footnote.search(scope, text, k, only=only, as_of=as_of).hits
        print_json({"id": name, "hits": [hit_data(hit) for hit in hits]})


def ask_many(footnote: Footnote, scope: Scope, queries: Path, as_of: str) -> None:
    """Print a JSON line with the answer to each line of a file of `{"id", "text"}`."""
    for name, text in read_queries(queries):
        print_json({"id": name, "answer": answer_data(footnote.ask(scope, text, as_of=as_of))})


def read_queries(path: Path) -> Iterator[tuple[Any, str]]:
    """Yield (id, text) of each line; raises `BadRequest` naming the line that is none, before anything is asked."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise NotFound(f"{path} cannot be opened: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path} is not UTF-8 text.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            found.append(_query(f"{path}, line {number}", line))
    yield from found


def _query(where: str, line: str) -> tuple[Any, str]:
    try:
        query = json.loads(line)
        name, text = query.get("id", query.get("_id")), query["text"]
    except (ValueError, KeyError, AttributeError) as error:
        raise BadRequest(f'{where}: expected an object like {{"id": "1", "text": "When …?"}}.') from error
    if not isinstance(text, str) or name is None:
        raise BadRequest(f'{where}: "text" is to be a text, and "id" is to be there.')
    return name, text


def _nothing(footnote: Footnote, scope: Scope, console: Console) -> None:
    """Name the home of a person who has nothing in it: it may be the wrong one."""
    if not footnote.documents.listed(scope, Listing(), 1)[0]:
        console.print(empty(footnote))


def empty(footnote: Footnote) -> str:
    """Return what is said of an empty corpus."""
    return f"There is nothing in {footnote.settings.home} yet. `footnote ingest PATH` puts documents in."


def _paragraph(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """Print a text in lines of a readable width."""
    width, margin = min(console.width, WIDEST), " " * indent
    console.print(
        textwrap.fill(text, width, initial_indent=margin, subsequent_indent=margin), style=style, markup=False
    )
