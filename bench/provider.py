"""How much of a provider's allowance is used, and how much is bought twice: 10,000 chunks against a double of one.

    python -m bench.provider

The double is a process of its own on loopback with caps of requests and of tokens. Its minute has six seconds, so that
what takes a minute here would take ten; nothing else is shortened. It refuses what is beyond a cap, as a provider does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.timing import HEAD, machine, row
from footnote.connect import Footnote, connect
from footnote.settings import Settings

DOCUMENTS = 100
PARAGRAPHS = 100
MINUTE = 6.0
REQUESTS = 45
TOKENS = 420_000


def text(number: int) -> str:
    """A document of about 100 chunks, each different from all others."""
    says = "The members decide on case {n}-{m}-{k}, and the board carries it out within {k} weeks at most. "
    return "\n\n".join(
        "".join(says.format(n=number, m=paragraph, k=k) for k in range(18)) for paragraph in range(PARAGRAPHS)
    )


@contextmanager
def provider() -> Iterator[str]:
    """Run the double, and yield its address."""
    command = ["--requests", str(REQUESTS), "--tokens", str(TOKENS), "--minute", str(MINUTE), "--latency", "0.05"]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.provider", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


def ingested(footnote: Footnote) -> tuple[int, int, float]:
    """Ingest everything; return how many chunks there are, how many documents failed, and how long it took."""
    scope = footnote.local_scope()
    for number in range(DOCUMENTS):
        footnote.uploads.put(scope, f"d{number}", f"minutes-{number}.txt", text(number).encode())
    begun = time.monotonic()
    while footnote.ingestor.drain(footnote.queue):
        pass
    took = time.monotonic() - begun
    records = [footnote.documents.get(f"d{number}") for number in range(DOCUMENTS)]
    chunks = sum(live.chunk_count for one in records if one for live in one.live.values())
    return chunks, sum(one is None or one.status != "ready" for one in records), took


def main() -> None:
    with provider() as url, tempfile.TemporaryDirectory() as folder:
        environ = {"FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small", "OPENAI_BASE_URL": url}
        with connect(Settings.from_env(environ, home=Path(folder))) as footnote:
            chunks, failed, took = ingested(footnote)
        with urllib.request.urlopen(url) as reply:  # noqa: S310 -- our own double
            stats = json.load(reply)
    span = stats["last"] - stats["first"]
    allowed = {"tokens": TOKENS * (1 + span / MINUTE), "requests": REQUESTS * (1 + span / MINUTE)}
    used = max(stats[name] / allowed[name] for name in allowed)
    print(f"## A provider with caps: {chunks:,} chunks in {DOCUMENTS} documents ({machine()})\n\n{HEAD}")
    print(row("failed documents", failed, 0, most=True))
    print(row("used ÷ what the caps allowed in that time", used, 0.9))
    print(row("embeddings sent ÷ chunks", stats["texts"] / chunks, 1.02, most=True))
    print(
        f"\n{chunks / took:.0f} chunks/s in {took:.0f} s; {stats['requests']} requests, {stats['refused']} of them "
        f"refused; {stats['tokens'] / chunks:.0f} tokens a chunk.\n"
    )


if __name__ == "__main__":
    main()
