"""Laws of AWS's door: no key is misread, and versions sort as AWS says that sequencers do."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from corpus.changes import from_json, to_json
from corpus.errors import BadRequest
from corpus.keys import ID, original_key, parse_original
from corpus.model import Change
from lambdas.events import changes, notified_key

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
ids = st.from_regex(ID, fullmatch=True)
sequencers = st.text("0123456789abcdefABCDEF", min_size=1, max_size=40)


def notification(key: str, sequencer: str, name: str = "ObjectCreated:Put") -> str:
    about = {"key": key, "eTag": "e1", "sequencer": sequencer}
    return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": name, "s3": {"object": about}}]})


def bridged(key: str, sequencer: str) -> str:
    about = {"key": key, "etag": "e1", "sequencer": sequencer}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": about}})


@given(keys)
def test_any_key_is_decoded_as_it_was_encoded(key: str) -> None:
    """Whatever a key is made of, and whether slashes and blanks are encoded this way or that, it is read back."""
    for encoded in (quote_plus(key), quote_plus(key, safe="/"), quote(key), quote(key, safe="")):
        assert notified_key(encoded) == key


@given(keys, sequencers)
def test_only_originals_speak(key: str, sequencer: str) -> None:
    """An event of any key gives a change of exactly that key, if it is an original's, and nothing otherwise."""
    expected = [key] if parse_original(key) else []
    for sent in (notification(quote_plus(key), sequencer), bridged(key, sequencer)):
        assert [change.key for change in changes(sent)] == expected


@given(ids, ids, sequencers)
def test_originals_speak(user_id: str, document_id: str, sequencer: str) -> None:
    """An event of an original gives its change, by whichever way it came."""
    key = original_key(user_id, document_id)

    (change,) = changes(notification(quote_plus(key, safe="/"), sequencer))
    assert [change] == changes(bridged(key, sequencer)) == changes(to_json(change))
    assert (change.kind, change.key, change.etag, len(change.version)) == ("put", key, "e1", 40)


@given(sequencers, sequencers)
def test_versions_sort_as_sequencers(one: str, other: str) -> None:
    """Sequencers of different length compare as AWS says: padded right with zeros, as text, whatever their case."""
    (a,), (b,) = changes(bridged("documents/u/d/original", one)), changes(bridged("documents/u/d/original", other))
    width = max(len(one), len(other))

    assert (a.version < b.version) == (one.lower().ljust(width, "0") < other.lower().ljust(width, "0"))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_read_or_refused(body: str) -> None:
    """Whatever lies in a queue is a change, nothing, or refused with a reason; no other error comes of it."""
    assert from_json(body) is None
    with suppress(BadRequest):
        assert changes(body) == []


@given(st.sampled_from(["put", "removed"]), ids, ids, st.text(), st.text())
def test_a_change_is_read_as_it_was_sent(kind: str, user_id: str, document_id: str, version: str, etag: str) -> None:
    """A change survives being sent."""
    change = Change("put" if kind == "put" else "removed", original_key(user_id, document_id), version, etag)

    assert from_json(to_json(change)) == change
