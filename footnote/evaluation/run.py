"""A set from beginning to end: its documents into a home of their own, its questions to search and to answers.

The home's stores are those of one machine, whatever the settings say: nothing of a set ever comes among the documents
of people. What reads, embeds and answers is what the settings say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from corpus.errors import Unavailable
from corpus.keys import path_document_id
from corpus.scope import Scope
from footnote.commands.managing import documents_of
from footnote.connect import Footnote, connect
from footnote.evaluation.observe import Observer
from footnote.evaluation.runs import SetRun
from footnote.evaluation.sets import LabelledSet
from footnote.settings import Settings

_T = TypeVar("_T")
USER = "eval"


class Counted(Protocol):
    """Goes through things and shows how far it is."""

    def __call__(self, label: str, items: Sequence[_T], /) -> Iterator[_T]:
        """Yield the items."""


def settings_in(home: Path, settings: Settings) -> Settings:
    """Return the settings with every store in this home."""
    there = Settings.from_env({}, home=home)
    return replace(
        settings, home=there.home, blobs=there.blobs, table=there.table, queue=there.queue, index=there.index
    )


def measure(
    settings: Settings,
    labelled: LabelledSet,
    foreign: Sequence[LabelledSet],
    asked_at: float,
    timer: Callable[[], float],
    counted: Counted,
) -> SetRun:
    """Bring the documents of a set into the home of these settings, and ask its questions and those of others.

    They are asked as at a time in seconds, because what is in force then may not be later.

    What is in the home already and did not change costs nothing; what is no longer in the set is removed.
    """
    with connect(settings) as footnote:
        scope = footnote.local_scope(USER)
        ids = {path_document_id(USER, f"{labelled.name}/{name}"): name for name in labelled.files}
        _bring(footnote, scope, labelled, ids, counted)
        observer = Observer(footnote, replace(scope, now=asked_at), labelled, ids, timer)
        unplaced = [one.id for one in labelled.questions if observer.unplaced(one)]
        asked = [observer.ask(one) for one in counted(f"{labelled.name}: asking", labelled.questions)]
        others = {
            other.name: [
                observer.ask_foreign(one)
                for one in counted(f"{labelled.name}: asking {other.name}", other.questions)
                if not one.unanswerable
            ]
            for other in foreign
            if other.name != labelled.name
        }
        documents = footnote.documents.get_many(list(ids))
        live = [one.live[footnote.index.name] for one in documents.values() if one.live_in(footnote.index.name)]
        return SetRun(
            fingerprint=labelled.fingerprint,
            documents=len(live),
            chunks=sum(one.chunk_count for one in live),
            rejected=sorted(ids[one.document_id] for one in documents.values() if one.status == "error"),
            unplaced=unplaced,
            recipes=sorted({one.recipe for one in live}),
            space=str(footnote.embedder.space),
            questions=asked,
            foreign=others,
        )


def _bring(footnote: Footnote, scope: Scope, labelled: LabelledSet, ids: dict[str, str], counted: Counted) -> None:
    """Make the documents of the home those of the set; raises `Unavailable` unless all were read, or rejected."""
    for document in list(documents_of(footnote, scope)):
        if document.document_id not in ids:
            footnote.uploads.remove(scope, document.document_id)
    for document_id, name in counted(f"{labelled.name}: ingesting", list(ids.items())):
        footnote.offer(scope, document_id, name, labelled.files[name])
        while footnote.ingestor.drain(footnote.queue):
            pass
    documents = footnote.documents.get_many(list(ids))
    unready = [name for one, name in ids.items() if documents[one].status not in {"ready", "error"}]
    if unready:
        raise Unavailable(
            f"{len(unready):,} of {len(ids):,} documents could not be ingested for now, {unready[0]} for one.",
            hint="Try again; with --home what is done stays done.",
        )
