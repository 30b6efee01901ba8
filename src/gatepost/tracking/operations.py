# SPDX-License-Identifier: Apache-2.0
"""What was found out about who a mail is from, as the operations of its track: one JSON document each, without empty fields.

DmarcValidationEntry    DMARC with both SPF checks (RFC 9989, RFC 7208)
DkimSignatureEntry      one for each signature that was looked at (RFC 6376)
ArcValidationEntry      where a mail has a chain (RFC 8617)
"""

from typing import Any

import msgspec

from gatepost.contracts.authentication import Arc, Authentication, DkimSignature, Dmarc, Spf
from gatepost.tracking.bounds import Bounds, line
from gatepost.tracking.record import OperationEntry

_json = msgspec.json.Encoder().encode


def operations(authentication: Authentication, bounds: Bounds) -> tuple[OperationEntry, ...]:
    """Give what authentication found, DMARC first."""
    most = bounds.finding
    found = _dmarc(authentication.dmarc, most)
    found["spf"] = _spf(authentication.spf, most)
    found["helo_spf"] = _spf(authentication.helo_spf, most)
    entries = [OperationEntry("DmarcValidationEntry", _json(found))]
    for signature in authentication.dkim[: bounds.operations - 1]:
        entries.append(OperationEntry("DkimSignatureEntry", _json(_dkim(signature, most))))
    if authentication.arc.result != "none" and len(entries) < bounds.operations:
        entries.append(OperationEntry("ArcValidationEntry", _json(_arc(authentication.arc, most))))
    return tuple(entries)


def _dmarc(dmarc: Dmarc, most: int) -> dict[str, Any]:
    found: dict[str, Any] = {"result": dmarc.result}
    if dmarc.author_domain:
        found["author_domain"] = line(dmarc.author_domain, most)
    if dmarc.policy is not None:
        found["policy"] = dmarc.policy
        found["policy_domain"] = line(dmarc.policy_domain, most)
        found["spf_aligned"] = dmarc.spf_aligned
        found["dkim_aligned"] = dmarc.dkim_aligned
    if dmarc.testing:
        found["testing"] = True
    if dmarc.reason:
        found["reason"] = line(dmarc.reason, most)
    return found


def _spf(spf: Spf, most: int) -> dict[str, Any]:
    found = {"result": spf.result, "domain": line(spf.domain, most)}
    if spf.reason:
        found["reason"] = line(spf.reason, most)
    if spf.explanation:
        found["explanation"] = line(spf.explanation, most)
    return found


def _dkim(signature: DkimSignature, most: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "result": signature.result,
        "domain": line(signature.domain, most),
        "selector": line(signature.selector, most),
        "algorithm": line(signature.algorithm, most),
    }
    if signature.key_bits:
        found["key_bits"] = signature.key_bits
    if signature.reason:
        found["reason"] = line(signature.reason, most)
    return found


def _arc(arc: Arc, most: int) -> dict[str, Any]:
    found: dict[str, Any] = {"result": arc.result, "sealers": [line(one, most) for one in arc.sealers[:4]]}
    if arc.oldest_pass:
        found["oldest_pass"] = arc.oldest_pass
    if arc.reason:
        found["reason"] = line(arc.reason, most)
    return found
