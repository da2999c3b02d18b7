"""The command line: which commands there are, what stands before any of them, and how they are told.

A command is a function that parses and calls, in the module it belongs to, and a line in `COMMANDS`. What it does
stands in `footnote.commands`, and is imported when it runs: `footnote --help` loads none of it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from footnote.cli import documents, installation, questions

PARSERS_OWN = "Value error, "
"""What the parser puts before the sentence that says what is wrong, and nobody needs to read."""
COMMANDS: Mapping[str, Callable[..., None]] = {
    "ingest": documents.ingest,
    "watch": documents.watch,
    "search": questions.search,
    "ask": questions.ask,
    "eval": questions.evaluate,
    "list": documents.list_documents,
    "show": documents.show,
    "amend": documents.amend,
    "remove": documents.remove,
    "reindex": documents.reindex,
    "serve": installation.serve,
    "mcp": installation.mcp,
    "doctor": installation.doctor,
    "setup": installation.setup,
    "person": installation.person,
    "spend": installation.spend,
    "model": installation.model,
}
"""By name, in the order in which `--help` tells them."""


class _Plain(typer.core.TyperGroup):
    """Commands whose refusals are plain sentences."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(PARSERS_OWN)
            raise


def _options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="The folder that holds everything.", show_default=False)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say on standard error what happens.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As behind a command that has it.")] = False,
) -> None:
    from footnote import logs

    context.obj = home
    if as_json:
        context.default_map = {name: {"as_json": True} for name in COMMANDS}
    logs.set_up(verbose=verbose)


def _application() -> typer.Typer:
    made = typer.Typer(
        cls=_Plain,
        help="Ask your documents, and open every footnote.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for name, command in COMMANDS.items():
        made.command(name)(command)
    return made


app = _application()


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; a request to end is heard like Ctrl-C."""
    signal.signal(signal.SIGTERM, _stop)
    app()
