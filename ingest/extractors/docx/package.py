"""The package of a DOCX: its parts by their relations. python-docx opens it; what it trips over is mended first.

Mended are the "strict" names of ISO/IEC 29500, relations to parts that are not there, parts that are no XML, and parts
of an undeclared type. A part that had to go costs its own text and no other.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

from corpus.errors import Rejected, TooLarge, Unreadable
from corpus.ports import Limits
from ingest import unseen
from ingest.archive import opened
from ingest.extractors.docx.xml import DC, Element, R, W

DAMAGED = "damaged-parts-left-out"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_TYPES = "[Content_Types].xml"
_DEFAULTS = (("rels", "application/vnd.openxmlformats-package.relationships+xml"), ("xml", "application/xml"))
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006"


class Part(NamedTuple):
    """A part's XML (None for a part that is damaged), and the parts that it names."""

    root: Element
    rels: Any

    def named(self, rel_id: str) -> Part | None:
        """The part with that relation's id; None if it is not in the file."""
        return _part(self.rels.get(rel_id))

    def related(self, kind: str) -> Part | None:
        """The part of a kind, such as "footnotes"; None if it is not in the file."""
        found = (rel for rel in self.rels.values() if str(rel.reltype).rpartition("/")[2] == kind)
        return next((part for part in map(_part, found) if part), None)


class Package(NamedTuple):
    """An opened document: its main part, the title in its properties, whether parts of it were damaged, and flags."""

    main: Part
    title: str
    damaged: bool
    flags: tuple[str, ...] = ()


def load(data: bytes, limits: Limits) -> Package:
    """Open a DOCX; raises `Unreadable` for what is none, and what `ingest.archive` raises."""
    with opened(data, limits) as archive:
        package = _tried(lambda: _opened(data)) or _tried(lambda: _opened(*_mended(archive)))
        said = unseen.flags(archive) if package else ()
    if package is None:
        raise Unreadable("The file is damaged, or is no Word document.")
    return package._replace(flags=said)


def _tried(way: Callable[[], Package]) -> Package | None:
    """What one way of opening gives; None where it fails."""
    try:
        return way()
    except (Rejected, MemoryError):
        raise
    except Exception:  # noqa: BLE001 -- python-docx raises nearly anything on what it does not expect
        return None


def _opened(data: bytes, damaged: bool = False) -> Package:
    from docx.package import Package as Opened  # noqa: PLC0415 -- loaded in the child process only

    package = Opened.open(io.BytesIO(data))
    main = Part(None, package.rels).related("officeDocument")
    if main is None or main.root is None or main.root.tag != W + "document":
        raise ValueError("not a Word document, or one with strict names")
    properties = Part(None, package.rels).related("core-properties")
    title = "" if properties is None or properties.root is None else properties.root.findtext(DC + "title")
    return Package(main, " ".join((title or "").split()), damaged)


def _part(rel: Any) -> Part | None:
    if rel is None or rel.is_external:
        return None
    part = rel.target_part
    root = getattr(part, "element", None)
    root = _parsed(part.blob) if root is None else root
    return Part(root, part.rels)


def _parsed(xml: bytes) -> Element:
    """The root of a part; None for what is no XML."""
    from lxml import etree  # noqa: PLC0415

    try:
        return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        if "depth" in str(error):  # libxml2 stops at 256 elements in one another
            raise TooLarge("The file's XML is nested deeper than any limit FOOTNOTE_MAX_NESTING allows.") from error
        return None


def _mended(archive: zipfile.ZipFile) -> tuple[bytes, bool]:
    """The package with nothing in it that python-docx trips over, and whether text may have been lost by that."""
    from lxml import etree  # noqa: PLC0415

    names = [name for name in archive.namelist() if name.lower().endswith((".xml", ".rels"))]
    parts = {name: _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", archive.read(name)) for name in names}
    roots = {name: _parsed(xml) for name, xml in parts.items()}
    broken = {name for name, root in roots.items() if root is None}
    _declare(roots.get(_TYPES))
    for name in names:
        if name.endswith(".rels") and name not in broken:
            _prune(roots[name], name, set(names) - broken)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as mended:
        for name in dict.fromkeys(names):
            if name not in broken:
                mended.writestr(name, etree.tostring(roots[name]))
    return target.getvalue(), bool(broken)


def _declare(types: Element) -> None:
    """Say what a part is whose type nobody declared."""
    for extension, media_type in _DEFAULTS if types is not None else ():
        if not any(one.get("Extension", "").lower() == extension for one in types):
            types.append(types.makeelement(f"{_PACKAGE}/content-types}}Default"))
            types[-1].set("Extension", extension)
            types[-1].set("ContentType", media_type)


def _prune(rels: Element, name: str, there: set[str]) -> None:
    """Remove the relations to parts that are not there; pictures are not, and nobody misses them."""
    from docx.opc.packuri import PackURI  # noqa: PLC0415

    folder = "/" + name.rpartition("_rels/")[0].rstrip("/")
    for rel in list(rels):
        inside = rel.get("TargetMode", "Internal") != "External"
        if inside and PackURI.from_rel_ref(folder, rel.get("Target", "")).lstrip("/") not in there:
            rels.remove(rel)


def rel_id(element: Element, name: str = "id") -> str:
    """The relation that an element names."""
    return str(element.get(R + name, ""))
