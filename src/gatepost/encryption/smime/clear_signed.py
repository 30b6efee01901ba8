# SPDX-License-Identifier: Apache-2.0
"""Read multipart/signed: exactly one part and its signature, the part taken as it stands on the wire (RFC 1847 §2.1, RFC 8551 §3.5.3).

The signed octets run from the part's first header octet to before the line end that belongs to the boundary.
"""

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.oids import DATA
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.smime.form import OPAQUE_TYPES, SIGNATURE_TYPES
from gatepost.encryption.smime.layer import Finding, SignedLayer
from gatepost.encryption.smime.policy import ReadPolicy
from gatepost.message.decode import decoded
from gatepost.message.tree import Entity

_CR = 13


def read_clear_signed(root: Entity, policy: ReadPolicy) -> tuple[SignedLayer, bytes | None]:
    """Read and judge; the content is given even where the signature is broken, for it is what people see."""
    odd: list[Finding] = []
    parts = root.children
    if _has_text_around(root):
        odd.append("text-around-parts")
    if len(parts) < 2:
        return _unreadable([*odd, "no-signature-part"], "multipart/signed has no two parts", root)
    content, signature = parts[0], parts[1]
    if len(parts) > 2:
        odd.append("outside-signature")
    if signature.content_type.full not in SIGNATURE_TYPES | OPAQUE_TYPES and not signature.filename.lower().endswith(".p7s"):
        return _unreadable([*odd, "no-signature-part"], "the second part is no signature", root)
    signed = bytes(root.raw[content.header_start : _end_before(root, signature)])
    body = decoded(signature)
    if body.defects:
        odd.append("malformed-encoding")
    cms = read_cms(body.data, policy.cms)
    if not isinstance(cms, SignedData):
        fault = cms if isinstance(cms, Fault) else Fault("malformed", "the signature is an object of another kind")
        return SignedLayer("multipart", (), (), (), (*odd, "unreadable"), fault), signed
    if not cms.signers:
        odd.append("no-signers")
    if cms.content_type != DATA:
        odd.append("other-content")
    judgements = verify(cms, signed, policy=policy.algorithms)
    announced = {_digest(word) for word in root.content_type.parameters.get("micalg", "").split(",")}
    if any(judgement.scheme is not None and judgement.scheme.digest not in announced for judgement in judgements):
        odd.append("other-digest-announced")
    certificates = tuple(one for one in cms.certificates() if isinstance(one, Certificate))
    return SignedLayer("multipart", judgements, certificates, cms.revocations, tuple(odd), None, cms.overhead_bytes), signed


def _end_before(root: Entity, signature: Entity) -> int:
    """Give where the signed octets end: before the line end of the boundary that the signature follows.

    Not the part's own end: a message that breaks off inside it may be read on into that line end.
    """
    raw = root.raw
    line_end = raw.rfind(b"\n", 0, max(signature.header_start - 1, 0))
    return line_end - 1 if line_end > 0 and raw[line_end - 1] == _CR else max(line_end, 0)


def _digest(word: str) -> str:
    return word.strip(' "').lower().replace("-", "").replace("_", "")


def _unreadable(odd: list[Finding], reason: str, root: Entity) -> tuple[SignedLayer, bytes | None]:
    first = root.children[0] if root.children else None
    content = None if first is None else bytes(root.raw[first.header_start : first.end])
    return SignedLayer("multipart", (), (), (), tuple(odd), Fault("malformed", reason)), content


def _has_text_around(root: Entity) -> bool:
    """Say whether there is more than the parts: before the first boundary, or behind the last."""
    if not root.children:
        return False
    boundary = b"--" + root.content_type.boundary
    raw, first, last = root.raw, root.children[0], root.children[-1]
    before = bytes(raw[root.body_start : first.header_start]).strip()
    after = bytes(raw[last.end : root.end]).strip()
    return before != boundary or after not in (boundary + b"--", b"")
