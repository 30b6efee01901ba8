# SPDX-License-Identifier: Apache-2.0
"""Encrypt to one recipient or many: AuthEnvelopedData under AES-GCM (RFC 5083, RFC 5084), EnvelopedData under AES-CBC."""

import os
from collections.abc import Iterator, Sequence

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, SEQUENCE, AnyBytes
from gatepost.encryption.cms.enveloped.addressee import Addressee
from gatepost.encryption.cms.enveloped.ciphers import (
    AES256_GCM,
    NONCE_LENGTH,
    TAG_LENGTH,
    Cipher,
    seal_cbc,
    seal_gcm,
    sealed,
    write_algorithm,
)
from gatepost.encryption.cms.space import LARGE, written

_VERSION_SIMPLE, _VERSION = der.integer(0), der.integer(2)
_ID_ENVELOPED = der.oid(oids.ENVELOPED_DATA)
_ID_AUTH_ENVELOPED = der.oid(oids.AUTH_ENVELOPED_DATA)
_DATA = der.oid(oids.DATA)
_CONTENT = IMPLICIT | 0
_ABOUT = 65_536
"""Bytes beside a content, as a rule."""
_TAG_ELEMENT = TAG_LENGTH + 2


def encrypt(content: AnyBytes, to: Sequence[Addressee], cipher: Cipher = AES256_GCM, *, content_type: bytes = oids.DATA) -> bytes:
    """Encrypt content under a fresh key, and that key to each addressee.

    Raises:
        ValueError: there is no addressee, or the cipher is one that is only read.
    """
    if len(content) > LARGE:
        return written(encrypted((content,), to, cipher, content_type=content_type), len(content) + _ABOUT)
    if not to or cipher.block_length != 16:
        raise _not_possible(to, cipher)
    key = os.urandom(cipher.key_length)
    if cipher.authenticated:
        vector = os.urandom(NONCE_LENGTH)
        whole = memoryview(seal_gcm(key, vector, content))
        ciphertext, tag = whole[:-TAG_LENGTH], der.octet_string(bytes(whole[-TAG_LENGTH:]))
    else:
        vector, tag = os.urandom(cipher.block_length), b""
        ciphertext = memoryview(seal_cbc(key, vector, content))
    return b"".join((*_heads(len(ciphertext), key, vector, to, cipher, content_type=content_type), ciphertext, tag))


def encrypted(content: Sequence[AnyBytes], to: Sequence[Addressee], cipher: Cipher, *, content_type: bytes = oids.DATA) -> Iterator[bytes]:
    """Encrypt content that lies in pieces, and give the object in pieces: neither is ever whole in memory.

    Raises:
        ValueError: there is no addressee, or the cipher is one that is only read.
    """
    if not to or cipher.block_length != 16:
        raise _not_possible(to, cipher)
    key, size = os.urandom(cipher.key_length), sum(map(len, content))
    vector = os.urandom(NONCE_LENGTH if cipher.authenticated else cipher.block_length)
    size += 0 if cipher.authenticated else 16 - size % 16
    yield from _heads(size, key, vector, to, cipher, content_type=content_type)
    yield from sealed(cipher, key, vector, content)


def _not_possible(to: Sequence[Addressee], cipher: Cipher) -> ValueError:
    return ValueError("there is nobody to encrypt to" if not to else f"{cipher.name} is not written")


def _heads(size: int, key: bytes, vector: bytes, to: Sequence[Addressee], cipher: Cipher, *, content_type: bytes) -> Iterator[bytes]:
    """Give all that stands before a ciphertext of this size; headers are made from the inside out, their sizes known."""
    simple = cipher.authenticated or all(one.simple for one in to)
    before = (_VERSION_SIMPLE if simple else _VERSION) + der.set_of(one.entry(key) for one in to)
    inner = (_DATA if content_type == oids.DATA else der.oid(content_type)) + write_algorithm(cipher, vector)
    heads = [inner + der.header(_CONTENT, size)]
    size += len(heads[-1])
    heads.append(before + der.header(SEQUENCE, size))
    size += len(heads[-1]) + (_TAG_ELEMENT if cipher.authenticated else 0)
    heads.append(der.header(SEQUENCE, size))
    size += len(heads[-1])
    heads.append((_ID_AUTH_ENVELOPED if cipher.authenticated else _ID_ENVELOPED) + der.header(EXPLICIT | 0, size))
    heads.append(der.header(SEQUENCE, size + len(heads[-1])))
    return reversed(heads)
