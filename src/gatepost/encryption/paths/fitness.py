# SPDX-License-Identifier: Apache-2.0
"""Whether one certificate, taken alone, may be used to write mail with: to sign, or to encrypt to.

Its time, its key's size, its purposes and uses, and that no critical extension is unknown (RFC 8550 §4.3, §4.4). Who issued it,
and whether he revoked it, is the validator's question. Mail that came under such a certificate is opened all the same.
"""

from datetime import datetime
from typing import Literal

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.public_key import load, too_short
from gatepost.encryption.paths.credential import read_credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.steps import walk


def unfit(certificate: Certificate, use: Literal["sign", "encrypt"], when: datetime) -> str:
    """Say why a certificate may not be used so at an aware time, '' when it may."""
    key = load(certificate.public_key)
    objection = key if isinstance(key, Fault) else too_short(key)
    if objection is not None:
        return objection.reason
    credential = read_credential(certificate)
    if isinstance(credential, Fault):
        return f"the certificate cannot be read whole: {credential.reason}"
    findings = walk((credential,), int(when.timestamp() // 1), Demands(use=use)).findings
    return findings[0].reason if findings else ""
