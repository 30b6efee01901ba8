# SPDX-License-Identifier: Apache-2.0
"""What our private key has to do for a content key, and what becomes of its answer.

The task is small and plain, so that it can be sent to where the key lives; the answer comes back in its own time.
"""

import os
from typing import NamedTuple

import msgspec

from gatepost.encryption.cms.enveloped.agreement import read_agreement, unwrap, wrapping_key
from gatepost.encryption.cms.enveloped.ciphers import Cipher
from gatepost.encryption.cms.enveloped.recipient import Agreement, Transported
from gatepost.encryption.cms.enveloped.transport import read_transport
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.keys import DecryptionKey, Transport
from gatepost.encryption.cms.oids import TRIPLE_DES_WRAP
from gatepost.encryption.cms.policy import STRICT, Policy


class Unwrap(NamedTuple):
    """`DecryptionKey.unwrap` with these arguments."""

    encrypted: bytes
    transport: Transport
    length: int


class Agree(NamedTuple):
    """`DecryptionKey.agree` with this argument."""

    public: bytes


class Addressed(msgspec.Struct, frozen=True):
    """A recipient's entry and the key of ours that it names."""

    recipient: Transported | Agreement
    key: DecryptionKey


def task_for(addressed: Addressed, cipher: Cipher, policy: Policy = STRICT) -> Unwrap | Agree | Fault:
    """Say what the key has to do; a fault when the entry asks what no key of ours, or not this one, can do, or policy forbids."""
    recipient, key = addressed.recipient, addressed.key
    try:
        if isinstance(recipient, Transported):
            transport = read_transport(recipient.algorithm)
            if key.kind == "rsa":
                return Unwrap(recipient.encrypted_key, transport, cipher.key_length)
            return Fault("malformed", f"a content key is encrypted as if to RSA, to a key of kind {key.kind}")
        scheme = read_agreement(recipient.algorithm)
    except Refusal as refusal:
        return refusal.fault
    if key.kind in ("rsa", "ed25519"):
        return Fault("malformed", f"a content key is wrapped as if by agreement, to a key of kind {key.kind}")
    if scheme.wrap.oid == TRIPLE_DES_WRAP and not policy.triple_des:
        return Fault("forbidden", "a content key under Triple-DES is not unwrapped")
    if not recipient.originator:
        return Fault("unsupported", "the sender's key is only named, not given")
    return Agree(recipient.originator)


def do(key: DecryptionKey, task: Unwrap | Agree) -> bytes | None:
    """Let a key that is at hand do its task."""
    return key.unwrap(*task) if isinstance(task, Unwrap) else key.agree(task.public)


def content_key(addressed: Addressed, cipher: Cipher, answer: bytes | None) -> bytes:
    """Make the content key of the key's answer; whatever is wrong with it gives random octets of the right length."""
    recipient, found = addressed.recipient, answer
    if isinstance(recipient, Agreement) and answer is not None:
        scheme = read_agreement(recipient.algorithm)
        key = wrapping_key(answer, scheme, recipient.user_keying_material)
        found = unwrap(key, recipient.encrypted_key, scheme.wrap.oid)
    return found if found is not None and len(found) == cipher.key_length else os.urandom(cipher.key_length)
