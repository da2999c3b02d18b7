"""The commands that put documents in, tell of them and take them out: they parse, and `footnote.commands` does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from corpus.principals import LOCAL_USER
from footnote.cli.calling import AsJson, Named, Older, Start, Until, User, acting, connected, leave


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
    from footnote.commands import ingesting, managing

    with acting(context, user) as (footnote, scope):
        terms = managing.terms(footnote, scope, start, until, supersedes)
        leave(ingesting.ingest(footnote, scope, paths, terms, as_json=as_json))


def watch(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder.")],
    user: User = LOCAL_USER,
    mirror: Annotated[bool, typer.Option("--mirror", help="Remove documents whose files go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest a folder, and whatever changes in it, until Ctrl-C."""
    from footnote.commands import watching

    with acting(context, user) as (footnote, scope):
        watching.watch(footnote, scope, folder, mirror=mirror, as_json=as_json)


def list_documents(
    context: typer.Context,
    user: User = LOCAL_USER,
    shared: Annotated[bool, typer.Option("--shared", help="Those others share with you by name, instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the documents, newest first."""
    from footnote.commands import managing

    with acting(context, user) as (footnote, scope):
        managing.list_documents(footnote, scope, shared=shared, as_json=as_json)


def show(
    context: typer.Context,
    name: Named,
    user: User = LOCAL_USER,
    pages: Annotated[bool, typer.Option("--pages", help="How each page was read, a line a page.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a document."""
    from footnote.commands import managing

    show = managing.show_pages if pages else managing.show
    with acting(context, user) as (footnote, scope):
        show(footnote, scope, name, as_json=as_json)


def amend(
    context: typer.Context,
    name: Named,
    start: Start = None,
    until: Until = None,
    supersedes: Older = None,
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Say when a document is in force, and which one it takes the place of; `none` takes back what was said."""
    from footnote.commands import managing

    with acting(context, user) as (footnote, scope):
        terms = managing.terms(footnote, scope, start, until, supersedes)
        managing.amend(footnote, scope, name, terms, as_json=as_json)


def remove(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Documents' ids, paths or file names.")],
    user: User = LOCAL_USER,
    as_json: AsJson = False,
) -> None:
    """Remove documents, at once and for good."""
    from footnote.commands import managing

    with acting(context, user) as (footnote, scope):
        managing.remove(footnote, scope, names, as_json=as_json)


def reindex(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring every document to where it should be: restore a lost index, apply a new recipe. Costs only what is new."""
    from footnote.commands import ingesting

    with connected(context) as footnote:
        leave(ingesting.reindex(footnote, footnote.local_scope().tenant_id, as_json=as_json))
