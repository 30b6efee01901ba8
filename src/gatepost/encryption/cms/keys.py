# SPDX-License-Identifier: Apache-2.0
"""What a private key does for CMS. It may live in another process or in a device: small plain values cross, the key does not.

Each call is one operation of the key. A key that cannot be reached raises its own error, which is temporary and is let through;
what a forger can cause never raises and never shows why it failed.
"""

from typing import Literal, NamedTuple, Protocol

from gatepost.encryption.cms.identifier import Identifier
from gatepost.encryption.cms.scheme import Scheme


class Transport(NamedTuple):
    """How a content key was encrypted to an RSA key: PKCS#1 v1.5 (RFC 3370 §4.2.1), or OAEP with these hashes and label (RFC 3560)."""

    kind: Literal["pkcs1", "oaep"]
    digest: str = "sha256"
    mask_digest: str = "sha256"
    label: bytes = b""


PKCS1 = Transport("pkcs1")
OAEP = Transport("oaep")


class SigningKey(Protocol):
    """A key that signs."""

    @property
    def kind(self) -> str:
        """`rsa`, a curve as `p256`, or `ed25519`."""
        ...

    def sign(self, to_be_signed: bytes, scheme: Scheme) -> bytes:
        """Sign bytes, as a rule a few hundred of signed attributes; the scheme says how they are hashed and padded."""
        ...


class DecryptionKey(Protocol):
    """A key to which content keys are encrypted."""

    @property
    def kind(self) -> str:
        """`rsa`, a curve as `p256`, or `x25519`."""
        ...

    def unwrap(self, encrypted: bytes, transport: Transport, length: int) -> bytes:
        """Decrypt a content key with an RSA key.

        Always `length` octets, in a time that does not depend on the padding: when it is wrong, or holds something of another
        length, they are random, so that a forger learns nothing (RFC 3218 §2.3.2).
        """
        ...

    def agree(self, public: bytes) -> bytes | None:
        """Agree on a secret with a peer's public key on the same curve: an uncompressed point, or 32 octets of X25519.

        None when it is no such point, or the secret would be all zeros (RFC 5753 §3, RFC 8418 §2).
        """
        ...


class KeyRing(Protocol):
    """Our decryption keys, found by what a recipient's entry names."""

    def find(self, name: Identifier) -> DecryptionKey | None:
        """Give the key of that name; None when it is not ours."""
        ...
