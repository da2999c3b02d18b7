"""Characters of Word's symbol fonts, which have numbers of their own instead of Unicode's."""

from __future__ import annotations

_PRIVATE = 0xF000
"""Symbol fonts lie here, in the private area; the last two digits are the font's own number (§17.3.3.30)."""
_SYMBOL = {
    **{code: chr(code) for code in range(0x20, 0x40)},
    **dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True)),
    **dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True)),
    **dict(zip((0xA3, 0xA5, 0xA6, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF), "≤∞ƒ↔←↑→↓", strict=True)),
    **dict(zip((0xB0, 0xB1, 0xB2, 0xB3, 0xB4, 0xB7, 0xB8, 0xB9, 0xBA, 0xBB), "°±″≥×•÷≠≡≈", strict=True)),
    **dict(zip((0xC5, 0xC6, 0xC7, 0xC8, 0xCE, 0xD0, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6), "⊕∅∩∪∈∠®©™∏√", strict=True)),
    **dict(zip((0xDB, 0xDE, 0xE5, 0xF2), "⇔⇒∑∫", strict=True)),
}
_WINGDINGS = {
    **dict(zip((0x4A, 0x4C, 0x6C, 0x6E, 0x6F, 0x71, 0xA7, 0xA8), "☺☹●■☐❑▪☐", strict=True)),
    **dict(zip((0xD8, 0xDF, 0xE0, 0xE8, 0xFB, 0xFC, 0xFD, 0xFE), "➢←→➔✗✓☒☑", strict=True)),
}
_WINGDINGS_2 = dict(zip((0x4F, 0x50, 0x51, 0x52, 0x53, 0x54, 0xA3), "✗✓☒☑☒☒☐", strict=True))
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


def symbol(font: str, code: str) -> str:
    """Return the character with this hexadecimal number in a font; "" where nobody knows it."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    own = number - _PRIVATE if _PRIVATE <= number <= _PRIVATE + 0xFF else number
    family = font.strip().lower()
    if family in _FONTS or family.startswith(("wingdings", "webdings")):
        return _FONTS.get(family, {}).get(own, "")
    return chr(own) if own < _PRIVATE else ""  # the number is Unicode's, as is that of most fonts
