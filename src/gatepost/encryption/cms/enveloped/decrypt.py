# SPDX-License-Identifier: Apache-2.0
"""Decrypt what is addressed to one of our keys (RFC 5652 §6.4, RFC 5083 §2.3).

The key is found by the name in a recipient's entry; nothing is tried. From the private key on there is one answer to every
failure, and the work goes on with a random content key, so that neither the answer nor the time tells a forger what was
wrong (RFC 3218). `decrypt` does it in one go; where the key answers later, do the same in its steps: `ciphertext_of`, `addressed_to`,
`unwrapping.task_for`, the key, `unwrapping.content_key`, `open_content`.
"""

from collections.abc import Iterator

import msgspec

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.enveloped.ciphers import (
    CIPHERS,
    TAG_LENGTH,
    TRIPLE_DES_CBC,
    Cipher,
    Parameters,
    open_cbc,
    open_gcm,
    open_small_cbc,
    open_small_gcm,
    read_parameters,
)
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.enveloped.recipient import OtherRecipient
from gatepost.encryption.cms.enveloped.unwrapping import Addressed, content_key, do, task_for
from gatepost.encryption.cms.fault import UNDECRYPTABLE, Fault, Refusal
from gatepost.encryption.cms.keys import KeyRing
from gatepost.encryption.cms.octets import Octets
from gatepost.encryption.cms.policy import STRICT, Policy

_SMALL = 262_144


class Ciphertext(msgspec.Struct, frozen=True):
    """All that is needed beside the content key; it was read to its end, so nothing later refuses it."""

    cipher: Cipher
    parameters: Parameters
    content: Octets
    tag: bytes
    authenticated: bytes


class Decrypted(msgspec.Struct, frozen=True):
    """A content in clear."""

    content: bytes
    content_type: bytes
    cipher: str
    authenticated: bool
    """Whether a change of the ciphertext would have been noticed; without it the content may be a forger's in part."""
    addressed: Addressed


def decrypt(data: Enveloped, keys: KeyRing, policy: Policy = STRICT) -> Decrypted | Fault:
    """Decrypt with the first of our keys that the object names."""
    ciphertext = ciphertext_of(data, policy)
    if isinstance(ciphertext, Fault):
        return ciphertext
    addressed = next(addressed_to(data, keys), None)
    if addressed is None:
        return Fault("not-addressed", f"none of the {len(data.recipients)} recipients is one of our keys")
    task = task_for(addressed, ciphertext.cipher, policy)
    if isinstance(task, Fault):
        return task
    plain = open_content(ciphertext, content_key(addressed, ciphertext.cipher, do(addressed.key, task)))
    if plain is None:
        return UNDECRYPTABLE
    return Decrypted(plain, data.content_type, ciphertext.cipher.name, data.authenticated, addressed)


def addressed_to(data: Enveloped, keys: KeyRing) -> Iterator[Addressed]:
    """Give each recipient's entry that names one of our keys, in order."""
    for recipient in data.recipients:
        if not isinstance(recipient, OtherRecipient) and (key := keys.find(recipient.name)) is not None:
            yield Addressed(recipient, key)


def ciphertext_of(data: Enveloped, policy: Policy = STRICT) -> Ciphertext | Fault:
    """Read all that can be wrong without a key: the cipher, whether policy allows it, its parameters, the pieces of the content."""
    cipher = CIPHERS.get(data.cipher.oid)
    # A cipher of the other kind of object would let a forger have GCM decrypted without its tag.
    if cipher is None or cipher.authenticated != data.authenticated:
        return Fault("unsupported", f"content cipher {oids.dotted(data.cipher.oid)} is not supported in this kind of object")
    if cipher is TRIPLE_DES_CBC and not policy.triple_des:
        return Fault("forbidden", "content under Triple-DES is not decrypted")
    if data.content is None:
        return Fault("unsupported", "the encrypted content lies outside")
    try:
        parameters = read_parameters(cipher, data.cipher)
        data.content.check()
    except Refusal as refusal:
        return refusal.fault
    if len(data.tag) != parameters.tag_length:
        return Fault("malformed", "the tag has another length than is said")
    extra = b"" if data.authenticated_attributes is None else data.authenticated_attributes.encoded
    return Ciphertext(cipher, parameters, data.content, data.tag, extra)


def open_content(ciphertext: Ciphertext, key: bytes) -> bytes | None:
    """Decrypt with the content key; None when tag or padding is wrong, which is all that is ever said.

    A large object in a space of its own is used up: what is decrypted takes its place, and is given away or dropped.
    """
    cipher, vector, content, tag = ciphertext.cipher, ciphertext.parameters.vector, ciphertext.content, ciphertext.tag
    if cipher.authenticated:
        if content.bound <= _SMALL and len(tag) == TAG_LENGTH:
            return open_small_gcm(key, vector, content.whole(), tag, ciphertext.authenticated)
        return open_gcm(key, vector, content, tag, ciphertext.authenticated)
    if content.bound <= _SMALL:
        return open_small_cbc(cipher, key, vector, content.whole())
    return open_cbc(cipher, key, vector, content)
