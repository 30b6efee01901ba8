# SPDX-License-Identifier: Apache-2.0
"""Take the signatures off a mail, so that its reader answers without the signer's key, or that the gateway may sign it itself."""

from typing import NamedTuple

from gatepost.encryption.cms.space import lines
from gatepost.encryption.smime.canonical import are_paired, canonical
from gatepost.encryption.smime.enclosed import Enclosed, span
from gatepost.encryption.smime.frame import Pieces, framed_pieces
from gatepost.encryption.smime.header_protection import ProtectedHeader, protected_header
from gatepost.encryption.smime.layer import SignedLayer
from gatepost.encryption.smime.policy import READ, ReadPolicy
from gatepost.encryption.smime.reading import Reading, read
from gatepost.message.parse import parse
from gatepost.message.tree import Message


class Removed(NamedTuple):
    """A mail without its signatures."""

    pieces: Pieces
    """The mail, to be written one piece after the other."""
    reading: Reading
    removed: int
    """How many layers were taken off."""

    @property
    def mail(self) -> bytes:
        """The mail, in one: a large one is put together whenever this is asked for."""
        return b"".join(self.pieces)


def without_signatures(untrusted_raw: bytes, policy: ReadPolicy = READ) -> Removed:
    """Take off each signature that is around the whole mail; parts beside a signed one would be lost, so then it stays."""
    reading = read(untrusted_raw, None, policy)
    number = 0
    for layer in reading.layers[: len(reading.contents)]:
        if not isinstance(layer, SignedLayer) or "outside-signature" in layer.findings or "no-signature-part" in layer.findings:
            break
        number += 1
    if not number:
        return Removed((untrusted_raw,), reading, 0)
    content, between = _canonical(reading.contents[number - 1]), reading.contents[: number - 1]
    pieces = framed_pieces(reading.mail, content, _marks(reading.mail, content), (), taken_off=between)
    return Removed(pieces, reading, number)


def _marks(mail: Message, content: Message) -> ProtectedHeader | None:
    """Give protected fields whose marks go with the signature: none of them is taken, for they are outside as well."""
    protected = protected_header(mail, content)
    return None if protected is None or protected.kind == "message" else protected


def _canonical(content: Message) -> Message:
    """Give what lay inside a signature as it may stand on the wire."""
    if isinstance(content, Enclosed) and are_paired(lines((span(content.within, content.start, content.end),))):
        return content
    raw = bytes(content.raw)
    written = canonical(raw)
    return content if written is raw else parse(written, content.root.limits)
