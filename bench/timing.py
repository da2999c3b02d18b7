"""Timing two ways of doing the same, turn by turn, so that whatever else the machine does hits both alike."""

from __future__ import annotations

import gc
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def interleaved(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each way, over rounds in which each has its turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            begun = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def peers_python() -> Path:
    """Return the interpreter of the environment that other products have to themselves, made by the first run."""
    root = Path(__file__).parent.parent
    python = root / ".venv" / "peers" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        needed = root / "requirements" / "peers.txt"
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(needed)]
        subprocess.run(install, check=True)
    return python


def machine() -> str:
    """Return what this was measured on."""
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def row(what: str, value: float, bar: float | None, *, most: bool = False) -> str:
    """Return a line of a table: what was measured, the ratio, the bar (`most`: not above), and if it was met."""
    if bar is None:
        return f"| {what} | {value:.2f} | report | |"
    met = value <= bar if most else value >= bar
    return f"| {what} | {value:.2f} | {'≤' if most else '≥'} {bar:g} | {'met' if met else '**missed**'} |"


HEAD = "| what | measured | bar | |\n|---|---|---|---|"
