"""What holds when the best hits are put in order once more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from corpus import words
from corpus.model import Document, Hit
from search.rerank import ABOVE, DEPTH, DOCUMENT, TOGETHER, reranked
from tests.laws.test_fuse import hit

WORDS = ("pool", "opens", "at", "nine", "the", "house", "rules", "party", "room")
SAID = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
hits_of = st.lists(st.tuples(st.sampled_from("abcd"), SAID, st.floats(-3, 8)), max_size=DEPTH + 8)


def found(rows: list[tuple[str, str, float]]) -> list[Hit]:
    """Hits of (document, content, score), best first, each with a chunk of its own."""
    hits = [hit(f"{name}#{n}", score, content=content) for n, (name, content, score) in enumerate(rows)]
    return sorted(hits, key=lambda one: -one.score)


def records(*named: Document) -> dict[str, Document]:
    known = {name: Document(name, "me", "home") for name in "abcd"}
    return known | {one.document_id: one for one in named}


def order(question: str, rows: list[tuple[str, str, float]], *named: Document) -> list[str]:
    return [one.content for one in reranked(words.asked(question), found(rows), records(*named))]


def test_words_that_stand_together() -> None:
    """Of two texts with the same words at the same rank, the one in which they stand as asked comes first."""
    apart, near = "the party is in a large and very old room", "the party room is large and very old"

    assert order("party room", [("a", apart, 1.0), ("b", near, 1.0)]) == [near, apart]
    assert order("party room", [("a", apart, 9.0), ("b", near, 1.0)]) == [apart, near]


def test_the_document_that_the_question_names() -> None:
    """Of many alike, the long document whose beginning says what the question names comes first."""
    rows = [("a", "The deposit is 200 euros.", 1.1), ("b", "The deposit is 300 euros.", 1.0)]
    east = Document("b", "me", "home", file_name="contract-2026.pdf", preview="Lease of Eastgate", word_count=9000)
    west = Document("a", "me", "home", file_name="contract-2025.pdf", preview="Lease of Westgate", word_count=9000)

    assert order("How much is the deposit of Eastgate?", rows, east, west)[0] == rows[1][1]
    assert order("How much is the deposit of Westgate?", rows, east, west)[0] == rows[0][1]
    assert order("How much is the deposit in 2026?", rows, east, west)[0] == rows[1][1]
    assert order("How much is the deposit?", rows, east, west)[0] == rows[0][1]


def test_a_copy_comes_last() -> None:
    """A text that stands there already, but for case and blanks, comes behind all others; a "not" more is no copy."""
    rows = [("a", "The pool opens at nine.", 5.0), ("b", "The pool  opens at NINE.", 4.0), ("c", "No dogs.", 0.5)]
    assert order("When does the pool open?", rows) == [rows[0][1], rows[2][1], rows[1][1]]

    against = [("a", "Dogs are allowed.", 5.0), ("b", "Dogs are not allowed.", 4.0), ("c", "No dogs.", 0.5)]
    assert order("Are dogs allowed?", against) == [content for _, content, _ in against]


@given(hits_of, SAID)
def test_every_hit_stays(rows: list[tuple[str, str, float]], question: str) -> None:
    """The same hits come back, best first, and none gains more than the weights together."""
    before = found(rows)
    after = reranked(words.asked(question), before, records())

    assert sorted(one.chunk_id for one in after) == sorted(one.chunk_id for one in before)
    assert [one.score for one in after] == sorted((one.score for one in after), reverse=True)
    scores = {one.chunk_id: one.score for one in before}
    assert all(one.score <= scores[one.chunk_id] + TOGETHER + ABOVE + DOCUMENT + 1e-9 for one in after)


@given(hits_of)
def test_nothing_asked_changes_nothing(rows: list[tuple[str, str, float]]) -> None:
    """A question without a word leaves each text where it was, but for copies."""
    before = found([(name, f"{content} {n}", score) for n, (name, content, score) in enumerate(rows)])

    assert [one.score for one in reranked(words.asked("?"), before, records())] == [one.score for one in before]


def test_the_words_of_its_heading() -> None:
    """What stands above a chunk counts: the section that is asked about comes first."""
    one, two = hit("a#0", 1.0, content="80 euros."), hit("b#0", 1.0, content="90 euros.")
    hits = [one, two._replace(section="Party room")]

    assert [h.content for h in reranked(words.asked("fee of the party room"), hits, records())] == [
        two.content,
        one.content,
    ]
