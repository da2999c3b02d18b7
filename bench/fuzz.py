"""Fuzz every extractor and the chunker, longer than the suite does: `make fuzz`, or one of them by name.

    python -m bench.fuzz SECONDS [NAME …]

Each has a process of its own with so many seconds. atheris, where it is installed, sees which changes reach new code;
else they are made at random. What breaks is written to `fuzz-found/`; mend it, and keep it in `tests/data/fuzz`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import os
import random
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

FOUND = Path("fuzz-found")
MEGABYTES = 2048
SLOW_SECONDS = 20
NAMES = ("pdf", "docx", "xlsx", "pptx", "html", "eml", "csv", "jsonl", "markdown", "text")
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


def document(fuzzing: ModuleType, name: str, samples: list[bytes], chance: random.Random) -> bytes:
    """A damaged document; of a zipped one mostly with one damaged part in a whole archive."""
    changes = [
        fuzzing.Change(
            chance.choice(KINDS),
            chance.randrange(2**16),
            min(64, int(chance.expovariate(0.2))),
            chance.choice(WORDS) if chance.random() < 0.5 else chance.randbytes(chance.randrange(8)),
        )
        for _ in range(chance.randint(1, 6))
    ]
    sample = chance.choice(samples)
    if name in fuzzing.ZIPPED and chance.random() < 0.8:
        return bytes(fuzzing.mutated_part(sample, chance.randrange(100), changes))
    return bytes(fuzzing.mutated(sample, changes))


def tried(fuzzing: ModuleType, name: str, data: bytes, limits: int) -> None:
    """Check one document; what breaks is kept in a file."""
    begun = time.process_time()
    try:
        fuzzing.check(name, data, fuzzing.tight(limits))
        if time.process_time() - begun > SLOW_SECONDS:
            raise TimeoutError(f"it took more than {SLOW_SECONDS} seconds")  # noqa: TRY301 -- as any other finding
    except BaseException as error:
        FOUND.mkdir(exist_ok=True)
        path = FOUND / f"{name}-{type(error).__name__}-{hashlib.sha256(data).hexdigest()[:8]}"
        path.write_bytes(data)
        print(f"{path} (limits {limits}):\n{traceback.format_exc()}", flush=True)
        raise


def at_random(name: str, seconds: float) -> None:
    from tests.laws import fuzzing  # noqa: PLC0415 -- where atheris is at work, it has to watch this import

    samples, chance, end, count = fuzzing.SAMPLES[name](), random.Random(), time.monotonic() + seconds, 0  # noqa: S311
    while time.monotonic() < end:
        tried(fuzzing, name, document(fuzzing, name, samples, chance), chance.randrange(7))
        count += 1
    print(f"{name}: {count} documents at random, none of which broke anything", flush=True)


def by_atheris(name: str, seconds: float) -> None:
    """Have libFuzzer choose the changes: those of a sample, or in every fourth case the bytes themselves."""
    import atheris  # noqa: PLC0415 -- not installed everywhere

    with atheris.instrument_imports(include=["ingest", "docx", "pptx", "openpyxl", "pypdf", "email", "csv"]):
        for parser in ("docx.package", "pptx.package", "openpyxl", "pypdf"):
            importlib.import_module(parser)
        from tests.laws import fuzzing  # noqa: PLC0415
    samples = fuzzing.SAMPLES[name]()

    def one(data: bytes) -> None:
        if len(data) > 4 and data[0] % 4 == 0:
            tried(fuzzing, name, data[1:], data[0] // 4 % 7)
        else:
            made = document(fuzzing, name, samples, random.Random(data))  # noqa: S311 -- damage
            tried(fuzzing, name, made, (data or b"\0")[0] % 7)

    seeds = FOUND / "seeds" / name
    seeds.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples):
        (seeds / str(number)).write_bytes(b"\x18" + sample)
    limits = [f"-max_total_time={seconds:.0f}", f"-rss_limit_mb={MEGABYTES}", "-timeout=60", "-max_len=100000"]
    told = ["-verbosity=0", "-print_final_stats=1", f"-artifact_prefix={FOUND}/{name}-", str(seeds)]
    atheris.Setup([sys.argv[0], *limits, *told], one)
    atheris.Fuzz()


def main() -> None:
    seconds, names = float(sys.argv[1]), sys.argv[2:]
    if "--here" in names:
        logging.disable()  # pypdf tells of all that it mends
        warnings.simplefilter("ignore")
        way: Callable[[str, float], None] = by_atheris if importlib.util.find_spec("atheris") else at_random
        way(names[0], seconds)
        return
    broken = []
    FOUND.mkdir(exist_ok=True)
    for name in names or NAMES:
        command = [sys.executable, "-m", "bench.fuzz", str(seconds), name, "--here"]
        print(f"## {name}", flush=True)
        if subprocess.run(command, check=False, preexec_fn=lambda: os.nice(10)).returncode:
            broken.append(name)
    print(f"broken: {', '.join(broken) or 'nothing'}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
