from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import languages, words
from corpus.letters import fold


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lifts' MAINTENANCE fees", ["lift", "mainten", "fee"]),
        ("Café Zoë, naïve", ["cafe", "zoe", "naiv"]),
        ("Straße ØRSTED İstanbul Łódź ısı", ["strass", "orst", "istanbul", "lodz", "isi"]),
        ("l'eau, dell'acqua, O'Brien, Peter’s", ["eau", "acqua", "o'brien", "peter"]),
        ("Haus\u00adordnung, état-major", ["hausordnung", "etat", "major"]),
        ("й ё ї", ["й", "е", "ї"]),
        ("", []),
        ("the of and", []),
        ("x" * 1000, ["x" * 64]),
        ("a\x00b\ud800c", ["b", "c"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    """A text's words are folded and stemmed, without stop words; an article that is joined by an apostrophe is none."""
    assert words.tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京都の条例", ["東京", "京都", "都の", "の条", "条例"]),
        ("第3回", ["第", "3", "回"]),
        ("がが ｶﾞｶﾞ", ["がが", "ガガ"]),
        ("サービス・エリア", ["サー", "ービ", "ビス", "エリ", "リア"]),
        ("한국어 문서", ["한국", "국어", "문서"]),
        ("ﬁre ＡＬＡＲＭ №5", ["fire", "alarm", "no5"]),
        ("किराया हिन्दी में १२", ["किराया", "हिन्दी", "में", "12"]),
        ("বাংলা தமிழ் తెలుగు", ["বাংলা", "தமிழ்", "తెలుగు"]),
        ("น้ำ", ["น้ํา"]),
        ("កម្ពុជា", ["កម្ពុ", "ម្ពុជា"]),
        ("كِتَاب أحمد کتـاب", ["كتاب", "احمد", "كتاب"]),
        ("שָׁלוֹם", ["שלום"]),
    ],
)
def test_words_of_other_scripts(text: str, expected: list[str]) -> None:
    """A vowel sign stays in its word, points and harakat go; scripts without blanks give pairs of whole characters."""
    assert words.tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t park in B-17 or § 12", ["park", "b17", "b", "17", "12"]),
        ("B17 B_17", ["b17", "b17", "b", "17"]),
        ("§ 12.4, 3.5%, 12,5", ["12.4", "12", "4", "3.5", "3", "5", "12.5", "12", "5"]),
        ("1,250.00 1.250,00 1'250", ["1250.00", "1250", "1250.00", "1250", "1250"]),
        ("1.250", ["1.250", "1", "250", "1250"]),
        ("1,2,3 0.001", ["1", "2", "3", "0.001", "0", "001"]),
        ("2026-11-21 10:30", ["2026-11-21", "2026", "11", "21", "10:30", "10", "30"]),
        ("A/C and/or e-mail U.S.A.", ["ac", "c", "email", "e", "mail", "usa", "u", "s"]),
        ("ISO-9001:2015", ["iso9001:2015", "iso", "9001", "2015"]),
        ("foo_bar fooBar", ["foobar", "foo", "bar"] * 2),
        ("HTTPServer PDFs __init__", ["httpserver", "http", "server", "pdfs", "init"]),
        ("me@example.com", ["exampl", "com"]),
    ],
)
def test_codes_and_numbers(text: str, expected: list[str]) -> None:
    """A code, a number and a name in a program are kept whole, in one spelling, and their parts stand behind."""
    assert words.tokens(text) == expected


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What costs 1250?", "Deposit: 1,250.00"),
        ("Kaution 1.250,00", "Deposit: 1250.00"),
        ("stall B17", "Stall B-17 is taken."),
        ("stall B 17", "Stall B-17 is taken."),
        ("what does 12.4 say", "§ 12.4 Pets"),
        ("犬", "小型犬は可"),
        ("cafe", "Das Café"),
        ("STRASSE", "straße"),
        ("where is the bar", "def foo_bar():"),
        ("user name", "getUserName()"),
    ],
)
def test_spellings_that_meet(question: str, text: str) -> None:
    """A question finds a code, a number or a character however it is written."""
    assert words.asked(question).found_in(text)


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Wie laut darf es in dem Haus sein?", "In allen Häusern", "de"),
        ("Haus", "In allen Häusern", "de"),
        ("Le cheval est dans la cour ?", "Les chevaux", "fr"),
        ("Quanto custam as habitações?", "A habitação", "pt"),
        ("сколько стоит парковка", "Оплата парковки", "ru"),
        ("talossa", "Talot", "fi"),
    ],
)
def test_stems_of_a_language(question: str, text: str, language: str) -> None:
    """A question finds other forms of its words where the language of the text is known, and only there."""
    asked = words.asked(question)

    assert len(asked.found_in(text, language)) > len(asked.found_in(text))


def test_an_english_question_is_asked_in_english() -> None:
    """Who asks in English with its stop words gets no other forms, so no index is asked for more than that."""
    asked = words.asked("How long may the visitors park in Häuser?")

    assert asked.words == (("visitor",), ("park",), ("hauser",))


def test_stop_words_of_a_question() -> None:
    """A question loses the stop words of the language it is asked in; if nothing else is in it, all its words are."""
    assert [one[0] for one in words.asked("Wie laut darf die Musik am Abend sein?").words] == [
        "laut",
        "darf",
        "musik",
        "abend",
    ]
    assert words.asked("the of and").words == ()
    assert words.asked("What time?").searched == ("time",)
    assert words.asked("List all fees.").searched[0] == "fee"
    assert words.asked("My window broke, who do I call?").searched == ("window", "broke")
    assert words.asked("Who is on the list of the people to call?").searched == ("list", "peopl", "call")


@given(st.text(), st.sampled_from(["", "en", "de", "ja", "ru", "pt", "xx"]))
def test_a_word_never_breaks_its_index(text: str, language: str) -> None:
    """A word of any text is at most 64 characters and holds no blank, control character, capital or quotation mark."""
    for word in (*words.indexed(text, language), *words.asked(text).searched):
        assert 0 < len(word) <= words.MAX_WORD
        assert not re.search(r'[\s\x00-\x1f"A-Z]', word)


LETTERS = "aäçéğiıłñöøßşüžåœаёйіїбгдзκάβήאבשאבتكيकिखीगंবাகிกขำ한국어漢字カガー'-._/:,0123456789 \u0301\u200d\u00ad"


@given(
    st.text(st.sampled_from(LETTERS) | st.characters(codec="utf-8"), max_size=40),
    st.sampled_from(["", *["de", "ru", "ja"]]),
)
def test_a_copied_question_is_found(text: str, language: str) -> None:
    """Whoever asks with the very words of a text finds each of them, whatever its language was taken for."""
    asked = words.asked(text)

    assert asked.found_in(text, language) == frozenset(asked.words)
    assert set(words.tokens(text)) <= set(words.indexed(text, language))


A_TEXT = st.text(st.sampled_from(LETTERS) | st.characters(codec="utf-8"), max_size=40)


@given(A_TEXT, A_TEXT)
def test_a_blank_parts_words(first: str, second: str) -> None:
    """The words of two texts with a blank between them are those of the one, then those of the other."""
    assert words.tokens(f"{first} {second}") == [*words.tokens(first), *words.tokens(second)]


@given(A_TEXT)
def test_a_long_stretch_without_blanks(text: str) -> None:
    """What stands in a text beside very much without a blank has the words it has alone."""
    long = ";".join(["lift"] * words.MOST_KEPT)

    assert words.tokens(f"{text} {long}") == [*words.tokens(text), *["lift"] * words.MOST_KEPT]


@pytest.mark.parametrize("language", ["", "de"])
def test_what_is_kept_is_bounded(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text has the words it had however many others were cut since, and of those no more are kept than so many."""
    monkeypatch.setattr(words, "KEPT", 100)
    kept = words._Stretches(language)
    first = [kept[one] for one in ("Gebühren,", "B-17", "x" * words.MAX_WORD)]
    for number in range(1_000):
        assert kept[f"word{number}"] == (f"word{number}",)
        assert len(kept) <= words.KEPT
    assert [kept[one] for one in ("Gebühren,", "B-17", "x" * words.MAX_WORD)] == first


@given(st.text(st.sampled_from(LETTERS) | st.characters(codec="utf-8")))
def test_folding_once_is_enough(text: str) -> None:
    """What is folded stays as it is."""
    assert fold(fold(text)) == fold(text)


@given(st.text(st.sampled_from("abcdeinrst"), min_size=1), st.sampled_from([*languages.STEMMERS, "xx"]))
def test_stemming_leaves_something(word: str, language: str) -> None:
    """A stem is a word of three letters at least, or the word itself; without a stemmer there is none."""
    stem = languages.stem(word, language)

    assert not stem or len(stem) >= 3 or stem == word


def test_a_language_without_a_stemmer() -> None:
    """Words of a language nobody can stem have no stem, nor have Latin words in one written in other letters."""
    assert (languages.stem("sobota", "sk"), languages.stem("parking", "ru")) == ("", "")
    assert words.indexed("V sobotu, parking", "sk") == words.tokens("V sobotu, parking")


def test_one_list_of_stop_words_for_norwegian() -> None:
    """Whichever Norwegian a detector names has the stop words of Norwegian; who has no list has none."""
    assert languages.stop_words("nn") == languages.stop_words("nb") != languages.stop_words("xx") == frozenset()


def test_a_question_has_each_word_once() -> None:
    """A question's words are different ones, in order, and no more than asked for."""
    assert words.asked("What of pool, pool and sauna: pool hours?", 3).searched == ("pool", "sauna", "hour")
    assert words.asked("When have the pool sauna hours", 2).searched == ("pool", "sauna")


def test_a_heading_line_says_nothing_twice() -> None:
    """A title that is also the first heading stands in the line once."""
    assert words.heading_line("House Rules", ("House Rules", "", "Pool")) == "House Rules › Pool"
