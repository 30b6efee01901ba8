# SPDX-License-Identifier: Apache-2.0
"""The object that a mail carries, its transfer encoding undone: a small one in one go, a large one slice by slice into a space of its own.

Promises: what `message/decode.py` gives for the same body, and the same word on whether it is malformed; a large body that is
broken in very many places, or that nobody would write so, is refused for that.
"""

import binascii

import pybase64

from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.space import LARGE, SLICE, AnyBytes, Space, lines, slices
from gatepost.message.decode import from_quoted_printable, without_encoding
from gatepost.message.tree import Entity

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_ALPHABET = bytes(byte for byte in range(256) if byte not in _ALPHABET)
_NOT_BASE64 = _NOT_ALPHABET.replace(b"=", b"")
_BLANKS = b" \t\r\n"
_LONGEST = 1000
"""Bytes of a line that has an end."""
_MOST_PADDINGS = 100_000
"""Paddings in the middle of a large body; each is read like the end of one."""
_MOST_QUOTED = 16 * LARGE
"""Bytes of a body in quoted-printable; it is for text, and slow."""


Carried = tuple[bytes | Space | Fault, bool]
"""An object's octets, or why they were not read; and whether the body holds something that its encoding does not allow."""


def carried(encoding: str, body: AnyBytes, most: int) -> Carried:
    """Give the object that a body in this transfer encoding stands for; a large one may have no more octets than `most`."""
    if len(body) <= LARGE:
        data, defects = without_encoding(encoding, bytes(body))
        return data, bool(defects)
    return _large(encoding, body, most)


def detached(part: Entity, limits: Limits) -> Carried:
    """Give the signature that a part stands for; all in it is beside the content, and one that is larger than that may be is not read."""
    start, end = part.body_start, part.end
    if end - start <= LARGE:
        data, defects = without_encoding(part.encoding, part.raw[start:end])
        return data, bool(defects)
    return _large(part.encoding, memoryview(part.raw)[start:end], min(limits.size_bytes, limits.overhead_bytes + LARGE))


def _large(encoding: str, body: AnyBytes, most: int) -> Carried:
    try:
        if encoding == "base64":
            return _from_base64(body, most)
        if encoding == "quoted-printable":
            return _from_quoted(body, most)
        _fits(len(body), most)
        space = Space()
        space.write(body)
        return space, False
    except Refusal as refusal:
        return refusal.fault, refusal.fault.kind == "malformed"


def _fits(size: int, most: int) -> None:
    if size > most:
        raise Refusal("too-large", f"{size} bytes are more than the {most} that are read")


def _from_base64(body: AnyBytes, most: int) -> Carried:
    if len(body) * 3 // 4 > most:
        # Line ends and the like take their part: what is left is counted before anything is kept.
        _fits(sum(len(bytes(piece).translate(None, _NOT_ALPHABET)) for piece in slices((body,))) * 3 // 4, most)
    reading = _Base64(_octets_of(body))
    for piece in slices((body,)):
        reading.feed(bytes(piece).translate(None, _BLANKS))
    return reading.space, reading.ends_malformed()


def _octets_of(body: AnyBytes) -> int:
    """Guess how many octets a body stands for, by its first line."""
    line = bytes(body[:_LONGEST]).partition(b"\n")[0]
    characters = len(line.strip()) if len(line) < _LONGEST else len(line)
    return len(body) * characters // (len(line) + 1) * 3 // 4 + SLICE


class _Base64:
    """The reading of one body, blanks left out: four characters make three octets, and a padding ends a piece."""

    def __init__(self, octets: int) -> None:
        self.space = Space(room=octets)
        self._kept = b""
        """Up to three characters, whatever they are, that wait for the fourth."""
        self._characters = self._paddings = 0
        self._run = 0
        """Paddings since the last character of the alphabet."""
        self._is_malformed = False

    def feed(self, characters: bytes) -> None:
        """Take the next characters; `Refusal` when there are too many paddings in the middle."""
        text = self._kept + characters
        whole = len(text) - len(text) % 4
        try:
            # Nearly all bodies are without fault, and of those a strict decoder is sure at once.
            if b"=" not in text and not self._run:
                self.space.write(pybase64.b64decode(text[:whole], validate=True))
                self._kept = text[whole:]
                return
        except binascii.Error:
            pass
        self._feed_odd(text)

    def _feed_odd(self, text: bytes) -> None:
        alphabet = text.translate(None, _NOT_BASE64)
        self._is_malformed = self._is_malformed or len(alphabet) != len(text)
        self._kept = b""
        *ended, rest = alphabet.split(b"=")
        self._paddings += len(ended)
        if self._paddings > _MOST_PADDINGS:
            raise Refusal("malformed", "the object's base64 is broken in too many places")
        for piece in ended:
            self._add(piece)
            self._end_piece()
            self._run += 1
        if rest:
            self._add(rest)
        self._characters += len(alphabet) - len(self._kept)

    def _add(self, piece: bytes) -> None:
        if piece and self._run:
            self._run, self._is_malformed = 0, True  # readers that stop at the first padding see less
        text = self._kept + piece
        whole = len(text) - len(text) % 4
        self.space.write(binascii.a2b_base64(text[:whole]))
        self._kept = text[whole:]

    def _end_piece(self) -> None:
        if len(self._kept) > 1:
            self.space.write(binascii.a2b_base64(self._kept + b"=" * (4 - len(self._kept))))
        self._kept = b""

    def ends_malformed(self) -> bool:
        """End the reading; say whether anything was wrong."""
        self._feed_odd(self._kept)
        self._characters += len(self._kept)
        self._end_piece()
        return self._is_malformed or self._characters % 4 != 0 or self._run > 2


def _from_quoted(body: AnyBytes, most: int) -> Carried:
    _fits(len(body), min(most, _MOST_QUOTED))
    space, malformed, size = Space(room=len(body)), False, 0
    ends_in_blanks = False
    for block in lines((body,)):
        size += len(block)
        ends_in_blanks = ends_in_blanks or b" \r\n" in block or b"\t\r\n" in block
        if block[-1:] != b"\n" and size < len(body):
            raise Refusal("malformed", "a line of the object's encoding is too long")
        data, defects = from_quoted_printable(block.rstrip(b" \t") if ends_in_blanks else block)
        malformed = malformed or bool(defects)
        space.write(data)
    return space, malformed
