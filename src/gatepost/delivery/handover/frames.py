# SPDX-License-Identifier: Apache-2.0
"""The frames of the hand-over: a fixed head, then a mail or a question as msgpack; an answer is a number, a code and a lifetime."""

import struct
from enum import IntEnum

import msgspec

from gatepost.delivery.queue.record import NewMail
from gatepost.message.addresses import Address

_HEAD = struct.Struct("!BII")
ANSWER = struct.Struct("!IBI")
_encode = msgspec.msgpack.Encoder().encode

MAIL, WITHDRAW, QUESTION = 1, 2, 3


class Answer(IntEnum):
    """What became of a mail that was handed over; from `KNOWN` on, what is known of a recipient."""

    COMMITTED = 0
    FULL = 1
    AWAY = 2
    WITHDRAWN = 3
    KNOWN = 4
    UNKNOWN = 5
    NO_ANSWER = 6
    ANY_KNOWN = 7
    """The domain's next hop takes any recipient."""


class Question(msgspec.Struct, array_like=True, frozen=True):
    """Whether a tenant's recipient exists."""

    tenant_id: int
    address: Address


_decode_mail = msgspec.msgpack.Decoder(NewMail).decode
_decode_question = msgspec.msgpack.Decoder(Question).decode


def mail_frame(number: int, mail: NewMail) -> bytes:
    """Give the frame that hands a mail over under a number of this connection's own."""
    payload = _encode(mail)
    return _HEAD.pack(MAIL, number, len(payload)) + payload


def withdraw_frame(number: int) -> bytes:
    """Give the frame that withdraws a mail: its client has hung up."""
    return _HEAD.pack(WITHDRAW, number, 0)


def question_frame(number: int, question: Question) -> bytes:
    """Give the frame that asks for a recipient under a number of this connection's own."""
    payload = _encode(question)
    return _HEAD.pack(QUESTION, number, len(payload)) + payload


class FrameReader:
    """Cuts a stream into frames. Raises msgspec.MsgspecError for what is none of ours; the connection must end then."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[tuple[int, NewMail | Question | None]]:
        """Take bytes; give the whole frames among them as (number, content), content None for a withdrawal."""
        buffer = self._buffer
        buffer += received
        frames: list[tuple[int, NewMail | Question | None]] = []
        start, size = 0, len(buffer)
        while size - start >= _HEAD.size:
            kind, number, length = _HEAD.unpack_from(buffer, start)
            end = start + _HEAD.size + length
            if end > size:
                break
            if kind == MAIL:
                frames.append((number, _decode_mail(memoryview(buffer)[start + _HEAD.size : end])))
            elif kind == WITHDRAW:
                frames.append((number, None))
            elif kind == QUESTION:
                frames.append((number, _decode_question(memoryview(buffer)[start + _HEAD.size : end])))
            else:
                raise msgspec.ValidationError(f"there is no frame of kind {kind}")
            start = end
        if start:
            del buffer[:start]
        return frames
