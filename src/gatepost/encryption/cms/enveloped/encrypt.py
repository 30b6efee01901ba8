# SPDX-License-Identifier: Apache-2.0
"""Encrypt to one recipient or many: AuthEnvelopedData under AES-GCM (RFC 5083, RFC 5084), EnvelopedData under AES-CBC."""

import os
from collections.abc import Sequence

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, SEQUENCE, AnyBytes
from gatepost.encryption.cms.enveloped.addressee import Addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_GCM, NONCE_LENGTH, TAG_LENGTH, Cipher, seal_cbc, seal_gcm, write_algorithm

_VERSION_SIMPLE, _VERSION = der.integer(0), der.integer(2)
_ID_ENVELOPED = der.oid(oids.ENVELOPED_DATA)
_ID_AUTH_ENVELOPED = der.oid(oids.AUTH_ENVELOPED_DATA)
_CONTENT = IMPLICIT | 0


def encrypt(content: AnyBytes, to: Sequence[Addressee], cipher: Cipher = AES256_GCM, *, content_type: bytes = oids.DATA) -> bytes:
    """Encrypt content under a fresh key, and that key to each addressee.

    Raises:
        ValueError: there is no addressee, or the cipher is one that is only read.
    """
    if not to or cipher.block_length != 16:
        raise ValueError("there is nobody to encrypt to" if not to else f"{cipher.name} is not written")
    key = os.urandom(cipher.key_length)
    if cipher.authenticated:
        vector = os.urandom(NONCE_LENGTH)
        sealed = memoryview(seal_gcm(key, vector, content))
        ciphertext, tag = sealed[:-TAG_LENGTH], der.octet_string(bytes(sealed[-TAG_LENGTH:]))
    else:
        vector, tag = os.urandom(cipher.block_length), b""
        ciphertext = memoryview(seal_cbc(key, vector, content))
    simple = cipher.authenticated or all(one.simple for one in to)
    before = (_VERSION_SIMPLE if simple else _VERSION) + der.set_of(one.entry(key) for one in to)
    inner = der.oid(content_type) + write_algorithm(cipher, vector)
    # The ciphertext is copied once, into the result: headers are made from the inside out, their sizes known.
    heads = [inner + der.header(_CONTENT, size := len(ciphertext))]
    size += len(heads[-1])
    heads.append(before + der.header(SEQUENCE, size))
    size += len(heads[-1]) + len(tag)
    heads.append(der.header(SEQUENCE, size))
    size += len(heads[-1])
    heads.append((_ID_AUTH_ENVELOPED if cipher.authenticated else _ID_ENVELOPED) + der.header(EXPLICIT | 0, size))
    heads.append(der.header(SEQUENCE, size + len(heads[-1])))
    return b"".join((*reversed(heads), ciphertext, tag))
