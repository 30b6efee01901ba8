# SPDX-License-Identifier: Apache-2.0
"""The frames of the hand-over: a fixed head, then a mail, a question or a notice as msgpack.

What comes back is a number, a code and a lifetime. Number 0 is no mail's: it announces the version of the configuration, or that
people changed.
"""

import struct
from collections.abc import Callable
from enum import IntEnum

import msgspec

from gatepost.delivery.queue.record import NewMail
from gatepost.message.addresses import Address
from gatepost.smtp.certificate import CertificateState

_HEAD = struct.Struct("!BII")
ANSWER = struct.Struct("!IBI")
_encode = msgspec.msgpack.Encoder().encode

MAIL, WITHDRAW, QUESTION, REFUSED, STATE, EVENTS = 1, 2, 3, 4, 5, 6

ANNOUNCEMENT = 0
"""The number under which the store's process speaks unasked."""


class Answer(IntEnum):
    """What became of a mail that was handed over; from `KNOWN` on, what is known of a recipient; last, an announcement."""

    COMMITTED = 0
    FULL = 1
    AWAY = 2
    WITHDRAWN = 3
    KNOWN = 4
    UNKNOWN = 5
    NO_ANSWER = 6
    ANY_KNOWN = 7
    """The domain's next hop takes any recipient."""
    CONFIGURATION = 8
    """With number 0: the version of the configuration that holds now stands where lifetimes do."""
    PEOPLE = 9
    """With number 0: forget what was said of recipients. Where lifetimes stand is another number after each change of users, 0: none."""


class Question(msgspec.Struct, array_like=True, frozen=True):
    """Whether a tenant's recipient exists."""

    tenant_id: int
    address: Address
    only_listed: bool = False
    """Whether only the list of users is asked, no next hop."""


class Refused(msgspec.Struct, array_like=True, frozen=True):
    """A mail that was refused: an encoded `TrackHead`, and what is counted together when there are many alike."""

    tenant_id: int
    key: str
    head: bytes


class State(msgspec.Struct, array_like=True, frozen=True):
    """How a `receive` process does."""

    process: str
    pid: int
    version: int
    """Of the configuration that it works with; 0 before it knows one."""
    error: str = ""
    """Why it could not take over a newer one: a sentence for people; '' when there is nothing to tell."""
    certificate: CertificateState | None = None
    """How it does with the certificate of its listeners; None where it shows none."""


class Events(msgspec.Struct, array_like=True, frozen=True):
    """Events of a process for the event log, encoded by who understands them."""

    payload: bytes


Content = NewMail | Question | Refused | State | Events | None
"""What a frame holds; None for a withdrawal."""

_decode_mail = msgspec.msgpack.Decoder(NewMail).decode
_DECODERS: dict[int, Callable[[memoryview], Question | Refused | State | Events]] = {
    QUESTION: msgspec.msgpack.Decoder(Question).decode,
    REFUSED: msgspec.msgpack.Decoder(Refused).decode,
    STATE: msgspec.msgpack.Decoder(State).decode,
    EVENTS: msgspec.msgpack.Decoder(Events).decode,
}


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


def refused_frame(refused: Refused) -> bytes:
    """Give the frame that tells of a refused mail; nothing answers it."""
    payload = _encode(refused)
    return _HEAD.pack(REFUSED, 0, len(payload)) + payload


def state_frame(state: State) -> bytes:
    """Give the frame that tells how the process does; nothing answers it."""
    payload = _encode(state)
    return _HEAD.pack(STATE, 0, len(payload)) + payload


def events_frame(events: Events) -> bytes:
    """Give the frame that tells of events; nothing answers it."""
    payload = _encode(events)
    return _HEAD.pack(EVENTS, 0, len(payload)) + payload


class FrameReader:
    """Cuts a stream into frames. Raises msgspec.MsgspecError for what is none of ours; the connection must end then."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[tuple[int, Content]]:
        """Take bytes; give the whole frames among them as (number, content), content None for a withdrawal."""
        buffer = self._buffer
        buffer += received
        frames: list[tuple[int, Content]] = []
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
            elif (decode := _DECODERS.get(kind)) is not None:
                frames.append((number, decode(memoryview(buffer)[start + _HEAD.size : end])))
            else:
                raise msgspec.ValidationError(f"there is no frame of kind {kind}")
            start = end
        if start:
            del buffer[:start]
        return frames
