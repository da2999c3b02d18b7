"""The commands of whoever runs the installation: they parse, and `footnote.commands` does."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from corpus.errors import BadRequest
from corpus.principals import LOCAL_TENANT
from footnote.cli.calling import AsJson, connected, leave, settings, told


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="An address of this machine; where nobody signs in, of it alone.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any that is free.")] = 8000,
) -> None:
    """Answer over HTTP, for the local user or whoever signs in, and work on what is uploaded, until Ctrl-C."""
    from footnote.commands import serving

    with connected(context) as footnote:
        serving.serve(footnote, host, port)


def mcp(context: typer.Context) -> None:
    """Offer the documents as tools to the program that starts this, over standard input and output."""
    from footnote.commands import offering

    with connected(context) as footnote:
        offering.offer(footnote)


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check every part, and say what to do about one that does not work."""
    from footnote.commands import doctor as doctoring

    with connected(context) as footnote:
        leave(doctoring.doctor(footnote, as_json=as_json))


def setup(context: typer.Context) -> None:
    """Make what is missing: table, queue, bucket with its notification, index. On one machine nothing ever is."""
    from footnote.commands import setting_up

    with connected(context) as footnote:
        setting_up.setup(footnote)


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
    from footnote.commands import setting_up

    with connected(context) as footnote:
        if verb == "seal":
            if user_id or tenant or role or level:
                raise BadRequest("Everybody is sealed anew, and nothing else of them changes.", hint="Name nothing.")
            leave(setting_up.seal_people(footnote))
        elif not user_id:
            raise typer.BadParameter("whom do you mean?", param_hint="ID")
        elif verb == "add":
            setting_up.add_person(footnote, user_id, tenant or LOCAL_TENANT, role or "", level or "")
        else:
            setting_up.set_person(footnote, user_id, tenant or "", role or "", level or "")


def spend(
    context: typer.Context,
    month: Annotated[str, typer.Option(help="Which month, like 2027-01, if not this one.", show_default=False)] = "",
    tenant: Annotated[str, typer.Option(help="Which building.")] = LOCAL_TENANT,
    as_json: AsJson = False,
) -> None:
    """Say what models cost the building in a month: beside its cap, by what for, and by day."""
    from footnote.commands import spending

    with connected(context) as footnote:
        spending.spend(footnote, tenant, month, as_json=as_json)


def model(context: typer.Context) -> None:
    """Fetch the local embedding model (83 MB, once)."""
    from corpus.embedders.local import weights
    from footnote.render import at_home

    with told():
        folder = settings(context).model_dir
        if weights.problem(folder):
            typer.echo(f"Fetching the embedding model (83 MB, once) into {at_home(folder)} …")
        weights.fetch(folder)
