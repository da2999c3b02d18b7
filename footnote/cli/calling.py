"""What commands share: the options that several have, everything wired for them, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corpus.errors import ConfigError, FootnoteError
from footnote.settings import Settings

if TYPE_CHECKING:
    from corpus.scope import Scope
    from footnote.connect import Footnote

EXIT_REJECTED, EXIT_SETTINGS, EXIT_STOPPED = 1, 2, 130
User = Annotated[str, typer.Option(help="Whose documents.")]
Start = Annotated[str | None, typer.Option("--in-force-from", help="The first day it counts.", show_default=False)]
Until = Annotated[str | None, typer.Option("--in-force-until", help="The last day it counts.", show_default=False)]
Older = Annotated[str | None, typer.Option("--supersedes", help="The document it takes the place of.")]
Named = Annotated[str, typer.Argument(help="A document's id, path or file name.")]
AsOf = Annotated[str, typer.Option("--as-of", help="Another day than today, like 2027-01-31.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, a line for each thing.")]
Queries = Annotated[Path | None, typer.Option(help='A file of JSON lines like {"id": "1", "text": "When …?"}.')]


@contextmanager
def connected(context: typer.Context) -> Iterator[Footnote]:
    """Have everything wired for a command."""
    from footnote.connect import connect

    with told(), connect(settings(context)) as footnote:
        yield footnote


@contextmanager
def acting(context: typer.Context, user: str) -> Iterator[tuple[Footnote, Scope]]:
    """Have everything wired for a command that acts for a person of this machine."""
    from corpus.keys import checked_id

    with connected(context) as footnote:
        yield footnote, footnote.local_scope(checked_id("--user", user))


@contextmanager
def told() -> Iterator[None]:
    """Turn what a user can understand into a line and an exit code; bugs stay tracebacks."""
    try:
        yield
    except FootnoteError as error:
        typer.echo(f"footnote: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
        raise typer.Exit(EXIT_SETTINGS if isinstance(error, ConfigError) else EXIT_REJECTED) from error
    except KeyboardInterrupt as error:
        typer.echo("\nStopped. What was not finished goes on with the next run.", err=True)
        raise typer.Exit(EXIT_STOPPED) from error


def settings(context: typer.Context) -> Settings:
    """Return the settings; the home that stands before the command counts before the variable's."""
    return Settings.from_env(home=context.obj)


def leave(well: bool) -> None:
    """End a command with the exit code of one that went well, or did not."""
    if not well:
        raise typer.Exit(EXIT_REJECTED)
