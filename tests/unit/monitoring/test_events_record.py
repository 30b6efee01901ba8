# SPDX-License-Identifier: Apache-2.0
"""An event in its form for the way: bounded, and read strictly at the other end."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.monitoring.events_record import MOST_FIELDS_BYTES, EventEntry, decode_entries, encode_entries, entry_of, read_fields
from gatepost.telemetry.events import ConfigurationTaken, EventsRefused, TracksDropped, Unexpected

FINE = EventEntry(1.5, "gateway.example", "deliver", "store.trouble", 3, '{"what":"commit"}')


def test_fields_are_the_events() -> None:
    """As JSON, names and values."""
    made = entry_of(1.5, ConfigurationTaken(process="receive", version=2, before=1), "gateway.example", "receive")
    assert read_fields(made.fields) == {"process": "receive", "version": 2, "before": 1} and made.level == 1


def test_a_long_text_loses_its_middle() -> None:
    """A traceback keeps where it began and where it ended."""
    made = entry_of(1.0, Unexpected(where="here", error="E", traceback="begin" + "x" * 50_000 + "end"), "g", "p")
    shown = read_fields(made.fields)["traceback"]
    assert shown.startswith("beginx") and shown.endswith("xend") and len(shown) < 2010


@given(st.text(max_size=9000), st.lists(st.text(max_size=3000), max_size=40))
def test_whatever_is_told_can_be_kept(text: str, days: list[str]) -> None:
    """Any text of any length gives an entry that the other end takes."""
    for event in (
        Unexpected(where=text, error=text, traceback=text),
        EventsRefused(batches=1, reason=text),
        TracksDropped(what="x", days=days),
    ):
        made = entry_of(1.0, event, "gateway.example", "deliver")
        assert len(made.fields.encode()) <= MOST_FIELDS_BYTES
        assert decode_entries(encode_entries([made])) == (made,)


@pytest.mark.parametrize(
    "changed",
    [
        {"at": float("nan")},
        {"level": 9},
        {"name": "x" * 300},
        {"gateway": "a\0b"},
        {"fields": "[]"},
        {"fields": "{"},
        {"fields": '{"a":"' + "x" * 9000 + '"}'},
    ],
)
def test_what_no_store_can_keep_is_refused(changed: dict[str, object]) -> None:
    """With a reason, before anything is written."""
    payload = encode_entries([FINE, msgspec.structs.replace(FINE, **changed)])
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        decode_entries(payload)


@given(st.binary(max_size=200))
def test_any_bytes_are_entries_or_refused(payload: bytes) -> None:
    """Nothing else comes of them."""
    with contextlib.suppress(ValueError, msgspec.MsgspecError):
        assert all(read_fields(one.fields) is not None for one in decode_entries(payload))
