from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import BadRequest, Conflict
from corpus.keys import iso_time
from corpus.records.grants import Grant, Grants, from_csv, grant_data, principals
from tests.fakes import Clock, MemoryTable

STAY = Grant("g1", "gus", "linden", "guest", iso_time(1_000), iso_time(2_000), "12", "ann")
HOME = Grant("g2", "ann", "linden", "resident", iso_time(0), unit_id="12")


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (999.999, {"user:gus"}),
        (1_000, {"user:gus", "unit:12", "role:guest"}),
        (1_999.999, {"user:gus", "unit:12", "role:guest"}),
        (2_000, {"user:gus"}),
    ],
)
def test_a_guest_is_one_during_the_stay(now: float, found: set[str]) -> None:
    """From its first moment to before its last, a stay makes a guest of its unit, never everyone in the building."""
    assert principals("gus", "linden", [STAY], now) == found


def test_a_spreadsheet_may_write_semicolons() -> None:
    """Grants parted by semicolons are the same ones as by commas."""
    lines = "userId,role,unitId,from,until\nbob,staff,,2026-01-01,\n"
    assert from_csv(lines.replace(",", ";"), "linden", "ann") == from_csv(lines, "linden", "ann")
    with pytest.raises(BadRequest, match="The first line has to name userId"):
        from_csv("userId;role\nbob;staff\n", "linden", "ann")


def test_others_belong_to_the_building() -> None:
    """Residents, staff and administrators are everyone in the building; in another building they are nobody."""
    assert principals("ann", "linden", [HOME], 5) == {"user:ann", "unit:12", "role:resident", "tenant:linden"}
    for role in ("staff", "admin"):
        assert "tenant:linden" in principals("ann", "linden", [replace(HOME, role=role)], 5)
    assert principals("ann", "elm", [HOME], 5) == {"user:ann"}
    assert principals("bob", "linden", [HOME], 5) == {"user:bob"}


GRANTS = st.builds(
    lambda user, tenant, role, unit, start, length: Grant(
        "g", user, tenant, role, iso_time(start), iso_time(start + length) if length else "", unit
    ),
    st.sampled_from(["ann", "gus"]),
    st.sampled_from(["linden", "elm"]),
    st.sampled_from(["resident", "guest", "staff", "admin"]),
    st.sampled_from(["", "12", "14"]),
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(st.lists(GRANTS, max_size=6), st.integers(0, 110))
def test_only_what_counts_counts(grants: list[Grant], now: int) -> None:
    """Who a person is hangs on nothing but their own grants of that building that have begun and not ended."""
    counting = [one for one in grants if one.user_id == "ann" and one.tenant_id == "linden" and one.counts(now)]
    found = principals("ann", "linden", grants, now)
    assert found == principals("ann", "linden", counting, now)
    assert ("tenant:linden" in found) == bool({one.role for one in counting} - {"guest"})
    assert {one for one in found if one.startswith("unit:")} == {
        f"unit:{one.unit_id}" for one in counting if one.unit_id
    }
    assert not counting or f"role:{counting[0].role}" in found


@pytest.mark.parametrize(
    "wrong",
    [{"role": "owner"}, {"until": iso_time(1_000)}, {"user_id": "a b"}, {"unit_id": "x/y"}, {"tenant_id": ""}],
)
def test_a_grant_makes_sense(wrong: dict[str, str]) -> None:
    """A role that there is not, an end before the beginning, or what is no id, is refused."""
    with pytest.raises(BadRequest):
        replace(STAY, **wrong)  # type: ignore[arg-type]


def test_grants_are_kept() -> None:
    """A person's grants and a building's are found, changed only as they were read, and gone at once when removed."""
    clock = Clock(now=1_500)
    grants = Grants(MemoryTable(clock))
    kept = grants.put(STAY)
    grants.put(HOME)
    grants.put(replace(STAY, grant_id="g3", tenant_id="elm"))

    assert grants.of_person("gus") == [replace(STAY, grant_id="g3", tenant_id="elm"), STAY]
    assert grants.of_tenant("linden", 10) == ([HOME, STAY], None)
    longer = grants.put(replace(kept, until=iso_time(3_000)))
    with pytest.raises(Conflict):
        grants.put(replace(kept, until=iso_time(4_000)))
    grants.remove(longer)
    assert [one.grant_id for one in grants.of_person("gus")] == ["g3"]
    assert grant_data(HOME)["until"] is None


def test_grants_as_spreadsheets_write_them() -> None:
    """Lines may end as any spreadsheet ends them; the line that is wrong is named, blank ones before it or not."""
    lines = ["userId,role,unitId,from,until", "ann,guest,12,,", "", "bob,guest,12,,"]
    for end in ("\n", "\r\n", "\r"):
        assert [one.user_id for one in from_csv(end.join(lines), "linden", "eve")] == ["ann", "bob"]
    for wrong in ("cy,owner,12,,", f"cy,guest,{'x' * 200_000},,"):
        with pytest.raises(BadRequest, match="Line 5"):
            from_csv("\n".join((*lines, wrong)), "linden", "eve")


def test_a_line_that_stands_twice() -> None:
    """The same line twice is one grant, and counted as one."""
    grants = Grants(MemoryTable(Clock()))
    stay = replace(STAY, until="")
    assert grants.put_all([stay, stay, HOME]) == 2
    assert grants.put_all([stay]) == 0
