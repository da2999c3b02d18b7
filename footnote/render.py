"""What is shown and sent: records, hits and answers as JSON with the names of the data model, and as lines to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.answers import Answer, Citation, Sentence
from corpus.model import Document, Hit, Page, Reason
from corpus.records.conversations import citation_data
from corpus.records.documents import data_of, reason_data
from corpus.records.jobs import Job, Progress, progress_data
from corpus.records.recall import Recall
from corpus.records.spend import Cost, cost_data
from corpus.records.tenants import Caps

UNPAGED = ""
MINUTE = 60


def hit_data(hit: Hit) -> dict[str, Any]:
    """Return a hit as it is sent."""
    return {
        "chunkId": hit.chunk_id,
        "documentId": hit.generation.document_id,
        "fileName": hit.file_name,
        "pageNumber": hit.page,
        "section": hit.section,
        "startPosition": hit.start,
        "endPosition": hit.end,
        "score": round(hit.score, 6),
        "tableHeader": hit.header,
        "content": hit.content,
    }


def sentence_data(sentence: Sentence) -> dict[str, Any]:
    """Return a sentence as it is sent while the answer is written."""
    return {"text": sentence.text, "citations": [citation_data(one) for one in sentence.citations]}


def answer_data(answer: Answer) -> dict[str, Any]:
    """Return an answer as it is sent."""
    return {
        "type": answer.type,
        "text": answer.text,
        "citations": [citation_data(one) for one in answer.citations],
        "notes": list(answer.notes),
        "asOf": answer.as_of or None,
    }


def document_data(document: Document) -> dict[str, Any]:
    """Return a document's record as it is sent."""
    return {**data_of(document), "updatedAt": document.updated_at}


def page_data(page: Page) -> dict[str, Any]:
    """Return a line of the page ledger as it is sent; `problem` is "" for a page that was read."""
    return {
        "pageNumber": page.number,
        "pageLabel": page.label,
        "characters": page.end - page.start,
        "method": page.method,
        "confidence": page.confidence,
        "problem": page.problem,
    }


def page_text_data(document: Document, page: Page, text: str) -> dict[str, Any]:
    """Return the text of a page as it is sent: of the version that answers, with its place in the document's text."""
    return {
        **page_data(page),
        "documentId": document.document_id,
        "startPosition": page.start,
        "endPosition": page.end,
        "text": text[page.start : page.end],
    }


def document_with_progress(document: Document, job: Job | None) -> dict[str, Any]:
    """Return a document's record with the progress of its job, which is null once nothing is left to do."""
    return {**document_data(document), "progress": job_data(job) if job and job.unfinished else None}


def job_data(job: Job) -> dict[str, Any]:
    """Return how far an unfinished job is, as it is sent; `error` is why the attempt before failed, if it did."""
    return {
        **progress_data(job.progress),
        "percent": job.progress.percent,
        "attempt": job.attempt,
        "error": reason_data(job.error) if job.error else None,
    }


def spend_data(month: str, whole: Cost, days: Mapping[str, Cost], caps: Caps) -> dict[str, Any]:
    """Return what a building spent in a month, and on each of its days, beside its cap, as it is sent."""
    return {
        "month": month,
        **cost_data(whole),
        "costMicrosPerMonth": caps.cost_micros_per_month,
        "days": [{"day": day, **cost_data(cost)} for day, cost in sorted(days.items())],
    }


def exposition(found: Sequence[Recall]) -> str:
    """Return measured recall in the text format of Prometheus."""
    metrics = (
        ("footnote_recall_at_10", "Share of the ten nearest chunks that were found.", [one.share for one in found]),
        ("footnote_recall_questions", "Questions that were asked again.", [one.questions for one in found]),
    )
    lines = []
    for name, about, values in metrics:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{visible="{one.size}"}} {value:g}' for one, value in zip(found, values, strict=True)]
    return "\n".join(lines) + "\n"


def far(progress: Progress) -> str:
    """Return how far a stage is, in words: "640 of 2,000 pages", "12 of 40 chunks, about 2 min left"."""
    if progress.stage == "extract" and progress.total_pages:
        return f"{progress.done_pages:,} of {counted(progress.total_pages, 'page')}"
    if progress.stage == "embed" and progress.chunks:
        left = f", about {lasting(progress.seconds_left)} left" if progress.seconds_left else ""
        return f"{progress.embedded:,} of {counted(progress.chunks, 'chunk')}{left}"
    return ""


def lasting(seconds: float) -> str:
    """Return a time in seconds, to a tenth if it is measured, or minutes, whichever is easier to read."""
    return f"{round(seconds, 1)} s" if seconds < 2 * MINUTE else f"{round(seconds / MINUTE)} min"


def outcome_data(file_name: str, document_id: str, document: Document | None, reason: Reason | None) -> dict[str, Any]:
    """Return the line `ingest --json` prints of a document."""
    return {
        "fileName": file_name,
        "documentId": document_id,
        "status": document.status if document else "error",
        "reason": reason_data(reason) if reason else None,
        "chunks": chunk_count(document) if document else 0,
        "pages": document.page_count if document else 0,
    }


def chunk_count(document: Document) -> int:
    """Return how many chunks of a document answer, in the index that has most."""
    return max((live.chunk_count for live in document.live.values()), default=0)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: "1 page", "3 pages"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def place(citation: Citation) -> str:
    """Return where a citation leads: the file, the page where there are any, the headings."""
    section = f" · {citation.section}" if citation.section else ""
    dated = citation.in_force_from or citation.in_force_until
    return (
        citation.file_name
        + page_in_words(citation.page, citation.page_label)
        + section
        + (f" ({in_force(citation.in_force_from, citation.in_force_until)})" if dated else "")
    )


def page_in_words(number: int, label: str) -> str:
    """Return a page by what is printed on it, ", page 1 (page 2 of the file)"; "" where there are none."""
    if label == UNPAGED:
        return ""
    return f", page {label}" + ("" if label == str(number) else f" (page {number} of the file)")


def in_force(start: str, until: str) -> str:
    """Return in words from when and until when something is in force."""
    if start and until:
        return f"in force from {start} until {until}"
    return f"in force from {start}" if start else f"in force until {until}" if until else "in force without dates"


def at_home(path: Path) -> str:
    """Return a path as people write it: with `~` for their own folder."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def page_count(ranges: Sequence[str]) -> int:
    """Return how many pages there are in ranges like "3-5" and "7"."""
    spans = [one.partition("-") for one in ranges]
    return sum(int(last or first) - int(first) + 1 for first, _, last in spans)
