from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from ingest.numbers import Moment, written

ACCOUNTING = '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)'


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (80, "General", "80"),
        (80.0, "General", "80"),
        (0.1 + 0.2, "General", "0.3"),
        (-12.5, "General", "-12.5"),
        (4_006_381_333_931, "General", "4006381333931"),
        (1e20, "0.00", "1e+20"),
        (80, "0.00", "80.00"),
        (2.675, "0.00", "2.68"),
        (0.125, "0.00", "0.13"),
        (-80, "0.00", "-80.00"),
        (-0.001, "0.00", "0.00"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (0.5, "0.##", "0.5"),
        (80, "0.##", "80"),
        (42, "00000", "00042"),
        (1_500_000, '#,##0.0,,"m"', "1.5m"),
        (0.12, "0%", "12%"),
        (0.125, "0.0 %", "12.5 %"),
        (80, "$#,##0.00", "$80.00"),
        (80, "[$€-407] #,##0.00", "€ 80.00"),
        (80, "#,##0.00\\ [$€-407]", "80.00 €"),
        (80, '#,##0.00 "EUR"', "80.00 EUR"),
        (-80, "#,##0.00;[Red](#,##0.00)", "(80.00)"),
        (1234.5, ACCOUNTING, "$1,234.50"),
        (-80, ACCOUNTING, "$(80.00)"),
        (0, ACCOUNTING, "$-"),
        (0, '0;-0;"free"', "free"),
        (7, ";;;", ""),
        (75, 'General" m²"', "75 m²"),
        (-5, "General;-General", "-5"),
        (12345, "0.00E+00", "12345"),
        (1.5, "# ?/?", "1.5"),
        (5551234, "000-0000", "5551234"),
        (7, "@", "7"),
        (45717, "yyyy-mm-dd", "45717"),
        (1, "[Red][<100]0;0", "1"),
        (5, "", ""),
        (5, '"', '"'),
    ],
)
def test_a_number_as_its_format_shows_it(value: float, code: str, expected: str) -> None:
    """Decimals, thousands, currencies and per cent are written as a person reads them."""
    assert written(value, code) == expected


NOON = datetime.fromisoformat("2025-03-01T12:00:30.400")


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        (NOON, "dd/mm/yyyy", "2025-03-01"),
        (NOON, "[$-409]d\\-mmm\\-yy;@", "2025-03-01"),
        (NOON, "mmm-yy", "2025-03"),
        (NOON, "yyyy", "2025"),
        (NOON, "m/d/yy h:mm", "2025-03-01 12:00"),
        (NOON, "hh:mm:ss", "12:00:30"),
        (NOON, "General", "2025-03-01 12:00"),
        (date(2025, 3, 1), "General", "2025-03-01"),
        (date(2025, 3, 1), "h:mm", "2025-03-01"),
        (date(200, 3, 1), "yyyy", "0200"),
        (time(7, 30), "h:mm AM/PM", "07:30"),
        (time(7, 30), "hh:mm:ss.000", "07:30:00"),
        (time(0, 0), "yyyy-mm-dd", "00:00"),
        (timedelta(hours=36), "[h]:mm", "36:00"),
        (timedelta(hours=-6), "[h]:mm:ss", "-6:00:00"),
        (timedelta(hours=1, seconds=-0.3), "[mm]:ss", "1:00:00"),
    ],
)
def test_a_moment_as_far_as_its_format_shows_it(value: Moment, code: str, expected: str) -> None:
    """Dates, times and spans of time are written as ISO 8601 has them."""
    assert written(value, code) == expected
