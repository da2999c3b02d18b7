"""Pictures of a run: how good each set is, how long it takes, and what the support score is worth.

They need matplotlib, which is an extra: whoever wants no pictures need not install it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import ConfigError
from footnote.evaluation.runs import HEADLINES, QuestionRun, Run, SetRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOW, THEN, GOOD, BAD, QUIET = "#1f5f8b", "#b8c9d6", "#3b7d4f", "#b5473c", "#666666"
MILLISECONDS = 1000
WIDTH, DOTS = 7.5, 130
FEWEST = 8
"""Questions in a bin of support; with fewer, their share says little."""
MOST_BINS = 8


def check() -> None:
    """Raise `ConfigError` if there is nothing to draw with."""
    try:
        import matplotlib  # noqa: F401, ICN001, PLC0415
    except ImportError as error:
        raise ConfigError(
            "Pictures are drawn by matplotlib, which is not installed.", hint="pip install 'footnote[plots]'"
        ) from error


def draw(folder: Path, run: Run, then: Run | None = None) -> list[Path]:
    """Write a PNG of quality, of latency, and of the calibration of each set, and return where they lie."""
    check()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [_quality(folder / "quality.png", run, then), _latency(folder / "latency.png", run)]
    return drawn + [_calibration(folder / f"calibration-{name}.png", name, one) for name, one in run.sets.items()]


def _quality(path: Path, run: Run, then: Run | None) -> Path:
    """A bar for each headline of each set, and behind it that of the other run."""
    bars = [
        (name, metric, *one.means()[metric], _before(then, name, metric))
        for name, one in run.sets.items()
        for metric in HEADLINES
        if metric in one.means()
    ]
    figure = _figure(WIDTH, 0.27 * len(bars) + 0.5 * len(run.sets) + 0.9)
    axes = figure.subplots()
    at, places = 0.0, []
    for number, (name, metric, mean, count, before) in enumerate(bars):
        if number == 0 or bars[number - 1][0] != name:
            at += 1.6
            axes.text(0, at - 1, name, weight="bold", va="center")
        if before is not None:
            axes.barh(at, before, 0.86, color=THEN, label="before")
        axes.barh(at, mean, 0.42 if before is not None else 0.7, color=NOW, label="this run")
        few = f"  of {count}" if count < len(run.sets[name].questions) else ""
        axes.text(max(mean, before or 0) + 0.01, at, f"{mean:.3f}{few}", va="center", size=8, color=QUIET)
        places.append((at, metric))
        at += 1
    axes.set(xlim=(0, 1.15), ylim=(at, 0), xticks=np.linspace(0, 1, 6), xlabel="mean over the questions")
    axes.set_yticks([place for place, _ in places], [metric for _, metric in places])
    axes.tick_params(axis="y", length=0)
    if then:
        found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        axes.legend(found.values(), found.keys(), loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    return _saved(figure, path)


def _before(then: Run | None, name: str, metric: str) -> float | None:
    known = then.sets[name].means() if then and name in then.sets else {}
    return known[metric][0] if metric in known else None


def _latency(path: Path, run: Run) -> Path:
    """The share of questions that were done by a time, for `search` and `ask` of each set."""
    figure = _figure(WIDTH, 3.6)
    axes = figure.subplots()
    lines = [("search", "-"), ("ask", "--")]
    for number, (name, one) in enumerate(run.sets.items()):
        for what, style in lines:
            seconds = [each.search_seconds if what == "search" else each.ask_seconds for each in one.questions]
            taken = MILLISECONDS * np.sort(seconds)
            share = np.arange(1, len(taken) + 1) / len(taken)
            axes.step(taken, share, where="post", ls=style, color=f"C{number}", label=f"{name}: {what}")
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="milliseconds", ylabel="share of questions done")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    for height, label in ((0.5, "p50"), (0.95, "p95")):
        axes.axhline(height, color=QUIET, lw=0.6, ls=":")
        axes.text(1.01, height, label, transform=axes.get_yaxis_transform(), size=8, va="center", color=QUIET)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    return _saved(figure, path)


def _calibration(path: Path, name: str, one: SetRun) -> Path:
    """What becomes of questions by their support, and which share of the answers is wrong if fewer are given."""
    figure = _figure(1.33 * WIDTH, 3.7)
    left, right = figure.subplots(1, 2)
    figure.suptitle(name, x=0.01, ha="left", weight="bold", size=10)
    _shares(left, one.questions)
    curve = [(each.support, _kind(each)) for each in one.questions]
    foreign = [
        (each.support, "declined" if each.declined else "wrong") for asked in one.foreign.values() for each in asked
    ]
    lines = {"the set's own questions": curve}
    if foreign:
        lines["with those of other sets"] = curve + foreign
    _risk(right, lines)
    return _saved(figure, path)


def _shares(axes: Axes, questions: Sequence[QuestionRun]) -> None:
    """Of bins of equally many questions, from least to most support: the shares that ended in each way."""
    ordered = sorted(questions, key=lambda each: each.support)
    bins = np.array_split(np.arange(len(ordered)), max(1, min(MOST_BINS, len(ordered) // FEWEST)))
    kinds = {"answered, right": GOOD, "declined, right": "#9cc5a8", "declined, answerable": "#e3b3ae", "wrong": BAD}
    below = np.zeros(len(bins))
    for kind, colour in kinds.items():
        share = np.array([np.mean([_kind(ordered[at]) == kind for at in one]) for one in bins])
        axes.bar(range(len(bins)), share, 0.86, bottom=below, color=colour, label=kind)
        below += share
    edges = [f"{ordered[one[0]].support + 0.0:.2f}" if len(one) else "" for one in bins]
    axes.set_xticks(np.arange(len(bins)) - 0.43, edges, size=8)
    axes.set(ylim=(0, 1), xlabel="support, from", ylabel="share of questions")
    axes.legend(frameon=False, ncols=2, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))


def _kind(one: QuestionRun) -> str:
    if one.declined:
        return "declined, right" if one.unanswerable else "declined, answerable"
    return "answered, right" if not one.unanswerable and one.scores.get("right", 1) else "wrong"


def _risk(axes: Axes, lines: Mapping[str, Sequence[tuple[float, str]]]) -> None:
    """Risk over coverage: answer only the questions of most support, and see which share of the answers is wrong.

    A line ends where the threshold of today ends it: what the answers to declined questions would be is not known.
    """
    for number, (label, points) in enumerate(lines.items()):
        answered = [kind for _, kind in sorted(points, reverse=True) if not kind.startswith("declined")]
        wrong, count = np.cumsum([kind == "wrong" for kind in answered]), np.arange(1, len(answered) + 1)
        axes.plot(count / len(points), wrong / np.maximum(count, 1), color=(NOW, BAD)[number], label=label)
    axes.set(xlim=(0, 1), xlabel="share of questions answered, those of most support first")
    axes.set_ylim(0, max(0.1, axes.get_ylim()[1]))
    axes.set_ylabel("share of these answers that is wrong")
    axes.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1))


def _figure(width: float, height: float) -> Figure:
    """An empty picture; without pyplot, so that no window system is looked for."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), layout="constrained")


def _saved(figure: Figure, path: Path) -> Path:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DOTS)
    return path
