"""Conversations: what a follow-up means by itself, who answers it in which voice, and what is kept of it.

A model rewrites follow-ups where there is one; its rewrite counts only if it brings in nothing that was not said, else
that of the rules does (`search/followups.py`), as it does without a model. What is asked then goes the way of any
question: a persona gives an answer its voice, and never its grounds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from corpus import words
from corpus.allowance import Allowance
from corpus.answers import Answer, Evidence, Prompt, Sentence
from corpus.errors import FootnoteError, QuotaExceeded
from corpus.keys import iso_time
from corpus.ports import LLM
from corpus.records.conversations import BOT, Conversation, Conversations, Message
from corpus.records.documents import Documents
from corpus.records.personas import Persona, Personas, unknown_persona
from corpus.scope import ENDED, Scope
from search.answer import Answering
from search.followups import Turn, by_rules
from search.text import together
from search.verify import figures_of, names_of
from search.withhold import WITHHELD, as_readable, leaning

log = logging.getLogger(__name__)

REMEMBERED = 4
"""Turns that a follow-up may lean on."""
LONGEST = 500
"""Characters of a question that a model rewrote; nobody asks for more in one breath."""
NEEDED = ("converse", "ask")
MILLISECOND = 0.001
LEFT = "Whoever asked left before the end; there may have been more to say."
INSTRUCTIONS = (
    "The evidence is a conversation, oldest turn first. Write the question below so that it can be understood without "
    "the conversation: put what its pronouns stand for in their place, and add what it leaves out. If it offers to "
    "accept something, write what was offered as a question. If it is about something new, write it as it is. Use no "
    "name and no number that does not stand in the conversation or in the question. Keep its language. Write only the "
    "question, and answer nothing."
)


class Meant(NamedTuple):
    """What somebody meant by what they said: the question that is searched for."""

    question: str


Replying: TypeAlias = Generator[Meant | Sentence | Message | None, None, None]


@dataclass(frozen=True, slots=True)
class Converser:
    """Holds conversations over records; `new_id` gives an id for a time, `llm_of` the model that works for somebody.

    `answer` answers a question in a voice, as `Answerer.stream` does: its None comes once the question was looked up.
    """

    conversations: Conversations
    personas: Personas
    llm_of: Callable[[Scope], LLM]
    allowance: Allowance
    answer: Callable[[Scope, str, str], Answering]
    clock: Callable[[], float]
    new_id: Callable[[float], str]

    def begin(self, scope: Scope, persona_id: str = "", title: str = "") -> Conversation:
        """Begin a conversation with a persona of the asker's building, or with its default one.

        Raises `NotFound` for a persona that is not there, and `Forbidden` for somebody who may hold none.
        """
        if persona_id and not self.personas.get(scope.tenant_id, persona_id):
            raise unknown_persona(persona_id)
        self.allowance.allow(scope, "converse")
        now = self.clock()
        told = (self.new_id(now), scope.user_id, scope.tenant_id, iso_time(now), iso_time(now), title, persona_id)
        return self.conversations.begin(Conversation(*told))

    def say(self, scope: Scope, conversation_id: str, text: str) -> Message:
        """Answer what a person says in a conversation of their own, keep both, and return the answer.

        Raises `NotFound` for a conversation that is not theirs, `Forbidden` and `QuotaExceeded` for somebody who may
        not ask, or no more, and what `Scope.expect_still` does if their rights end while it is answered: what they
        said is kept then, as not allowed, and nothing of an answer.
        """
        (message,) = [one for one in self._said(scope, conversation_id, text) if isinstance(one, Message)]
        return message

    def stream(self, scope: Scope, conversation_id: str, text: str) -> Replying:
        """Yield what is meant, each sentence of the answer once it is verified, None meanwhile, and last the message.

        That is the one that `say` returns, kept with what was said before it is told. Closing this in the middle ends
        what the model writes, and keeps what was said and, as a partial answer, what was verified until then. What
        fails before anything is told fails as in `say`; who may `stream` nothing is refused in the same way.
        """
        yield from self._said(scope, conversation_id, text, "stream")

    def reply(self, scope: Scope, persona: Persona, text: str, turns: Sequence[Turn]) -> Answer:
        """Return the answer to what somebody means behind these turns, oldest first, in the persona's voice.

        Nothing is paid for before it is allowed. Raises `Forbidden`, and `QuotaExceeded` if today's questions are used
        up.
        """
        (answer,) = [one for one in self.replying(scope, persona, text, turns) if isinstance(one, Answer)]
        return answer

    def replying(
        self, scope: Scope, persona: Persona, text: str, turns: Sequence[Turn], *more: str
    ) -> Generator[Meant | Sentence | Answer | None, None, None]:
        """Yield the same while it is written, and first, once it was looked up, what is meant.

        `more` are actions that it needs besides. Closing this in the middle ends what the model writes.
        """
        for action in ("converse", *more):
            self.allowance.allow(scope, action)
        with self.allowance.asking(scope, "ask"):
            question = standalone(text, turns[-REMEMBERED:], self.llm_of(scope))
            voice = manner(persona) or in_language(scope.language)
            with closing(self.answer(scope, question, voice)) as answering:
                next(answering)
                yield Meant(question)
                yield from answering

    def _said(self, scope: Scope, conversation_id: str, text: str, *more: str) -> Replying:
        """Yield a turn of a conversation while it is answered, and keep both sides of it at once."""
        conversation = self.conversations.mine(scope, conversation_id)
        before = datetime.fromisoformat(conversation.last_message_at).timestamp()
        now = max(self.clock(), before + MILLISECOND)  # messages stand in the order in which they were said
        needed = (*NEEDED, *more)
        said = Message(self.new_id(now), conversation_id, iso_time(now), scope.user_id, text, "ask", needed)
        persona = self.personas.answering(scope.tenant_id, conversation.persona_id)
        question, verified, replies = "", list[Sentence](), list[Message]()
        try:
            with closing(self.replying(scope, persona, text, self._turns(scope, conversation), *more)) as replying:
                for one in replying:
                    question = one.question if isinstance(one, Meant) else question
                    verified += [one] if isinstance(one, Sentence) else []
                    if isinstance(one, Answer):
                        replies.append(self._bots(said, question, one))
                    else:
                        yield one
        except (*ENDED, QuotaExceeded):
            self.conversations.add(scope, [replace(said, allowed=False)])
            raise
        except GeneratorExit:
            self._left(scope, said, question, verified)
            raise
        self.conversations.add(scope, [said, *replies])
        yield from replies

    def _left(self, scope: Scope, said: Message, question: str, verified: Sequence[Sentence]) -> None:
        """Keep what was said, and what of its answer was verified before the asker left: nobody hears of errors."""
        cited = dict.fromkeys(citation for one in verified for citation in one.citations)
        answer = Answer("partial", together(verified), tuple(cited), (LEFT,))
        try:
            self.conversations.add(scope, [said, self._bots(said, question, answer)] if verified else [said])
        except FootnoteError as error:
            log.warning("what was said is not kept", extra={"error": error.code})

    def _bots(self, said: Message, question: str, answer: Answer) -> Message:
        """What the bot says to what was said."""
        then = max(self.clock(), datetime.fromisoformat(said.timestamp).timestamp() + MILLISECOND)
        told = (self.new_id(then), said.conversation_id, iso_time(then), BOT, answer.text)
        return Message(*told, used_query=question, answer=answer)

    def shown(
        self, scope: Scope, conversation: Conversation, limit: int, after: str | None = None
    ) -> tuple[list[Message], str | None]:
        """Return a page of a conversation's messages, newest first, as the asker may read them now, and its cursor."""
        page, cursor = self.conversations.messages(conversation, limit, after)
        read, following = list(page), cursor
        while following:  # as far back as a follow-up may lean on another
            before, following = self.conversations.messages(conversation, 2 * REMEMBERED, following)
            read += before
            if not leaning(before):
                break
        documents = Documents(self.conversations.table)
        return as_readable(documents, scope, read)[: len(page)], cursor

    def _turns(self, scope: Scope, conversation: Conversation) -> list[Turn]:
        """The last turns of a conversation, oldest first, each question as it was understood, without what is withheld.

        A question that cannot be told as it was understood is told as it was asked.
        """
        newest, _ = self.shown(scope, conversation, 2 * REMEMBERED)
        turns, asked = list[Turn](), ""
        for one in reversed(newest):
            if one.answer is None:
                asked = one.text
            elif one.used_query or asked:
                turns.append((one.used_query or asked, "" if one.text == WITHHELD else one.text))
        return turns[-REMEMBERED:]


def manner(persona: Persona) -> str:
    """Return what a model is told of the voice it answers in; nothing of a persona that has none of its own."""
    told = (
        f"Your tone is: {persona.tone}." if persona.tone else "",
        in_language(persona.language),
        persona.instructions,
    )
    spoken = " ".join(one for one in told if one)
    return f"You answer as {persona.name}. {spoken}" if spoken else ""


def in_language(language: str) -> str:
    """Return what a model is told of the language to answer in, an ISO code; nothing of none.

    A question is answered in its own: an answer in another language than its evidence would not be verified.
    """
    return f"If the question's language is not clear, answer in {language}." if language else ""


def standalone(follow_up: str, turns: Sequence[Turn], llm: LLM) -> str:
    """Return what a follow-up means without the turns before it, oldest first: by the model, or else by rules."""
    ruled = by_rules(follow_up, turns)
    if not turns:
        return ruled
    spoken = tuple(Evidence(n, f"Turn {n}", f"{one}\n\n{answer}") for n, (one, answer) in enumerate(turns, 1))
    try:
        draft = "".join(llm.stream(Prompt(INSTRUCTIONS, follow_up, spoken))).strip()
    except FootnoteError as error:
        log.warning("a model rewrote nothing", extra={"llm": llm.name, "error": error.code})
        return ruled
    known = "\n".join((follow_up, *(part for turn in turns for part in turn)))
    return draft if _adds_nothing(draft, known) else ruled


def _adds_nothing(draft: str, known: str) -> bool:
    """Whether a draft is one bare question of which every figure and every name was said before.

    What quotes evidence is an answer and no question; `quotes`, which is no model, can do nothing else.
    """
    if not draft or len(draft) > LONGEST or "\n" in draft or '"]' in draft:
        return False
    if not figures_of(draft) <= figures_of(known):
        return False
    first = draft.split(maxsplit=1)[0]
    telling = [first] if set(words.tokens(first)) & set(words.asked(draft).searched) else []
    return set(words.tokens(" ".join((*telling, *names_of(draft))))) <= set(words.tokens(known))
