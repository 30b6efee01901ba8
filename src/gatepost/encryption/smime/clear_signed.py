# SPDX-License-Identifier: Apache-2.0
"""Read multipart/signed: exactly one part and its signature, the part taken as it stands on the wire (RFC 1847 §2.1, RFC 8551 §3.5.3).

The signed octets run from the part's first header octet to before the line end that belongs to the boundary.
"""

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.oids import DATA
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.verify import verify_by
from gatepost.encryption.smime.carried import detached
from gatepost.encryption.smime.enclosed import cut
from gatepost.encryption.smime.form import OPAQUE_TYPES, SIGNATURE_TYPES
from gatepost.encryption.smime.layer import Finding, SignedLayer
from gatepost.encryption.smime.parts import are_doubtful, around, is_double
from gatepost.encryption.smime.policy import ReadPolicy
from gatepost.message.tree import Entity, Message

_CR = 13
_SIGNATURES = SIGNATURE_TYPES | OPAQUE_TYPES
_NUMBERS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""As Outlook names digests."""


def read_clear_signed(root: Entity, policy: ReadPolicy) -> tuple[SignedLayer, Message | None]:
    """Read and judge; the content is given even where the signature is broken, for it is what people see."""
    parts = root.children
    odd = around(root)
    if are_doubtful(root) or any(map(is_double, parts[1:2])):
        odd.append("ambiguous-type")
    if len(parts) < 2:
        return _unreadable([*odd, "no-signature-part"], "multipart/signed has no two parts", root)
    content, signature = parts[0], parts[1]
    if len(parts) > 2 and "outside-signature" not in odd:
        odd.append("outside-signature")
    if signature.headers.stray:
        odd.append("stray-line")
    if not _is_signature(signature):
        return _unreadable([*odd, "no-signature-part"], "the second part is no signature", root)
    end = _end_before(root, signature)
    signed, inside = cut(content, end)
    octets, malformed = detached(signature, policy.cms)
    if malformed:
        odd.append("malformed-encoding")
    cms = octets if isinstance(octets, Fault) else read_cms(octets, policy.cms)
    if not isinstance(cms, SignedData):
        fault = cms if isinstance(cms, Fault) else Fault("malformed", "the signature is an object of another kind")
        return SignedLayer("multipart", (), (), (), (*odd, "unreadable"), fault), inside
    if not cms.signers:
        odd.append("no-signers")
    if cms.content_type != DATA:
        odd.append("other-content")
    certificates = tuple(one for one in cms.certificates() if isinstance(one, Certificate))
    judgements = verify_by(certificates, cms, signed, policy.algorithms)
    micalg = root.content_type.parameters.get("micalg", "")
    announced = {_digest(word) for word in micalg.split(",")}
    if micalg and any(judgement.scheme is not None and judgement.scheme.digest not in announced for judgement in judgements):
        odd.append("other-digest-announced")
    return SignedLayer("multipart", judgements, certificates, cms.revocations, tuple(odd), None, cms.overhead_bytes), inside


def _is_signature(part: Entity) -> bool:
    """Say whether a part is a signature by its type; by its name where the type says nothing, for readers show a text whatever its name."""
    full = part.content_type.full
    return full in _SIGNATURES or (full == "application/octet-stream" and part.filename.lower().endswith(".p7s"))


def _end_before(root: Entity, signature: Entity) -> int:
    """Give where the signed octets end: before the line end of the boundary that the signature follows.

    Not the part's own end: a message that breaks off inside it may be read on into that line end.
    """
    raw = root.raw
    line_end = raw.rfind(b"\n", 0, max(signature.header_start - 1, 0))
    return line_end - 1 if line_end > 0 and raw[line_end - 1] == _CR else max(line_end, 0)


def _digest(word: str) -> str:
    name = word.strip(' "').lower().replace("-", "").replace("_", "")
    return _NUMBERS.get(name, name)


def _unreadable(odd: list[Finding], reason: str, root: Entity) -> tuple[SignedLayer, Message | None]:
    first = root.children[0] if root.children else None
    inside = None if first is None else cut(first, first.end)[1]
    return SignedLayer("multipart", (), (), (), tuple(odd), Fault("malformed", reason)), inside
