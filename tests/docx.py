"""Word documents made for a test: XML put together part by part, so that a test can say exactly what is in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_OPEN = "http://schemas.openxmlformats.org"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_NAMES = {
    "w": f"{_OPEN}/wordprocessingml/2006/main",
    "r": f"{_OPEN}/officeDocument/2006/relationships",
    "m": f"{_OPEN}/officeDocument/2006/math",
    "a": f"{_OPEN}/drawingml/2006/main",
    "wp": f"{_OPEN}/drawingml/2006/wordprocessingDrawing",
    "c": f"{_OPEN}/drawingml/2006/chart",
    "dgm": f"{_OPEN}/drawingml/2006/diagram",
    "mc": f"{_OPEN}/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
}
_ROOTS = {"styles": "styles", "numbering": "numbering", "header": "hdr", "footer": "ftr"}
_ROOTS |= {"footnotes": "footnotes", "endnotes": "endnotes", "comments": "comments"}
XMLNS = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMES.items())

VISIBLE = (
    *("Headword", "Headingword", "Bodyword", "Footword", "Endword", "Boxword", "Vmlword", "Listword"),
    *("Outerword", "Nestedword", "Behindword", "Mergedword", "Tallword", "Lastword"),
    *("Controlword", "Linkword", "Insertedword", "Movedword", "Resultword", "Simpleword", "Mathword", "Bottomword"),
)
"""The words of `everywhere`, each in a place of its own, in the order in which they are read."""
HIDDEN = ("Deletedword", "Fromword", "Commentword", "Vanishedword", "Codeword", "Unusedword", "Altword")
"""Words that are in its file and out of a reader's sight."""


def p(text: str = "", *, style: str = "", properties: str = "", more: str = "") -> str:
    """Return a paragraph: a run of text, then `more`."""
    properties = (f'<w:pStyle w:val="{style}"/>' if style else "") + properties
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{r(text) if text else ''}{more}</w:p>"


def r(text: str, properties: str = "") -> str:
    """Return a run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def tbl(*rows: str) -> str:
    """Return a table of rows."""
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def tr(*cells: str, properties: str = "") -> str:
    """Return a row: of cells (`tc`), or of texts."""
    made = "".join(cell if cell.startswith("<w:") else tc(p(cell)) for cell in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{made}</w:tr>"


def tc(content: str, properties: str = "") -> str:
    """Return a cell."""
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def field(code: str, result: str) -> str:
    """Return a field with its code and its result, both XML."""
    marks = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    return f"{marks[0]}<w:r><w:instrText>{code}</w:instrText></w:r>{marks[1]}{result}{marks[2]}"


def lvl(level: int, number_format: str, text: str, more: str = "") -> str:
    """Return one level of a list's definition; `more` is XML that belongs before its format."""
    return (
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/>{more}<w:numFmt w:val="{number_format}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def num(num_id: int, *levels: str) -> str:
    """Return a list and the definition that it alone uses."""
    return (
        f'<w:abstractNum w:abstractNumId="{num_id}">{"".join(levels)}</w:abstractNum>'
        f'<w:num w:numId="{num_id}"><w:abstractNumId w:val="{num_id}"/></w:num>'
    )


def numbered(num_id: int, level: int = 0) -> str:
    """Return the properties of a paragraph in a list."""
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{num_id}"/></w:numPr>'


def docx(
    body: str, parts: Mapping[str, str] | None = None, *, title: str = "", strict: bool = False, rels: str = ""
) -> bytes:
    """Return a document of this body.

    `parts` are the insides of its others by name: "styles", "header1", "footnotes"; "rId-" and the name is the id of a
    part. `rels` are relations besides. A `strict` one has the names of ISO/IEC 29500 strict.
    """
    parts = parts or {}
    files = {"word/document.xml": f"<w:document {XMLNS}><w:body>{body}</w:body></w:document>"}
    types = f'<Override PartName="/word/document.xml" ContentType="{_WORD}.document.main+xml"/>'
    for name, content in parts.items():
        kind = name.rstrip("0123456789")
        types += f'<Override PartName="/word/{name}.xml" ContentType="{_WORD}.{kind}+xml"/>'
        rels += f'<Relationship Id="rId-{name}" Type="{_NAMES["r"]}/{kind}" Target="{name}.xml"/>'
        root = _ROOTS.get(kind)
        files[f"word/{name}.xml"] = f"<w:{root} {XMLNS}>{content}</w:{root}>" if root else content
    package = f"{_OPEN}/package/2006"
    top = f'<Relationship Id="rId1" Type="{_NAMES["r"]}/officeDocument" Target="word/document.xml"/>'
    if title:
        top += f'<Relationship Id="rId2" Type="{package}/relationships/metadata/core-properties" Target="core.xml"/>'
        core = "application/vnd.openxmlformats-package.core-properties+xml"
        types += f'<Override PartName="/core.xml" ContentType="{core}"/>'
        dublin = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
        files["core.xml"] = (
            f'<cp:coreProperties xmlns:cp="{package}/metadata/core-properties" {dublin}>'
            f"<dc:title>{title}</dc:title></cp:coreProperties>"
        )
    files["_rels/.rels"] = f'<Relationships xmlns="{package}/relationships">{top}</Relationships>'
    files["word/_rels/document.xml.rels"] = f'<Relationships xmlns="{package}/relationships">{rels}</Relationships>'
    files["[Content_Types].xml"] = (
        f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{types}</Types>"
    )
    return zipped({name: _strict(xml) if strict else xml for name, xml in files.items()})


def zipped(files: Mapping[str, str]) -> bytes:
    """Return an archive of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _strict(xml: str) -> str:
    for kind in ("wordprocessingml", "officeDocument", "drawingml"):
        xml = xml.replace(f"{_OPEN}/{kind}/2006/", f"http://purl.oclc.org/ooxml/{kind}/")
    return xml


def section(header: str = "", footer: str = "") -> str:
    """Return the properties of a section with the header and the footer of that name, if any."""
    references = "".join(
        f'<w:{kind}Reference w:type="default" r:id="rId-{name}"/>'
        for kind, name in (("header", header), ("footer", footer))
        if name
    )
    return f"<w:sectPr>{references}</w:sectPr>"


def box(content: str) -> str:
    """Return a text box as Word writes it: once for itself, and once more for its elders."""
    shape = f"<wps:wsp><wps:txbx><w:txbxContent>{content}</w:txbxContent></wps:txbx></wps:wsp>"
    graphic = f"<wp:anchor><a:graphic><a:graphicData>{shape}</a:graphicData></a:graphic></wp:anchor>"
    return (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{graphic}</w:drawing></mc:Choice>'
        f"<mc:Fallback>{old_box(content)}</mc:Fallback></mc:AlternateContent></w:r>"
    )


def old_box(content: str) -> str:
    """Return a text box as Word wrote it before 2010."""
    text = f"<w:txbxContent>{content}</w:txbxContent>"
    return f"<w:pict><v:shape><v:textbox>{text}</v:textbox></v:shape></w:pict>"


def everywhere(*, strict: bool = False) -> bytes:
    """Return a document with a word in every place a reader sees, and in those that no reader sees."""
    merged = '<w:gridSpan w:val="2"/>'
    tall, below = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    vml = f"<w:r>{old_box(p('Vmlword'))}</w:r>"
    notes = '<w:r><w:footnoteReference w:id="2"/></w:r>' + r(" and more.") + '<w:r><w:endnoteReference w:id="2"/></w:r>'
    body = [
        p("Headingword", style="Heading1"),
        p("Bodyword stands here", more=box(p("Boxword")) + vml + notes),
        p("Listword", properties=numbered(1)),
        tbl(
            tr(tc(p("Outerword") + tbl(tr("Nestedword", "x")) + p()), "Behindword"),
            tr(tc(p("Mergedword"), merged)),
            tr(tc(p("Tallword"), tall), "y"),
            tr(tc(p(), below), "Lastword"),
        ),
        f"<w:sdt><w:sdtPr><w:alias w:val='Codeword'/></w:sdtPr><w:sdtContent>{p('Controlword')}</w:sdtContent></w:sdt>",
        p(more=f'<w:hyperlink r:id="rId-away">{r("Linkword")}</w:hyperlink>'),
        p(
            more=f"<w:ins>{r('Insertedword')}</w:ins><w:del><w:r><w:delText>Deletedword</w:delText></w:r></w:del>"
            f"<w:moveFrom>{r('Fromword')}</w:moveFrom>{r(' ')}<w:moveTo>{r('Movedword')}</w:moveTo>"
        ),
        p(more='<w:r><w:commentReference w:id="0"/></w:r>' + r("Vanishedword", "<w:vanish/>")),
        p(more=field(' REF Codeword "', r("Resultword"))),
        p(more=f'<w:fldSimple w:instr="Codeword">{r("Simpleword")}</w:fldSimple>'),
        p(more="<m:oMath><m:r><m:t>Mathword</m:t></m:r></m:oMath>"),
        '<w:altChunk r:id="rId-alt"/>',
        section("header1", "footer1"),
    ]
    parts = {
        "header1": p("Headword"),
        "footer1": p("Bottomword"),
        "footnotes": "".join(
            f'<w:footnote w:id="{n}">{p(word)}</w:footnote>' for n, word in ((2, "Footword"), (3, "Unusedword"))
        ),
        "endnotes": f'<w:endnote w:id="2">{p("Endword")}</w:endnote>',
        "comments": f'<w:comment w:id="0">{p("Commentword")}</w:comment>',
        "numbering": num(1, lvl(0, "decimal", "%1.")),
        "styles": '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>',
        "aFChunk1": "<html>Altword</html>",
    }
    target = 'Target="http://localhost/Codeword" TargetMode="External"'
    away = f'<Relationship Id="rId-away" Type="{_NAMES["r"]}/hyperlink" {target}/>'
    return docx("".join(body), parts, strict=strict, rels=away)
