"""Write website.html: the building's web page, with a waste calendar, and with parts that no reader of it sees."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

TARGET = Path(__file__).parent.parent / "website.html"
PAPER, PACKAGING = date(2027, 1, 5), date(2027, 1, 7)
"""A Tuesday and a Thursday; from then on every second one."""
MONTHS = ("January", "February", "March", "April", "May", "June")

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Linden Court: for residents</title>
<style>nav a {{ padding: 0 1em }} .draft {{ color: grey }}</style>
<script>
  const banner = "Password of the editors: heron-42";
  addEventListener("load", () => document.body.classList.add("ready"));
</script>
</head>
<body>
<header><h1>Linden Court: for residents</h1></header>
<nav><a href="#office">Office</a> <a href="#waste">Waste</a> <a href="#notices">Notices</a></nav>
<main>
<section id="office">
<h2>Office hours of the administration</h2>
<p>Harbour Property Management, 3 Quay Street, telephone 555 0120.</p>
<table>
<thead><tr><th>Day</th><th>The office is open</th></tr></thead>
<tbody>
<tr><td>Monday</td><td>9:00 to 12:00</td></tr>
<tr><td>Wednesday</td><td>14:00 to 17:00</td></tr>
<tr><td>Thursday</td><td>9:00 to 12:00</td></tr>
</tbody>
</table>
<p>The office is closed from 24 December 2026 to 3 January 2027. In emergencies call 555 0199.</p>
</section>
<section id="waste">
<h2>Waste calendar for the first half of 2027</h2>
<table>
<caption>Days on which the containers are emptied</caption>
<thead><tr><th>Month</th><th>Paper, on Tuesday</th><th>Packaging, on Thursday</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>Household waste is collected every Friday; after a public holiday, on the Saturday. Christmas trees are taken from
the yard on 11 January 2027. The next collection of bulky waste is on 17 April 2027: put it into the yard on the evening
before, and not earlier.</p>
</section>
<section id="notices">
<h2>Notices</h2>
<ul>
<li>The stairwell windows are cleaned on 8 and 9 December 2026.</li>
<li>The water meters are read on 14 January 2027 between 8:00 and 13:00; somebody has to be at home.</li>
<li>The snow is cleared by Pine Garden Care, from 6:00 on working days and from 8:00 on Sundays.</li>
</ul>
</section>
<section class="draft" hidden>
<h2>Draft, not yet decided</h2>
<p>The sauna is closed for renovation from 1 March to 30 April 2027.</p>
</section>
<p style="display: none">Loading the kestrel webcam of the roof.</p>
</main>
<footer><p>Linden Court Owners' Association, 14 to 18 Mill Lane</p></footer>
</body>
</html>
"""


def days(first: date, month: int) -> str:
    """Return the days of a month that are a whole number of fortnights after the first."""
    all_days = (first + timedelta(days=14 * n) for n in range(14))
    return ", ".join(str(day.day) for day in all_days if day.month == month)


def main() -> None:
    """Write the page beside this folder."""
    rows = "\n".join(
        f"<tr><td>{name} 2027</td><td>{days(PAPER, month)}</td><td>{days(PACKAGING, month)}</td></tr>"
        for month, name in enumerate(MONTHS, 1)
    )
    TARGET.write_text(PAGE.format(rows=rows), "utf-8")


if __name__ == "__main__":
    main()
