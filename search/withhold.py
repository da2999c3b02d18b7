"""What may still be shown of kept messages: nothing that rests on what its reader may not read any more.

A message never changes. Whenever one is read again, or remembered, each document it cites is looked up as it is now: of
those that were taken back or removed neither the quotes nor the sentences that rest on them are told. Who may read
them again is told all of it again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

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
    understood.
    """
    cited = {one.document_id for message in newest_first if message.answer for one in message.answer.citations}
    readable = documents.readable(scope, cited)
    if readable == cited:
        return list(newest_first)
    found, said, withheld = list[Message](), "", False
    for message in reversed(newest_first):
        kept = _kept(message, readable)
        if message.user_id != BOT:
            said = message.text
        elif withheld and message.used_query != said:
            kept = replace(kept, used_query="")
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


def _kept(message: Message, readable: Collection[str]) -> Message:
    """A message without what rests on other documents than these."""
    answer = message.answer
    gone = {one.number: one for one in answer.citations if one.document_id not in readable} if answer else {}
    if answer is None or not gone:
        return message
    text = "".join(
        sentence[0]
        for sentence in _SENTENCE.finditer(answer.text)
        if gone.keys().isdisjoint(map(int, _MARK.findall(sentence[1])))
    ).rstrip()
    names = {one.file_name for one in gone.values()}
    notes = [note for note in answer.notes if not any(name in note for name in names)]
    left = Answer(
        "partial" if text else "not_found",
        text or WITHHELD,
        tuple(_unavailable(one) if one.number in gone else one for one in answer.citations),
        (*notes, PARTLY) if text else (),
        answer.as_of,
    )
    return replace(message, text=left.text, answer=left)


def _unavailable(one: Citation) -> Citation:
    """A citation that says no more than that there was one."""
    return Citation(one.number, one.document_id, "", "", 0, "", "", 0, 0, "", available=False)
