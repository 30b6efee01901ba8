# SPDX-License-Identifier: Apache-2.0
"""The frames between `receive` and the store's process."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.delivery.handover.frames import (
    FrameReader,
    Question,
    Refused,
    State,
    mail_frame,
    question_frame,
    refused_frame,
    state_frame,
    withdraw_frame,
)
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope

MAIL = NewMail("t", 3, "inbound", 1.0, 2.0, "192.0.2.1", "helo", Envelope(Address("s", "example.org")), b"T: 1\r\n", Body(3, b"a\r\n"))
QUESTION = Question(3, Address("jürgen", "example.com"))
REFUSED = Refused(3, "192.0.2.1\0rule\0reason", b"\x91\xc0")
STATE = State("receive", 4711, 7, "filters.words: unknown; remove it")


def frame(number: int, content: object) -> bytes:
    match content:
        case NewMail():
            return mail_frame(number, content)
        case Question():
            return question_frame(number, content)
        case Refused():
            return refused_frame(content)
        case State():
            return state_frame(content)
        case _:
            return withdraw_frame(number)


@given(st.lists(st.sampled_from([MAIL, QUESTION, REFUSED, STATE, None]), max_size=8), st.data())
def test_frames_do_not_depend_on_segmentation(contents, data) -> None:
    """Mails, withdrawals, questions and notices come out as they went in, in order, however the stream is cut."""
    stream = b"".join(frame(number, one) for number, one in enumerate(contents))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = FrameReader()
    read = [frame for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) for frame in reader.feed(stream[start:end])]
    assert read == [(0 if isinstance(one, Refused | State) else number, one) for number, one in enumerate(contents)]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (9, b""),
        (3, b"\xc1"),
        (3, msgspec.msgpack.encode([1, ["a", "b", "c"]])),
        (3, msgspec.msgpack.encode(["1", ["a", "b"]])),
        (1, msgspec.msgpack.encode([1, ["a", "b"]])),
        (4, msgspec.msgpack.encode([1, "key"])),
        (5, msgspec.msgpack.encode(["receive", "4711", 7])),
    ],
)
def test_a_frame_that_is_none_of_ours_is_refused(kind: int, payload: bytes) -> None:
    """An unknown kind, and a content of another shape, end the connection."""
    with pytest.raises(msgspec.MsgspecError):
        FrameReader().feed(struct.pack("!BII", kind, 1, len(payload)) + payload)
