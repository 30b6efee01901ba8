# SPDX-License-Identifier: Apache-2.0
"""What was found of one signer."""

from datetime import datetime
from typing import Literal, NamedTuple

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.capabilities import Capability, read_capabilities
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignerInfo
from gatepost.encryption.cms.times import read_time

Verdict = Literal[
    "intact",  # the key in `certificate` made this signature over exactly this content
    "broken",  # it did not, or the signature contradicts itself
    "unknown",  # nobody can say: no certificate, or an algorithm that we do not have or do not allow
]

Finding = Literal[
    "sha1",  # the digest is SHA-1, whether policy allows it or not
    "short-key",  # an RSA key of less than 2048 bits
    "no-signed-attributes",  # so neither time nor type is signed
    "not-canonical",  # the signed attributes are not in DER
    "digest-not-listed",  # the object does not announce this signer's digest
    "certificate-not-named",  # no signing-certificate attribute binds the certificate
]


class Judgement(NamedTuple):
    """One signer, judged. Who he is, and whether the chain holds, is for others to say."""

    verdict: Verdict
    reason: str
    """One sentence; empty when intact."""
    signer: SignerInfo
    scheme: Scheme | None = None
    certificate: Certificate | None = None
    """The signer's; where he is not intact, the one that the object names."""
    findings: tuple[Finding, ...] = ()

    @property
    def signing_time(self) -> datetime | None:
        """Give the time that the signer says he signed at; None when he does not, or is not believed."""
        value = self._signed(oids.SIGNING_TIME)
        return read_time(value) if value else None

    @property
    def capabilities(self) -> tuple[Capability, ...]:
        """Give what the signer says he can decrypt; () when he does not, or is not believed."""
        value = self._signed(oids.SMIME_CAPABILITIES)
        read = read_capabilities(value) if value else ()
        return () if isinstance(read, Fault) else read

    def _signed(self, kind: bytes) -> bytes | None:
        if self.verdict != "intact" or self.signer.signed is None:
            return None
        return self.signer.signed.only(kind)
