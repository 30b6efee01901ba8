# SPDX-License-Identifier: Apache-2.0
"""Check every signature of a SignedData (RFC 5652 §5.4, §5.6).

What is not checked, and why it would be wrong to believe: the certificate's chain, its time, its addresses. What is: that
content and signed attributes are whole, that they agree with each other and with the algorithms, and that the key of
the certificate the signer named made the signature. A forger who moves bytes between content and attributes is refused
(a content that reads as signed attributes is no content of a signer who signed none).
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric import rsa

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.attributes import Attributes, in_order
from gatepost.encryption.cms.ber import OID, AnyBytes
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.digests import digest, name_of
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.octets import Octets
from gatepost.encryption.cms.policy import STRICT, Policy
from gatepost.encryption.cms.public_key import PublicKey, is_bound_to, load
from gatepost.encryption.cms.scheme import Scheme, read_scheme
from gatepost.encryption.cms.signature import Hashed, holds
from gatepost.encryption.cms.signed.algorithm_protection import contradicts
from gatepost.encryption.cms.signed.judgement import Finding, Judgement
from gatepost.encryption.cms.signed.message import SignedData, SignerInfo
from gatepost.encryption.cms.signing_certificate import names_certificate
from gatepost.encryption.cms.space import LARGE

_MOST_PASSES = 2
"""Signers whose signatures take a pass over a large content each."""
_MOST_NAMESAKES = 4
"""Certificates under one signer's name that are tried; more than one is a renewal, or an attack."""


class Content:
    """The content that is signed; hashed once for each digest."""

    __slots__ = ("_content", "_digests", "_passes", "kind")

    def __init__(self, kind: bytes, content: Octets | AnyBytes) -> None:
        self.kind = kind
        self._content = content
        self._digests: dict[str, bytes] = {}
        self._passes = _MOST_PASSES

    def digest(self, name: str) -> bytes:
        """Hash the content."""
        found = self._digests.get(name)
        if found is None:
            found = self._digests[name] = digest(name, self._blocks())
        return found

    def signed_itself(self, scheme: Scheme) -> AnyBytes | Hashed:
        """Give what a signature without signed attributes is over; `Refusal` when that is not hashed beforehand and costs too much."""
        content = self._content
        size = content.bound if isinstance(content, Octets) else len(content)
        if size > LARGE and scheme.kind != "ed25519":
            return Hashed(self.digest(scheme.digest))
        self._passes -= size > LARGE
        if self._passes < 0:
            raise Refusal("unsupported", "too many signatures are over a large content without being over its digest")
        return content.whole() if isinstance(content, Octets) else content

    def begin(self, size: int) -> bytes:
        """Give the content's first octets, this many where they lie in one piece."""
        return bytes(memoryview(next(iter(self._blocks())))[:size])

    def _blocks(self) -> Iterable[AnyBytes]:
        return self._content.blocks() if isinstance(self._content, Octets) else (self._content,)


def verify(
    data: SignedData, detached: AnyBytes | None = None, *, certificates: Iterable[Certificate] = (), policy: Policy = STRICT
) -> tuple[Judgement, ...]:
    """Judge each signer; `detached` is the content that lies outside, `certificates` are known ones beside those inside.

    No signers give no judgements. Content both inside and outside is judged broken: which of them was meant is a forger's choice.
    """
    known = [found for found in data.certificates() if isinstance(found, Certificate)]
    known.extend(certificates)
    return verify_by(known, data, detached, policy)


def verify_by(
    known: Sequence[Certificate], data: SignedData, detached: AnyBytes | None = None, policy: Policy = STRICT
) -> tuple[Judgement, ...]:
    """Judge each signer by these certificates alone, those inside the object among them or not."""
    content = _content(data, detached)
    if isinstance(content, Fault):
        return tuple(Judgement("broken", content.reason, signer) for signer in data.signers)
    listed = {algorithm.oid for algorithm in data.digests}
    judged = (_judge(signer, content, known, policy) for signer in data.signers)
    return tuple(one if one.signer.digest.oid in listed else _with(one, "digest-not-listed") for one in judged)


def _content(data: SignedData, detached: AnyBytes | None) -> Content | Fault:
    if detached is not None:
        if data.content is not None:
            return Fault("malformed", "there is content inside the signature beside the one outside")
        return Content(data.content_type, detached)
    if data.content is None:
        return Fault("malformed", "the content lies outside and was not given")
    return Content(data.content_type, data.content)


def _judge(signer: SignerInfo, content: Content, known: Sequence[Certificate], policy: Policy) -> Judgement:
    scheme: Scheme | None = None
    try:
        scheme = read_scheme(signer.algorithm, name_of(signer.digest))
        if scheme.digest == "sha1" and not policy.sha1:
            raise Refusal("forbidden", "signatures over SHA-1 are not accepted")
        to_be_signed = _to_be_signed(signer, scheme, content)
    except Refusal as refusal:
        unsure = refusal.fault.kind in ("unsupported", "forbidden")
        findings: tuple[Finding, ...] = ("sha1",) if scheme is not None and scheme.digest == "sha1" else ()
        # Whom the object names as its signer is for the track; nothing else is believed of it.
        claimed = next(_named(signer, known), None)
        return Judgement("unknown" if unsure else "broken", refusal.fault.reason, signer, scheme, claimed, findings)
    judgement = Judgement("unknown", "the signer's certificate is not at hand", signer, scheme)
    for certificate in _named(signer, known):
        judgement = _judge_by(certificate, signer, scheme, to_be_signed, policy)
        if judgement.verdict == "intact":
            break
    return judgement


def _named(signer: SignerInfo, known: Sequence[Certificate]) -> Iterator[Certificate]:
    """Give the certificates that the signer's name fits, each once."""
    found: list[Certificate] = []
    for certificate in known:
        if certificate.is_named(signer.name) and certificate not in found:
            yield certificate
            found.append(certificate)
            if len(found) == _MOST_NAMESAKES:
                return


def _to_be_signed(signer: SignerInfo, scheme: Scheme, content: Content) -> tuple[AnyBytes | Hashed, ...]:
    """Give the bytes that the signature may be over, after all that can be known without a key was checked."""
    signed = signer.signed
    if signed is None:
        if content.kind != oids.DATA:
            raise Refusal("malformed", "the type of the content is not signed, as it must be when it is not plain data")
        if _reads_as_attributes(content.begin(65_536)):
            raise Refusal("malformed", "the content is the signed attributes of another signature")
        return (content.signed_itself(scheme),)
    if signed.repeated:
        raise Refusal("malformed", "an attribute is signed twice")
    if signed.only(oids.CONTENT_TYPE) != bytes((OID, len(content.kind))) + content.kind:
        raise Refusal("malformed", "the signed type of the content is absent or another one")
    claimed, found = signed.only(oids.MESSAGE_DIGEST), content.digest(scheme.digest)
    if claimed is None or not hmac.compare_digest(claimed, bytes((4, len(found))) + found):
        raise Refusal("malformed", "the content is not the one that was signed")
    if contradicts(signed, signer.digest, signer.algorithm):
        raise Refusal("malformed", "the algorithms are not the ones that were signed")
    # The signature is over the DER; some signers hash their own order instead, and both say the same.
    return (signed.encoded,) if signed.canonical else (in_order(signed), signed.encoded)


def _reads_as_attributes(content: bytes) -> bool:
    return content[:1] == b"\x31" and der.oid(oids.MESSAGE_DIGEST) in content


def _judge_by(
    certificate: Certificate, signer: SignerInfo, scheme: Scheme, signed: tuple[AnyBytes | Hashed, ...], policy: Policy
) -> Judgement:
    key = load(certificate.public_key)
    if isinstance(key, Fault):
        return Judgement("unknown", key.reason, signer, scheme, certificate)
    size = key.key_size if isinstance(key, rsa.RSAPublicKey) else 0
    if size and size < policy.rsa_bits:
        return Judgement("unknown", f"an RSA key of {size} bits is not accepted", signer, scheme, certificate, ("short-key",))
    if signer.signed is not None and not names_certificate(signer.signed, certificate):
        return Judgement("broken", "the signer meant another certificate", signer, scheme, certificate)
    if size and scheme.kind != "rsa-pss" and is_bound_to(certificate.public_key, oids.RSA_PSS):
        return Judgement("broken", "the certificate's key is for RSASSA-PSS alone", signer, scheme, certificate)
    if not any(holds(key, scheme, signer.signature, candidate) for candidate in signed):
        return Judgement("broken", "the signature was not made by the certificate's key", signer, scheme, certificate)
    return Judgement("intact", "", signer, scheme, certificate, tuple(_findings(signer.signed, scheme, key)))


def _findings(signed: Attributes | None, scheme: Scheme, key: PublicKey) -> Iterator[Finding]:
    if scheme.digest == "sha1":
        yield "sha1"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        yield "short-key"
    if signed is None:
        yield "no-signed-attributes"
        return
    if not signed.canonical:
        yield "not-canonical"
    if oids.SIGNING_CERTIFICATE not in signed.values and oids.SIGNING_CERTIFICATE_V2 not in signed.values:
        yield "certificate-not-named"


def _with(judgement: Judgement, finding: Finding) -> Judgement:
    return judgement._replace(findings=(*judgement.findings, finding))
