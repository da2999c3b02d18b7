"""Fuzz every extractor and the chunker, longer than the suite does: `make fuzz`, or one of them by name.

    python -m bench.fuzz SECONDS [NAME …]

Each has a process of its own with so many seconds. atheris, where it is installed, sees which changes reach new code;
else they are made at random. What breaks is written to `fuzz-found/`; mend it, and keep it in `tests/data/fuzz`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.laws.fuzzing import SAMPLES, ZIPPED, Change, check, mutated, mutated_part, tight

FOUND = Path("fuzz-found")
MEGABYTES = 2048
SLOW_SECONDS = 20
KINDS = ("flip", "cut", "splice", "repeat")
WORDS = (
    b"<",
    b">",
    b'"',
    b"\0",
    b"&#0;",
    b"]]>",
    b"<<",
    b"(",
    b"-1",
    b"9" * 30,
    b"\r\n\r\n",
    b"\xed\xa0\x80",
    b"%PDF-",
)


def document(name: str, samples: list[bytes], chance: random.Random) -> bytes:
    """A damaged document; of a zipped one mostly with one damaged part in a whole archive."""
    changes = [
        Change(
            chance.choice(KINDS),  # type: ignore[arg-type]  # one of the four
            chance.randrange(2**16),
            min(64, int(chance.expovariate(0.2))),
            chance.choice(WORDS) if chance.random() < 0.5 else chance.randbytes(chance.randrange(8)),
        )
        for _ in range(chance.randint(1, 6))
    ]
    sample = chance.choice(samples)
    if name in ZIPPED and chance.random() < 0.8:
        return mutated_part(sample, chance.randrange(100), changes)
    return mutated(sample, changes)


def tried(name: str, data: bytes, limits: int) -> None:
    """Check one document; what breaks is kept in a file."""
    begun = time.process_time()
    try:
        check(name, data, tight(limits))
        if time.process_time() - begun > SLOW_SECONDS:
            raise TimeoutError(f"it took more than {SLOW_SECONDS} seconds")  # noqa: TRY301 -- as any other finding
    except BaseException as error:
        FOUND.mkdir(exist_ok=True)
        path = FOUND / f"{name}-{type(error).__name__}-{hashlib.sha256(data).hexdigest()[:8]}"
        path.write_bytes(data)
        print(f"{path} (limits {limits}):\n{traceback.format_exc()}", flush=True)
        raise


def at_random(name: str, seconds: float) -> None:
    samples, chance, end, count = SAMPLES[name](), random.Random(), time.monotonic() + seconds, 0  # noqa: S311 -- damage
    while time.monotonic() < end:
        tried(name, document(name, samples, chance), chance.randrange(7))
        count += 1
    print(f"{name}: {count} documents at random, none of which broke anything", flush=True)


def by_atheris(name: str, seconds: float) -> None:
    """Have libFuzzer choose the changes: those of a sample, or in every fourth case the bytes themselves."""
    import atheris  # noqa: PLC0415 -- not installed everywhere

    with atheris.instrument_imports(include=["ingest", "docx", "pptx", "openpyxl", "pypdf", "email", "csv"]):
        from ingest.extractors import EXTRACTORS  # noqa: PLC0415
    samples = SAMPLES[name]()

    def one(data: bytes) -> None:
        if len(data) > 4 and data[0] % 4 == 0:
            tried(name, data[1:], data[0] // 4 % 7)
        else:
            tried(name, document(name, samples, random.Random(data)), (data or b"\0")[0] % 7)  # noqa: S311

    assert EXTRACTORS
    arguments = [f"-max_total_time={seconds:.0f}", f"-rss_limit_mb={MEGABYTES}", "-timeout=60", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *arguments, "-print_final_stats=1", f"-artifact_prefix={FOUND}/{name}-"], one)
    atheris.Fuzz()


def main() -> None:
    seconds, names = float(sys.argv[1]), sys.argv[2:]
    if "--here" in names:
        way: Callable[[str, float], None] = by_atheris if importlib.util.find_spec("atheris") else at_random
        way(names[0], seconds)
        return
    broken = []
    FOUND.mkdir(exist_ok=True)
    for name in names or SAMPLES:
        command = [sys.executable, "-m", "bench.fuzz", str(seconds), name, "--here"]
        print(f"## {name}", flush=True)
        if subprocess.run(command, check=False, preexec_fn=lambda: os.nice(10)).returncode:
            broken.append(name)
    print(f"broken: {', '.join(broken) or 'nothing'}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
