"""A port's docstring is its contract: every sentence of it is the sentence of some test here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PORTS = HERE.parent.parent / "corpus" / "ports.py"


def sentences(docstring: str) -> list[str]:
    return re.split(r"(?<=[.]) (?=[A-Z`])", " ".join(docstring.split()))


def promised(source: str) -> Iterator[tuple[str, str]]:
    """(port.method, sentence) of every method of every protocol."""
    for port in ast.parse(source).body:
        if isinstance(port, ast.ClassDef) and any(
            isinstance(base, ast.Name) and base.id == "Protocol" for base in port.bases
        ):
            for method in port.body:
                if isinstance(method, ast.FunctionDef):
                    yield from (
                        (f"{port.name}.{method.name}", one) for one in sentences(ast.get_docstring(method) or "")
                    )


def proved() -> set[str]:
    found: set[str] = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.update(sentences(ast.get_docstring(node) or ""))
    return found


def test_every_sentence_of_a_port_has_its_test() -> None:
    """No sentence of ports.py is without a test of the same words."""
    tested = proved()

    assert [(where, one) for where, one in promised(PORTS.read_text("utf-8")) if one not in tested] == []


def test_a_sentence_without_a_test_would_be_found() -> None:
    """A promise that nobody tests is reported with the method that makes it."""
    source = 'class Oven(Protocol):\n    def bake(self) -> None:\n        """Bakes. Never burns."""\n'

    assert list(promised(source)) == [("Oven.bake", "Bakes."), ("Oven.bake", "Never burns.")]
    assert "Never burns." not in proved()
