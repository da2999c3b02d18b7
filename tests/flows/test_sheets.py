from __future__ import annotations

from tests.sheets import workbook
from tests.slides import box, deck
from tests.worlds import ME, World

FEES = ["Item,Fee,Due"] + [f"Locker number{n},{n}.50,monthly" for n in range(200)]
FEES[150] = "Party room,80.00,on booking"


def test_a_row_of_a_table_is_found(world: World) -> None:
    """One row among two hundred of a CSV is found by what it says, and can be quoted."""
    world.uploads.put(ME, "d1", "fees.csv", "\r\n".join(FEES).encode())
    world.work()

    document = world.document("d1")
    assert (document.status, document.file_type) == ("ready", "text/csv")
    hit = world.retriever.search(ME, "party room fee", 5).hits[0]
    assert "\nParty room | 80.00 | on booking\n" in hit.content
    assert any("80.00" in one.quote for one in world.ask("What is the fee for the party room?").citations)


def test_a_workbook_and_a_deck(world: World) -> None:
    """A workbook's sheet and a deck's slide are found under their names and numbers, and what was not read is told."""
    world.uploads.put(ME, "d1", "fees.xlsx", workbook({"Parking fees": [["Place", "Fee"], ["Garage", 45]]}))
    slides = deck("Welcome", lambda slide: box(slide.shapes, "The pool opens at nine."), "")
    world.uploads.put(ME, "d2", "meeting.pptx", slides)
    world.work()

    sheet = world.retriever.search(ME, "garage", 5).hits[0]
    assert (sheet.generation.document_id, sheet.section) == ("d1", "Parking fees")
    (cited,) = world.ask("When does the pool open?").citations
    assert (cited.page, cited.page_label, cited.quote) == (2, "2", "The pool opens at nine.")
    assert world.document("d2").coverage.empty == ("3",)
