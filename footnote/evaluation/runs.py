"""What came of a run: a record for each question, the means over a set, and the file in which a run is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import ConfigError
from footnote.evaluation.metrics import Scores, auroc

FORM = 1
"""Of the file; one that says otherwise is not read."""
HEADLINES = (
    "ndcg@5",
    "ndcg@10",
    "char_recall@5",
    "iou@5",
    "page_recall@5",
    "quote_recall@5",
    "contains",
    "right",
    "declined",
    "lost",
    "citations_resolve",
    "citations_right",
)
"""The measures that decide whether a run is worse than another."""
LOWER_IS_BETTER = frozenset({"lost"})


@dataclass(frozen=True, slots=True)
class QuestionRun:
    """What was found and answered: the first ten hits as [name, start, end, page], and how long both took."""

    id: str
    question: str
    unanswerable: bool
    support: float
    type: str
    answer: str
    scores: Scores
    found: list[tuple[str, int, int, int]]
    search_seconds: float
    ask_seconds: float
    citations: int = 0
    signals: dict[str, float] = field(default_factory=dict)
    """What the support is made of, by name."""

    @property
    def declined(self) -> bool:
        """Whether the answer is that there is none."""
        return self.type == "not_found"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A question of another set, which should have been declined."""

    id: str
    support: float
    declined: bool


@dataclass(frozen=True, slots=True)
class SetRun:
    """What came of a set. `recipes` say how its documents were read and cut, `space` how they were embedded."""

    fingerprint: str
    documents: int
    chunks: int
    rejected: list[str]
    unplaced: list[str]
    recipes: list[str]
    space: str
    questions: list[QuestionRun]
    foreign: dict[str, list[Foreign]] = field(default_factory=dict)

    def values(self, metric: str) -> dict[str, float]:
        """Return a measure's value for each question that has one."""
        return {one.id: one.scores[metric] for one in self.questions if metric in one.scores}

    def means(self) -> dict[str, tuple[float, int]]:
        """Return each measure's mean, and over how many questions that is."""
        known = dict.fromkeys(name for one in self.questions for name in one.scores)
        found = {name: self.values(name) for name in known}
        return {name: (float(np.mean(list(values.values()))), len(values)) for name, values in found.items()}

    def answerable(self) -> list[float]:
        """Return the support of each question that can be answered."""
        return [one.support for one in self.questions if not one.unanswerable]

    def declining(self) -> dict[str, tuple[int, float, float | None]]:
        """Return by set of questions that should be declined, "" for its own: how many, the share, and the AUROC.

        The last is that of the support of questions that can be answered over theirs; None if there are none.
        """
        own = [Foreign(one.id, one.support, one.declined) for one in self.questions if one.unanswerable]
        above = self.answerable()
        return {
            name: (
                len(asked),
                float(np.mean([one.declined for one in asked])),
                auroc(above, [one.support for one in asked]) if above else None,
            )
            for name, asked in {"": own, **self.foreign}.items()
            if asked
        }

    def seconds(self) -> dict[str, tuple[float, float]]:
        """Return the median and the 95 % quantile of the seconds of `search` and of `ask`."""
        taken = {
            "search": [one.search_seconds for one in self.questions],
            "ask": [one.ask_seconds for one in self.questions],
        }
        return {name: (float(np.quantile(all_, 0.5)), float(np.quantile(all_, 0.95))) for name, all_ in taken.items()}


@dataclass(frozen=True, slots=True)
class Run:
    """Sets that were measured together, with what may explain the figures."""

    footnote: str
    date: str
    machine: str
    settings: dict[str, str]
    sets: dict[str, SetRun]


def write(path: Path, run: Run) -> None:
    """Keep a run; what follows from its questions is written out as well, for whoever reads it without this code."""
    told = asdict(run)
    for name, one in run.sets.items():
        told["sets"][name]["summary"] = _summary(one)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_lines({"form": FORM, **_rounded(told)}) + "\n", "utf-8")


def read(path: Path) -> Run:
    """Return a run that was kept; raises `ConfigError` if the file holds none."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told.pop("form") != FORM:
            raise ConfigError(f"{path} is of another form than this version writes.", hint="Measure it anew.")
        sets = {name: _set(one) for name, one in told.pop("sets").items()}
        return Run(sets=sets, **told)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no run that `footnote eval --out` wrote.") from error


def _set(told: dict[str, Any]) -> SetRun:
    told.pop("summary")
    questions = [
        QuestionRun(**{**one, "found": [tuple(place) for place in one["found"]]}) for one in told.pop("questions")
    ]
    foreign = {name: [Foreign(**one) for one in asked] for name, asked in told.pop("foreign").items()}
    return SetRun(questions=questions, foreign=foreign, **told)


def _summary(one: SetRun) -> Mapping[str, Any]:
    return {
        "means": {name: mean for name, (mean, _) in one.means().items()},
        "declining": {name or "own": figures for name, figures in one.declining().items()},
        "seconds": one.seconds(),
    }


def _lines(value: Any) -> str:
    """JSON with a line for each question, so that two runs can be held side by side."""
    if isinstance(value, dict) and any(isinstance(one, (dict, list)) for one in value.values()):
        return "{\n" + ",\n".join(f"{json.dumps(name)}: {_lines(one)}" for name, one in value.items()) + "\n}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def _rounded(value: Any) -> Any:
    """The same with numbers short enough to read, and exact enough to compare."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_rounded(one) for one in value]
    return value
