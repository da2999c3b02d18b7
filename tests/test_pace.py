from __future__ import annotations

import pytest

from corpus.embedders.pace import ALONE_SECONDS, Pace, Turn, seconds
from corpus.embedders.packing import MOST_BYTES, MOST_ITEMS, WINDOW_BYTES, Ratio, Window, packed, windows
from tests.fakes import Clock


def headers(left: float, reset: str, limit: float = 100, name: str = "tokens") -> dict[str, str]:
    said = {"limit": str(limit), "remaining": str(left), "reset": reset}
    return {f"x-ratelimit-{what}-{name}": value for what, value in said.items()}


def told(pace: Pace, turn: Turn, said: dict[str, str]) -> None:
    pace.told(turn, said, turn.tokens)


def test_nothing_is_assumed() -> None:
    """A service that says nothing of limits is asked as fast as it answers."""
    pace = Pace(Clock())
    told(pace, pace.take(10**6), {})

    assert [pace.take(10**6).wait for _ in range(100)] == [0] * 100


def test_the_first_goes_alone() -> None:
    """Until the first reply has come, requests go one by one; one that brought no reply lets the next one try."""
    pace = Pace(Clock())
    turn = pace.take(1)
    assert pace.take(1).wait == ALONE_SECONDS

    pace.told(turn, {}, 0, heard=False)
    assert [pace.take(1).wait, pace.take(1).wait] == [0, ALONE_SECONDS]


def test_what_is_left_is_spent_and_fills_again() -> None:
    """What a reply says is left may be spent; the rest waits for the refill, of any span, that it tells."""
    clock = Clock()
    pace = Pace(clock)
    told(pace, pace.take(1), headers(50, "10s"))  # 5 a second

    assert pace.take(40).wait == 0
    assert pace.take(40).wait == pytest.approx(6)
    clock.sleep(3)
    assert pace.take(40).wait == pytest.approx(3)
    clock.sleep(3)
    assert pace.take(40).wait == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("served", [(0, 1), (1, 0)])
def test_what_is_on_its_way_is_not_left(order: tuple[int, int], served: tuple[int, int]) -> None:
    """Whatever the order in which two requests are served and answered, no more is spent than is left."""
    pace = Pace(Clock())
    told(pace, pace.take(1), headers(90, "10s"))
    turns = pace.take(30), pace.take(30)
    left = {served[0]: 60.0, served[1]: 30.0}

    told(pace, turns[order[0]], headers(left[order[0]], "40s"))
    assert pace.take(31).wait > 0
    told(pace, turns[order[1]], headers(left[order[1]], "70s"))
    assert pace.take(31).wait > 0


def test_what_was_not_spent_is_there() -> None:
    """A request that was fewer tokens than thought, or came to nothing, gives the rest back."""
    pace = Pace(Clock())
    told(pace, pace.take(1), headers(90, "10s"))
    first, second = pace.take(40), pace.take(40)
    pace.told(first, {}, 30)
    pace.told(second, {}, 0)

    assert pace.take(60).wait == 0
    assert pace.take(1).wait > 0


def test_one_that_was_alone_shows_that_there_is_more() -> None:
    """What a reply to a lone request leaves is there, even if we thought there was less."""
    pace = Pace(Clock())
    told(pace, pace.take(1), headers(10, "90s"))
    turn = pace.take(5)
    told(pace, turn, headers(80, "20s"))

    assert pace.take(80).wait == 0


def test_requests_count_too() -> None:
    """Requests are paced as tokens are."""
    pace = Pace(Clock())
    told(pace, pace.take(1), headers(1, "59.4s", name="requests"))

    assert pace.take(1).wait == 0
    assert pace.take(1).wait == pytest.approx(59.4 / 99)


def test_more_than_the_whole_allowance() -> None:
    """A request beyond the whole allowance waits until it is full, and not for ever."""
    clock = Clock()
    pace = Pace(clock)
    told(pace, pace.take(1), headers(0, "10s"))
    assert pace.take(1000).wait == pytest.approx(10)
    clock.sleep(10)

    assert pace.take(1000).wait == 0


def test_a_pause_is_for_all() -> None:
    """A pause that the service asked one request for holds all of them; only a person's question goes."""
    clock = Clock()
    pace = Pace(clock)
    told(pace, pace.take(1), {})
    pace.pause(7)

    assert pace.take(1).wait == pytest.approx(7)
    assert pace.take(1, at_once=True).wait == 0
    clock.sleep(7)
    assert pace.take(1).wait == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("6m0s", 360),
        ("1.5s", 1.5),
        ("20ms", 0.02),
        ("1h2m3s", 3723),
        ("12", 12),
        ("2d", 172800),
        ("soon", None),
        ("", None),
    ],
)
def test_spans(text: str, length: float | None) -> None:
    """A span of time is read as headers write it; what is none is none."""
    assert seconds(text) == length


def test_a_request_is_within_all_three_bounds() -> None:
    """A request holds no more items, bytes or tokens than it may, and all windows are sent once, in order."""
    ratio = Ratio()
    ratio.told(400, 100)
    pieces = [Window(n, "x", 1 + n * 97 % WINDOW_BYTES) for n in range(1000)]

    for most in (2_000, 20_000, float("inf")):
        batches = list(packed(pieces, ratio, most))
        assert [one for batch in batches for one in batch] == pieces
        for batch in batches:
            size = sum(one.size for one in batch)
            assert len(batch) <= MOST_ITEMS
            assert size <= MOST_BYTES
            assert ratio.tokens(size) <= most or len(batch) == 1


def test_windows_hold_all_of_a_text() -> None:
    """A text is cut between characters into windows that a model takes, and an empty one becomes a mark."""
    text = "東京都の条例 🏢" * 2000
    found = windows(3, text)

    assert "".join(one.text for one in found) == text
    assert all(len(one.text.encode()) == one.size <= WINDOW_BYTES for one in found)
    assert {one.row for one in found} == {3}
    assert [one.text for one in windows(0, "")] == ["."]
    assert [one.text for one in windows(0, " \n")] == ["."]
    assert [one.text for one in windows(0, "a\ud800b")] == ["a?b"]


def test_tokens_are_never_more_than_bytes() -> None:
    """As long as no reply told, a byte counts as a token; then what replies tell, with a margin."""
    ratio = Ratio()
    assert ratio.tokens(1000) == 1000

    ratio.told(1000, 250)
    assert ratio.tokens(1000) == pytest.approx(250 * 1.05, abs=1)
    ratio.told(1000, 0)
    for _ in range(50):
        ratio.told(1000, 5000)
    assert ratio.tokens(1000) == 1000
