"""What a newcomer sees: the README's run is a real one, on the documents and the model that come with the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpus.ports import Limits
from footnote.cli import app
from ingest.extract import Reader
from ingest.sniff import sniff
from tests.conftest import MODEL_DIR
from tests.worlds import WITHOUT_OCR

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "sample_docs"
MADE = {script.stem: script for script in SAMPLES.glob(".make/*.py")}
README = (ROOT / "README.md").read_text("utf-8")


def timeless(text: str) -> str:
    return re.sub(r"\(\d+\.\d s\)", "(… s)", text)


def test_the_readmes_run_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's commands print what the README shows, line for line, and a second run spends nothing."""
    monkeypatch.chdir(ROOT)
    for name, value in {**WITHOUT_OCR, "FOOTNOTE_MODEL_DIR": str(MODEL_DIR)}.items():
        monkeypatch.setenv(name, value)
    shown = README.split("```console\n$ make demo\n")[1].split("```")[0]
    questions = re.findall(r'^\t\t"(.+?)"', (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["--home", str(tmp_path), *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return timeless(result.stdout)

    said = run("ingest", "sample_docs")
    for question in questions:
        said += f'\n> footnote ask "{question}"\n' + run("ask", question)

    assert len(questions) == 3
    assert timeless(shown.split(" …\n")[-1]) == said
    assert run("ingest", "sample_docs") == "8 documents unchanged, nothing spent (… s)\n"


def test_the_readmes_targets_and_files_exist() -> None:
    """Every make target that the README names exists."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("script", sorted(MADE))
def test_a_sample_is_what_its_script_writes(tmp_path: Path, script: str) -> None:
    """Each run of the script beside a sample writes the same bytes, and the text, pages and sections of the sample."""
    written = []
    for folder, zone in ((tmp_path / "one", "UTC"), (tmp_path / "two", "Asia/Tokyo")):
        shutil.copytree(MADE[script].parent, folder / ".make")
        subprocess.run(
            [sys.executable, str(folder / ".make" / MADE[script].name)], check=True, env={**os.environ, "TZ": zone}
        )
        (path,) = folder.glob("[a-z]*.*")
        written.append((path.name, path.read_bytes()))

    assert written[0] == written[1]
    name, data = written[0]
    kept = (SAMPLES / name).read_bytes()
    with Reader(Limits(seconds=30)) as reader:
        assert reader.read(data, sniff(data, name).media_type) == reader.read(kept, sniff(kept, name).media_type)


def test_the_pages_of_the_house_rules() -> None:
    """The sample with page labels and an outline is read with both."""
    with Reader(Limits(seconds=30)) as reader:
        kept = reader.read((SAMPLES / "house-rules.pdf").read_bytes(), "application/pdf")
    assert [page.label for page in kept.pages] == ["i", "1", "2", "3"]
    assert len(kept.sections) == 13


def test_the_wheel(tmp_path: Path) -> None:
    """The wheel holds the five packages with their data files, and nothing else."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    top = {name.split("/")[0] for name in names}
    assert {one for one in top if not one.endswith(".dist-info")} == {
        "corpus",
        "ingest",
        "search",
        "lambdas",
        "footnote",
    }
    for data in ("corpus/embedders/local/graph.onnx", "ingest/cl100k_base.tiktoken.gz", "search/thresholds.json"):
        assert data in names
    assert any(name.endswith("licenses/NOTICE") for name in names)
