"""How much of a Word document is found, and how much is made up: against every visible run of text in its XML.

    python -m bench.words DATA

The truth is counted here by rules of its own, from the XML alone: the words of each `w:t` in the body, headers, footers
and notes, paragraph by paragraph; without deletions, hidden runs, and the older twins of drawings. A header or footer
that says the same as another counts once. The numbers and bullets of lists stand in no `w:t`: what the product adds of
them counts neither way.
"""

from __future__ import annotations

import io
import re
import statistics
import zipfile
from collections import Counter

import docx
from lxml import etree

from bench.corpora import data_folder
from bench.timing import HEAD, interleaved, machine, row
from corpus.errors import NoText
from corpus.ports import Limits
from ingest.extractors import docx as extractor

ROUNDS = 5
LEFT_OUT = "ancestor::w:del or ancestor::w:moveFrom or ancestor::mc:Fallback or ancestor::w:r/w:rPr/w:vanish"
NAMES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
}
_PARTS = re.compile(r"word/(?:document|(header|footer)\d*|footnotes|endnotes)\.xml")
_WORD = re.compile(r"\w+")
_LABEL = re.compile(r"^(?:•|[\w.()]{1,12}[.)]) ", re.MULTILINE)


def visible(data: bytes) -> Counter[str]:
    """The words of the visible runs of a document."""
    return Counter(_WORD.findall(visible_text(data)))


def visible_text(data: bytes) -> str:
    """The visible runs of a document, part by part."""
    texts = []
    margins = set()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            part = _PARTS.fullmatch(name)
            if not part:
                continue
            text = _text(archive.read(name))
            if not part[1] or text not in margins:
                texts.append(text)
            if part[1]:
                margins.add(text)
    return "\n".join(texts)


def _text(xml: bytes) -> str:
    """A part's visible runs, a line for each paragraph; tabs and breaks part words as well."""
    root = etree.fromstring(xml.replace(b"http://purl.oclc.org/ooxml/wordprocessingml/main", NAMES["w"].encode()))
    lines = []
    for paragraph in root.iter(f"{{{NAMES['w']}}}p"):
        runs = paragraph.xpath(f".//w:r/*[self::w:t or self::w:tab or self::w:br][not({LEFT_OUT})]", namespaces=NAMES)
        own = [run for run in runs if next(run.iterancestors(paragraph.tag)) is paragraph]
        lines.append("".join((run.text or "") if run.tag.endswith("}t") else " " for run in own))
    return "\n".join(lines)


def found(data: bytes) -> str:
    """What the product reads."""
    try:
        return extractor.extract(data, Limits()).text
    except NoText:
        return ""


def paragraphs(data: bytes) -> str:
    """The usual loop, which sees neither tables nor headers, notes, text boxes or controls."""
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs)


def shares(truth: Counter[str], text: str) -> tuple[float, float]:
    """How many of the visible words are found, and how many of the words found are visible."""
    words = Counter(_WORD.findall(text))
    labels = Counter(_WORD.findall(" ".join(_LABEL.findall(text)))) & (words - truth)
    hits = (words & truth).total()
    return hits / truth.total(), hits / max((words - labels).total(), 1)


def main() -> None:
    files = [path.read_bytes() for path in sorted((data_folder() / "odd-docs" / "docs").glob("*.docx"))]
    truths = {data: truth for data in files if (truth := visible(data))}
    ours = [shares(truth, found(data)) for data, truth in truths.items()]
    theirs = [shares(truth, paragraphs(data))[0] for data, truth in truths.items()]
    taken = interleaved(
        {"ours": lambda: [found(data) for data in files], "theirs": lambda: [paragraphs(data) for data in files]},
        ROUNDS,
    )
    words = sum(truth.total() for truth in truths.values())
    recall, precision = ([pair[n] for pair in ours] for n in (0, 1))
    print(f"## Reading DOCX: {len(truths)} odd documents, {words:,} words ({machine()})\n\n{HEAD}")
    print(row("words found ÷ words that are visible, mean of the documents", statistics.mean(recall), 0.99))
    print(row("words that are visible ÷ words found, mean of the documents", statistics.mean(precision), 0.99))
    print(row("words found by python-docx's `paragraphs`", statistics.mean(theirs), None))
    print(row("speed ÷ a bare loop over these `paragraphs`", taken["theirs"] / taken["ours"], None))
    print(
        f"\nThe least of a document: {min(recall):.3f} of its words found, {min(precision):.3f} of those found visible."
    )
    blank = [found(data) for data in files if data not in truths]
    print(f"{len(blank)} further documents have no visible words; in {sum(map(bool, blank))} of them some are found.\n")


if __name__ == "__main__":
    main()
