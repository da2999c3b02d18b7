from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus import words
from corpus.errors import BadRequest
from corpus.keys import chunk_id
from corpus.model import Chunk, Generation, GenerationId, Hit, Legs
from corpus.ports import VectorIndex
from corpus.scope import Where
from corpus.ways import Filter
from tests.contracts.adapters import SPACE, Opened

TEXTS = ("the lift is broken", "the pool opens at nine", "lift maintenance costs money", "quiet hours and the pool")
ME = Where("home", frozenset({"user:me"}))


def unit(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    row = np.random.default_rng(seed).normal(size=SPACE.dimensions).astype(np.float32)
    return row / np.linalg.norm(row)


def generation(
    document_id: str = "d1",
    version: str = "1",
    *,
    recipe: str = "r1",
    texts: Sequence[str] = TEXTS,
    readers: tuple[str, ...] = ("user:me",),
    tenant_id: str = "home",
    seed: int = 0,
    title: str = "",
) -> Generation:
    chunks = tuple(
        Chunk(n, n * 100, n * 100 + len(text), text, n + 1, n + 2, ("Rules", f"§ {n}"), 5)
        for n, text in enumerate(texts)
    )
    return Generation(
        id=GenerationId(document_id, version, recipe),
        user_id="me",
        tenant_id=tenant_id,
        readers=readers,
        file_name=f"{document_id}.pdf",
        file_type="application/pdf",
        tags=("a", "b"),
        title=title,
        created_at="2026-01-01T00:00:00.000Z",
        chunks=chunks,
        vectors=np.stack([unit(seed + n) for n in range(len(texts))])
        if texts
        else np.zeros((0, SPACE.dimensions), np.float32),
    )


def legs(index: VectorIndex, words: Sequence[str] = ("pool",), where: Where = ME, k: int = 10, seed: int = 0) -> Legs:
    return index.legs(unit(seed), words, k, where)


def ids(hits: Sequence[Hit]) -> list[tuple[str, str, int]]:
    return [(hit.generation.document_id, hit.generation.version, hit.chunk_index) for hit in hits]


def test_write(opened_index: Opened[VectorIndex]) -> None:
    """Store the generation's chunks; writing it again leaves it there once."""
    one = generation(title="House Rules")
    opened_index.it.write(one)
    opened_index.it.write(one)
    other = opened_index.again()

    found = legs(other)

    assert sorted(ids(found.nearest)) == [("d1", "1", n) for n in range(4)]
    assert sorted(ids(found.matching)) == [("d1", "1", 1), ("d1", "1", 3)]
    best = found.nearest[0]
    assert best == best._replace(
        chunk_id=chunk_id("d1", "1", "r1", 0),
        generation=one.id,
        start=0,
        end=18,
        content="the lift is broken",
        page=1,
        end_page=2,
        file_name="d1.pdf",
        title="House Rules",
        section="Rules › § 0",
        created_at=one.created_at,
        header="",
    )


def test_a_repeated_header_comes_with_its_rows(index: VectorIndex) -> None:
    """A chunk's repeated header is found by its words, and comes back beside the content."""
    plain = generation()
    row = replace(plain.chunks[1], header="Gewerk | Summe")
    index.write(replace(plain, chunks=(plain.chunks[0], row, *plain.chunks[2:])))

    found = legs(index, words=("gewerk",)).matching

    assert [(hit.chunk_index, hit.header, hit.content) for hit in found] == [(1, "Gewerk | Summe", row.content)]
    assert {hit.header for hit in legs(index).nearest} == {"", "Gewerk | Summe"}
    index.prune("d1", None, "9")
    assert index.count(plain.id) == 0


@pytest.mark.parametrize(
    ("text", "language", "question"),
    [
        ("Miete für Stall B-17: 1.250,00 €", "de", "B17"),
        ("Miete für Stall B-17: 1.250,00 €", "de", "1250"),
        ("In den Häusern", "de", "Wo steht das Haus und wer ist darin?"),
        ("किराया हर महीने", "hi", "किराया"),
        ("العَرَبِيَّة", "ar", "العربية"),
        ("ペットは小型犬のみ", "ja", "犬"),
        ("ឯកសារកម្ពុជា", "km", "កម្ពុជា"),
        ("стоянка для гостей", "ru", "гости"),
        ("call foo_bar(x) in § 12.4", "", "fooBar"),
        ("call foo_bar(x) in § 12.4", "", "12.4"),
        ("rock'n'roll, ISO-9001:2015, 2026-11-21", "en", "2026-11-21"),
    ],
)
def test_words_of_any_language(index: VectorIndex, text: str, language: str, question: str) -> None:
    """Whatever the analyser makes of a text is stored as one word each, and found by the same word of a question."""
    index.write(replace(generation(texts=("the pool", text)), language=language))
    asked = words.asked(question).searched

    assert {(hit.chunk_index, hit.content) for hit in legs(index, asked).matching} == {(1, text)}
    for word in words.indexed(text, language):
        assert 1 in {hit.chunk_index for hit in legs(index, (word,)).matching}, word


def test_a_torn_write_is_mended(index: VectorIndex) -> None:
    """A write that was cut short is made whole by the next."""
    whole = generation()
    part = replace(whole, chunks=whole.chunks[:2], vectors=whole.vectors[:2])
    index.write(part)
    assert index.count(whole.id) == 2

    index.write(whole)

    assert index.count(whole.id) == 4
    assert sorted(ids(legs(index).nearest)) == [("d1", "1", n) for n in range(4)]


@pytest.mark.parametrize(
    "vectors", [np.ones((4, 8)), np.ones((3, 8)) / 8**0.5, np.ones((4, 7)) / 7**0.5, np.full((4, 8), np.nan)]
)
def test_bad_vectors(index: VectorIndex, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Raises `BadRequest` for vectors of another shape, or that are not of unit length."""
    with pytest.raises(BadRequest):
        index.write(replace(generation(), vectors=vectors.astype(np.float32)))
    assert index.count(generation().id) == 0


def test_an_empty_generation(index: VectorIndex) -> None:
    index.write(generation(texts=()))

    assert index.count(generation().id) == 0


def test_count(index: VectorIndex) -> None:
    """Return how many of the generation's chunks a search could find now."""
    index.write(generation())
    index.write(generation(version="2", texts=TEXTS[:3]))
    index.write(generation(recipe="r2", texts=TEXTS[:1]))

    found = [index.count(GenerationId("d1", *rest)) for rest in (("1", "r1"), ("2", "r1"), ("1", "r2"), ("3", "r1"))]
    assert found == [4, 3, 1, 0]


def test_prune(index: VectorIndex) -> None:
    """Remove the document's generations whose version is at most `upto`, except `keep`.

    A newer generation stays.
    """
    for version, recipe in (("1", "r1"), ("2", "r1"), ("2", "r2"), ("3", "r1")):
        index.write(generation(version=version, recipe=recipe))
    index.write(generation("d2"))

    index.prune("d1", GenerationId("d1", "1", "r1"), "2")

    left = {hit.generation for hit in legs(index, k=100).nearest}
    assert left == {GenerationId("d1", "1", "r1"), GenerationId("d1", "3", "r1"), GenerationId("d2", "1", "r1")}
    assert {hit.generation for hit in legs(index, k=100).matching} == left
    index.prune("d1", None, "3")
    assert {hit.generation.document_id for hit in legs(index, k=100).nearest} == {"d2"}


def test_prune_nothing(index: VectorIndex) -> None:
    """Pruning what is not there is no error."""
    index.prune("nobody", None, "9")


def test_k(index: VectorIndex) -> None:
    """Return the k nearest and the k best matching chunks of what `where` may see, from one state of the index."""
    for n in range(5):
        index.write(generation(f"d{n}", seed=10 * n))

    found = legs(index, k=3, seed=21)

    assert (len(found.nearest), len(found.matching)) == (3, 3)
    assert ids(found.nearest)[0] == ("d2", "1", 1)


def test_filter_first(index: VectorIndex) -> None:
    """`nearest` filters first and then chooses: whoever may see k chunks gets k, and they are the nearest of those."""
    target = unit(0)
    for n in range(30):
        crowd = generation(f"crowd{n}", readers=("user:other",))
        index.write(replace(crowd, vectors=np.stack([target] * 4)))
    index.write(generation("mine", seed=50))
    index.write(generation("mine-too", seed=60))

    found = index.legs(target, ("pool",), 8, ME)

    assert {hit.generation.document_id for hit in found.nearest} == {"mine", "mine-too"}
    assert len(found.nearest) == 8
    assert [hit.score for hit in found.nearest] == sorted((hit.score for hit in found.nearest), reverse=True)


def test_scores(index: VectorIndex) -> None:
    """`nearest` scores by cosine, and `matching` holds only chunks with at least one of the words."""
    one = generation()
    index.write(one)

    found = legs(index, ("lift", "zebra"), seed=99)

    for hit in found.nearest:
        assert hit.score == pytest.approx(float(one.vectors[hit.chunk_index] @ unit(99)), abs=1e-3)
    assert sorted(hit.chunk_index for hit in found.matching) == [0, 2]
    assert legs(index, ("zebra",)).matching == ()
    assert legs(index, ()).matching == ()


def test_titles_and_headings_match(index: VectorIndex) -> None:
    index.write(generation(title="Zebra crossing", texts=TEXTS[:1]))

    assert len(legs(index, ("zebra",)).matching) == len(legs(index, ("rule",)).matching) == 1


def test_a_word_with_a_mark_in_it_is_one_word(index: VectorIndex) -> None:
    index.write(generation(texts=("the desk closes at nine o'clock", "東京都の条例")))

    assert [hit.chunk_index for hit in legs(index, ("o'clock",)).matching] == [0]
    assert [hit.chunk_index for hit in legs(index, ("京都",)).matching] == [1]
    assert legs(index, ("clock",)).matching == legs(index, ("京の",)).matching == ()
    assert [hit.chunk_index for hit in legs(index, ("京",)).matching] == [1]


@pytest.mark.parametrize(
    "word", ['a"b', "a*", "(x)", "NEAR", "a:b", "AND", "-", "{}", "^x", "it's", "東京", "1,250.00", "OR", "é"]
)
def test_words_are_only_words(index: VectorIndex, word: str) -> None:
    """No word, whatever it looks like, is taken for a query's syntax."""
    index.write(generation())

    assert legs(index, (word,)).matching == ()
    assert len(legs(index, (word, "pool")).matching) == 2


def test_many_words(index: VectorIndex) -> None:
    """A question of 64 long words finds what it should."""
    index.write(generation())

    assert len(legs(index, (*(f"{n:x<64}" for n in range(63)), "pool")).matching) == 2


def test_nothing_foreign(index: VectorIndex) -> None:
    """Nothing of another tenant, of other readers or of a generation left out is ever in either list."""
    index.write(generation("mine"))
    index.write(generation("others", readers=("user:other", "tenant:home")))
    index.write(generation("elsewhere", tenant_id="tower"))
    index.write(generation("case", readers=("user:ME", "USER:me", "user:me2", "user:m")))
    index.write(generation("left-out", version="5"))

    where = ME.leaving_out(frozenset({GenerationId("left-out", "5", "r1")}))
    found = legs(index, where=where, k=100)

    assert {hit.generation.document_id for hit in found.nearest} == {"mine"}
    assert {hit.generation.document_id for hit in found.matching} == {"mine"}


def test_several_principals(index: VectorIndex) -> None:
    index.write(generation("mine", readers=("user:me", "tenant:home")))
    index.write(generation("ours", readers=("user:other", "tenant:home")))
    index.write(generation("theirs", readers=("user:other",)))

    found = legs(index, where=Where("home", frozenset({"user:me", "tenant:home"})), k=100)

    assert sorted({hit.generation.document_id for hit in found.nearest}) == ["mine", "ours"]
    assert len(found.nearest) == 8
    assert sorted({hit.generation.document_id for hit in found.matching}) == ["mine", "ours"]


def test_shared_by_name(index: VectorIndex) -> None:
    """A document of the tenant named in `where` is found whoever its readers are."""
    index.write(generation("theirs", readers=("user:other",)))
    index.write(generation("elsewhere", readers=("user:other",), tenant_id="tower"))

    found = legs(index, where=replace(ME, document_ids=frozenset({"theirs", "elsewhere"})))

    assert {hit.generation.document_id for hit in found.nearest} == {"theirs"}
    assert {hit.generation.document_id for hit in found.matching} == {"theirs"}


def test_no_search_without_a_scope() -> None:
    """A search without a tenant or a principal cannot be written down."""
    for tenant_id, principals in (("", {"user:me"}), ("home", set()), ("home", {""})):
        with pytest.raises(ValueError, match="names its tenant"):
            Where(tenant_id, frozenset(principals))


def test_ping(index: VectorIndex) -> None:
    """Return if the index can be used and is of this space, else raise `ConfigError` or `Unavailable`."""
    index.ping()


documents = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from("12"),
        st.sampled_from(("user:me", "user:you", "tenant:home")),
        st.integers(0, 4),
    ),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=documents, prunes=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("012")), max_size=3))
def test_any_history_answers_as_the_simplest_index(
    opened_index: Opened[VectorIndex], documents: list[tuple[str, str, str, int]], prunes: list[tuple[str, str]]
) -> None:
    """After any writes and prunes, both lists hold what a list of rows would."""
    index = opened_index.it
    for name in "abc":
        index.prune(name, None, "9")
    rows: dict[GenerationId, Generation] = {}
    for name, version, reader, asked in documents:
        before = rows.get(GenerationId(name, version, "r1"))
        size = max(asked, len(before.chunks) if before else 0)  # the same version by the same recipe never shrinks
        one = generation(name, version, readers=(reader,), texts=TEXTS[:size], seed=ord(name) + int(version))
        index.write(one)
        rows[one.id] = one
    for name, upto in prunes:
        index.prune(name, None, upto)
        rows = {key: one for key, one in rows.items() if not (key.document_id == name and key.version <= upto)}

    where = Where("home", frozenset({"user:me", "tenant:home"}))
    found = legs(index, where=where, k=100)

    seen = [
        (*key[:2], chunk.index) for key, one in rows.items() if one.readers != ("user:you",) for chunk in one.chunks
    ]
    assert sorted(ids(found.nearest)) == sorted(seen)
    assert sorted(ids(found.matching)) == sorted(one for one in seen if one[2] in {1, 3})


JANUARY, MARCH = "2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"
FILTERS = {
    "documents": (Filter(document_ids=frozenset({"a", "b", "nothing"})), "ab"),
    "tags": (Filter(tags=frozenset({"blue", "old"})), "bcd"),
    "types": (Filter(types=frozenset({"text/html"})), "bd"),
    "since": (Filter(since=MARCH), "cd"),
    "until": (Filter(until=MARCH), "ab"),
    "from to": (Filter(since=JANUARY, until="2026-03-01T00:00:00.001Z"), "abcd"),
    "all at once": (Filter(frozenset("abd"), frozenset({"blue"}), frozenset({"text/html"}), MARCH, ""), "d"),
    "nothing passes": (Filter(tags=frozenset({"blu", "BLUE", "blue\x00"})), ""),
}


@pytest.fixture
def filled(index: VectorIndex) -> VectorIndex:
    """Four documents that differ in tags, type and date, each with others of the same kind that belong to others."""
    kinds = (("a", ("red",), "text/plain"), ("b", ("blue", "red"), "text/html"), ("c", ("old",), "text/plain"))
    for n, (name, tags, kind) in enumerate((*kinds, ("d", ("blue",), "text/html"))):
        others = (
            generation(f"other-{name}", seed=10 * n, readers=("user:other", "user:me\x00")),
            generation(f"else-{name}", seed=10 * n, tenant_id="tower"),
        )
        for one in (generation(name, seed=10 * n), *others):
            created = MARCH if name in "cd" else JANUARY
            index.write(replace(one, tags=tags, file_type=kind, created_at=created))
    return index


@pytest.mark.parametrize("kind", FILTERS)
def test_filter(filled: VectorIndex, kind: str) -> None:
    """Both lists hold only what passes the filter of `where`, and `nearest` the k nearest of that."""
    only, passing = FILTERS[kind]

    for k in (3, 100):
        found = legs(filled, where=replace(ME, only=only), k=k)
        best = [hit for hit in legs(filled, k=100).nearest if hit.generation.document_id in passing]
        assert ids(found.nearest) == ids(best)[:k]
        assert len(found.matching) == min(2 * len(passing), k)
        assert {hit.generation.document_id for hit in found.matching} <= set(passing)


def test_a_filter_admits_nobody(filled: VectorIndex) -> None:
    """Naming a document, or anything of it, shows it to no one who may not see it."""
    only = Filter(document_ids=frozenset({"other-a", "else-b", "a"}))

    found = legs(filled, where=replace(ME, only=only), k=100)

    assert {hit.generation.document_id for hit in (*found.nearest, *found.matching)} == {"a"}
    assert legs(filled, where=replace(ME, only=Filter(document_ids=frozenset({"other-a"})))) == Legs((), ())
    for stranger in ("user:me\x00\x00", "user:m", ""):
        assert legs(filled, where=replace(ME, principals=frozenset({stranger or "user:other\x00"}))) == Legs((), ())


def test_a_chunk_without_a_date_passes_no_dates(index: VectorIndex) -> None:
    index.write(replace(generation("undated"), created_at=""))

    for only in (Filter(since=JANUARY), Filter(until=MARCH)):
        assert legs(index, where=replace(ME, only=only)) == Legs((), ())
    assert len(legs(index).nearest) == 4


def test_exactly(filled: VectorIndex) -> None:
    """Return the k nearest chunks of what `where` may see, each of which is compared, graphs or not."""
    where = replace(ME, only=Filter(types=frozenset({"text/html"})))
    nearest = legs(filled, where=where, k=100).nearest

    for k in (3, 100):
        found = filled.exactly(unit(0), k, where)
        assert found == (tuple(hit.chunk_id for hit in nearest[:k]), 8)


def test_tend(opened_index: Opened[VectorIndex]) -> None:
    """Build what makes searches fast, until `stop` says so.

    What a search finds is the same before and after, but for what a graph misses.
    Return how it stands with the graphs that `tend` builds; none where the index keeps its own.
    """
    index = opened_index.it
    for n in range(20):
        index.write(generation(f"d{n}", seed=100 * n))
    unbuilt = index.graphs()
    index.tend(lambda: True)
    assert index.graphs() == unbuilt
    before = legs(index)
    for _ in range(2):
        index.tend(lambda: False)
        assert legs(index) == legs(opened_index.again()) == before
    assert all(one.fresh for one in index.graphs())
