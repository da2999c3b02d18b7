"""What may still be shown of kept messages: nothing that rests on what its reader may not read any more.

A message never changes. Whenever one is read again, or remembered, each document it cites is looked up as it is now: of
those that were taken back or removed neither the quotes nor the sentences that rest on them are told. Who may read
them again is told all of it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from corpus import words
from corpus.answers import Answer, Citation
from corpus.records.conversations import BOT, Message
from corpus.records.documents import Documents
from corpus.scope import Scope

WITHHELD = "What was said here rests on documents that are no longer available to you."
PARTLY = "Some of this answer is withheld: it rests on documents that are no longer available to you."
_SENTENCE = re.compile(r".*?((?:\[\d+\])+)(?:\s|$)", re.DOTALL)
"""A sentence with the marks it ends in, as `search/text.py` writes it: no other figure stands in brackets."""
_MARK = re.compile(r"\[(\d+)\]")


def as_readable(documents: Documents, scope: Scope, newest_first: Sequence[Message]) -> list[Message]:
    """Return messages of one conversation as the asker may read them now.

    A question that may have been understood by what is withheld of the messages before is not told as it was
    understood, nor is what its answer has from there and from no quote of its own.
    """
    named = {name for message in newest_first if message.answer for name in message.answer.documents}
    readable = frozenset(documents.admitting(scope, named))
    if readable == named:
        return list(newest_first)
    found, said, withheld = list[Message](), "", False
    for message in reversed(newest_first):
        kept, lent = message, frozenset[str]()
        if message.user_id != BOT:
            said = message.text
        elif withheld and message.used_query != said:
            kept, lent = replace(message, used_query=""), _words(message.used_query) - _words(said)
        kept = _kept(kept, readable, lent)
        withheld = withheld or kept.answer != message.answer
        found.append(kept)
    return found[::-1]


def leaning(newest_first: Sequence[Message]) -> bool:
    """Whether any of these messages answers what was understood by those before it, or may be."""
    said = ""
    for message in reversed(newest_first):
        if message.user_id != BOT:
            said = message.text
        elif message.used_query != said:
            return True
    return False


def _kept(message: Message, readable: frozenset[str], lent: Collection[str]) -> Message:
    """A message without what rests on other documents than these, or has one of the words that its question lent it."""
    answer = message.answer
    if answer is None:
        return message
    gone = {one.number: one for one in answer.citations if one.document_id not in readable}
    whole = list(_SENTENCE.finditer(answer.text))
    told = [one[0] for one in whole if _is_own(one[0], lent, answer) and gone.keys().isdisjoint(_marks(one[1]))]
    names = {one.file_name for one in gone.values()}
    told_of = answer.notes if readable.issuperset(answer.about) else ()  # who removed it took its name along
    notes = [note for note in told_of if not any(name in note for name in names) and _words(note).isdisjoint(lent)]
    if not gone and len(told) == len(whole):
        return replace(message, answer=replace(answer, notes=tuple(notes)))
    text = "".join(told).rstrip()
    left = Answer(
        "partial" if text else "not_found",
        text or WITHHELD,
        tuple(_unavailable(one) if one.number in gone else one for one in answer.citations),
        (*notes, PARTLY) if text else (),
        answer.as_of,
    )
    return replace(message, text=left.text, answer=left)


def _is_own(sentence: str, lent: Collection[str], answer: Answer) -> bool:
    """Whether a sentence has these words, as far as it has any, from what it cites."""
    marks = _marks(sentence)
    cited = "\n".join(f"{one.quote}\n{one.section}" for one in answer.citations if one.number in marks)
    return (_words(_MARK.sub("", sentence)) & frozenset(lent)) <= _words(cited)


def _marks(sentence: str) -> frozenset[int]:
    return frozenset(map(int, _MARK.findall(sentence)))


def _words(text: str) -> frozenset[str]:
    return frozenset(words.tokens(text))


def _unavailable(one: Citation) -> Citation:
    """A citation that says no more than that there was one."""
    return Citation(one.number, one.document_id, "", "", 0, "", "", 0, 0, "", available=False)
