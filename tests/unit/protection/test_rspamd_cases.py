# SPDX-License-Identifier: Apache-2.0
"""The functional cases of rspamd, judged by the whole of `authenticate`; RFC 9989 decides where they follow RFC 7489."""

import json
from typing import Any

from gatepost.contracts.authentication import Authentication
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.protection.mailauth.authenticate import authenticate
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer
from recorded_dns import RecordedDns
from shared_corpora import corpus, wire_form

NOW = 1_700_000_000.0

# What RFC 9989 gives instead, with the clause; docs/reference/dmarc-differences.md tells each.
DIFFERENCES = {
    "DMARC SUBDOMAIN PASS SPF RELAXED ALIGNMENT": "DMARC_POLICY_REJECT",  # §4.10.2
    "DMARC SUBDOMAIN PASS DKIM RELAXED ALIGNMENT": "DMARC_POLICY_REJECT",  # §4.10.2
    "DMARC PCT ZERO SP QUARANTINE": "DMARC_POLICY_QUARANTINE",  # §4.7, Appendix A.6
}

_SPF = {"pass": "ALLOW", "none": "NA", "temperror": "DNSFAIL", "permerror": "PERMFAIL"}
_DKIM = {"pass": "ALLOW", "fail": "REJECT", "permerror": "PERMFAIL", "temperror": "TEMPFAIL"}
_DMARC = {"pass": "POLICY_ALLOW", "none": "NA", "temperror": "DNSFAIL", "permerror": "BAD_POLICY"}
_POLICIES = {"reject": "POLICY_REJECT", "quarantine": "POLICY_QUARANTINE", "none": "POLICY_SOFTFAIL", None: ""}
_ARC = {"pass": {"ARC_ALLOW"}, "none": {"ARC_NA"}, "fail": {"ARC_REJECT", "ARC_INVALID"}}


def symbols(found: Authentication) -> set[str]:
    """Give rspamd's names for what was found."""
    dmarc = _POLICIES[found.dmarc.policy] if found.dmarc.result == "fail" else _DMARC[found.dmarc.result]
    dkim = {f"R_DKIM_{_DKIM.get(one.result, one.result)}" for one in found.dkim} or {"R_DKIM_NA"}
    return {f"R_SPF_{_SPF.get(found.spf.result, found.spf.result.upper())}", f"DMARC_{dmarc}"} | dkim | _ARC[found.arc.result]


async def judged(case: dict[str, Any], resolver: RecordedDns) -> Authentication:
    envelope = case["envelope"]
    local, _, domain = envelope.get("From", "").rpartition("@")
    return await authenticate(
        resolver,
        peer=Peer(envelope.get("IP", "127.0.0.1"), 25, "127.0.0.1:25", helo=envelope.get("Helo", "")),
        envelope=Envelope(Address(local, domain) if domain else None),
        message=parse(wire_form((corpus("auth") / "rspamd" / "messages" / case["message"]).read_bytes())),
        hostname="mx.owned.example",
        now=NOW,
    )


async def test_every_case_is_judged_as_rspamd_does():
    """15 cases; three differ by RFC 9989, and those give what it says."""
    book = json.loads((corpus("auth") / "rspamd" / "cases.json").read_text())
    resolver = RecordedDns(book["dns_records"])
    wrong, differ = [], []
    for case in book["cases"]:
        found = symbols(await judged(case, resolver))
        if set(case["expect"]) <= found and not set(case["not_expect"]) & found:
            continue
        (differ if DIFFERENCES.get(case["name"]) in found else wrong).append(case["name"])
    print(f"rspamd cases: {len(book['cases']) - len(wrong) - len(differ)} of {len(book['cases'])} alike, {len(differ)} by RFC 9989")
    assert wrong == []
    assert sorted(differ) == sorted(DIFFERENCES)
    assert len(book["cases"]) >= 15
