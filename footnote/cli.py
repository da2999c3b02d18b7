"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from corpus.errors import ConfigError, FootnoteError
from footnote.settings import Settings

app = typer.Typer(
    help="Ask your documents, and open every footnote.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

EXIT_REJECTED, EXIT_SETTINGS = 1, 2


@app.callback()
def _options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="The folder that holds everything.", show_default=False)] = None,
) -> None:
    context.obj = home


@app.command()
def model(context: typer.Context) -> None:
    """Fetch the local embedding model (83 MB, once)."""
    from corpus.embedders.local import weights  # noqa: PLC0415 -- numpy is not loaded for --help

    settings = Settings.from_env(home=context.obj)
    if weights.problem(settings.model_dir):
        typer.echo(f"Fetching the embedding model (83 MB, once) into {settings.model_dir} …")
    weights.fetch(settings.model_dir)


def main() -> None:
    """Run the command line; our errors become one line and an exit code, bugs stay tracebacks."""
    try:
        app()
    except FootnoteError as error:
        typer.echo(f"footnote: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
        sys.exit(EXIT_SETTINGS if isinstance(error, ConfigError) else EXIT_REJECTED)
