# SPDX-License-Identifier: Apache-2.0
"""x509-limbo: every case on RFC 5280, path lengths and lists, with the peer's name and serverAuth left out."""

import base64
import json
import time
import warnings
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from shared_corpora import corpus

GROUPS = ("rfc5280", "pathlen", "crl", "pathological")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
DIFFERENT = {
    "rfc5280::ca-as-leaf-wrong-san": "tests the peer's name: the certificate itself is valid, it is another host's",
}
"""The cases whose answer is another one, and why that is right."""

MADE_AGAINST_THE_RULES = {
    "crl::crlnumber-missing",
    "crl::crlnumber-critical",
    "rfc5280::aki::intermediate-missing-aki",
    "rfc5280::aki::cross-signed-root-missing-aki",
    "rfc5280::nc::not-allowed-in-ee-critical",
    "rfc5280::pc::ica-noncritical-pc",
    "rfc5280::san::ip-in-dns",
    "rfc5280::serial::negative",
    "rfc5280::ski::root-missing-ski",
    "rfc5280::ski::intermediate-missing-ski",
    "rfc5280::root-missing-basic-constraints",
    "rfc5280::root-non-critical-basic-constraints",
    "rfc5280::ee-critical-aia-invalid",
}
"""Clear in what they say, and not as RFC 5280 wants them written: refused by `strict` alone."""

LIBRARY_LACKS = {"pathlen::self-issued-certs-pathlen", "rfc5280::nc::permitted-dn-match"}
"""Valid paths that the library does not find, or whose kind of name constraint it does not know."""


def cases() -> list[dict[str, Any]]:
    return json.loads((corpus("x509") / "limbo" / "limbo.json").read_text())["testcases"]


def der(pem: str) -> bytes:
    return base64.b64decode("".join(line for line in pem.strip().splitlines() if "-----" not in line))


def time_of(case: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else NOW


def judge(case: dict[str, Any], strict: bool = True) -> Outcome:
    demands = Demands(purpose="any", use="any", strict=strict, revocation=bool(case["crls"]), most_intermediates=case["max_chain_depth"])
    anchors = [Certificate(der(pem)) for pem in case["trusted_certs"]]
    validator = Validator(anchors, Collected([der(pem) for pem in case["crls"] or ()]), demands)
    intermediates = [Certificate(der(pem)) for pem in case["untrusted_intermediates"]]
    return validator.validate(Certificate(der(case["peer_certificate"])), intermediates, time_of(case))


def test_every_limbo_case_has_the_result_that_it_expects():
    """Each case of the four groups: `trusted` exactly where SUCCESS is expected; the differences are listed with their reason."""
    wrong, number = {}, 0
    for case in cases():
        if case["id"].split("::")[0] not in GROUPS:
            continue
        number += 1
        outcome = judge(case)
        if (outcome.verdict == "trusted") != (case["expected_result"] == "SUCCESS"):
            wrong[case["id"]] = outcome.findings
    print(f"limbo: {number} cases, {number - len(wrong)} as expected, different:")
    for name, reason in DIFFERENT.items():
        print(f"  {name}: {reason}")
    assert number >= 73
    assert wrong.keys() == DIFFERENT.keys(), wrong


def test_no_limbo_case_takes_long():
    """The pathological cases too are answered within a second, and no case of any group raises."""
    for case in cases():
        begun = time.thread_time()
        judge(case)
        assert time.thread_time() - begun < 1, case["id"]


def test_what_issuers_may_not_write_passes_only_where_nobody_is_strict():
    """Without `strict` the cases that pass beside the expected ones are those whose certificates are only made against the rules."""
    passing = {
        case["id"]
        for case in cases()
        if case["id"].split("::")[0] in GROUPS
        and case["expected_result"] == "FAILURE"
        and case["id"] not in DIFFERENT
        and judge(case, strict=False).verdict == "trusted"
    }
    assert passing == MADE_AGAINST_THE_RULES


def test_online_chains_are_trusted():
    """Chains of real hosts, recorded: `trusted` at their time."""
    online = [case for case in cases() if case["id"].startswith("online::")]
    assert online
    for case in online:
        assert judge(case).verdict == "trusted", case["id"]


def test_the_library_agrees_on_chains():
    """A second judge, the library's verifier without names and purposes, trusts what we do, and less only where it lacks something."""
    peers, less, more = 0, set(), set()
    for case in cases():
        if case["id"].split("::")[0] not in GROUPS or case["crls"] or case["max_chain_depth"] is not None:
            continue
        peers += 1
        ours, theirs = judge(case).verdict == "trusted", library_says(case)
        less |= {case["id"]} if ours and not theirs else set()
        more |= {case["id"]} if theirs and not ours else set()
    print(f"limbo: {peers} cases beside the library, {peers - len(less) - len(more)} alike")
    assert less == LIBRARY_LACKS
    assert more < MADE_AGAINST_THE_RULES


def library_says(case: dict[str, Any]) -> bool:
    with warnings.catch_warnings(action="ignore"):  # of serial numbers that are not positive
        return verdict_of_library(case)


def verdict_of_library(case: dict[str, Any]) -> bool:
    anchors = ExtensionPolicy.webpki_defaults_ca()
    try:
        store = Store([x509.load_der_x509_certificate(der(pem)) for pem in case["trusted_certs"]])
        builder = PolicyBuilder().store(store).time(time_of(case))
        verifier = builder.extension_policies(ca_policy=anchors, ee_policy=ExtensionPolicy.permit_all()).build_client_verifier()
        leaf = x509.load_der_x509_certificate(der(case["peer_certificate"]))
        verifier.verify(leaf, [x509.load_der_x509_certificate(der(pem)) for pem in case["untrusted_intermediates"]])
    except (VerificationError, ValueError):
        return False
    return True
