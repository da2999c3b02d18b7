"""Tenants as records: what holds in a building, by itself and as it was told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from corpus.errors import BadRequest, Conflict
from corpus.items import Item
from corpus.keys import iso_day, iso_month
from corpus.records.people import Claims, People
from corpus.records.tenants import KNOWN_SECONDS, MOST_KNOWN, Caps, KnownTenants, Tenant, Tenants
from corpus.records.trails import Trails
from tests.fakes import Clock, MemoryTable
from tests.worlds import ME

TOLD = Tenant(
    "linden",
    name="Linden Court",
    units=("12", "13"),
    language="de",
    time_zone="Europe/Berlin",
    default_level="premium",
    conversation_days=7,
    access_log_days=14,
    audit_days=365,
    caps=Caps(5_000_000),
)


@pytest.fixture
def tenants() -> Tenants:
    return Tenants(MemoryTable(Clock()))


def test_by_itself(tenants: Tenants) -> None:
    """A building that nobody wrote anything of behaves as the defaults say, and is none of all."""
    found = tenants.get("linden")
    assert found == Tenant("linden")
    assert found.caps.cost_micros_per_month is None
    assert (found.conversation_days, found.access_log_days, found.audit_days) == (30, 90, None)
    assert tenants.listed(10) == ([], None)


def test_as_told(tenants: Tenants) -> None:
    """What was written of a building is read again, by its id and among all; of two that read the same, one writes."""
    assert tenants.put(TOLD) == tenants.get("linden") == TOLD
    tenants.put(Tenant("acorn"))
    (first,), cursor = tenants.listed(1)
    assert (first.tenant_id, tenants.listed(10, cursor)) == ("acorn", ([TOLD], None))

    changed = tenants.put(replace(tenants.get("linden"), name="Linden"))
    with pytest.raises(Conflict):
        tenants.put(replace(changed, rev=changed.rev - 1))
    with pytest.raises(Conflict):
        tenants.put(TOLD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"conversation_days": 0},
        {"access_log_days": -1},
        {"access_log_days": 36_501},
        {"audit_days": 0},
        {"time_zone": "Europe/Atlantis"},
        {"time_zone": "Europe"},
        {"time_zone": "../../etc/passwd"},
        {"default_level": "unlimited"},
        {"caps": Caps(-1)},
        {"caps": Caps(10**15 + 1)},
        {"units": ("12", "12")},
        {"units": ("12 a",)},
        {"units": tuple(map(str, range(1_001)))},
        {"tenant_id": "a#b"},
    ],
)
def test_what_cannot_hold(tenants: Tenants, wrong: dict[str, Any]) -> None:
    """What cannot hold in a building is refused, and nothing is written."""
    with pytest.raises(BadRequest):
        tenants.put(replace(TOLD, **wrong))
    assert tenants.listed(10) == ([], None)


def test_no_limits(tenants: Tenants) -> None:
    """A cap of nothing refuses everything, none refuses nothing: both are kept as they are."""
    for cap in (0, None):
        kept = tenants.put(replace(TOLD, caps=Caps(cap), rev=tenants.get("linden").rev))
        assert kept.caps.cost_micros_per_month == cap


class Read(MemoryTable):
    """Remembers which partitions records were read of."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.partitions: list[str] = []

    def get(self, pk: str, sk: str) -> Item | None:
        self.partitions.append(pk)
        return super().get(pk, sk)


def test_known_for_a_minute() -> None:
    """What holds in a building is read once a minute at most, written or not; a change here is known at once."""
    clock = Clock()
    table = Read(clock)
    known = KnownTenants(Tenants(table), clock)
    for _ in range(3):
        assert (known.get("linden"), known.get("oak")) == (Tenant("linden"), Tenant("oak"))
    assert table.partitions == ["TENANT#linden", "TENANT#oak"]
    assert known.put(TOLD) == known.get("linden") == TOLD

    Tenants(table).put(replace(Tenants(table).get("linden"), name="Linden"))
    assert known.get("linden").name == "Linden Court"
    clock.sleep(KNOWN_SECONDS)
    assert known.get("linden").name == "Linden"
    clock.sleep(-3600)
    Tenants(table).put(replace(Tenants(table).get("linden"), name="L"))
    assert known.get("linden").name == "L"  # a clock that was set back keeps nothing for an hour


def test_a_thousand_are_known() -> None:
    """However many buildings are asked for, those of them that were asked for last are known, and no more."""
    clock = Clock()
    table = Read(clock)
    known = KnownTenants(Tenants(table), clock)
    for number in range(MOST_KNOWN + 1):
        known.get(f"b{number}")
    known.get("b1")
    assert len(table.partitions) == MOST_KNOWN + 1
    known.get("b0")
    assert len(table.partitions) == MOST_KNOWN + 2


def test_trails_for_as_long_as_the_building_says() -> None:
    """Accesses and changes are known for as long as the building says; changes for good, where it says nothing."""
    clock = Clock()
    table = MemoryTable(clock)
    Tenants(table).put(Tenant("linden", access_log_days=2, audit_days=3))
    trails, month, day = Trails(table, Tenants(table).get), iso_month(clock()), iso_day(clock())
    for tenant in ("linden", "oak"):
        trails.accessed(replace(ME, tenant_id=tenant), "read", ["d1"], "ok", "r1", clock())
        trails.audited("ann", tenant, "remove", "d1", {}, clock())
    left = []
    for days in (1.9, 0.2, 1.0, 86.8, 0.2, 3_650.0):
        clock.sleep(days * 24 * 3600)
        kept = (trails.accesses("linden", day, 9), trails.audits("linden", month, 9))
        left.append(
            [len(found) for found, _ in (*kept, trails.accesses("oak", day, 9), trails.audits("oak", month, 9))]
        )
    assert left == [[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_the_level_of_who_is_new() -> None:
    """Whoever signs in for the first time, or is made known, has the building's level; others keep theirs."""
    clock = Clock()
    table = MemoryTable(clock)
    people, ann = People(table), Claims("ann", "token 1", 2_000_000_000)
    assert people.signed_in(ann, "linden", clock()).service_level == "basic"
    Tenants(table).put(Tenant("linden", default_level="enterprise"))
    assert people.signed_in(replace(ann, token="2"), "linden", clock()).service_level == "basic"
    assert people.signed_in(Claims("bob", "token 1", 2_000_000_000), "linden", clock()).service_level == "enterprise"
    people.add("carl", "linden")
    carl = people.get("carl")
    assert carl
    assert (carl.tenant_id, carl.service_level) == ("linden", "enterprise")
