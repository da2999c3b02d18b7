from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.model import Extracted, Page, Section
from ingest import describe

SENTENCES = {
    "ar": "يفتح المسبح في الساعة التاسعة صباحا ويغلق في الثامنة مساء.",
    "cs": "Bazén se otevírá v devět hodin ráno a zavírá v osm hodin večer.",
    "da": "Svømmebassinet åbner klokken ni om morgenen og lukker klokken otte om aftenen.",
    "de": "Das Schwimmbad öffnet um neun Uhr morgens und schließt um acht Uhr abends.",
    "en": "The pool opens at nine in the morning and closes at eight in the evening.",
    "es": "La piscina abre a las nueve de la mañana y cierra a las ocho de la tarde.",
    "fr": "La piscine ouvre à neuf heures du matin et ferme à huit heures du soir.",
    "hi": "तरणताल सुबह नौ बजे खुलता है और शाम आठ बजे बंद होता है। बच्चे अकेले नहीं जा सकते।",
    "it": "La piscina apre alle nove del mattino e chiude alle otto di sera.",
    "ja": "プールは朝九時に開き、夜八時に閉まります。泳ぐ前にシャワーを浴びてください。子供だけでは入れません。",
    "ko": "수영장은 아침 아홉 시에 열고 저녁 여덟 시에 닫습니다. 어린이는 어른과 함께 와야 합니다. 먼저 씻으십시오.",
    "nl": "Het zwembad gaat om negen uur 's ochtends open en sluit om acht uur 's avonds.",
    "pl": "Basen jest otwierany o dziewiątej rano i zamykany o ósmej wieczorem.",
    "pt": "A piscina abre às nove da manhã e fecha às oito da noite.",
    "ru": "Бассейн открывается в девять утра и закрывается в восемь вечера.",
    "sv": "Simbassängen öppnar klockan nio på morgonen och stänger klockan åtta på kvällen.",
    "tr": "Havuz sabah saat dokuzda açılır ve akşam saat sekizde kapanır.",
    "zh": "游泳池早上九点开放，晚上八点关闭。下水前请先淋浴，十二岁以下的儿童须由成人陪同，违者请离开本场所。",
}


def extracted(title: str = "", *headings: str, text: str = "The pool opens at nine.") -> Extracted:
    sections = tuple(Section(n, (heading,)) for n, heading in enumerate(headings))
    return Extracted(text, (Page(1, "", 0, len(text)),), sections, title)


@pytest.mark.parametrize(
    "title",
    [
        "",
        "  \n ",
        "Microsoft Word - x.doc",
        "Microsoft Word - Document1",
        "untitled",
        "Untitled-2",
        "Untitled document",
        "Document1",
        "Dokument 3",
        "Presentation1",
        "PowerPoint Presentation",
        "Présentation PowerPoint",
        "Sin título",
        "Sheet1",
        "Slide 1",
        "scan (12)",
        "Scanned document",
        "0000320193-22-000070",
        r"C:\Users\ann\rules.final",
        "/home/ann/rules",
        "file:///home/ann/rules",
        "House-Rules.PDF",
        "rules final (2).docx",
        "a.rules",
    ],
)
def test_a_title_that_a_program_put_there_is_none(title: str) -> None:
    """A title that is a program's, a path, a file's name or without a letter is passed over for the first heading."""
    assert describe.own_title(extracted(title), "a.rules") == ""
    assert describe.title(extracted(title, "House Rules"), "a.rules") == "House Rules"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Microsoft Word - House Rules", "House Rules"),
        (" House\u00a0Rules\nof Linden\x00 Court ", "House Rules of Linden Court"),
        ("a", "a"),
        ("Document retention policy", "Document retention policy"),
        ("Book of minutes", "Book of minutes"),
        ("Introduction to Node.js", "Introduction to Node.js"),
        ("1984 rules", "1984 rules"),
        ("住民規約", "住民規約"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_documents_own_title(title: str, shown: str) -> None:
    """A document's own title comes first, on one line, without what its program put before it, at most 300 long."""
    found = describe.description(extracted(title, "Another"), "a.pdf")

    assert (found.title, found.own_title) == (shown, shown)


@pytest.mark.parametrize(
    ("headings", "file_name", "shown"),
    [
        (("House Rules", "Pool"), "a.pdf", "House Rules"),
        (("Contents", "Cover", "Untitled", "House Rules"), "a.pdf", "House Rules"),
        (("Sheet1", "Sheet2"), "2026-03_house-fees.xlsx", "2026 03 house fees"),
        ((), "move-in-guide.txt", "move in guide"),
        ((), "---", "---"),
    ],
)
def test_a_title_where_the_document_has_none(headings: tuple[str, ...], file_name: str, shown: str) -> None:
    """Without a title of its own a document is called by its first heading that says something, or its file's name.

    Its chunks are not: a change of that heading would buy all vectors again.
    """
    found = describe.description(extracted("", *headings), file_name)

    assert (found.title, found.own_title) == (shown, "")


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_the_language_of_a_sentence(code: str) -> None:
    """A sentence or two are enough to tell a language."""
    assert describe.language(SENTENCES[code]) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Pool",
        "The pool opens at nine.",
        "1234 5678 | 12.50 | 2026-05-01 | 99 | 17.3 | 8\n" * 50,
        "6afc369e 0acc2ad4 921b463b 608b5560 ecd66f7a 9bdf21c4 77aa01be 5c0d9e2f " * 10,
        "sha256:3f0c1f5e6a354c539a0f0a9c6a5a4c11\n" * 40,
        "int main(int argc, char **argv) { for (int i = 0; i < argc; i++) puts(argv[i]); return 0; }",
        SENTENCES["en"] + " " + SENTENCES["fr"],
        (SENTENCES["en"] + "\n") * 300 + (SENTENCES["de"] + "\n") * 300,
    ],
)
def test_no_language(text: str) -> None:
    """Too few letters, numbers, hashes, code of marks, and texts in two languages have no language."""
    assert describe.language(text) == ""


def test_a_long_text_is_sampled() -> None:
    """A long text with some of another language in it is in the language of the most."""
    assert describe.language("1 2 3\n" * 200 + (SENTENCES["de"] + "\n") * 2000 + SENTENCES["en"] * 20) == "de"


def test_keywords() -> None:
    """Keywords are the words a text is about, each once in the form it has most, without stop words and numbers."""
    text = (
        "The caretaker of Linden Court opens the pool at 9:00. The pools are cleaned by the caretaker's firm. "
        "Write to pool@linden.example or https://linden.example/pool; no pool without a shower. A B 12 12 12 12C "
        "The caretaker says: showers first. You can't swim, and you won't."
    )

    found = describe.keywords(text, "en")

    assert found[:4] == ("caretaker", "pool", "shower", "Linden")
    assert set(found) >= {"Court", "swim", "firm", "cleaned"}
    assert not set(found) & {
        "pools",
        "showers",
        "the",
        "can't",
        "won",
        "12",
        "12C",
        "A",
        "pool@linden.example",
        "https",
    }


@pytest.mark.parametrize(
    ("language", "text", "best"),
    [
        ("de", "Die Hausordnung regelt das Schwimmbad. Das Schwimmbad und die Straße: Schwimmbad.", "Schwimmbad"),
        ("fr", "L'immeuble est chauffé. Le syndic de l’immeuble dort.", "immeuble"),
        ("hi", "तरणताल सुबह नौ बजे खुलता है। तरणताल में बच्चे अकेले नहीं जा सकते।", "तरणताल"),
        ("ja", "管理組合の総会。プールは管理組合が管理組合の二十一日に閉めます。", "管理組合"),
    ],
)
def test_keywords_of_other_languages(language: str, text: str, best: str) -> None:
    """Other languages have their own stop words; scripts with marks keep them; Japanese has runs of kanji and kana."""
    assert describe.keywords(text, language)[0] == best


def test_no_keywords_where_words_have_no_ends() -> None:
    """Chinese has no keywords: pairs of characters are no words, and neither are whole clauses."""
    assert describe.keywords(SENTENCES["zh"] * 10, "zh") == ()


def test_a_word_that_others_use_more_is_none() -> None:
    """A word that is no more frequent than elsewhere is no keyword."""
    assert describe.keywords("7 " * 30_000 + "data caretaker", "en") == ("caretaker",)


def test_the_words_of_a_text_are_counted() -> None:
    """Words stand between blanks, Korean ones too; without blanks, characters count."""
    assert describe.word_count("The pool opens at nine.", "en") == 5
    assert describe.word_count("수영장은 아침에 엽니다.", "ko") == 3
    assert describe.word_count("泳池九点开放。", "zh") == 6


def test_a_preview() -> None:
    """A preview is how the stored text begins, line ends too, without page breaks and halves of a character."""
    assert describe.preview("House Rules\n\n\fPool\n\f") == "House Rules\n\nPool"
    assert describe.preview("\n\n a") == "a"
    assert describe.preview("x" * 600) == "x" * 500
    assert describe.preview("x" * 499 + "q\u0323\u0307z") == "x" * 499
    assert describe.preview("x" * 498 + "q\u0323z") == "x" * 498 + "q\u0323"


@given(st.text(), st.text(), st.text(min_size=1))
def test_anything_can_be_described(title: str, text: str, file_name: str) -> None:
    """Any text gets a description, and one that fits into a record."""
    found = describe.description(extracted(title, text[:50], text=text), file_name)

    assert found.title
    assert len(found.title) <= max(describe.MAX_TITLE, len(file_name))
    assert len(found.preview) <= describe.MAX_PREVIEW
    assert len(found.keywords) <= describe.MAX_KEYWORDS
    assert all(1 < len(word) <= describe.MAX_KEYWORD for word in found.keywords)
    assert not any(unicodedata.category(c) in {"Cc", "Zs"} for word in found.keywords for c in word)


def test_what_is_heavy_waits_for_a_text() -> None:
    """Neither the detector nor the stop words are loaded before a text is described."""
    heavy = {"py3langid", "stop_words"}
    code = f"import sys, footnote.cli, footnote.connect, ingest.pipeline; print({heavy} & {{*sys.modules}})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
