# SPDX-License-Identifier: Apache-2.0
"""Tracks as bytes. `receive` and `deliver` encode a head or an outcome once; whoever stores it looks no further.

    head, outcome    one msgpack value each
    change           fixarray of 2: the head or nil, array of outcomes; what an artefact of kind `track` carries

A change is put together from bytes that are there already, so that the process which commits does not encode again.
Readers take a value of a newer form as far as they know it: fields are only ever appended.
"""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from gatepost.tracking.record import TrackChange, TrackHead, TrackOutcome

KIND: Final = "track"

_encode = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(TrackHead).decode
_decode_outcome = msgspec.msgpack.Decoder(TrackOutcome).decode
_decode_change = msgspec.msgpack.Decoder(TrackChange).decode

_ARRAY_OF_2, _NIL, _FIXARRAY, _ARRAY_16 = b"\x92", b"\xc0", 0x90, struct.Struct("!BH")
_ONE_OUTCOME = b"\x91"


def encode_head(head: TrackHead) -> bytes:
    """Encode a head."""
    return _encode(head)


def decode_head(encoded: bytes) -> TrackHead:
    """Decode a head. Raises msgspec.MsgspecError for what is none."""
    return _decode_head(encoded)


def encode_outcome(outcome: TrackOutcome) -> bytes:
    """Encode an outcome."""
    return _encode(outcome)


def decode_outcome(encoded: bytes) -> TrackOutcome:
    """Decode an outcome. Raises msgspec.MsgspecError for what is none."""
    return _decode_outcome(encoded)


def encode_change(change: TrackChange) -> bytes:
    """Encode a change; gives what `compose` gives for the encoded parts."""
    return _encode(change)


def decode_change(payload: bytes) -> TrackChange:
    """Decode an artefact's payload. Raises msgspec.MsgspecError for what is none."""
    return _decode_change(payload)


def compose(head: bytes, outcomes: Sequence[bytes]) -> bytes:
    """Put a change together from an encoded head (b"" for none) and up to 65,535 encoded outcomes."""
    count = len(outcomes)
    if count == 1:
        return b"".join((_ARRAY_OF_2, head or _NIL, _ONE_OUTCOME, outcomes[0]))
    lead = bytes((_FIXARRAY | count,)) if count < 16 else _ARRAY_16.pack(0xDC, count)
    return b"".join((_ARRAY_OF_2, head or _NIL, lead, *outcomes))
