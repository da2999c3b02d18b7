"""How long it takes to import the library, to see `footnote --help`, and to wake a Lambda handler.

python -m bench.imports
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from bench.timing import HEAD, interleaved, machine

ROUNDS = 15
HEAVY = (
    "numpy",
    "onnxruntime",
    "pypdf",
    "pypdfium2",
    "tiktoken",
    "py3langid",
    "fastapi",
    "sqlite3",
    "Stemmer",
    "rich.progress",
    "openai",
)
REQUIREMENTS = "boto3, opensearchpy, numpy, onnxruntime, pypdfium2, pypdf, tiktoken, fastapi, mangum, openai, Stemmer"
CLOUD = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "FOOTNOTE_BLOBS": "s3:b",
    "FOOTNOTE_QUEUE": "sqs:https://sqs.eu-west-1.amazonaws.com/1/q",
    "FOOTNOTE_TABLE": "dynamodb:table",
    "FOOTNOTE_INDEX": "opensearch:https://x.eu-west-1.es.amazonaws.com",
    "FOOTNOTE_EMBEDDER": "openai:text-embedding-3-small",
    "FOOTNOTE_LLM": "openai:gpt-4o-mini",
    "OPENAI_API_KEY": "x",
    "FOOTNOTE_ISSUER": "https://issuer.example",
    "FOOTNOTE_AUDIENCE": "client",
    "FOOTNOTE_PRIVACY_KEYS": "A" * 43 + "=",
}
HANDLERS = {
    "uploads": ("from lambdas.wired import wired; p = wired(); p.queue; p.ingestor", 0.8),
    "questions": (
        "from lambdas import questions as q; q._application(); p = q.wired(read_only=True); p.index; p.recall_meter",
        0.6,
    ),
    "upkeep": ("from lambdas.wired import wired; import ingest.sweep; p = wired(); p.table; p.queue", None),
}
"""For each handler what its first event imports and opens before it asks anybody anything, and its import's bar."""


def run(code: str) -> str:
    environment = {**os.environ, **CLOUD}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def main() -> None:
    helped = "import sys; sys.argv = ['footnote', '--help']\nfrom footnote.cli import app\napp(standalone_mode=False)"
    ways = {
        "python -c pass": lambda: run("pass"),
        "import footnote": lambda: run("import footnote"),
        "footnote --help": lambda: run(helped),
    }
    taken = interleaved(ways, ROUNDS)
    bare = taken["python -c pass"]
    loaded = run(f"import footnote, sys; print([name for name in {HEAVY} if name in sys.modules])").strip()
    shown = run(f"{helped}\nprint('LOADED', [name for name in {HEAVY} if name in sys.modules])").rpartition("LOADED ")[
        2
    ]
    print(f"## Start ({machine()})\n\n| what | ms | ÷ `python -c pass` | heavy modules loaded |\n|---|---|---|---|")
    print(f"| `python -c pass` | {bare * 1000:.0f} | 1.0 | |")
    for name, heavy in (("import footnote", loaded), ("footnote --help", shown.strip())):
        print(
            f"| `{name}` | {taken[name] * 1000:.0f} | {taken[name] / bare:.1f} | {'none' if heavy == '[]' else heavy} |"
        )
    print()
    handlers()


def handlers() -> None:
    """What a cold start imports, against all requirements at once."""
    ways: dict[str, Callable[[], object]] = {"all requirements": lambda: run(f"import {REQUIREMENTS}")}
    for name, (opened, _) in HANDLERS.items():
        ways[name] = partial(run, f"import lambdas.{name}")
        ways[f"{name}, first event"] = partial(run, f"import lambdas.{name}; {opened}")
    taken = interleaved(ways, 7)
    whole = taken["all requirements"]
    print(
        f"## Cold start of the handlers: importing all requirements takes {whole * 1000:.0f} ms ({machine()})\n\n{HEAD}"
    )
    for name, (_, bar) in HANDLERS.items():
        ratio = taken[name] / whole
        verdict = "report | |" if bar is None else f"≤ {bar} | {'met' if ratio <= bar else '**missed**'} |"
        print(f"| import of `lambdas.{name}` ÷ importing all requirements | {ratio:.2f} | {verdict}")
        first = taken[f"{name}, first event"] / whole
        print(f"| the same, with all that its first event imports and opens | {first:.2f} | report | |")
    print()


if __name__ == "__main__":
    main()
