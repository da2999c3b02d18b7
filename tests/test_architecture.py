"""Who may import whom, what may be read where, and how large things may grow, as a walk over the code itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("corpus", "ingest", "search", "lambdas", "footnote")
NOUNS = tuple(
    f"corpus.{one}"
    for one in (
        "model",
        "ways",
        "items",
        "principals",
        "scope",
        "answers",
        "raw_pages",
        "ports",
        "errors",
        "keys",
        "letters",
        "languages",
        "figures",
        "bait",
        "force",
        "words",
        "sentences",
        "texts",
        "uploads",
        "changes",
        "records",
        "allowance",
        "prices",
        "purse",
    )
)
MAY_IMPORT = {
    "corpus/blobs": (*NOUNS, "corpus.blobs", "corpus.aws"),
    "corpus/tables": (*NOUNS, "corpus.tables", "corpus.database", "corpus.aws"),
    "corpus/queues": (*NOUNS, "corpus.queues", "corpus.database", "corpus.aws"),
    "corpus/vectors": (*NOUNS, "corpus.vectors", "corpus.database"),
    "corpus/embedders": (*NOUNS, "corpus.embedders", "corpus.openai_api"),
    "corpus/llms": (*NOUNS, "corpus.llms", "corpus.openai_api"),
    "corpus": NOUNS,
    "ingest": (*NOUNS, "ingest"),
    "search": (*NOUNS, "search"),
    "lambdas": (*NOUNS, "ingest", "search", "lambdas", "footnote.settings", "footnote.connect", "footnote.api"),
    "footnote": ("corpus", "ingest", "search", "footnote", "lambdas.events"),
}
"""By folder, the longest that fits: which of our own modules may be imported there."""

SCOPES = frozenset({"footnote/admission.py", "footnote/connect.py"})
"""Who may say who is asking: only these see to it that a right which ends is noticed while an answer is written."""
SCOPED = "who is asking is made out where it can be made out anew"
SDKS = {
    "numpy": PACKAGES,
    "Stemmer": ("corpus/languages.py",),
    "sqlite3": ("corpus/database.py",),
    "boto3": ("corpus/aws.py",),
    "botocore": ("corpus/aws.py",),
    "mcp": ("footnote/api/mcp_server.py",),
    "mangum": ("lambdas/questions.py",),
    "onnxruntime": ("corpus/embedders/local/",),
    "openai": ("corpus/openai_api.py", "corpus/embedders/openai.py", "corpus/llms/openai.py"),
    "httpx2": ("corpus/openai_api.py",),
    "onnx": ("corpus/embedders/local/build_graph.py",),
    "charset_normalizer": ("ingest/encodings.py",),
    "docx": ("ingest/extractors/docx/",),
    "lxml": ("ingest/extractors/",),
    "openpyxl": ("ingest/extractors/xlsx.py",),
    "pptx": ("ingest/extractors/pptx.py",),
    "py3langid": ("ingest/describe.py",),
    "selectolax": ("ingest/extractors/html/",),
    "stop_words": ("corpus/languages.py",),
    "pypdfium2": ("ingest/extractors/pdf.py", "ingest/ocr.py"),
    "pypdf": ("ingest/extractors/pdf.py",),
    "tiktoken": ("ingest/tokens.py",),
    "numkong": ("corpus/vectors/sqlite/rows.py",),
    "usearch": ("corpus/vectors/sqlite/",),
    "opensearchpy": ("corpus/vectors/opensearch/",),
    "orjson": ("corpus/vectors/opensearch/",),
    "jwt": ("footnote/identity.py",),
    "cryptography": ("footnote/privacy.py",),
    "platformdirs": ("footnote/settings.py",),
    "typer": ("footnote/cli/",),
    "matplotlib": ("footnote/evaluation/plots.py",),
    "rich": ("footnote/commands/",),
    "watchfiles": ("footnote/commands/",),
    "fastapi": ("footnote/api/",),
    "starlette": ("footnote/api/",),
    "pydantic": ("footnote/api/",),
    "prometheus_client": ("footnote/api/",),
    "uvicorn": ("footnote/commands/",),
}
"""Where each package that is not ours (and sqlite3) may be imported: the one adapter or door that is made of it."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MODULE_LINES = 400
FUNCTION_LINES = 50


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text("utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def violations(root: Path) -> list[str]:
    """Every place below `root` that breaks a rule, as "file: what"."""
    return [f"{name}: {what}" for name, tree in modules(root) for what in _of_module(name, tree)]


def _of_module(name: str, tree: ast.Module) -> Iterator[str]:
    yield from _imports_of(name, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and name != "footnote/settings.py":
            yield "the environment is read in footnote/settings.py only"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Scope" and name not in SCOPES:
            yield SCOPED
        if isinstance(node, FUNCTIONS) and _length(node) > FUNCTION_LINES:
            yield f"{node.name} is longer than {FUNCTION_LINES} lines"
    for statement in tree.body:
        if not _harmless(statement):
            yield f"importing it does something, in line {statement.lineno}"
    if tree.body and not ast.get_docstring(tree):
        yield "the module does not say what it is for"
    if tree.body and (tree.body[-1].end_lineno or 0) > MODULE_LINES:
        yield f"the module is longer than {MODULE_LINES} lines"


def _imports_of(name: str, tree: ast.Module) -> Iterator[str]:
    allowed = next(MAY_IMPORT[folder] for folder in _folders(name) if folder in MAY_IMPORT)
    for module in imports(tree):
        top = module.split(".")[0]
        if module.startswith("."):
            yield "imports are absolute"
        elif top in PACKAGES:
            if not any(f"{module}.".startswith(f"{one}.") for one in allowed):
                yield f"may not import {module}"
        elif top in SDKS:
            if not any(name == place or name.startswith(place.rstrip("/") + "/") for place in SDKS[top]):
                yield f"{top} has its own place: {', '.join(SDKS[top])}"
        elif top not in sys.stdlib_module_names:
            yield f"{top} has no place in SDKS"


def _folders(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    yield from ("/".join(parts[:n]) for n in range(len(parts), 0, -1))


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or 0) - first.lineno + 1


def _harmless(statement: ast.stmt) -> bool:
    """Imports, definitions, constants and sentences; a condition only for types or for running as a script."""
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) in {"TYPE_CHECKING", "__name__ == '__main__'"}
    kinds = (ast.Import, ast.ImportFrom, *FUNCTIONS, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return isinstance(statement, kinds) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def test_the_product_keeps_its_rules() -> None:
    """The product's own code breaks none of the rules."""
    assert violations(ROOT) == []


LONG = "\n".join(["def long() -> None:", '    """Long."""', *["    print()"] * 51])


@pytest.mark.parametrize(
    ("name", "code", "complaint"),
    [
        ("ingest/a.py", "import search.retrieve", "may not import search.retrieve"),
        ("search/a.py", "from ingest import chunk", "may not import ingest.chunk"),
        ("corpus/a.py", "import ingest.chunk", "may not import ingest.chunk"),
        ("corpus/tables/a.py", "import corpus.queues.sqlite", "may not import corpus.queues.sqlite"),
        ("search/a.py", "import corpus.vectors.sqlite", "may not import corpus.vectors.sqlite"),
        ("ingest/a.py", "def f() -> None:\n    import footnote.settings", "may not import footnote.settings"),
        ("lambdas/a.py", "import footnote.cli", "may not import footnote.cli"),
        ("corpus/a.py", "from . import model", "imports are absolute"),
        ("search/a.py", "import sqlite3", "sqlite3 has its own place: corpus/database.py"),
        (
            "corpus/tables/a.py",
            "from botocore.exceptions import ClientError",
            "botocore has its own place: corpus/aws.py",
        ),
        ("footnote/a.py", "from pypdf import PdfReader", "pypdf has its own place: ingest/extractors/pdf.py"),
        ("ingest/a.py", "import leftpad", "leftpad has no place in SDKS"),
        ("ingest/a.py", "import os\nHOME = os.environ['HOME']", "the environment is read in footnote/settings.py only"),
        ("corpus/a.py", "import os\nHOME = os.getenv('HOME')", "the environment is read in footnote/settings.py only"),
        ("footnote/api/a.py", "def f() -> None:\n    Scope('ann')", SCOPED),
        ("corpus/a.py", "print('hello')", "importing it does something, in line 2"),
        ("corpus/a.py", "for _ in range(3):\n    pass", "importing it does something, in line 2"),
        ("corpus/a.py", LONG, "long is longer than 50 lines"),
        ("corpus/a.py", "A = 1\n" * 400, "the module is longer than 400 lines"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, name: str, code: str, complaint: str) -> None:
    """Each rule, broken on purpose, is reported with the file that breaks it."""
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(f'"""Planted."""\n{code}\n', "utf-8")

    assert f"{name}: {complaint}" in violations(tmp_path)


def test_a_module_without_a_sentence_is_found(tmp_path: Path) -> None:
    """A module that does not say what it is for is reported."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.py").write_text("A = 1\n", "utf-8")

    assert violations(tmp_path) == ["corpus/a.py: the module does not say what it is for"]


AUDIT = """
import sys
SEEN = []
def hook(event, args):
    if event == "socket.bind" and args[1] == ("::1", 0):
        return  # urllib3 asks the system whether it knows IPv6
    if event in {"socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir", "os.remove"}:
        SEEN.append((event, str(args)))
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        SEEN.append((event, str(args)))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
print(SEEN)
"""


def test_importing_every_module_touches_nothing() -> None:
    """Importing all of the product opens no socket, starts no process and writes no file."""
    names = [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name, _ in modules(ROOT)]
    names.remove("corpus.embedders.local.build_graph")  # its package is a developer's, not a user's

    done = subprocess.run([sys.executable, "-c", AUDIT, *names], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
