"""What a newcomer sees: the README's run is a real one, on the documents and the model that come with the project."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corpus.ports import Limits
from footnote.cli import app
from ingest.extract import Reader
from tests.conftest import MODEL_DIR

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def timeless(text: str) -> str:
    return re.sub(r"\(\d+\.\d s\)", "(… s)", text)


def test_the_readmes_run_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's commands print what the README shows, line for line, and a second run spends nothing."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("FOOTNOTE_MODEL_DIR", str(MODEL_DIR))
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
    assert run("ingest", "sample_docs") == "3 documents unchanged, nothing spent (… s)\n"


def test_the_readmes_targets_and_files_exist() -> None:
    """Every make target that the README names exists."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_house_rules_are_what_their_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running the script beside the sample PDF gives a PDF with the same text, pages, labels and outline."""
    script = ROOT / "sample_docs" / ".make" / "house_rules.py"
    copy = tmp_path / "sample_docs" / ".make"
    copy.mkdir(parents=True)
    (copy / script.name).write_bytes(script.read_bytes())
    subprocess.run([sys.executable, str(copy / script.name)], check=True)

    with Reader(Limits(seconds=30)) as reader:
        made, kept = (
            reader.read(path.read_bytes(), "application/pdf")
            for path in (tmp_path / "sample_docs" / "house-rules.pdf", ROOT / "sample_docs" / "house-rules.pdf")
        )
    assert made == kept
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
