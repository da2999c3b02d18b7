"""`eval`: labelled sets through the product's own path, and how it did, in tables, a file and pictures."""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpus.errors import ConfigError
from corpus.keys import iso_time
from footnote.commands.output import print_json
from footnote.commands.progress import Watcher
from footnote.evaluation import compare, plots, runs
from footnote.evaluation.compare import Difference
from footnote.evaluation.run import measure, settings_in
from footnote.evaluation.runs import HEADLINES, Run, SetRun
from footnote.evaluation.sets import LabelledSet, read_set
from footnote.render import counted
from footnote.settings import Settings

MILLISECONDS = 1000
LISTED = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for: sets, and what to do with the figures."""

    sets: Sequence[Path]
    documents: Path | None = None
    foreign: Sequence[Path] = ()
    home: Path | None = None
    out: Path | None = None
    against: Path | None = None
    margin: float = 0.01
    alpha: float = 0.05
    plots: Path | None = None
    each: bool = False
    as_json: bool = False
    as_of: datetime | None = None


def evaluate(settings: Settings, wanted: Wanted, now: float) -> bool:
    """Measure the sets, say how it went, and return whether nothing got worse than in the run it is held against.

    Raises `ConfigError` for a set or a run that cannot be used, before anything is measured.
    """
    then = runs.read(wanted.against) if wanted.against else None
    if wanted.plots:
        plots.check()
    labelled = [read_set(path, wanted.documents) for path in wanted.sets]
    foreign = [read_set(path, wanted.documents) for path in wanted.foreign]
    if len({one.name for one in labelled}) < len(labelled):
        raise ConfigError("Two of the sets have the same name.", hint="Rename a folder or a file.")
    if then:
        compare.check(labelled, then)
    run = _measured(settings, wanted, labelled, foreign, now)
    if wanted.out:
        runs.write(wanted.out, run)
    changed = compare.differences(run, then) if then else []
    if wanted.as_json:
        worse = {"differences": [{**asdict(one), "worse": one.worse(wanted.margin, wanted.alpha)} for one in changed]}
        print_json({**asdict(run), **worse})
    else:
        _tell(run, changed, wanted)
    if wanted.plots:
        plots.draw(wanted.plots, run, then)
    return not any(one.worse(wanted.margin, wanted.alpha) for one in changed)


def _measured(
    settings: Settings, wanted: Wanted, labelled: Sequence[LabelledSet], foreign: Sequence[LabelledSet], now: float
) -> Run:
    sets = {}
    asked_at = wanted.as_of.replace(tzinfo=UTC).timestamp() if wanted.as_of else now
    with _home(wanted.home) as home, Watcher(as_json=wanted.as_json) as watcher:
        for one in labelled:
            there = settings_in(home / one.name, settings)
            sets[one.name] = measure(there, one, foreign, asked_at, time.perf_counter, watcher.counted)
    chosen = {"embedder": settings.embedder, "llm": settings.llm, "ocr": settings.ocr.engine or "none"}
    chosen |= {"exactBelow": str(settings.exact_below), "asOf": iso_time(asked_at)}
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Run(version("footnote"), iso_time(now), machine, chosen, sets)


@contextmanager
def _home(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept.expanduser().absolute()
        return
    with tempfile.TemporaryDirectory(prefix="footnote-eval-") as folder:
        yield Path(folder)


def _tell(run: Run, changed: Sequence[Difference], wanted: Wanted) -> None:
    console = Console(highlight=False)
    for name, one in run.sets.items():
        _tell_set(console, name, one, [each for each in changed if each.set_name == name], wanted)
        if wanted.each:
            _tell_questions(console, one)
    worse = [one for one in changed if one.worse(wanted.margin, wanted.alpha)]
    if changed:
        rule = f"by more than {wanted.margin:g} with p at most {wanted.alpha:g}"
        found = ", ".join(f"{one.set_name} {one.metric}" for one in worse)
        console.print(f"[red]Worse {rule}: {found}[/]" if worse else f"[green]Nothing got worse {rule}.[/]")


def _tell_set(console: Console, name: str, one: SetRun, changed: Sequence[Difference], wanted: Wanted) -> None:
    console.print(f"[bold]{name}[/]: {len(one.questions):,} questions, {counted(one.documents, 'document')}")
    console.print(_table(one, {each.metric: each for each in changed}, wanted))
    for other, (asked, declined, area) in one.declining().items():
        told = f", AUROC of the support {area:.3f}" if area is not None else ""
        console.print(f"{declined:.1%} of {asked} {f'questions of {other}' if other else 'own'} declined{told}")
    for what, (middle, high) in one.seconds().items():
        console.print(f"{what}: p50 {middle * MILLISECONDS:.1f} ms, p95 {high * MILLISECONDS:.1f} ms")
    for what, names in (("rejected", one.rejected), ("quotes that stand in no text", one.unplaced)):
        if names:
            console.print(f"[yellow]{what}: {', '.join(names[:LISTED])}{' …' if len(names) > LISTED else ''}[/]")
    console.print()


def _table(one: SetRun, changed: Mapping[str, Difference], wanted: Wanted) -> Table:
    """Headlines first; the others only if they changed, where there is anything to compare with."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("measure", "asked", "mean", *(("before", "change", "95 %", "p") if changed else ())):
        table.add_column(column, justify="left" if column == "measure" else "right", no_wrap=True)
    means = one.means()
    for metric in sorted(means, key=lambda metric: metric not in HEADLINES):
        mean, count = means[metric]
        head, difference = metric in HEADLINES, changed.get(metric)
        if (metric.endswith("@3") and not difference) or (difference and not head and not difference.change):
            continue
        cells = [f"[bold]{metric}[/]" if head else metric, f"{count:,}", f"{mean:.3f}"]
        table.add_row(*cells, *(_difference_cells(difference, wanted) if difference else ()))
    return table


def _difference_cells(one: Difference, wanted: Wanted) -> list[str]:
    colour = "red" if one.worse(wanted.margin, wanted.alpha) else "default"
    change = f"[{colour}]{one.change:+.3f}[/]"
    return [f"{one.before:.3f}", change, f"{one.low:+.3f} {one.high:+.3f}", f"{one.p:.3f}"]


def _tell_questions(console: Console, one: SetRun) -> None:
    """Print what came of each question, the wrong ones first."""
    for each in sorted(one.questions, key=lambda each: (each.scores.get("right", 2.0), each.id)):
        mark = {0.0: "[red]✗[/]", 1.0: "[green]✓[/]"}.get(each.scores.get("right", -1.0), " ")
        console.print(f"{mark} {escape(each.id)}  {escape(each.question)}  [dim]{each.support:.3f}[/]", soft_wrap=True)
        console.print(f"  [dim]{escape(' '.join(each.answer.split()))}[/]", soft_wrap=True)
    console.print()
