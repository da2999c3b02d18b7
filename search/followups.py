"""What a follow-up means by itself, by rules: the question before it lends what was left out, and nothing else.

Four kinds lean on what was said: "yes, please" on an offer of the answer, "and on Sundays?" on the whole question
before, "by whom?" on all of it but what it asked for, and a pronoun on what it was about. Whatever leans on nothing is
a new topic and stays as it is. This is for English; in German and French what stands behind a preposition is exchanged,
in Japanese what stands before は or の, and their pronouns get the things the question before named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from corpus import words
from corpus.sentences import sentences

Turn: TypeAlias = tuple[str, str]
"""A question, as it was understood, and its answer."""
PARTICIPLE = 5
"""Letters of the shortest word that is a verb by its "ed"; a bed is none."""
FEWEST = 2
"""Words that a question behind "and" needs to mean something alone."""


def _listed(text: str) -> tuple[str, ...]:
    """Words that are written in a row."""
    return tuple(text.split())


_POLITE = re.compile(
    r"(?:(?:okay|ok|thanks|thank you|great|good|fine|i see|all right|danke|merci|sorry|pardon|no(?=[,.;!])|i meant?)\b"
    r"[\s,.!;:]*)+(?=\S)",
    re.IGNORECASE,
)
_JOINED = re.compile(
    r"(?:and|but|so|or|what about|how about|und|aber|et|mais|was ist mit|では|じゃあ|あと)"
    r"(?:\b|(?<=[^\x00-\x7f]))[\s,、]*",
    re.IGNORECASE,
)
_YES = re.compile(
    r"(?:yes|yeah|yep|sure|of course|please do|go ahead|ja|gerne|oui|volontiers|はい)"
    r"(?:[\s,]+(?:please|do|bitte|gerne|s'il (?:vous|te) plaît|お願いします))*[\s.!。、]*|please[\s.!]*",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"^(?:(?:shall|should|may|can|could) i (?:also )?(?:tell|show|give|look up|find|check|list|explain)(?: you| out)?"
    r"|(?:would|do) you (?:also )?(?:like|want)(?: me)?(?: to)?"
    r"(?: (?:know|see|hear|have|look up|tell you|show you|find))?"
    r")\s+",
    re.IGNORECASE,
)

_AUX = _listed(
    "is are was were do does did can could may might must shall should will would has have had be been ist sind war "
    "kann darf muss wird hat est sont peut dois doit ont"
)
_ASKING = (
    "who whom whose what when where which why how wer wen wem was wann wo wie warum qui quoi quand où combien quel"
)
_WH = rf"(?:{'|'.join(_ASKING.split())})"
_PREPOSITIONS = _listed(
    "for of on in at by from to with without during after before until since about between outside behind under "
    "against per von für am im an auf bei mit ohne nach vor bis seit de du des pour à au aux en dans avec sans"
)
_CONJUNCTIONS = _listed("if when while because unless wenn falls si quand lorsque")
_COUNTED = _listed("which what whose many much")
_DETERMINERS = _listed("the a an my our your his her its their this that these those each every some any no another")
_VERBS = _listed(
    "cost costs pay pays book keep get gets give gives take takes make makes go goes come comes open close closed "
    "start starts begin begins end ends run runs last need needs use allow let park move repair repairs clear "
    "clears collect read leave bring look looks inspect call reach find stand live stay put play carry rise rises "
    "happens happen break lend send ask decide decides there going ahead up off out not once long far much many "
    "often fit impose valid got found won lost paid built sold free full"
)
_SUBJECTS = _listed("i we you one it he she they me us them him")
_ACTING = _listed("i we you he she they")
"""Behind these stands what they do."""
_ATTRIBUTES = _listed(
    "deposit fee fees price cost costs penalty number telephone phone address hours deadline name names size time "
    "day days month year week rest others exceptions guests visitors"
)
_CLASSES = tuple(
    re.compile(rf"\b(?:{one})\b", re.IGNORECASE)
    for one in (
        "(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|working days?|public holidays?",
        "january|february|march|april|may(?= \\d)|june|july|august|september|october|november|december",
    )
)
_EXPLETIVE = re.compile(
    r"\bit (?:be |is |was )?(?:allowed|possible|forbidden|permitted|true|necessary|ok|takes?|matters?)\b"
    r".*\b(?:to|that|if)\b",
    re.IGNORECASE,
)
_HE, _SHE, _THEY, _IT = "he him his", "she her hers", "they them their theirs", "it its this that these those"
_PRONOUN = re.compile(rf"\b(?:{'|'.join(f'{_HE} {_SHE} {_THEY} it its'.split())})\b", re.IGNORECASE)
_POINTING = re.compile(
    rf"\b(?:{'|'.join((*_PREPOSITIONS, *_AUX))}) (?:this|that|these|those|such)\b|^(?:this|that|these|those) "
    r"|\b(?:then|instead|otherwise|else|these|those|th(?:is|at) way)\b\W*$|\bthe same\b"
    r"|(?<!is )(?<!are )(?<!was )(?<!be )\bthere\b(?! is| are| was)"
    r"|\b(?:without|another|with|which) ones?\b\W*$|\b(?:the|a) \w+ ones?(?![\w-])",
    re.IGNORECASE,
)
_FOREIGN_POINTING = re.compile(
    r"\b(?:er|ihn|ihm|es|dort|dafür|davon|dazu|dabei|damit|diese[mnrs]?|elles?|ils?|ça|cela|celui-ci|celle-ci|là-bas)\b"
    r"|これ|それ|この|その|ここ|そこ|彼"
)
_GENDERED = {_HE: r"\b(?:Mr|Herr|M\.)\.? [A-ZÀ-Þ][\w-]+", _SHE: r"\b(?:Ms|Mrs|Miss|Frau|Mme)\.? [A-ZÀ-Þ][\w-]+"}
_NAMED = re.compile(r"^(?:the )?((?:[A-ZÀ-Þ][\w&'-]+ ?)+)")
_CAPITALS = re.compile(r"(?<!\S)(\S+) ([A-ZÀ-Þ]\S*(?: [A-ZÀ-Þ0-9]\S*)*)")
"""A name, and the word ahead of it."""
_WORD = re.compile(r"[^\W_](?:[\w'’.-]*[\w'’])?")


def by_rules(follow_up: str, turns: Sequence[Turn]) -> str:
    """Return a follow-up as a question that is understood alone; a new topic as it is, but for "thanks" and "and"."""
    asked = follow_up.strip()
    if not turns:
        return asked
    question, answer = turns[-1]
    if _YES.fullmatch(asked):
        return _offered(answer) or asked
    polite = _POLITE.match(asked)
    bare = asked[polite.end() :] if polite else asked
    joined = _JOINED.match(bare)
    rest = bare[joined.end() :] if joined else bare
    before = question.strip().rstrip("?？ ")
    if not rest.strip("?？ .!"):
        return asked
    return _capital(_leaning(rest, before, answer, joined=bool(joined)) or rest)


def _leaning(rest: str, before: str, answer: str, *, joined: bool) -> str:
    """A follow-up with what it leans on; "" if it leans on nothing."""
    told = rest.rstrip("?？.! ")
    if not told.isascii() and (topic := re.fullmatch(r"(.+?)は", told)):
        return re.sub(r"^.+?(?=の|は)", topic[1], before, count=1) + "？"
    if _is_bare(told):
        return f"{told} {_small(_unasked(before))}?"
    if not _is_whole(told):
        return _exchanged(told, before) + "?"
    if _points(rest):
        return _filled(rest, before, answer)
    if _FOREIGN_POINTING.search(rest) or (joined and len(words.asked(told).words) < FEWEST):
        return f"{told}, {', '.join(phrases(before)) or before}?"
    return ""


def _offered(answer: str) -> str:
    """What the answer offers at its end, as a question."""
    told = [answer[start:end] for start, end in sentences(answer)]
    return _capital(_OFFER.sub("", told[-1].strip())) if told and told[-1].endswith(("?", "？")) else ""


def _is_bare(told: str) -> bool:
    """Whether it only asks for something: "by whom", "from what time on Sundays", "why"."""
    tokens = [one.lower() for one in _WORD.findall(told)]
    if not tokens or any(one in _AUX for one in tokens):
        return False
    if re.fullmatch(_WH, tokens[0]):
        return len(tokens) == 1 or (tokens[0] in {"how", "why", "where"} and not _PRONOUN.search(told))
    return tokens[0] in _PREPOSITIONS and any(re.fullmatch(_WH, one) for one in tokens[1:3])


def _is_whole(told: str) -> bool:
    """Whether it is a question with a verb, rather than a piece of one."""
    tokens = [one.lower() for one in _WORD.findall(told)]
    if not tokens or (tokens[0] in _CONJUNCTIONS and tokens[1:2] and tokens[1] not in _AUX):
        return False
    first = tokens[1] if tokens[0] in _PREPOSITIONS and len(tokens) > 1 else tokens[0]
    return first in _AUX or bool(re.fullmatch(_WH, first)) or bool((set(_SUBJECTS) - {"one"}) & set(tokens[:3]))


def _points(rest: str) -> bool:
    """Whether something in it stands for what was named before, and not in the question itself."""
    found = _POINTING.search(rest) or (None if _EXPLETIVE.search(rest) else _PRONOUN.search(rest))
    if not found:
        return False
    head = re.split(rf"\b(?:{'|'.join(_CONJUNCTIONS)}|that|who|which)\b", rest[: found.start()], flags=re.IGNORECASE)
    return not (len(head) > 1 and phrases(head[0]))


def _filled(rest: str, before: str, answer: str) -> str:
    """A question with what its pronoun stands for in the pronoun's place, or behind it."""
    found = None if _POINTING.search(rest) else _PRONOUN.search(rest)
    if found is None:
        return f"{rest.rstrip('?. ')}, {', '.join(phrases(before)) or before}?"
    pronoun = found[0].lower()
    meant = _meant(pronoun, before, answer)
    own = pronoun in {"its", "their", "his"} or (pronoun == "her" and re.match(r" [a-z]", rest[found.end() :]))
    return rest[: found.start()] + meant + ("'s" if own else "") + rest[found.end() :]


def _meant(pronoun: str, before: str, answer: str) -> str:
    """What a pronoun stands for: a person or a company of the answer, or the first thing that fits its number."""
    for pronouns, pattern in _GENDERED.items():
        if pronoun in pronouns.split() and (person := re.search(pattern, answer) or re.search(pattern, before)):
            return person[0]
    found = phrases(before)
    many = pronoun in _THEY.split()
    if many and re.match(r"(?:who|which)\b", before, re.IGNORECASE) and (named := _NAMED.match(answer)):
        return ", ".join((named[1].strip(), *found))
    fitting = [one for one in found if one.split(" of ")[0].endswith("s") == many]
    return (fitting or found or [before])[0]


def _exchanged(piece: str, before: str) -> str:
    """The question before with a piece in the place of its like, or at its end if it has none."""
    tokens = piece.split()
    first = tokens[0].lower()
    if first in _PREPOSITIONS or first in _CONJUNCTIONS:
        piece = first + piece[len(first) :]
        ends = _CONJUNCTIONS if first in _CONJUNCTIONS else (*_PREPOSITIONS, *_CONJUNCTIONS)
        place = re.search(rf"(?<=\s){re.escape(first)}\s.+?(?=\s(?:{'|'.join(ends)})\b|$)", before, re.IGNORECASE)
        if place and tokens[-1].lower() in {"one", "ones"}:
            piece = " ".join((first, *tokens[1:-1], place[0].split()[-1]))
        return _in_place(place, piece, before) if place else f"{before} {piece}"
    for kind in _CLASSES:
        if (new := kind.search(piece)) and (old := kind.search(before)) and new[0].lower() == piece.lower():
            return _in_place(old, piece, before)
    if alike := _alike(tokens, before) or _named_alike(tokens, before):
        return before.replace(alike, piece, 1)
    if len(tokens) > 1 and tokens[-1].lower() in {"one", "ones"}:
        piece = " ".join((*tokens[:-1], *map(_headword, phrases(before)[:1])))
    core = None if tokens[-1].lower() in _ATTRIBUTES else _core(before)
    return before.replace(core, piece, 1) if core else f"{before}, {piece}"


def _in_place(place: re.Match[str], piece: str, before: str) -> str:
    """A piece in the place of another, which lends it its year."""
    year = re.search(r" (?:19|20)\d\d$", place[0])
    lent = year[0] if year and not re.search(r"\d{4}", piece) else ""
    return before[: place.start()] + piece + lent + before[place.end() :]


def _alike(tokens: Sequence[str], before: str) -> str:
    """What in the question has the first or the last word of a piece, and another in the place of the others."""
    if len(tokens) != FEWEST or tokens[0].lower() in _DETERMINERS:
        return ""
    first, last = map(re.escape, tokens)
    found = re.search(rf"\b{first} [\w-]+", before, re.IGNORECASE) or re.search(rf"\b[\w-]+ {last}\b", before)
    return found[0] if found else ""


def _named_alike(tokens: Sequence[str], before: str) -> str:
    """What in the question a figure or a name takes the place of: "401" where it says "429", "Elm" where it says "Ash".

    A name is told by its capital letter, so it is none at the beginning of a question or behind an article.
    """
    if len(tokens) == 1 and any(map(str.isdigit, tokens[0])):
        return next((one for one in before.split() if _unfigured(one) == _unfigured(tokens[0])), "")
    if not all(one[:1].isupper() or one[:1].isdigit() for one in tokens):
        return ""
    named = [one[2] for one in _CAPITALS.finditer(before) if one[1].lower() not in _DETERMINERS and one[2] != "I"]
    return named[-1] if named else ""


def _unfigured(word: str) -> str:
    return re.sub(r"\d+", "0", word)


def _core(before: str) -> str:
    """What a question is about, if it is no part of a clause and behind no preposition, without an "of" behind it."""
    for one in phrases(before):
        ahead = before[: before.find(one)].lower().split()
        if any(word in _CONJUNCTIONS for word in ahead[2:]):
            return ""
        if one in before and not (ahead and ahead[-1] in {*_PREPOSITIONS, *_COUNTED}):
            return one.split(" of ")[0]
    return ""


def _headword(phrase: str) -> str:
    """What a phrase names, without an article and without what it is of."""
    named = phrase.split(" of ", maxsplit=1)[0].split()
    return " ".join(named[1:] if named[0].lower() in _DETERMINERS else named)


def phrases(question: str) -> list[str]:
    """Return what a question names: its runs of words that are neither verbs nor only join others, with "of" within.

    Example: "When is the office of the administration open?" -> ["the office of the administration"]
    """
    found: list[list[str]] = []
    run: list[str] = []
    ahead = ""
    for word in _WORD.findall(question):
        low, ahead, doing = word.lower(), word.lower(), ahead in _ACTING
        if doing:
            found, run = [*found, run], []
        elif low in _DETERMINERS and run[-1:] != ["of"]:
            found, run = [*found, run], [word]
        elif low in _DETERMINERS or (low == "of" and run) or _names(low, run):
            run.append(word)
        else:
            found, run = [*found, run], []
    told = (_trimmed(one) for one in (*found, run))
    return [" ".join(one) for one in told if one]


def _names(word: str, run: Sequence[str]) -> bool:
    """Whether a word is part of a name for something: behind "the" even a verb is."""
    if run and run[-1].lower() in _DETERMINERS:
        return True
    joins = word in _AUX or word in _PREPOSITIONS or word in _CONJUNCTIONS or word in _SUBJECTS
    return not (joins or word in _VERBS or re.fullmatch(_WH, word) or (word.endswith("ed") and len(word) >= PARTICIPLE))


def _trimmed(run: Sequence[str]) -> Sequence[str]:
    """A run without an "of" or an article at its end; nothing if it names nothing."""
    while run and run[-1].lower() in {"of", *_DETERMINERS}:
        run = run[:-1]
    return run


def _unasked(before: str) -> str:
    """A question without what it asks for at its beginning: "is the roof repaired" of "when is the roof repaired"."""
    return re.sub(
        rf"^(?:\w+ )??{_WH}\b(?: (?:many|much|long|often|time|far|votes|day|days))?\s*", "", before, flags=re.IGNORECASE
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    """A text with its first word in small letters, unless that is a name."""
    return text[:1].lower() + text[1:] if text.split(" ", maxsplit=1)[0].lower() in (*_AUX, *_DETERMINERS) else text
