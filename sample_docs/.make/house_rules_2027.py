"""Write house-rules-2027.pdf: the house rules that replace those of 2025, with a few other hours and fees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from house_rules import FIRST, write

TARGET = Path(__file__).parent.parent / "house-rules-2027.pdf"

CHANGES = {
    """\
They were
adopted by the owners' meeting on 12 March 2025 and took effect on 1 April 2025. They replace the rules of 2017
and all notices posted since then.""": """\
They were
adopted by an extraordinary owners' meeting on 12 November 2026 and take effect on 1 January 2027. They replace
the rules of 1 April 2025, which apply until 31 December 2026.""",
    "from 23:00 to 9:00 on Saturdays": "from 22:00 to 9:00 on Saturdays",
    "15 May to 30 September, daily from 7:00 to 21:00": "1 May to 30 September, daily from 8:00 to 22:00",
    "bring up to four guests": "bring up to three guests",
    "for up to 48 hours": "for up to 72 hours",
    "on at most 60 nights": "on at most 45 nights",
}
FEES = {
    "Moving in or moving out": "180.00",
    "Replacement of a garage remote control": "75.00",
    "False fire alarm": "400.00",
}


def changed(text: str) -> str:
    """Return the rules of 2025 as those of 2027."""
    for old, new in CHANGES.items():
        if text.count(old) != 1:
            raise SystemExit(f"This is not, or not only once, in the rules of 2025: {old}")
        text = text.replace(old, new)
    return text


def main() -> None:
    """Write the PDF beside this folder."""
    edition = replace(
        FIRST,
        title="House Rules of Linden Court 2027",
        subtitle="Edition of 1 January 2027, adopted by an extraordinary owners' meeting",
        before=changed(FIRST.before),
        fees=[(what, FEES.get(what, fee), payable) for what, fee, payable in FIRST.fees],
    )
    write(TARGET, edition)


if __name__ == "__main__":
    main()
