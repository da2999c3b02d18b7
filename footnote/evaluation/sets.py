"""Labelled sets: documents, questions, and what is right. `docs/evaluation.md` describes their two forms."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from corpus.errors import ConfigError
from footnote.commands.files import files
from footnote.evaluation.metrics import PagePlace, Place

_T = TypeVar("_T")
SHORT_ANSWER = 60
"""Characters of a labelled answer that may be expected to stand in an answer as it is; a longer one is prose."""
_GOLDEN = {
    "id",
    "question",
    "document",
    "page",
    "quote",
    "answer",
    "unanswerable",
    "after",
    "said",
    "kind",
    "standalone",
    "note",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known of its right answer; what is not known is empty.

    `grades` say how right a document is, `spans` which characters of the source files, `pages` which pages, `quotes`
    which words are to be found, `answers` one of which words an answer holds, `prose` what it says at length.
    """

    id: str
    text: str
    grades: Mapping[str, int]
    spans: tuple[Place, ...] = ()
    pages: tuple[PagePlace, ...] = ()
    quotes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    prose: str = ""
    unanswerable: bool = False

    @property
    def labelled(self) -> bool:
        """Whether anything can be said of what is found or answered."""
        right = (self.grades, self.spans, self.pages, self.quotes, self.answers, self.prose, self.unanswerable)
        return any(right)


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Documents by file name, the name each has in the labels, and the questions."""

    name: str
    files: Mapping[str, bytes]
    names: Mapping[str, str]
    questions: tuple[Question, ...]

    @property
    def fingerprint(self) -> str:
        """What tells these questions, with their labels, from all others."""
        told = [
            [one.id, one.text, sorted(one.grades.items()), one.spans, one.pages, one.quotes, one.answers, one.prose]
            for one in sorted(self.questions, key=lambda one: one.id)
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def read_set(path: Path, documents: Path | None = None) -> LabelledSet:
    """Return the set in a folder, or that of a golden file over the documents of a folder.

    Raises `ConfigError` that names the file, and where there is one the line, with what is wrong.
    """
    found = _of_folder(path) if path.is_dir() else _golden(path, documents)
    unknown = {name for one in found.questions for name in one.grades} - set(found.names.values())
    if unknown:
        raise ConfigError(f"{path}: the labels name {min(unknown)}, which is not among the documents.")
    if not found.questions:
        raise ConfigError(f"{path} holds no question that is labelled.")
    if len({one.id for one in found.questions}) < len(found.questions):
        raise ConfigError(f"{path}: two questions have the same id.")
    return found


def _golden(path: Path, documents: Path | None) -> LabelledSet:
    if documents is None or not documents.is_dir():
        raise ConfigError(f"{path} is about the documents of a folder.", hint="Name it: --documents DIR.")
    return LabelledSet(path.stem, *_documents(documents), tuple(_each(path, _golden_question)))


def _golden_question(row: dict[str, Any]) -> Question:
    """A line of a golden file; raises `ValueError` with what is wrong with it."""
    if row.keys() - _GOLDEN:
        raise ValueError(f'"{min(row.keys() - _GOLDEN)}" is none of {", ".join(sorted(_GOLDEN))}')
    text = row["question"]
    if row.get("after"):
        if "standalone" not in row:
            raise ValueError('a question with "after" says in "standalone" what it means by itself')
        text = row["standalone"]
    names = _texts(row, "document")
    page = row.get("page")
    if page is not None and not (type(page) is int and len(names) == 1):
        raise ValueError('"page" is a number, beside one "document"')
    unanswerable = row.get("unanswerable", False)
    found = Question(
        id=str(row["id"]),
        text=text,
        grades=dict.fromkeys(names, 1),
        pages=((names[0], page),) if page is not None else (),
        quotes=_texts(row, "quote"),
        answers=_texts(row, "answer"),
        unanswerable=unanswerable,
    )
    if not isinstance(text, str) or not isinstance(unanswerable, bool):
        raise TypeError('"question" and "standalone" are texts, and "unanswerable" is true or false')
    if not found.labelled or (unanswerable and (names or found.quotes or found.answers)):
        raise ValueError('a question has "document", "quote" or "answer", or else "unanswerable"')
    return found


def _texts(row: dict[str, Any], field: str) -> tuple[str, ...]:
    """A field that is a text, or a list of them, or not there."""
    given = row.get(field, [])
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else (None,)
    if not all(isinstance(one, str) and one.strip() for one in found):
        raise ValueError(f'"{field}" is a text, or a list of texts')
    return found


def _of_folder(folder: Path) -> LabelledSet:
    documents = _documents(folder) if _rows(folder) else _documents(folder / "docs")
    questions = _labelled(folder, list(_each(folder / "queries.jsonl", _query)))
    return LabelledSet(folder.resolve().name, *documents, tuple(one for one in questions if one.labelled))


def _documents(folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """The documents of a folder by file name, whether files or lines of a corpus, and their names in the labels."""
    rows = _rows(folder)
    if rows is None:
        contents = _contents(folder)
        return contents, {name: name for name in contents}
    corpus = list(_each(rows, lambda row: (str(row["_id"]), f"{row.get('title') or ''}\n{row['text']}".encode())))
    contents = {f"{n:05}.txt": text for n, (_, text) in enumerate(corpus)}
    return contents, {f"{n:05}.txt": name for n, (name, _) in enumerate(corpus)}


def _rows(folder: Path) -> Path | None:
    """The corpus of a folder whose documents are lines."""
    return next((path for path in (folder / "corpus.jsonl.gz", folder / "corpus.jsonl") if path.exists()), None)


def _query(row: dict[str, Any]) -> Question:
    """A line of `queries.jsonl`, yet without labels. Beside a `long_answer`, `answer` is a verdict and in no text."""
    answer, prose = row.get("answer") or "", row.get("long_answer") or ""
    given = (answer,) if isinstance(answer, str) and answer else tuple(answer)
    short = tuple(one for one in given if len(one) <= SHORT_ANSWER) if not prose else ()
    return Question(
        id=str(row["_id"]),
        text=row["text"],
        grades={},
        answers=short,
        prose=prose or ("" if short else " ".join(given)),
        unanswerable=bool(row.get("unanswerable")),
    )


def _labelled(folder: Path, questions: Sequence[Question]) -> Iterator[Question]:
    """Yield the questions with the labels that lie beside them."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    spans: dict[str, list[Place]] = defaultdict(list)
    pages: dict[str, list[PagePlace]] = defaultdict(list)
    if (folder / "qrels.tsv").exists():
        for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
            question, name, grade = line.split("\t")
            grades[question][name] = int(grade)
    if (folder / "spans.jsonl").exists():
        for name, span in _each(folder / "spans.jsonl", lambda row: (row["query-id"], _span(row))):
            spans[name].append(span)
    if (folder / "pages.jsonl").exists():
        for name, page in _each(folder / "pages.jsonl", lambda row: (row["query-id"], (row["doc"], row["page"]))):
            pages[name].append(page)
    for one in questions:
        mine = grades[one.id] or dict.fromkeys(
            [*(name for name, _, _ in spans[one.id]), *(name for name, _ in pages[one.id])], 1
        )
        wanted = {name: grade for name, grade in mine.items() if grade > 0}
        yield replace(one, grades=wanted, spans=tuple(spans[one.id]), pages=tuple(pages[one.id]))


def _span(row: dict[str, Any]) -> Place:
    return row["doc"], row["start"], row["end"]


def _contents(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in files([folder], folder) if folder.is_dir() else ():
        if path.name in found:
            raise ConfigError(f"{folder} holds two files called {path.name}, and labels could mean either.")
        found[path.name] = path.read_bytes()
    if not found:
        raise ConfigError(f"There are no documents in {folder}.")
    return found


def _each(path: Path, read: Callable[[dict[str, Any]], _T]) -> Iterator[_T]:
    """Yield what is read from each line of a file of JSON lines."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read(f"{path}, line {number}", line, read)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error


def _read(where: str, line: str, read: Callable[[dict[str, Any]], _T]) -> _T:
    try:
        return read(json.loads(line))
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{where}: a field is missing or of another kind: {error}.") from error
    except ValueError as error:
        raise ConfigError(f"{where}: {error}.") from error
