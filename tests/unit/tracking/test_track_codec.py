# SPDX-License-Identifier: Apache-2.0
"""Tracks as bytes: what is put together from parts is what would have been encoded whole."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.tracking.codec import compose, decode_change, decode_head, decode_outcome, encode_change, encode_head, encode_outcome
from gatepost.tracking.record import Attempt, FilterEntry, OperationEntry, TrackChange, TrackHead, TrackOutcome

HEAD = TrackHead(
    "t1",
    3,
    1.5,
    "inbound",
    5,
    filters=(FilterEntry("words", 4.0, 4.0, 1, 0.2, "pills", details=("one", "two")),),
    operations=(OperationEntry("DmarcValidationEntry", b'{"result":"pass"}'),),
)
OUTCOME = TrackOutcome("t1", 3, (Attempt(2.0, (0, 2), "deferred", "451 4.3.0 later", "mx.example", due_at=60.0),))


@given(st.booleans(), st.one_of(st.integers(0, 40), st.sampled_from([65_535])))
def test_a_change_is_composed_from_encoded_parts(with_head: bool, count: int) -> None:
    """Head or none and any number of outcomes give the bytes of the whole change, and are read back as they were."""
    outcomes = (OUTCOME,) * count
    payload = compose(encode_head(HEAD) if with_head else b"", [encode_outcome(OUTCOME)] * count)
    change = TrackChange(HEAD if with_head else None, outcomes)
    assert payload == encode_change(change)
    assert decode_change(payload) == change


def test_an_older_reader_passes_over_what_was_appended() -> None:
    """A head of a newer form, with a field more at its end, is read as far as it is known."""
    newer = msgspec.msgpack.encode([*msgspec.msgpack.decode(encode_head(HEAD)), "a field of tomorrow"])
    assert decode_head(newer) == HEAD


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"\x90", b"\xc0", msgspec.msgpack.encode(["t", "no tenant", 1.0, "inbound", 5])])
def test_what_is_no_track_is_refused(garbage: bytes) -> None:
    """Neither a head nor an outcome nor a change is made of other bytes."""
    for decode in (decode_head, decode_outcome, decode_change):
        with pytest.raises(msgspec.MsgspecError):
            decode(garbage)
