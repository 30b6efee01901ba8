# SPDX-License-Identifier: Apache-2.0
"""The private API on the wire, the same on a unix socket and within TLS: frames of a length and msgpack, in turn.

    4 bytes length, big-endian; then an array
    request   [id, operation, {name: argument}]
    reply     [answer, refusal]        refusal '' when it was answered

One connection carries one request after the other. Both ends refuse what is longer than `FRAME_BYTES`.
"""

import asyncio
import struct
import uuid
from typing import Any, Protocol

import msgspec

from gatepost.errors import GatepostError

FRAME_BYTES = 16_777_216
"""A batch of 500 artefacts and the largest single one fit."""
STRANGER_BYTES = 16_384
"""For who has not shown who he is."""
READ_S = 30.0
"""A frame that has begun must end within it, a written one be taken."""
LENGTH = struct.Struct("!I")


class Reader(Protocol):
    """What frames are read from."""

    async def readexactly(self, count: int, /) -> bytes:
        """Read so many bytes. Raises: asyncio.IncompleteReadError."""


class Writer(Protocol):
    """What frames are written to."""

    def write(self, data: bytes, /) -> None:
        """Send bytes."""

    async def drain(self) -> None:
        """Wait until what was written has left, but for a buffer."""


class WireError(GatepostError):
    """What came is no frame of ours, or too long; the connection is of no more use."""


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One question or command; a command with an id that was carried out before is answered as then."""

    id: str
    do: str
    args: dict[str, Any] = {}


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """The answer, or why there is none: a sentence."""

    answer: msgspec.Raw = msgspec.Raw(b"\xc0")
    refused: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(Request).decode
_decode_reply = msgspec.msgpack.Decoder(Reply).decode


def new_request(do: str, args: dict[str, Any], identity: str = "") -> Request:
    """Make a request with an id of its own, or the one given."""
    return Request(identity or uuid.uuid4().hex, do, args)


def framed(content: Request | Reply) -> bytes:
    """Give the frame of a request or a reply. Raises: WireError when it is too long."""
    payload = _encode(content)
    if len(payload) > FRAME_BYTES:
        raise WireError("the answer is longer than 16 MiB; ask for less, as with --limit")
    return LENGTH.pack(len(payload)) + payload


def refusal(sentence: str) -> Reply:
    """Give the reply that says no."""
    return Reply(refused=sentence)


def answered(answer: Any) -> Reply:
    """Give the reply that holds an answer of builtin types and msgspec structures."""
    return Reply(msgspec.Raw(_encode(answer)))


def read_request(untrusted_payload: bytes) -> Request:
    """Decode a request. Raises: WireError."""
    try:
        request = _decode_request(untrusted_payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"this is no request of Gatepost's private API ({error})") from None
    if not (1 <= len(request.id) <= 64 and request.id.isascii() and request.id.isalnum()):
        raise WireError("a request's id is 1 to 64 letters and digits")
    return request


def read_reply(untrusted_payload: bytes) -> Reply:
    """Decode a reply. Raises: WireError."""
    try:
        return _decode_reply(untrusted_payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise WireError("the other end does not speak Gatepost's private API; check the address") from None


async def read_payload(reader: Reader, *, first_s: float, limit: int = FRAME_BYTES) -> bytes:
    """Read one frame's payload, waiting `first_s` for its beginning; b"" when the other end is done.

    Raises: WireError, TimeoutError, ConnectionError, ssl.SSLError.
    """
    try:
        async with asyncio.timeout(first_s):
            head = await reader.readexactly(LENGTH.size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise WireError("the connection ended in the middle of a frame") from None
        return b""
    (length,) = LENGTH.unpack(head)
    if not 1 <= length <= limit:
        raise WireError(f"a frame here has 1 to {limit} bytes, not {length}")
    try:
        async with asyncio.timeout(READ_S):
            return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise WireError("the connection ended in the middle of a frame") from None
