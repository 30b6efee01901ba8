# SPDX-License-Identifier: Apache-2.0
"""The frames of the hand-over: a fixed head, then a mail as msgpack; answers are a number and a code."""

import struct
from enum import IntEnum

import msgspec

from gatepost.delivery.queue.record import NewMail

_HEAD = struct.Struct("!BII")
ANSWER = struct.Struct("!IB")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewMail).decode

MAIL, WITHDRAW = 1, 2


class Answer(IntEnum):
    """What became of a mail that was handed over."""

    COMMITTED = 0
    FULL = 1
    AWAY = 2
    WITHDRAWN = 3


def mail_frame(number: int, mail: NewMail) -> bytes:
    """Give the frame that hands a mail over under a number of this connection's own."""
    payload = _encode(mail)
    return _HEAD.pack(MAIL, number, len(payload)) + payload


def withdraw_frame(number: int) -> bytes:
    """Give the frame that withdraws a mail: its client has hung up."""
    return _HEAD.pack(WITHDRAW, number, 0)


class FrameReader:
    """Cuts a stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[tuple[int, NewMail | None]]:
        """Take bytes; give the whole frames among them as (number, mail), mail None for a withdrawal."""
        buffer = self._buffer
        buffer += received
        frames: list[tuple[int, NewMail | None]] = []
        start, size = 0, len(buffer)
        while size - start >= _HEAD.size:
            kind, number, length = _HEAD.unpack_from(buffer, start)
            end = start + _HEAD.size + length
            if end > size:
                break
            mail = _decode(memoryview(buffer)[start + _HEAD.size : end]) if kind == MAIL else None
            frames.append((number, mail))
            start = end
        if start:
            del buffer[:start]
        return frames
