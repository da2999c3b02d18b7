"""A question that asks several things, in parts that can be asked alone; one that only looks like it stays whole.

Only what plainly is a question of its own is parted: behind a question mark, or behind "and" with a word that asks. A
part that leans on another ("and what does it cost?") is none. A list is parted if it has three things at least, for two
joined by "and" may be one: bed and breakfast.
"""

from __future__ import annotations

import re

from corpus import words

FEWEST = 2
"""Words, not counting those that only ask, which a part has to have: "Who opens" alone asks nothing."""
MOST = 4
_ASKS = r"(?:who|whom|whose|what|when|where|which|why|how)\b"
_VERB = (
    r"(?:may|can|could|must|should|do|does|did|is|are|was|were|will|has|have) "
    r"(?:i|we|you|one|the|an?|my|our|there|every|each|all)\b"
)
_ASKED = "".join(rf"(?<!{word})" for word in ("who", "what", "when", "where", "which", "why", "how"))
_JOINT = re.compile(rf"(?<=\?)\s+(?=\S)|{_ASKED}[,;]?\s+(?:and|or|but)(?: also)?\s+(?={_ASKS}|{_VERB})", re.IGNORECASE)
_BEGINS = re.compile(rf"\s*(?:{_ASKS}|{_VERB}|(?:in|on|at|by|for|to|from|until|since|under) {_ASKS})", re.IGNORECASE)
_LEANS = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|that|these|those|one|ones|so|such|both|each|else|former|latter"
    r"|there|then|same)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r"(.+\b(?:for|of|about) )([^,?]+(?:, (?!and\b)[^,?]+)+),? and ([^,?]+)\??\s*", re.IGNORECASE)
LONGEST_ITEM = 5


def parts(question: str) -> tuple[str, ...]:
    """Return the questions that are asked, at most four; the question alone if it is one."""
    found = [piece.strip() for piece in _JOINT.split(question) if piece.strip()]
    if len(found) == 1:
        found = _listed(question)
    if not 1 < len(found) <= MOST or not all(_BEGINS.match(one) and _asks_enough(one) for one in found):
        return (question,)
    if any(_LEANS.search(one) for one in found[1:]):
        return (question,)
    return tuple(one if one.endswith("?") else f"{one}?" for one in found)


def _asks_enough(part: str) -> bool:
    return len(words.asked(part).words) >= FEWEST


def _listed(question: str) -> list[str]:
    """One question for each thing of a list of three or more at its end."""
    found = _LIST.fullmatch(question.strip())
    if not found:
        return [question]
    items = [*found[2].split(", "), found[3]]
    if any(len(item.split()) > LONGEST_ITEM or re.search(r"\d", item) for item in items):
        return [question]
    return [found[1] + item.strip() for item in items]
