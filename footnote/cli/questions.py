"""The commands that ask documents, and measure what they answer: they parse, and `footnote.commands` does."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import BadRequest
from corpus.principals import LOCAL_USER
from footnote.cli.calling import AsJson, AsOf, Queries, User, acting, leave, settings, told


def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What to look for.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many hits.")] = 5,
    queries: Queries = None,
    document: Annotated[list[str] | None, typer.Option(help="Look through this document; as often as wanted.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="… or documents with this tag.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", help="… of this kind: pdf, or a media type.")] = None,
    since: Annotated[str, typer.Option(help="… ingested on this day or later: 2026-03-31.")] = "",
    until: Annotated[str, typer.Option(help="… ingested on this day or before.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Say how the chunks were looked for.")] = False,
    as_of: AsOf = "",
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Print the chunks that fit a question best, of documents in force."""
    from footnote.commands import asking, filtering

    with acting(context, user) as (footnote, scope):
        day, only = _day(as_of), filtering.chosen(footnote, scope, document or (), tag or (), kind or (), since, until)
        if queries:
            asking.search_many(footnote, scope, queries, k, only, day)
        else:
            asking.search(footnote, scope, _asked(question), k, only, day, as_json=as_json, explain=explain)


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.")] = "",
    queries: Queries = None,
    as_of: AsOf = "",
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the documents in force, with a footnote for every sentence."""
    from footnote.commands import asking

    with acting(context, user) as (footnote, scope):
        day = _day(as_of)
        if queries:
            asking.ask_many(footnote, scope, queries, day)
        else:
            asking.ask(footnote, scope, _asked(question), day, as_json=as_json)


def evaluate(
    context: typer.Context,
    sets: Annotated[list[Path], typer.Argument(help="Folders of labelled sets, and files of golden questions.")],
    documents: Annotated[Path | None, typer.Option(help="The folder that golden questions are about.")] = None,
    foreign: Annotated[list[Path] | None, typer.Option(help="A set whose questions are to be declined.")] = None,
    home: Annotated[Path | None, typer.Option(help="A folder to keep what was ingested for the next run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to keep the run as JSON.")] = None,
    against: Annotated[Path | None, typer.Option(help="A run that was kept, to compare with.")] = None,
    margin: Annotated[float, typer.Option(min=0, help="How much worse a measure may get.")] = 0.01,
    alpha: Annotated[float, typer.Option(min=0, max=1, help="Up to which p it counts; 1 counts every change.")] = 0.05,
    plots: Annotated[Path | None, typer.Option(help="A folder for pictures of the figures.")] = None,
    each: Annotated[bool, typer.Option("--each", help="Say what came of each question, the wrong ones first.")] = False,
    as_json: AsJson = False,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day on which it is asked, if not today.")
    ] = None,
) -> None:
    """Measure search and answers over questions whose right answers are known. Leaves your documents alone."""
    from footnote.commands import evaluating

    wanted = evaluating.Wanted(
        sets=sets,
        documents=documents,
        foreign=foreign or (),
        home=home,
        out=out,
        against=against,
        margin=margin,
        alpha=alpha,
        plots=plots,
        each=each,
        as_json=as_json,
        as_of=as_of,
    )
    with told():
        leave(evaluating.evaluate(settings(context), wanted, time.time()))


def _day(as_of: str) -> str:
    from corpus.keys import checked_day

    return checked_day("--as-of", as_of) if as_of else ""


def _asked(question: str) -> str:
    if not question.strip():
        raise BadRequest("There is no question.", hint="Write one, or name a file of them with --queries.")
    return question
