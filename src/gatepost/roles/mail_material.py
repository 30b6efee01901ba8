# SPDX-License-Identifier: Apache-2.0
"""What `gatepost mail` is given beside the mail: keys, certificates, revocation lists and OCSP responses, in the files people have.

Whatever is in a file, who reads it gets what it should hold, or a UsageError that names the file, what is wrong, and how to mend it.
"""

import base64
import binascii
import re
from typing import NamedTuple, NoReturn

from gatepost.encryption.cms.certificate import Certificate, read_certificate
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.pkcs12 import read_key_file
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.paths.credential import read_credential
from gatepost.encryption.paths.responses import read_response
from gatepost.encryption.paths.revocation_list import read_list
from gatepost.errors import UsageError

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n(.*?)-----END \1-----", re.DOTALL)
_BAGS = ("PKCS7", "CMS")


class Identity(NamedTuple):
    """A private key, its certificate, and the certificates above it."""

    key: LocalKey
    certificate: Certificate
    chain: tuple[Certificate, ...]


def identities(untrusted: bytes, password: str, source: str) -> tuple[Identity, ...]:
    """Read a PKCS#12 file, in DER or in PEM's armour: each key in it, with each of its certificates."""
    armoured = [block for kind, block in _armoured(untrusted, source) if kind == "PKCS12"]
    found = read_key_file(armoured[0] if armoured else untrusted, password)
    if isinstance(found, Fault):
        is_closed = found.kind == "undecryptable"
        mend = "export it anew with AES, and give its password" if is_closed else "export a key for mail with its certificate"
        raise UsageError(f"{source} cannot be used: {found.reason}; {mend}")
    chain = tuple(one for one in found.others if one.subject != one.issuer)
    return tuple(Identity(key, certificate, chain) for key, certificate in found.pairs)


def certificates(untrusted: bytes, source: str) -> tuple[Certificate, ...]:
    """Read the certificates of a file: in PEM, one in DER, or a bag of them (PKCS#7)."""
    armoured = _armoured(untrusted, source)
    blocks = [block for kind, block in armoured if kind.endswith("CERTIFICATE")]
    for bag in [block for kind, block in armoured if kind in _BAGS] if armoured else [untrusted]:
        held = read_cms(bag)
        if isinstance(held, SignedData):
            blocks += held.encoded_certificates
    if not blocks and armoured:
        _refuse(source, "certificate", f"it holds {armoured[0][0]}", "give one in PEM or DER")
    return tuple(_certificate(block, source) for block in (blocks or [untrusted]))


def anchors(untrusted: bytes, source: str) -> tuple[Certificate, ...]:
    """Read certificates that are to be trusted: each must be readable whole, or the trust that is meant would silently be less."""
    found = certificates(untrusted, source)
    for one in found:
        trouble = read_credential(one)
        if isinstance(trouble, Fault):
            _refuse(source, "certificate", trouble.reason, "leave out the one that cannot be trusted")
    return found


def revocation_lists(untrusted: bytes, source: str) -> tuple[bytes, ...]:
    """Read the revocation lists of a file, in PEM or one in DER; one that can be read and not used is let through, and judged."""
    armoured = _armoured(untrusted, source)
    blocks = [block for kind, block in armoured if kind.endswith("CRL")]
    if not blocks and armoured:
        _refuse(source, "revocation list", f"it holds {armoured[0][0]}", "give one in PEM or DER")
    for block in blocks or [untrusted]:
        trouble = read_list(block)
        if isinstance(trouble, Fault) and trouble.kind != "unsupported":
            _refuse(source, "revocation list", trouble.reason, "give one in PEM or DER")
    return tuple(blocks or [untrusted])


def response(untrusted: bytes, source: str) -> bytes:
    """Read an OCSP response in DER; one that can be read and not used is let through, and judged."""
    trouble = read_response(untrusted)
    if isinstance(trouble, Fault) and trouble.kind != "unsupported":
        _refuse(source, "OCSP response", trouble.reason, "give one in DER, as `openssl ocsp -respout` writes it")
    return untrusted


def _armoured(untrusted: bytes, source: str) -> list[tuple[str, bytes]]:
    """Take PEM's armour off (RFC 7468): what each block says it is, and its bytes; none where the file is not in PEM."""
    found = []
    for kind, block in _PEM.findall(untrusted):
        name = kind.decode()
        try:
            found.append((name, base64.b64decode(b"".join(block.split()), validate=True)))
        except binascii.Error:
            raise UsageError(f"{source} is damaged: the base64 of its {name} cannot be read; copy or export it anew") from None
    return found


def _certificate(encoded: bytes, source: str) -> Certificate:
    found = read_certificate(encoded)
    if isinstance(found, Fault):
        _refuse(source, "certificate", found.reason, "give one in PEM or DER")
    return found


def _refuse(source: str, wanted: str, reason: str, mend: str) -> NoReturn:
    article = "an" if wanted[0] == "O" else "a"
    raise UsageError(f"{source} is not {article} {wanted} that can be read ({reason}); {mend}")
