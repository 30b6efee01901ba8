# SPDX-License-Identifier: Apache-2.0
"""A recipient's entry: the content key for him, encrypted to his RSA key or under a secret agreed with his curve's key.

Several recipients of one agreement (RFC 5652 §6.2.2) come out as one entry each.
"""

from typing import NamedTuple

from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.ber import BIT_STRING, EXPLICIT, INTEGER, SEQUENCE, Cursor
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.identifier import Identifier, by_key, read_identifier


class Transported(NamedTuple):
    """KeyTransRecipientInfo (RFC 5652 §6.2.1)."""

    name: Identifier
    algorithm: Algorithm
    encrypted_key: bytes


class Agreement(NamedTuple):
    """One recipient of KeyAgreeRecipientInfo (RFC 5652 §6.2.2)."""

    name: Identifier
    algorithm: Algorithm
    encrypted_key: bytes
    originator: bytes
    """The sender's fresh public key, as it stands in the BIT STRING; b'' when the sender is only named, which is not supported."""
    user_keying_material: bytes | None


class OtherRecipient(NamedTuple):
    """An entry by password, by shared key or of another kind, unread."""

    number: int


Recipient = Transported | Agreement | OtherRecipient


def read_transported(inside: Cursor) -> Transported:
    """Read the entry of an RSA key."""
    inside.skip(INTEGER)
    found = Transported(read_identifier(inside), read_algorithm(inside), inside.small_octets())
    inside.close()
    return found


def read_agreements(inside: Cursor, most: int) -> list[Agreement]:
    """Read the entries of an agreement."""
    inside.skip(INTEGER)
    originator = _originator_key(inside.enter(EXPLICIT | 0))
    material = inside.enter(EXPLICIT | 1).small_octets() if inside.peek() == EXPLICIT | 1 else None
    algorithm = read_algorithm(inside)
    entries, found = inside.enter(SEQUENCE), []
    while entries.position < entries.end:
        entry = entries.enter(SEQUENCE)
        name = _recipient_key(entry) if entry.peek() == EXPLICIT | 0 else read_identifier(entry)
        found.append(Agreement(name, algorithm, entry.small_octets(), originator, material))
        entry.close()
        if len(found) > most:
            raise Refusal("too-large", "there are too many recipients")
    inside.close()
    return found


def _originator_key(originator: Cursor) -> bytes:
    if originator.peek() != EXPLICIT | 1:
        originator.raw()
        return b""
    inside = originator.enter(EXPLICIT | 1)
    read_algorithm(inside)
    bits = inside.value(BIT_STRING)
    inside.close()
    originator.close()
    return bits[1:]


def _recipient_key(entry: Cursor) -> Identifier:
    """Read RecipientKeyIdentifier; its date and other attribute do not name a key."""
    return by_key(entry.enter(EXPLICIT | 0).small_octets())
