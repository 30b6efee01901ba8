# SPDX-License-Identifier: Apache-2.0
"""Content encryption: AES in CBC (RFC 3565) and in GCM (RFC 5084); Triple-DES (RFC 3370 §5.1) only to read old mail.

What is decrypted leaves only when its tag (GCM) or its padding (CBC) is right. CBC has no more than that: a changed ciphertext
may decrypt to something, which is why a result says whether it is authenticated.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext, CipherContext
from cryptography.hazmat.primitives.ciphers import Cipher as LibraryCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM
from cryptography.hazmat.primitives.padding import PKCS7

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import Algorithm
from gatepost.encryption.cms.ber import INTEGER, SEQUENCE, AnyBytes
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.octets import Octets
from gatepost.encryption.cms.space import slices

TAG_LENGTH = 16
NONCE_LENGTH = 12
_DEFAULT_TAG_LENGTH = 12
"""RFC 5084 §3.2; a tag may have 12 to 16 octets."""
_NONCE_LENGTHS = range(8, 129)
_USUAL_NONCE, _USUAL_TAG = b"\x30\x11\x04\x0c", b"\x02\x01\x10"
"""What stands around a nonce of 12 octets beside a tag of 16: nearly all parameters are these, and read at a glance."""


class Cipher(NamedTuple):
    """A content cipher."""

    name: str
    oid: bytes
    key_length: int
    block_length: int = 16
    authenticated: bool = False


AES128_CBC = Cipher("aes-128-cbc", oids.AES128_CBC, 16)
AES192_CBC = Cipher("aes-192-cbc", oids.AES192_CBC, 24)
AES256_CBC = Cipher("aes-256-cbc", oids.AES256_CBC, 32)
AES128_GCM = Cipher("aes-128-gcm", oids.AES128_GCM, 16, authenticated=True)
AES192_GCM = Cipher("aes-192-gcm", oids.AES192_GCM, 24, authenticated=True)
AES256_GCM = Cipher("aes-256-gcm", oids.AES256_GCM, 32, authenticated=True)
TRIPLE_DES_CBC = Cipher("3des-cbc", oids.TRIPLE_DES_CBC, 24, 8)

CIPHERS = {cipher.oid: cipher for cipher in (AES128_CBC, AES192_CBC, AES256_CBC, AES128_GCM, AES192_GCM, AES256_GCM, TRIPLE_DES_CBC)}
WRITTEN = {cipher.name: cipher for cipher in CIPHERS.values() if cipher is not TRIPLE_DES_CBC}
"""The ciphers that we encrypt with, by name."""


class Parameters(msgspec.Struct, frozen=True):
    """What the key is used with: an initialization vector, or a nonce and the length of the tag."""

    vector: bytes
    tag_length: int = 0


def read_parameters(cipher: Cipher, algorithm: Algorithm) -> Parameters:
    """Read a cipher's parameters; `Refusal` when they are malformed."""
    usual = algorithm.parameters
    if len(usual) == 19 and usual.startswith(_USUAL_NONCE) and usual.endswith(_USUAL_TAG) and cipher.authenticated:
        return Parameters(usual[4:16], TAG_LENGTH)
    cursor = algorithm.inside()
    if not cipher.authenticated:
        vector = cursor.small_octets()
        if len(vector) != cipher.block_length:
            raise Refusal("malformed", "the initialization vector has the wrong length")
        return Parameters(vector)
    inside = cursor.enter(SEQUENCE)
    nonce = inside.small_octets()
    tag_length = inside.number() if inside.peek() == INTEGER else _DEFAULT_TAG_LENGTH
    inside.close()
    if not _DEFAULT_TAG_LENGTH <= tag_length <= TAG_LENGTH or len(nonce) not in _NONCE_LENGTHS:
        raise Refusal("malformed", "the nonce or the tag has a length that it cannot have")
    return Parameters(nonce, tag_length)


def write_algorithm(cipher: Cipher, vector: bytes) -> bytes:
    """Write a cipher with its parameters."""
    if not cipher.authenticated:
        return der.sequence(der.oid(cipher.oid), der.octet_string(vector))
    return der.sequence(der.oid(cipher.oid), der.sequence(der.octet_string(vector), der.integer(TAG_LENGTH)))


def open_gcm(key: bytes, nonce: bytes, content: Octets, tag: bytes, authenticated: bytes) -> bytes | None:
    """Decrypt and check the tag over content and authenticated attributes; None when it is wrong."""
    decryptor: AEADDecryptionContext = LibraryCipher(AES(key), GCM(nonce, tag, _DEFAULT_TAG_LENGTH)).decryptor()
    if authenticated:
        decryptor.authenticate_additional_data(authenticated)
    plain = content.recast(decryptor.update_into)
    try:
        decryptor.finalize()
    except InvalidTag:
        return None
    return plain.octets()


def open_small_gcm(key: bytes, nonce: bytes, content: AnyBytes, tag: bytes, authenticated: bytes) -> bytes | None:
    """Do the same with a whole tag: a small content costs less to copy in front of it than the other way costs to set up."""
    try:
        return AESGCM(key).decrypt(nonce, b"".join((content, tag)), authenticated)
    except InvalidTag:
        return None


def seal_gcm(key: bytes, nonce: bytes, content: AnyBytes) -> bytes:
    """Encrypt; the tag follows the ciphertext."""
    return AESGCM(key).encrypt(nonce, content, None)


def open_cbc(cipher: Cipher, key: bytes, vector: bytes, content: Octets) -> bytes | None:
    """Decrypt and take the padding off; None when there is no whole block or the padding is wrong, in either case after all the work."""
    decryptor = _cbc_decryptor(cipher, key, vector)
    plain, size = content.recast(decryptor.update_into), cipher.block_length
    rest = _unpadded(decryptor, plain.octets()[-size:], size)
    if rest is None:
        return None
    plain.keep(0, len(plain) - size + rest)
    return plain.octets()


def open_small_cbc(cipher: Cipher, key: bytes, vector: bytes, content: AnyBytes) -> bytes | None:
    """Do the same in one go."""
    decryptor, size = _cbc_decryptor(cipher, key, vector), cipher.block_length
    plain = decryptor.update(content)
    rest = _unpadded(decryptor, plain[-size:], size)
    return None if rest is None else plain[: len(plain) - size + rest]


def _cbc_decryptor(cipher: Cipher, key: bytes, vector: bytes) -> CipherContext:
    return LibraryCipher(TripleDES(key) if cipher is TRIPLE_DES_CBC else AES(key), CBC(vector)).decryptor()


def _unpadded(decryptor: CipherContext, last: bytes, block_length: int) -> int | None:
    """Give how many octets of the last block are content; None when it is not whole or its padding is wrong."""
    # The library looks at the padding in constant time; only the last block is given to it, so nothing is copied for that.
    unpadder = PKCS7(block_length * 8).unpadder()
    try:
        decryptor.finalize()
        return len(unpadder.update(last) + unpadder.finalize())
    except ValueError:
        return None


def seal_cbc(key: bytes, vector: bytes, content: AnyBytes) -> bytes:
    """Pad and encrypt."""
    padding = 16 - len(content) % 16
    encryptor = LibraryCipher(AES(key), CBC(vector)).encryptor()
    whole = len(content) - len(content) % 16
    view = memoryview(content)
    return encryptor.update(view[:whole]) + encryptor.update(bytes(view[whole:]) + bytes((padding,)) * padding)


def sealed(cipher: Cipher, key: bytes, vector: bytes, content: Iterable[AnyBytes]) -> Iterator[bytes]:
    """Encrypt a slice at a time; the tag comes last, as an OCTET STRING."""
    if cipher.authenticated:
        gcm = LibraryCipher(AES(key), GCM(vector)).encryptor()
        yield from map(gcm.update, slices(content))
        yield gcm.finalize()
        yield der.octet_string(gcm.tag)
        return
    padder, encryptor = PKCS7(128).padder(), LibraryCipher(AES(key), CBC(vector)).encryptor()
    yield from (encryptor.update(padder.update(piece)) for piece in slices(content))
    yield encryptor.update(padder.finalize())
    yield encryptor.finalize()
