# SPDX-License-Identifier: Apache-2.0
"""NIST's Public Key Interoperability Test Suite: all 128 tests, each with the lists that it names and the anchor's."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.demands import ANY_POLICY, Demands
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from shared_corpora import corpus

WHEN = datetime(2022, 5, 1, tzinfo=UTC)
_KINDS = {
    "revoked": {"revoked"},
    "validity": {"expired"},
    "not-ca": {"not a CA"},
    "policy": {"policies", "policy"},
    "path-length": {"maximum path length"},
    "key-usage": {"not allowed to sign"},
    "name-constraint": {"namespace"},
    "no-path": {"could not be matched"},
    "malformed": {"signature"},  # the altered signature is no longer of whole octets
    "revocation-unknown": {"revocation checks failed", "revocation information could be found"},
}
"""The words in the suite's reason that go with the first of our findings."""


def folder() -> Path:
    return corpus("x509") / "pkits"


def suite() -> list[dict[str, Any]]:
    return json.loads((folder() / "tests.json").read_text())


def certificate(name: str) -> Certificate:
    return Certificate((folder() / "certs" / name).read_bytes())


def lists_of(test: dict[str, Any]) -> list[bytes]:
    return [(folder() / "crls" / name).read_bytes() for name in (*test.get("crls", ()), "TrustAnchorRootCRL.crl")]


def judge(test: dict[str, Any], lists: list[bytes]) -> Outcome:
    settings = test.get("params") or {}
    demands = Demands(
        purpose="any",
        use="any",
        sha1=True,  # the suite has a DSA key
        policies=frozenset(settings.get("user_initial_policy_set", (ANY_POLICY,))),
        explicit_policy=settings.get("initial_explicit_policy", False),
        inhibit_mapping=settings.get("initial_policy_mapping_inhibit", False),
    )
    validator = Validator([certificate("TrustAnchorRootCertificate.crt")], Collected(lists), demands)
    return validator.validate(certificate(test["cert"]), [certificate(name) for name in test["other_certs"]], WHEN)


def test_every_pkits_test_has_the_verdict_that_the_suite_says():
    """All 128 tests: `trusted` exactly where the suite has no error; else a finding of the kind that the suite means."""
    tests, wrong, verdicts = suite(), [], Counter()
    for test in tests:
        outcome = judge(test, lists_of(test))
        verdicts[outcome.verdict] += 1
        if (outcome.verdict == "trusted") == ("error" in test):
            wrong.append((test["id"], test["name"], outcome.verdict, outcome.findings))
        elif "error" in test:
            reason = " ".join(test["error"]["msg_regex"].replace("\\", "").split())
            words = _KINDS[outcome.findings[0].kind]
            if not any(word in reason for word in words):
                wrong.append((test["id"], test["name"], outcome.findings, reason))
    print(f"PKITS: {len(tests)} tests, {dict(verdicts)}, none skipped, {len(wrong)} wrong")
    assert len(tests) == 128
    assert wrong == []


def test_a_path_of_known_length_is_given_whole():
    """Where the suite says how many certificates a valid path has, the outcome has so many and a status for each."""
    for test in suite():
        outcome = judge(test, lists_of(test))
        if outcome.verdict == "trusted":
            assert len(outcome.path) == test["path_len"], test["name"]
            assert len(outcome.revocation) == test["path_len"], test["name"]


def test_without_lists_no_pkits_path_is_trusted():
    """With no source of revocation nothing is `trusted`: what the lists would have called valid is `unknown`."""
    for test in suite():
        verdict = judge(test, []).verdict
        assert verdict in ("unknown", "untrusted"), test["name"]
        if "error" not in test:
            assert verdict == "unknown", test["name"]


def test_the_suite_has_the_same_answers_for_pyhanko():
    """A second judge, which shares no code with ours, agrees on all tests but the one with a DSA key too short for it."""
    library = pytest.importorskip("pyhanko_certvalidator", reason="pyhanko-certvalidator is not installed")
    from asn1crypto import crl, x509
    from pyhanko_certvalidator.policy_decl import PKIXValidationParams

    def peer(test: dict[str, Any]) -> bool:
        wanted = {name: frozenset(value) if isinstance(value, list) else value for name, value in (test.get("params") or {}).items()}
        context = library.ValidationContext(
            trust_roots=[x509.Certificate.load(certificate("TrustAnchorRootCertificate.crt").encoded)],
            other_certs=[x509.Certificate.load(certificate(name).encoded) for name in test["other_certs"]],
            crls=[crl.CertificateList.load(encoded) for encoded in lists_of(test)],
            moment=WHEN,
            allow_fetching=False,
            weak_hash_algos=set(),
            revocation_mode="require",
        )
        end = x509.Certificate.load(certificate(test["cert"]).encoded)
        validator = library.CertificateValidator(end, validation_context=context, pkix_params=PKIXValidationParams(**wanted))
        try:
            asyncio.run(validator.async_validate_path())
        except (library.errors.PathValidationError, library.errors.PathBuildingError, ValueError):
            return False
        return True

    differing = [test["name"] for test in suite() if peer(test) != (judge(test, lists_of(test)).verdict == "trusted")]
    assert differing == ["valid_dsa_signatures_test4"]
