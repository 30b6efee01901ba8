# SPDX-License-Identifier: Apache-2.0
"""Make SignedData in DER: opaque or detached, by one signer or several.

`sign` does it in one go. Where the key answers later, do the same in its steps: `Signer.to_be_signed`, the key, `Signer.info`,
`signed_data`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import EXPLICIT, OCTET_STRING, SEQUENCE, AnyBytes
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.digests import digest
from gatepost.encryption.cms.identifier import key_identifier
from gatepost.encryption.cms.signed.signer import Signer

_ID_SIGNED_DATA = der.oid(oids.SIGNED_DATA)
_DATA = der.oid(oids.DATA)
_VERSION, _VERSION_LATER = der.integer(1), der.integer(3)


def sign(
    content: AnyBytes,
    signers: Sequence[Signer],
    when: datetime,
    *,
    detached: bool = False,
    content_type: bytes = oids.DATA,
    certificates: Iterable[Certificate] = (),
) -> bytes:
    """Sign content as it is, octet by octet; `certificates` go in beside the signers' own."""
    return b"".join(signed((content,), signers, when, detached=detached, content_type=content_type, certificates=certificates))


def signed(
    content: Sequence[AnyBytes],
    signers: Sequence[Signer],
    when: datetime,
    *,
    detached: bool = False,
    content_type: bytes = oids.DATA,
    certificates: Iterable[Certificate] = (),
) -> tuple[AnyBytes, ...]:
    """Sign content that lies in pieces, and give the object in pieces: the content's own are among them."""
    infos, digests = [], {}
    for signer in signers:
        name = signer.scheme.digest
        if name not in digests:
            digests[name] = digest(name, content)
        to_be_signed = signer.to_be_signed(digests[name], when, content_type)
        infos.append(signer.info(to_be_signed, signer.key.sign(to_be_signed, signer.scheme)))
    return _pieces(None if detached else content, signers, infos, content_type, certificates)


def signed_data(
    content: AnyBytes | None,
    signers: Sequence[Signer],
    infos: Iterable[bytes],
    *,
    content_type: bytes = oids.DATA,
    certificates: Iterable[Certificate] = (),
) -> bytes:
    """Put a SignedData together; None is detached content. With neither signers nor content it is a bag of certificates."""
    return b"".join(_pieces(None if content is None else (content,), signers, infos, content_type, certificates))


def _pieces(
    content: Sequence[AnyBytes] | None,
    signers: Sequence[Signer],
    infos: Iterable[bytes],
    content_type: bytes,
    certificates: Iterable[Certificate],
) -> tuple[AnyBytes, ...]:
    encoded = {signer.certificate.encoded for signer in signers}
    encoded.update(certificate.encoded for certificate in certificates)
    by_key = any(key_identifier(signer.name) is not None for signer in signers)
    is_data = content_type == oids.DATA
    before = (_VERSION if is_data and not by_key else _VERSION_LATER) + der.set_of({signer.encoded_digest for signer in signers})
    after = der.set_of(encoded, EXPLICIT | 0) if encoded else b""
    after += der.set_of(infos)
    kind = _DATA if is_data else der.oid(content_type)
    if content is None:
        whole = der.sequence(before, der.sequence(kind), after)
        return (der.sequence(_ID_SIGNED_DATA, der.explicit(0, whole)),)
    # The content is copied once, into the result: headers are made from the inside out, their sizes known.
    heads = [der.header(OCTET_STRING, size := sum(map(len, content)))]
    size += len(heads[-1])
    heads.append(kind + der.header(EXPLICIT | 0, size))
    size += len(heads[-1])
    heads.append(before + der.header(SEQUENCE, size))
    size += len(heads[-1]) + len(after)
    heads.append(der.header(SEQUENCE, size))
    size += len(heads[-1])
    heads.append(_ID_SIGNED_DATA + der.header(EXPLICIT | 0, size))
    heads.append(der.header(SEQUENCE, size + len(heads[-1])))
    return (*reversed(heads), *content, after)
