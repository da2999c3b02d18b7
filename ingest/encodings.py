"""Text bytes to characters: by what they say of themselves, else UTF-8, else by the best guess, which is flagged.

In order: a byte order mark; the zeros of UTF-16 and UTF-32; a name that the document gives; UTF-8; a guess. Bytes that
hold no text at all are refused.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from corpus.errors import Unreadable

GUESSED, DAMAGED = "encoding-guessed", "undecodable-bytes"
"""Flags: nothing said how the bytes were meant; a few did not fit, and stand as U+FFFD."""
LOOKED_AT = 64 * 1024
CONTROLS_SHARE = 20
"""One control in so many bytes is junk, and so is any zero."""
DAMAGE_SHARE = 4
"""UTF-8 it is while there are so many good characters beyond ASCII for one that does not fit."""
FEW = 2
ZERO, NO_ZERO = 0.7, 0.1
"""How many of the bytes in a place are zero in UTF-16 and UTF-32, and how few in the place of the letters."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZEROS = {
    "utf-32-le": (False, True, True, True),
    "utf-32-be": (True, True, True, False),
    "utf-16-le": (False, True, False, True),
    "utf-16-be": (True, False, True, False),
}
"""Which of four bytes are zero, mostly, in text of one script that has blanks and line ends."""
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\f\r\x1b"))
_SHIFTS = re.compile(rb"\x1b\$[@B]|\x1b\([JB]")
_HIGH = re.compile(rb"[\x80-\xff]")
_LATIN = re.compile(rb"[A-Za-z]")
_BEYOND = re.compile(r"[^\x00-\x7f]")
_MARK_IN_WORD = re.compile(r"(?<=[^\W\d_])[^\w\x00-\x7f’·-](?=[^\W\d_])")
_MARKS_OF_TEXT = frozenset("\u00a0§°«»©®¿¡·±²³½¼€£„“”‘’‚‹›–—…•™")
_ALPHABETS = {
    "cp1252": (
        "äöüß", "éèêëàâçîïôûùüÿœæ", "áéíóúüñ", "áâãàéêíóôõúç", "åäöé", "æøåéòóô", "áéíóúýðþæö", "àèéìíîòóùú",
        "àçèéíïòóúü·", "éëïöüèê", "äöåšž", "âêîôûŵŷ", "õäöüšž",
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "čćđšž", "ăâîşţ"),
    "cp1254": ("çğıİöşüâîû",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),
    "iso8859_2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "cp850": ("äöüß", "éèêëàâçîïôûùü", "áéíóúüñ", "åäöé", "æøåé"),
}  # fmt: skip
"""Encodings of Latin letters, the likeliest first, and which letters the languages written in them have."""
_OTHER_SCRIPTS = (
    "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp866",
)  # fmt: skip
_NAMED = re.compile(
    r"utf-?8|windows-?(874|125[0-8])|cp(125[0-8]|85[02]|866|874|932|949)|iso-?8859-?\d{1,2}|koi8-[ru]|euc-(jp|kr)"
    r"|gbk|gb18030|big5(-hkscs)?|iso-2022-jp|macintosh|utf-(16|32)(le|be)?"
)
_MEANT = {
    **dict.fromkeys(("us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "x-ansi"), "cp1252"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "x-gbk", "gbk"), "gb18030"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ksc5601"), "cp949"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e", "logical"), "iso-8859-8"),
    "iso-8859-9": "cp1254",
    "tis-620": "cp874",
    "iso-8859-11": "cp874",
    "windows-874": "cp874",
    "macintosh": "mac_roman",
    "utf8": "utf-8",
}
"""What is meant by names that promise less than they are used for (WHATWG, Encoding Standard, 4.2)."""


class Decoded(NamedTuple):
    """Characters as they stood in the file, not cleaned yet, and what is to be said of how they were read."""

    text: str
    flags: tuple[str, ...] = ()


def decode(data: bytes, name: str = "") -> Decoded:
    """Return the characters of text bytes; `name` is the encoding that something beside or in them claims.

    Raises `Unreadable` for bytes that are no text.
    """
    if mark := next((encoding for mark, encoding in _MARKS if data.startswith(mark)), ""):
        return _forgiving(data, mark)
    if zeros := wide(data):
        return _forgiving(data, zeros)
    try:
        claimed = known(name)
        if claimed and not claimed.startswith(("utf-16", "utf-32")):  # those would have zeros
            return Decoded(data.decode(claimed))
    except UnicodeDecodeError:
        claimed = ""
    if _SHIFTS.search(data, 0, LOOKED_AT) and not _HIGH.search(data):
        return _forgiving(data, "iso2022_jp")
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError:
        return _guessed(data)


def wide(head: bytes) -> str:
    """Return which UTF-16 or UTF-32 without a mark the zeros in the bytes are typical of; "" if none."""
    head = head[:LOOKED_AT]
    if not head or b"\0" not in head:
        return ""
    zeros = [head[place::4].count(0) / max(1, len(head[place::4])) for place in range(4)]
    for encoding, expected in _ZEROS.items():
        if len(head) % (4 if "32" in encoding else 2) and len(head) < LOOKED_AT:
            continue
        if all(share > ZERO if zero else share < NO_ZERO for share, zero in zip(zeros, expected, strict=True)):
            low = head[expected.index(False) :: 4 if "32" in encoding else 2]
            controls = len(low) - len(low.translate(None, _CONTROLS))
            return encoding if controls * CONTROLS_SHARE <= len(low) else ""
    return ""


def is_text(head: bytes) -> bool:
    """Whether the beginning of a file is text of some encoding."""
    if head.startswith(tuple(mark for mark, _ in _MARKS)) or wide(head):
        return True
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if _is_utf8(head):
        return controls * CONTROLS_SHARE <= len(head)
    return b"\0" not in head and controls * CONTROLS_SHARE * FEW <= len(head)


def known(name: str) -> str:
    """Return Python's name of the encoding that a document calls by `name`; "" for one that is not to be believed."""
    name = name.strip().strip("'\"").lower()
    if name in _MEANT:
        return _MEANT[name]
    if not _NAMED.fullmatch(name):
        return ""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _forgiving(data: bytes, encoding: str) -> Decoded:
    """Decode what says how it is to be decoded; a few places that do not fit are no reason to lose the rest."""
    try:
        return Decoded(data.decode(encoding))
    except UnicodeDecodeError as error:
        text = data.decode(encoding, "replace")
        if text.count("\ufffd") * DAMAGE_SHARE > len(text):
            raise _junk() from error
        return Decoded(text, (DAMAGED,))


def _guessed(data: bytes) -> Decoded:
    """Decode what says nothing and is not UTF-8."""
    if not is_text(data[:LOOKED_AT]) or not is_text(data):
        raise _junk()
    text = data.decode(errors="replace")
    wrong = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    if beyond >= (DAMAGE_SHARE + 1) * wrong:
        return Decoded(text, (DAMAGED,))
    sample = _telling(data)
    encoding = _latin(sample) or _other(sample)
    text = data.decode(encoding, "replace")
    return Decoded(text, (GUESSED, DAMAGED) if "\ufffd" in text else (GUESSED,))


def _telling(data: bytes) -> bytes:
    """The lines that are not ASCII, as many as are looked at: the others tell nothing."""
    found, size = [], 0
    for line in data.split(b"\n"):
        if not line.isascii():
            found.append(line)
            size += len(line)
            if size > LOOKED_AT:
                break
    return b"\n".join(found)[:LOOKED_AT]


def _latin(sample: bytes) -> str:
    """Return the likeliest encoding of words of Latin letters; "" if they are of another script.

    It is the one in which some language explains most of what stands beyond ASCII: so a text in German is found by
    four umlauts, where counting frequencies would need pages.
    """
    if len(_HIGH.findall(sample)) > 0.6 * len(_LATIN.findall(sample)):
        text = sample.decode("cp1252", "replace")
        if any(c not in _MARKS_OF_TEXT and c not in "äöüßÄÖÜéèàç" for c in _BEYOND.findall(text)):
            return ""
    best, explained = "cp1252", -1.0
    for encoding, alphabets in _ALPHABETS.items():
        text = sample.decode(encoding, "replace").lower()
        beyond = _BEYOND.findall(text)
        odd = len(_MARK_IN_WORD.findall(text))
        for alphabet in alphabets:
            share = (sum(c in alphabet or c in _MARKS_OF_TEXT for c in beyond) - odd) / max(1, len(beyond))
            if share > explained:
                best, explained = encoding, share
    return best


def _other(sample: bytes) -> str:
    """Return the likeliest encoding of words of other scripts."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 -- loaded in the child process only

    best = from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS)).best()
    return best.encoding if best else "cp1252"


def _junk() -> Unreadable:
    return Unreadable("The file is not text: its bytes fit no encoding.", hint="Save it as UTF-8 and upload that.")
