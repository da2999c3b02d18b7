"""Numbers of a spreadsheet as its reader sees them: 80 under the format "0.00" is "80.00", a date is an ISO date.

Formats are those of ECMA-376 part 1, §18.8.31 (number format codes). What is rare is not imitated (fractions, digits
with marks between them, conditions): the number itself stands there instead, and is never wrong.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import Literal, NamedTuple

GENERAL = "General"
EXACT = 15
"""How many digits of a spreadsheet's number are meant; what stands behind them is how computers write a third."""
_TOKEN = re.compile(
    r'"([^"]*)"|\\(.)|\[([^\]]*)\]|[_*].|(AM/PM|A/P)|(E[+-]?0+)|(General)|(.)', re.DOTALL | re.IGNORECASE
)
_ELAPSED = re.compile(r"[hms]+$", re.IGNORECASE)

Moment = date | time | timedelta
Kind = Literal["general", "number", "moment", "elapsed", "words"]


class _Shape(NamedTuple):
    """One section of a format: what stands before and behind the number, and how the number is written."""

    kind: Kind
    before: str = ""
    behind: str = ""
    whole: int = 0
    decimals: int = 0
    optional: int = 0
    grouped: bool = False
    power: int = 0
    """By which power of ten the number is taken: 2 for per cent, -3 for thousands."""
    parts: str = ""
    """Of a moment: "y", "m", "d", "h", "s" as far as they are shown."""


def written(value: float | Moment, code: str) -> str:
    """Return a number, a moment or a time span as its format shows it."""
    shapes = _shapes(code)
    if isinstance(value, timedelta):
        return _elapsed(value, shapes[0])
    if isinstance(value, date | time):
        return _moment(value, shapes[0])
    section = 2 if value == 0 else int(value < 0)
    shape = shapes[section] if section < len(shapes) else shapes[0]
    if shape.kind == "words":
        return shape.before.strip()
    general = shape.kind != "number" or abs(value) >= 10**EXACT
    shown = _general(abs(value)) if general else _digits(abs(value), shape)
    minus = "-" if value < 0 and shape is shapes[0] and any(digit in shown for digit in "123456789") else ""
    return f"{minus}{shape.before}{shown}{shape.behind}".strip()


def _general(value: float) -> str:
    """A number without a format: as short as it can be said."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 10**EXACT):
        return str(int(value))
    return format(value, f".{EXACT}g")


def _digits(value: float, shape: _Shape) -> str:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(_general(value)).scaleb(shape.power)
        rounded = exact.quantize(Decimal(1).scaleb(-shape.decimals), ROUND_HALF_UP)
    digits = format(rounded, ",f" if shape.grouped else "f")
    if shape.optional and "." in digits:
        kept = len(digits) - shape.optional
        digits = (digits[:kept] + digits[kept:].rstrip("0")).removesuffix(".")
    whole, point, decimals = digits.partition(".")
    if whole == "0" and not point and not shape.whole:
        whole = ""  # "#" shows no zero
    return whole.zfill(shape.whole) + point + decimals


def _moment(value: date | time, shape: _Shape) -> str:
    """A moment as ISO 8601 writes it, as far as its format shows it: a month without its day stays one."""
    parts = set(shape.parts if shape.kind == "moment" else "ymdh")
    fine = "seconds" if "s" in parts else "minutes"
    if isinstance(value, time):
        return value.isoformat(fine)
    hours = value.time().isoformat(fine) if isinstance(value, datetime) and parts & set("hs") else ""
    shown = 10 if "d" in parts else 7 if "m" in parts else 4 if "y" in parts else 0 if hours else 10
    return f"{value.isoformat()[:shown]} {hours}".strip()


def _elapsed(span: timedelta, shape: _Shape) -> str:
    seconds = abs(round(span.total_seconds()))
    shown = f"{seconds // 3600}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if "s" in shape.parts else "")
    return f"-{shown}" if span < timedelta() else shown


@lru_cache(maxsize=1024)
def _shapes(code: str) -> tuple[_Shape, ...]:
    """Read a format: a section each for positive numbers, negative ones, and zero."""
    sections: list[list[tuple[str, str]]] = [[]]
    for token in _TOKEN.finditer(code[:1000]):
        quoted, escaped, bracket, half, power, general, plain = token.groups()
        if plain == ";":
            sections.append([])
        elif quoted is not None or escaped is not None:
            sections[-1].append(("text", quoted or escaped or ""))
        elif bracket is not None:
            sections[-1].append(_bracket(bracket))
        elif half:
            sections[-1].append(("moment", "h"))
        elif power:
            sections[-1].append(("power", power))
        elif general:
            sections[-1].append(("general", ""))
        elif plain:
            sections[-1].append(("plain", plain))
    return tuple(map(_shape, sections[:3]))


def _bracket(words: str) -> tuple[str, str]:
    """What stands in brackets: hours beyond 24, a currency ("$€-407"), or a colour, a condition, a calendar."""
    if _ELAPSED.match(words):
        return "elapsed", words.lower()
    return "text", words[1:].partition("-")[0] if words.startswith("$") else ""


def _shape(tokens: list[tuple[str, str]]) -> _Shape:
    kinds = {kind for kind, _ in tokens}
    plain = "".join(text for kind, text in tokens if kind in {"plain", "elapsed", "moment"}).lower()
    if not tokens:
        return _Shape("words")
    if "elapsed" in kinds:
        return _Shape("elapsed", parts=plain)
    if "general" not in kinds and set(plain) & set("ymdhs"):
        return _Shape("moment", parts=_shown(plain))
    return _number(tokens)


def _shown(plain: str) -> str:
    """The parts of a moment; an "m" beside hours or seconds is minutes, unless a day or a year is shown."""
    return plain if set(plain) & set("yd") or not set(plain) & set("hs") else plain.replace("m", "")


def _number(tokens: list[tuple[str, str]]) -> _Shape:
    """A section of digits: the words before and behind, and between them one run of 0, #, ?, commas and a point."""
    run, general = "", False
    words = ["", ""]
    for kind, text in tokens:
        if kind == "power":
            return _Shape("general")
        if kind == "plain" and (text in "0#?" or (text in ".," and run)):
            if words[1].strip(" "):
                return _Shape("general")  # digits with marks between them
            run += text
        elif kind == "plain" and text in "@/":
            return _Shape("general")
        elif kind == "general":
            general = True
        else:
            words[bool(run or general)] += text
    if not run:
        return _Shape("general", words[0], words[1]) if general else _Shape("words", "".join(words))
    bare = run.rstrip(",")
    whole, _, decimals = bare.partition(".")
    return _Shape(
        "number",
        words[0],
        words[1],
        whole=whole.count("0"),
        decimals=min(len(decimals), EXACT),
        optional=min(len(decimals) - decimals.count("0"), EXACT),
        grouped="," in whole,
        power=2 * "".join(words).count("%") - 3 * (len(run) - len(bare)),
    )
