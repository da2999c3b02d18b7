"""The command line: parse, call, and leave with an exit code. What the commands do stands in `footnote.commands`."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from corpus.errors import BadRequest, ConfigError, FootnoteError
from corpus.principals import LOCAL_TENANT, LOCAL_USER
from footnote.settings import Settings

if TYPE_CHECKING:
    from footnote.connect import Footnote

EXIT_REJECTED, EXIT_SETTINGS, EXIT_STOPPED = 1, 2, 130

app = typer.Typer(
    help="Ask your documents, and open every footnote.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

User = Annotated[str, typer.Option(help="Whose documents.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Another day than today, like 2027-01-31.", show_default=False)]
Start = Annotated[str | None, typer.Option("--in-force-from", help="The first day it counts.", show_default=False)]
Until = Annotated[str | None, typer.Option("--in-force-until", help="The last day it counts.", show_default=False)]
Older = Annotated[str | None, typer.Option("--supersedes", help="The document it takes the place of.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a line for each thing.")]
Queries = Annotated[Path | None, typer.Option(help='A file of JSON lines like {"id": "1", "text": "When …?"}.')]


@dataclass(slots=True)
class _Global:
    home: Path | None = None


@app.callback()
def _options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="The folder that holds everything.", show_default=False)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say on standard error what happens.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As behind a command that has it.")] = False,
) -> None:
    from footnote import logs  # noqa: PLC0415 -- so with every import below: --help loads none of it

    context.obj = _Global(home)
    if as_json and isinstance(context.command, typer.core.TyperGroup):
        context.default_map = {name: {"as_json": True} for name in context.command.commands}
    logs.set_up(verbose=verbose)


@app.command()
def ingest(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    start: Start = None,
    until: Until = None,
    supersedes: Older = None,
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Put documents in, and wait until they can be searched. Files that did not change cost nothing."""
    from footnote.commands import ingesting, managing  # noqa: PLC0415

    with _connected(context) as footnote:
        scope = footnote.local_scope(_checked(user))
        terms = managing.terms(footnote, scope, start, until, supersedes)
        _leave(ingesting.ingest(footnote, scope, paths, terms, as_json=as_json))


@app.command()
def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder.")],
    user: User = LOCAL_USER,
    mirror: Annotated[bool, typer.Option("--mirror", help="Remove documents whose files go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest a folder, and whatever changes in it, until Ctrl-C."""
    from footnote.commands import watching  # noqa: PLC0415

    with _connected(context) as footnote:
        watching.watch(footnote, footnote.local_scope(_checked(user)), folder, mirror=mirror, as_json=as_json)


@app.command()
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
    from footnote.commands import asking, filtering  # noqa: PLC0415

    with _connected(context) as footnote:
        scope = footnote.local_scope(_checked(user))
        day, only = _day(as_of), filtering.chosen(footnote, scope, document or (), tag or (), kind or (), since, until)
        if queries:
            asking.search_many(footnote, scope, queries, k, only, day)
        else:
            asking.search(footnote, scope, _asked(question), k, only, day, as_json=as_json, explain=explain)


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question.")] = "",
    queries: Queries = None,
    as_of: AsOf = "",
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the documents in force, with a footnote for every sentence."""
    from footnote.commands import asking  # noqa: PLC0415

    with _connected(context) as footnote:
        scope, day = footnote.local_scope(_checked(user)), _day(as_of)
        if queries:
            asking.ask_many(footnote, scope, queries, day)
        else:
            asking.ask(footnote, scope, _asked(question), day, as_json=as_json)


@app.command("eval")
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
    from footnote.commands import evaluating  # noqa: PLC0415

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
    with _told():
        _leave(evaluating.evaluate(_settings(context), wanted, time.time()))


@app.command("list")
def list_documents(
    context: typer.Context,
    user: User = LOCAL_USER,
    shared: Annotated[bool, typer.Option("--shared", help="Those others share with you by name, instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the documents, newest first."""
    from footnote.commands import managing  # noqa: PLC0415

    with _connected(context) as footnote:
        managing.list_documents(footnote, footnote.local_scope(_checked(user)), shared=shared, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A document's id, path or file name.")],
    user: User = LOCAL_USER,
    pages: Annotated[bool, typer.Option("--pages", help="How each page was read, a line a page.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a document."""
    from footnote.commands import managing  # noqa: PLC0415

    with _connected(context) as footnote:
        told = managing.show_pages if pages else managing.show
        told(footnote, footnote.local_scope(_checked(user)), name, as_json=as_json)


@app.command()
def amend(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A document's id, path or file name.")],
    start: Start = None,
    until: Until = None,
    supersedes: Older = None,
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Say when a document is in force, and which one it takes the place of; `none` takes back what was said."""
    from footnote.commands import managing  # noqa: PLC0415

    with _connected(context) as footnote:
        scope = footnote.local_scope(_checked(user))
        terms = managing.terms(footnote, scope, start, until, supersedes)
        managing.amend(footnote, scope, name, terms, as_json=as_json)


@app.command()
def remove(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Documents' ids, paths or file names.")],
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Remove documents, at once and for good."""
    from footnote.commands import managing  # noqa: PLC0415

    with _connected(context) as footnote:
        managing.remove(footnote, footnote.local_scope(_checked(user)), names, as_json=as_json)


@app.command()
def reindex(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring every document to where it should be: restore a lost index, apply a new recipe. Costs only what is new."""
    from footnote.commands import ingesting  # noqa: PLC0415

    with _connected(context) as footnote:
        _leave(ingesting.reindex(footnote, footnote.local_scope().tenant_id, as_json=as_json))


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="An address of this machine; where nobody signs in, of it alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 8000,
) -> None:
    """Answer over HTTP, for the local user or whoever signs in, and work on what is uploaded, until Ctrl-C."""
    from footnote.commands import serving  # noqa: PLC0415

    with _connected(context) as footnote:
        serving.serve(footnote, host, port)


@app.command()
def mcp(context: typer.Context) -> None:
    """Offer the documents as tools to the program that starts this, over standard input and output."""
    from footnote.commands import offering  # noqa: PLC0415

    with _connected(context) as footnote:
        offering.offer(footnote)


@app.command()
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check every part, and say what to do about one that does not work."""
    from footnote.commands import doctor as doctoring  # noqa: PLC0415

    with _connected(context) as footnote:
        _leave(doctoring.doctor(footnote, as_json=as_json))


@app.command()
def setup(context: typer.Context) -> None:
    """Make what is missing: table, queue, bucket with its notification, index. On one machine nothing ever is."""
    from footnote.commands import setting_up  # noqa: PLC0415

    with _connected(context) as footnote:
        setting_up.setup(footnote)


@app.command()
def person(
    context: typer.Context,
    verb: Annotated[Literal["add", "set", "seal"], typer.Argument(help="What to do.")],
    user_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Their id; the `sub` of whoever signs in. Not with seal.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="With add: in which building they are at home, if not home.")
    ] = None,
    role: Annotated[Literal["user", "staff", "admin"] | None, typer.Option(help="What they are there.")] = None,
    level: Annotated[Literal["basic", "premium", "enterprise"] | None, typer.Option(help="Their level.")] = None,
) -> None:
    """Make a person known, before they sign in or put documents into a bucket; or change their role and level.

    `seal` has everybody's record sealed anew with the newest of FOOTNOTE_PRIVACY_KEYS, and says if the others may go.
    """
    from footnote.commands import setting_up  # noqa: PLC0415

    with _connected(context) as footnote:
        if verb == "seal":
            if user_id or tenant or role or level:
                raise BadRequest("Everybody is sealed anew, and nothing else of them changes.", hint="Name nothing.")
            _leave(setting_up.seal_people(footnote))
        elif not user_id:
            raise typer.BadParameter("whom do you mean?", param_hint="ID")
        elif verb == "add":
            setting_up.add_person(footnote, user_id, tenant or LOCAL_TENANT, role or "", level or "")
        else:
            setting_up.set_person(footnote, user_id, tenant or "", role or "", level or "")


@app.command()
def model(context: typer.Context) -> None:
    """Fetch the local embedding model (83 MB, once)."""
    from corpus.embedders.local import weights  # noqa: PLC0415
    from footnote.render import at_home  # noqa: PLC0415

    with _told():
        settings = _settings(context)
        if weights.problem(settings.model_dir):
            typer.echo(f"Fetching the embedding model (83 MB, once) into {at_home(settings.model_dir)} …")
        weights.fetch(settings.model_dir)


@contextmanager
def _connected(context: typer.Context) -> Iterator[Footnote]:
    from footnote.connect import connect  # noqa: PLC0415

    with _told(), connect(_settings(context)) as footnote:
        yield footnote


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a user can understand into a line and an exit code; bugs stay tracebacks."""
    try:
        yield
    except FootnoteError as error:
        typer.echo(f"footnote: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
        raise typer.Exit(EXIT_SETTINGS if isinstance(error, ConfigError) else EXIT_REJECTED) from error
    except KeyboardInterrupt as error:
        typer.echo("\nStopped. What was not finished goes on with the next run.", err=True)
        raise typer.Exit(EXIT_STOPPED) from error


def _settings(context: typer.Context) -> Settings:
    given = context.find_object(_Global)
    return Settings.from_env(home=given.home if given else None)


def _checked(user: str) -> str:
    from corpus.keys import checked_id  # noqa: PLC0415

    return checked_id("--user", user)


def _day(as_of: str) -> str:
    from corpus.keys import checked_day  # noqa: PLC0415

    return checked_day("--as-of", as_of) if as_of else ""


def _asked(question: str) -> str:
    if not question.strip():
        raise BadRequest("There is no question.", hint="Write one, or name a file of them with --queries.")
    return question


def _leave(well: bool) -> None:
    if not well:
        raise typer.Exit(EXIT_REJECTED)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; a request to end is heard like Ctrl-C."""
    signal.signal(signal.SIGTERM, _stop)
    app()
