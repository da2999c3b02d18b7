"""`spend`: what models cost a building in a month."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpus.errors import NotFound
from corpus.keys import iso_month
from corpus.prices import A_MILLION, is_paid
from corpus.principals import LOCAL_TENANT
from corpus.records.spend import Cost, Spending, cost_data
from corpus.records.tenants import Tenant, Tenants
from footnote.commands.output import print_json
from footnote.connect import Footnote
from footnote.render import spend_data
from footnote.settings import Settings


def spend(footnote: Footnote, tenant_id: str, month: str, *, as_json: bool) -> None:
    """Print what models cost a building in a month, or in this one: beside its cap, by what for, and by day.

    Raises `BadRequest` for what is no month, `NotFound` for a building that nobody told anything of.
    """
    spending, month = Spending(footnote.table), month or iso_month(footnote.clock())
    whole, tenant = spending.of_month(tenant_id, month), Tenants(footnote.table).get(tenant_id)
    if not (tenant.rev or whole != Cost() or tenant_id == LOCAL_TENANT):
        raise NotFound(f"There is no building {tenant_id}.", hint="`GET /v1/buildings` lists those there are.")
    days, uses = spending.by_day(tenant_id, month), spending.by_use(tenant_id, month)
    if as_json:
        told = spend_data(month, whole, days, tenant.caps)
        by_use = [{"purpose": what, "model": model, **cost_data(cost)} for (what, model), cost in sorted(uses.items())]
        print_json({"tenantId": tenant_id, **told, "uses": by_use})
        return
    console = Console(highlight=False)
    console.print(escape(_in_words(tenant, month, whole)))
    if whole == Cost():
        if _free(footnote.settings):
            console.print("The models that are set run here and cost nothing.")
        return
    aside = whole - sum(uses.values(), Cost())
    if aside.cost_micros > 0:
        console.print(f"{_dollars(aside.cost_micros)} of it is set aside for calls that have not ended.")
    if not all(cost.cost_micros for cost in uses.values()):
        console.print("What costs 0 is free, or nobody says its price (FOOTNOTE_PRICES).")
    console.print(_table(("for", "model"), ((one, cost) for one, cost in sorted(uses.items()))))
    console.print(_table(("day",), (((day,), cost) for day, cost in sorted(days.items()))))


def _in_words(tenant: Tenant, month: str, whole: Cost) -> str:
    cap = tenant.caps.cost_micros_per_month
    spent = f"spent {_dollars(whole.cost_micros)}" if whole != Cost() else "spent nothing"
    most = f"its cap is {_dollars(cap)}" if cap is not None else "it has no cap"
    return f"{tenant.tenant_id} {spent} on models in {month}; {most}."


def _free(settings: Settings) -> bool:
    """Whether nobody is paid for the models that are set."""
    return not any(is_paid(address.replace(":", "/", 1)) for address in (settings.embedder, settings.llm))


def _table(heads: tuple[str, ...], lines: Iterable[tuple[tuple[str, ...], Cost]]) -> Table:
    """What was spent, by what stands under the heads: in dollars, and in tokens."""
    table = Table(box=None, pad_edge=False, header_style="bold", title="")
    for head in heads:
        table.add_column(head, overflow="fold")
    for head in ("dollars", "tokens read", "written"):
        table.add_column(head, justify="right", no_wrap=True)
    for names, cost in lines:
        read, written = cost.embed_tokens + cost.input_tokens, cost.output_tokens
        table.add_row(*map(escape, names), f"{cost.cost_micros / A_MILLION:,.6f}", f"{read:,}", f"{written:,}")
    return table


def _dollars(micros: int) -> str:
    """An amount as it is said: to the cent, and less than one as exactly as it is kept."""
    exact = f"{micros / A_MILLION:,.6f}"
    return f"{exact.rstrip('0') if micros % (A_MILLION // 100) else exact[:-4]} dollars"
