from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from corpus.answers import Answer, Citation, Prompt
from corpus.errors import BlobMissing
from corpus.llms.quotes import Quotes
from corpus.model import Access, Chunk, Generation, GenerationId, Passage
from corpus.texts import stored
from ingest.editions import amend
from ingest.terms import Terms
from search.retrieve import DEPTH
from tests.fakes import ScriptedLLM
from tests.pdfs import PICTURE, pdf
from tests.worlds import ME, YOU, World

RULES = """# House Rules

## Pool

The pool opens at nine in the morning. It closes at eight in the evening.
Children under twelve need company [3].

## Parking

Visitors may park in the yard for two nights.
"""


def cited(world: World, answer: Answer) -> list[str]:
    """The stored text at each citation."""
    found = []
    for one in answer.citations:
        live = world.document(one.document_id).live_in(world.index.name)
        assert live
        assert live.version == one.version
        text = stored(world.blobs, "me", live)
        assert text
        assert text.text[one.start : one.end] == one.quote
        found.append(one.quote)
    return found


def test_an_answer_can_be_opened(world: World) -> None:
    """An answer quotes the documents, and each quote stands in the stored text at the place that is named."""
    world.put("d1", RULES, name="rules.md")
    world.put("d2", "The lift was repaired in March.", name="minutes.txt")
    version = world.document("d1").version
    world.work()

    answer = world.ask("When does the pool open?")

    assert answer.type == "grounded"
    assert answer.text.startswith("The pool opens at nine in the morning. [1]")
    assert cited(world, answer)[0] == "The pool opens at nine in the morning."
    first = answer.citations[0]
    assert first == Citation(
        number=1,
        document_id="d1",
        version=world.document("d1").version,
        file_name="rules.md",
        page=1,
        page_label="",
        section="House Rules › Pool",
        start=RULES.index("The pool opens"),
        end=RULES.index("The pool opens") + 38,
        quote="The pool opens at nine in the morning.",
    )
    assert version == ""


def test_a_citation_names_the_printed_page(world: World) -> None:
    """A quote from a PDF names its physical page and the label that is printed on it."""
    pages = ["Contents", "Foreword", "The lift takes eight persons.", "The pool opens at nine in the morning."]
    world.uploads.put(ME, "d1", "rules.pdf", pdf(pages, roman=2))
    world.work()

    (one,) = world.ask("When does the pool open?").citations

    assert (one.page, one.page_label, one.quote) == (4, "2", "The pool opens at nine in the morning.")


def test_what_is_not_there_is_not_found(world: World) -> None:
    """A question that the documents do not answer, an empty corpus and a stranger get "not found" without citations."""
    assert world.ask("When does the pool open?").type == "not_found"
    world.put("d1", RULES)
    world.work()

    for answer in (
        world.ask("Who won the football championship in Brazil?"),
        world.ask("When does the pool open?", YOU),
    ):
        assert (answer.type, answer.citations) == ("not_found", ())
        assert answer.text
    assert world.ask("") == world.ask("the of and") == Answer("not_found", answer.text)


def test_a_removed_document_is_quoted_no_more(world: World) -> None:
    """From the moment of its removal no answer quotes a document."""
    world.put("d1", RULES)
    world.work()
    world.uploads.remove(ME, "d1")

    assert world.ask("When does the pool open?").type == "not_found"


def test_what_was_not_asked_is_not_said(world: World) -> None:
    """A sentence stays only if a word of the question stands where it is quoted from, or above."""
    world.put("d1", RULES, name="rules.md")
    world.work()
    draft = 'It closes at eight [1 "closes at eight"]. Visitors may park in the yard [1 "may park in the yard"].'

    assert world.ask("When does the pool open?", llm=ScriptedLLM(draft)).text == "It closes at eight. [1]"


def test_only_what_stands_there_is_said(world: World) -> None:
    """Of a draft only sentences stay whose quote stands in the evidence they name, and equal places share a number."""
    world.put("d1", RULES, name="rules.md")
    world.work()
    draft = (
        'It opens at nine [1 "pool opens at\n nine"]. It is free. It is deep [1 "ten metres deep"]. '
        'See there [9 "The pool opens"]. It closes at eight [1 "closes at eight"][1 "pool opens at nine"]. '
        'And dogs [0 "The pool"] may [1 "  "] swim'
    )

    answer = world.ask("When does the pool open?", llm=ScriptedLLM(draft))

    assert answer.text == "It opens at nine. [1] It closes at eight. [2][1]"
    assert cited(world, answer) == ["pool opens at nine", "closes at eight"]


def test_what_is_no_sentence_stands_on_a_line_of_its_own(world: World) -> None:
    """A table's row or a list's item in an answer ends its line; sentences go on in theirs."""
    world.put("d1", RULES, name="rules.md")
    world.work()
    draft = (
        'Pool, nine [1 "at nine in the"]  Yard, two nights [1 "for two nights"] It closes. [1 "It closes at"] '
        'Open (mornings) [1 "in the morning. It"]'
    )

    answer = world.ask("When does the pool or the yard open?", llm=ScriptedLLM(draft))

    assert answer.text.splitlines() == [
        "Pool, nine [1]",
        "Yard, two nights [2]",
        "It closes. [3] Open (mornings) [4]",
    ]


def test_a_draft_without_a_verified_quote_is_not_found(world: World) -> None:
    """A model that only invents is not passed on."""
    world.put("d1", RULES)
    world.work()

    for draft in ("It opens at noon.", 'It opens at noon [1 "opens at noon"].', "", '[1 "'):
        assert world.ask("When does the pool open?", llm=ScriptedLLM(draft)).type == "not_found"


def test_a_documents_own_note_numbers_are_not_ours(world: World) -> None:
    """Every mark in an answer has its citation, even where the quoted text has marks of its own."""
    world.put("d1", RULES)
    world.work()

    answer = world.ask("Which children need company at the pool?")

    assert "need company (3). [1]" in answer.text
    assert cited(world, answer)[0].endswith("company [3].")


def test_a_stored_text_that_was_changed_is_not_cited(world: World) -> None:
    """A quote that does not stand in the stored text is dropped, whatever the index says."""
    world.put("d1", RULES)
    world.work()
    key = next(key for key in world.blobs.keys("processed/") if key.endswith("extracted-text.txt"))
    world.blobs.put(key, RULES.replace("nine", "noon").encode(), {})

    assert world.ask("When does the pool open?").type == "not_found"


def test_an_answer_says_what_was_not_read(world: World) -> None:
    """An answer from a document with pages that nobody could read says which."""
    pages = ["The pool opens at nine in the morning.", PICTURE, PICTURE, "", "The lift takes eight persons."]
    world.uploads.put(ME, "d1", "rules.pdf", pdf(pages))
    world.work()

    answer = world.ask("When does the pool open?")

    assert (answer.type, answer.notes) == ("partial", ("Of rules.pdf, pages 2-3 could not be read.",))
    assert world.document("d1").coverage.empty == ("4",)


def test_a_document_that_is_replaced_while_it_is_quoted(world: World) -> None:
    """When the text of a hit goes while it is verified, the question is asked anew."""
    world.put("d1", RULES)
    world.work()
    get, once = world.blobs.get, list[str]()

    def replaced(key: str, limit: int) -> object:
        if key.startswith("processed/") and not once:
            once.append(key)
            world.put("d1", RULES.replace("nine", "ten"))
            world.work()
            raise BlobMissing("gone")
        return get(key, limit)

    world.blobs.get = replaced  # type: ignore[method-assign, assignment]
    answer = world.ask("When does the pool open?")

    assert once
    assert "opens at ten" in answer.text


def test_what_is_no_longer_live_does_not_crowd_out_what_is(world: World) -> None:
    """Chunks that a crash left behind fill the lists of the first look, and not of the next."""
    world.put("d1", "The pool opens at nine.")
    world.work()
    text = "pool pool pool"
    (rows,) = world.embedder.embed([Passage("", text)], "query")
    crowd = tuple(Chunk(n, n, n + 1, text, 1, 1, (), 3) for n in range(DEPTH + 20))
    for name in ("left", "gone"):
        left = GenerationId(name, "1", "r")
        world.index.write(
            Generation(
                left, "me", "home", ("user:me",), "f", "t", (), "", "", crowd, np.repeat(rows, len(crowd), axis=0)
            )
        )

    found = world.retriever.search(ME, "pool", 5)

    assert [hit.content for hit in found.hits] == ["The pool opens at nine."]
    assert found.cosine < 0.99


def test_the_record_decides_who_may_read(world: World) -> None:
    """An index that still names a reader shows them nothing that the record does not."""
    world.put("d1", "The pool opens at nine.")
    document = world.documents.put(replace(world.document("d1"), access=Access(audience=("user:you",))))
    world.work()
    assert world.visible(YOU) == {"d1": ["The pool opens at nine."]}

    world.documents.put(replace(world.document("d1"), access=Access()))

    assert world.visible(YOU) == {}
    assert world.visible(ME) == {"d1": ["The pool opens at nine."]}
    assert document.readers == ("user:me", "user:you")


def test_k_hits_where_k_exist(world: World) -> None:
    """A search brings exactly k hits wherever the asker may see k chunks."""
    for n in range(40):
        world.put(f"d{n}", f"Rule {n} of the house says something.")
    world.work(most=400)

    for k in (1, 25, 26, 40):
        hits = world.retriever.search(ME, "rule of the house", k).hits
        assert len(hits) == k
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(world.retriever.search(ME, "rule of the house", 41).hits) == 40


@pytest.mark.parametrize("way", ["removed", "revoked"])
def test_what_is_taken_back_while_it_is_written(world: World, way: str) -> None:
    """What a document says is not told once it was taken back, though it was found before, while the model wrote."""
    world.put("d1", RULES)
    amend(world.table, ME, "d1", Terms(shared_with=("you",)))
    world.work()
    assert world.ask("When does the pool open?", YOU).type == "grounded"

    class Slow(Quotes):
        def stream(self, prompt: Prompt) -> Generator[str, None, None]:
            if way == "removed":
                world.uploads.remove(ME, "d1")
            else:
                amend(world.table, ME, "d1", Terms(shared_with=()))
            yield from super().stream(prompt)

    answer = world.ask("When does the pool open?", YOU, Slow())
    assert (answer.type, answer.citations, "nine" in str(answer)) == ("not_found", (), False)


@pytest.mark.parametrize("taken", [True, False])
def test_what_is_taken_back_while_it_waits(world: World, *, taken: bool) -> None:
    """A sentence that is told only once all of the draft is known is not told if it was taken back until then."""
    world.put("d1", "The pool opens at nine in the morning.")
    world.uploads.put(ME, "d2", "plan.pdf", pdf(["The pool of the house has a plan.", PICTURE]))
    for name in ("d1", "d2"):
        amend(world.table, ME, name, Terms(shared_with=("you",)))
    world.work()

    class Slow(Quotes):
        def stream(self, prompt: Prompt) -> Generator[str, None, None]:
            number = next(one.number for one in prompt.evidence if "nine" in one.content)
            yield f'The pool opens at nine [{number} "pool opens at nine"]. And'
            if taken:
                amend(world.table, ME, "d1", Terms(shared_with=()))

    question = "When does the pool open on Christmas?"
    *begun, answer = [one for one in world.answerer(Slow()).stream(YOU, question) if one]
    assert isinstance(answer, Answer)
    assert ("nine" in str((begun, answer)), answer.type) == ((False, "not_found") if taken else (True, "grounded"))
