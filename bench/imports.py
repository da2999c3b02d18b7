"""How long it takes to import the library and to see `footnote --help`, against a Python that does nothing.

python -m bench.imports
"""

from __future__ import annotations

import subprocess
import sys

from bench.timing import interleaved, machine

ROUNDS = 15
HEAVY = (
    "numpy",
    "onnxruntime",
    "pypdf",
    "pypdfium2",
    "tiktoken",
    "fastapi",
    "sqlite3",
    "Stemmer",
    "rich.progress",
    "openai",
)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


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


if __name__ == "__main__":
    main()
