"""The documents say what the code does: names that change in one and not in the other fail here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from corpus import bait, errors
from footnote.adapters import ADAPTERS
from footnote.api.app import create_app
from footnote.api.tools import TOOLS
from footnote.cli import app
from footnote.connect import connect
from footnote.settings import SCHEMES, Settings

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def first_cells(page: str) -> list[str]:
    """The code names in the first column of a page's tables."""
    return re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)


def known_settings() -> set[str]:
    tree = ast.parse(read("footnote/settings.py"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(?:FOOTNOTE|OPENAI)_[A-Z_]+[A-Z]", node.value)
    }


def test_every_setting_is_in_its_page() -> None:
    """docs/settings.md lists exactly the variables that settings.py reads."""
    assert sorted(first_cells(read("docs/settings.md"))) == sorted(known_settings())


def test_every_default_in_the_page_is_the_default() -> None:
    """The defaults that docs/settings.md shows are the defaults."""
    rows = dict(re.findall(r"^\| `(FOOTNOTE_[A-Z_]+)` \| (.+?) \|", read("docs/settings.md"), re.MULTILINE))
    settings = Settings.from_env({}, home=Path("/home"))

    for name, value in rows.items():
        field = name.removeprefix("FOOTNOTE_").lower()
        if field.startswith("max_"):
            assert str(getattr(settings.limits, field.removeprefix("max_"))) == value
        elif name in {"FOOTNOTE_OCR_PAGES", "FOOTNOTE_OCR_MINUTES"}:
            assert str(getattr(settings.ocr, field.removeprefix("ocr_"))) == value
        elif name in SCHEMES:
            assert getattr(settings, field) == value.strip("`").replace("{home}", "/home")


def test_every_error_is_in_its_page() -> None:
    """docs/errors.md lists every class of the tree with its code, and nothing else."""
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", read("docs/errors.md"), re.MULTILINE))
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FootnoteError)
    ]

    assert rows == {kind.__name__: kind.code for kind in kinds if kind is not errors.FootnoteError}


def test_the_tree_of_errors_is_drawn() -> None:
    """The drawing at the top of errors.py names every class."""
    drawn = set(re.findall(r"\b[A-Z][A-Za-z]+\b", errors.__doc__ or ""))

    assert set(first_cells(read("docs/errors.md"))) <= drawn


def test_every_command_is_in_its_page() -> None:
    """docs/commands.md lists every command, and no other."""
    told = re.findall(r"^\| `footnote (\w+)", read("docs/commands.md"), re.MULTILINE)
    known = [command.name or str(command.callback.__name__) for command in app.registered_commands if command.callback]

    assert sorted(told) == sorted(known)


def test_every_route_is_in_its_page(tmp_path: Path) -> None:
    """docs/api.md lists every route, and no other."""
    cells = re.findall(r"^\| (`[A-Z]+ /[^|]*) \|", read("docs/api.md"), re.MULTILINE)
    told = [route for cell in cells for route in re.findall(r"`([A-Z]+ /[^`]*)`", cell)]
    with connect(Settings.from_env({}, home=tmp_path)) as footnote:
        paths = create_app(footnote).openapi()["paths"]

    assert sorted(told) == sorted(f"{verb.upper()} {path}" for path, verbs in paths.items() for verb in verbs)


def test_every_tool_is_in_its_page() -> None:
    """docs/api.md lists every tool, and no other."""
    told = re.search(r"^## Tools for models\n(.*?)^## ", read("docs/api.md"), re.MULTILINE | re.DOTALL)

    assert told
    assert first_cells(told[1]) == list(TOOLS)


def test_every_flag_is_in_its_page() -> None:
    """docs/api.md lists every flag that a document may bear, and no other."""
    ends = "left-out|without-values|capped|failed|guessed|mismatch|bytes"
    modules = "".join(path.read_text("utf-8") for path in sorted((ROOT / "ingest").rglob("*.py")))
    known = {bait.FLAG, *re.findall(rf'"((?:[a-z]+-)+(?:{ends}))"', modules)}
    table = re.search(r"^\| flag \|.*?\n\n", read("docs/api.md"), re.MULTILINE | re.DOTALL)

    assert table
    assert set(re.findall(r"`([a-z-]+)`", re.sub(r"(?m)\|[^|]*\|$", "|", table[0]))) == known


def test_every_code_is_in_its_page() -> None:
    """docs/errors.md names the codes too that none of our errors bears."""
    ours = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    told = re.search(r"^Anything outside this tree.*", read("docs/errors.md"), re.MULTILINE | re.DOTALL)

    assert told
    assert set(re.findall(r"`([a-z_]+)`", told[0])) == {"internal", "method_not_allowed"}
    for code in ("internal", "method_not_allowed"):
        assert code not in ours
        assert f'"{code}"' in read("footnote/api/problems.py")


def test_addresses_have_adapters() -> None:
    """Every form of address that a setting takes has an adapter, and every adapter has its address."""
    forms = {name: {form.partition(":")[0] for form in forms} for name, forms in SCHEMES.items()}

    assert forms == {name: set(adapters) for name, adapters in ADAPTERS.items()}


def test_make_says_what_it_can_do() -> None:
    """`make help` names every target a person would call."""
    makefile = read("Makefile")
    targets = re.search(r"^\.PHONY: help (.+)$", makefile, re.MULTILINE)

    assert targets
    assert re.findall(r'@echo "make ([\w-]+)', makefile) == targets[1].split()


def test_relative_links_lead_somewhere() -> None:
    """Every relative link in the README and the docs leads to a file that is there."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    links = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    ]

    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_links_into_a_page_lead_to_a_heading() -> None:
    """Every link to a part of a page names one of its headings."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    lost = []
    for page in pages:
        for target, part in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8")):
            led_to = page.parent / target if target else page
            heads = re.findall(r"^#+ (.+)$", led_to.read_text("utf-8"), re.MULTILINE)
            if part not in {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}:
                lost.append((page.name, part))

    assert lost == []
