"""Tenants as records: what holds in a building, by itself and as it was told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from corpus.errors import BadRequest, Conflict
from corpus.records.tenants import Caps, Tenant, Tenants
from tests.fakes import Clock, MemoryTable

TOLD = Tenant(
    "linden",
    name="Linden Court",
    units=("12", "13"),
    language="de",
    time_zone="Europe/Berlin",
    default_level="premium",
    retention_days=400,
    conversation_days=7,
    access_log_days=14,
    audit_days=365,
    caps=Caps(5_000_000),
    canary_document_id="canary",
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
        {"retention_days": 0},
        {"conversation_days": -1},
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
        {"canary_document_id": "a/b"},
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
