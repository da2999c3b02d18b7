from __future__ import annotations

import pytest

from corpus.errors import Unreadable
from ingest.encodings import DAMAGED, GUESSED, decode, known

GERMAN = "Die Öffnungszeiten der Sauna können sich ändern; größere Feste bitte anmelden.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_unicode_needs_no_guess(encoding: str) -> None:
    """Unicode is read for sure: by its mark, by its zeros, or because it is UTF-8."""
    assert decode(GERMAN.encode(encoding)) == (GERMAN, ())


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("## können\n\näöüß\n", "cp1252"),
        ("“Größe” – 3 €", "cp1252"),
        ("L'été était très chaud", "cp1252"),
        ("Wszyscy ludzie rodzą się wolni i równi pod względem swej godności", "cp1250"),
        ("Wszyscy ludzie rodzą się wolni i równi pod względem swej godności", "iso8859_2"),
        ("Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar", "cp1254"),
        ("Все люди рождаются свободными и равными в своем достоинстве", "cp1251"),
        ("Все люди рождаются свободными и равными в своем достоинстве", "koi8-r"),
        ("すべての人間は、生まれながらにして自由であり", "cp932"),
        ("すべての人間は、生まれながらにして自由であり", "iso2022_jp"),
        (GERMAN, "cp850"),
    ],
)
def test_older_encodings_are_guessed(text: str, encoding: str) -> None:
    """Short texts in older encodings are read as they were meant, and flagged as guessed."""
    assert decode(text.encode(encoding)) == (text, () if encoding == "iso2022_jp" else (GUESSED,))


def test_what_a_document_claims() -> None:
    """A claimed encoding is believed if the bytes fit it; else the bytes decide."""
    assert decode("ñandú".encode("iso-8859-1"), "ISO-8859-1") == ("ñandú", ())
    assert decode("Grüße".encode(), "ascii-art") == ("Grüße", ())
    assert decode("Grüße".encode("cp1252"), "utf-8") == ("Grüße", (GUESSED,))
    assert decode("Grüße".encode(), "utf-16") == ("Grüße", ())
    for name in ("rot13", "zlib", "unicode_escape", "idna", "", "x" * 99):
        assert known(name) == ""


def test_few_wrong_bytes_cost_no_text() -> None:
    """UTF-8 with a place that does not fit stays UTF-8, and the place is marked."""
    text, flags = decode(GERMAN.encode() * 3 + b"\xff" + GERMAN.encode())
    assert (text, flags) == (GERMAN * 3 + "\ufffd" + GERMAN, (DAMAGED,))
    assert decode(GERMAN.encode("utf-16")[:-1]).flags == (DAMAGED,)


@pytest.mark.parametrize(
    "data",
    [b"\x00\xff\x01\xfe" * 50, b"\x00\x01\x00\x80" * 50, bytes(range(256)) * 300, b"\xff\xfea", b"\x80\x01\x02\x03"],
)
def test_junk_is_refused(data: bytes) -> None:
    """Bytes that are no text are refused, not guessed at."""
    with pytest.raises(Unreadable, match=r"not text"):
        decode(data)
