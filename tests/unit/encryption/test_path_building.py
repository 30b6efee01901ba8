# SPDX-License-Identifier: Apache-2.0
"""Paths from a person's certificate to an anchor: which are found, what they must be good for, and how answers are remembered."""

from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.demands import Demands, Limits
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.source import Evidence, next_generation
from gatepost.encryption.paths.validator import Validator
from path_authority import DAY, MAIL, NOW, addresses, root, usage
from shared_corpora import corpus

CHAIN_ONLY = Demands(revocation=False)


def judge(person: Certificate, *intermediates: Certificate, anchors: list[Certificate], when: datetime = NOW, **demands) -> Outcome:
    return Validator(anchors, demands=CHAIN_ONLY._replace(**demands)).validate(person, intermediates, when)


@pytest.fixture(scope="module")
def top():
    return root()


def test_a_path_is_found_whatever_the_order(top):
    """Intermediates in any order, with strangers among them, give the path from person to root."""
    first, second = top.sub("First"), root("Elsewhere").sub("Second")
    below = first.sub("Below")
    person = below.issue("Person", MAIL)
    outcome = judge(person, second.certificate, below.certificate, first.certificate, anchors=[top.certificate])
    assert outcome.verdict == "trusted"
    assert outcome.path == (person, below.certificate, first.certificate, top.certificate)


def test_a_known_intermediate_helps_where_a_mail_brings_none(top):
    """An intermediate that the gateway knows completes a path, and is no anchor for it."""
    issuer, elsewhere = top.sub("First"), root("Elsewhere").sub("Second")
    known = [issuer.certificate, elsewhere.certificate]
    validator = Validator([top.certificate], demands=CHAIN_ONLY, known=known)
    assert validator.validate(issuer.issue("Person", MAIL), [], NOW).verdict == "trusted"
    assert validator.validate(elsewhere.issue("Person", MAIL), [], NOW).verdict == "untrusted"


def test_a_missing_intermediate_is_no_path(top):
    """The part that was built is given, with `no-path`."""
    person = top.sub("First").sub("Below").issue("Person", MAIL)
    outcome = judge(person, anchors=[top.certificate])
    assert outcome.verdict == "untrusted"
    assert outcome.path == (person,)
    assert outcome.findings[0].kind == "no-path"


def test_an_unreadable_intermediate_is_named_as_such(top):
    """An issuer whose alternative names are damaged is left out, and the finding says why there is no path."""
    damaged = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"damaged"), False)
    issuer = top.sub("Issuer", damaged)
    outcome = judge(issuer.issue("Person", MAIL), issuer.certificate, anchors=[top.certificate])
    assert outcome.verdict == "untrusted"
    assert {finding.kind for finding in outcome.findings} == {"no-path", "malformed"}


def test_a_cross_certificate_leads_round_a_dead_end(top):
    """Of two certificates of one issuer, the one that leads to an anchor is found, also where the other has expired."""
    other = root("Other")
    issuer = top.sub("Issuer", end=NOW - DAY)
    crossed = other.sub("Issuer")
    person = issuer.issue("Person", MAIL)
    outcome = judge(person, issuer.certificate, crossed.certificate, anchors=[top.certificate, other.certificate])
    assert outcome.verdict == "trusted"
    assert outcome.path[1] == crossed.certificate


def test_a_stranger_with_the_issuers_name_signs_nothing(top):
    """A certificate of the right name and the wrong key gives `no-path` and says that a signature does not hold."""
    person = top.sub("Issuer").issue("Person", MAIL)
    impostor = top.issue("Issuer", authority=True, subject_key="impostor")
    outcome = judge(person, impostor, anchors=[top.certificate])
    assert outcome.verdict == "untrusted"
    assert {finding.kind for finding in outcome.findings} == {"no-path", "signature"}


def test_a_pinned_certificate_is_trusted_itself(top):
    """A certificate that is an anchor needs no issuer; its time and use still count."""
    person = top.issue("Person", MAIL)
    assert judge(person, anchors=[person]).verdict == "trusted"
    assert judge(person, anchors=[person], when=NOW + 200 * DAY).findings[0].kind == "validity"
    assert judge(person, anchors=[person], purpose="ocsp-signing").findings[0].kind == "key-usage"


@pytest.mark.parametrize(
    ("extension", "demands", "verdict"),
    [
        ((usage(digital_signature=True), True), {}, "trusted"),
        ((usage(content_commitment=True), True), {}, "trusted"),
        ((usage(key_encipherment=True), True), {}, "untrusted"),
        ((usage(key_agreement=True), True), {"use": "encrypt"}, "trusted"),
        ((usage(key_encipherment=True), True), {"use": "encrypt"}, "untrusted"),
        ((usage(digital_signature=True), True), {"use": "encrypt"}, "untrusted"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), {}, "untrusted"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), {"purpose": "any"}, "trusted"),
        ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False), {}, "trusted"),
        ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True), {}, "untrusted"),
        ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False), {}, "trusted"),
    ],
)
def test_use_purpose_and_unknown_extensions_count(top, extension, demands, verdict):
    """Key usage, extended key usage and critical extensions decide as RFC 8550 and RFC 5280 say."""
    assert judge(top.issue("Person", extension), anchors=[top.certificate], **demands).verdict == verdict


def test_an_issuer_for_other_purposes_issues_no_mail_certificate(top):
    """An intermediate whose extended key usage lacks mail takes it from all below."""
    issuer = top.sub("Web", (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
    outcome = judge(issuer.issue("Person", MAIL), issuer.certificate, anchors=[top.certificate])
    assert (outcome.verdict, outcome.findings[0].kind, outcome.findings[0].depth) == ("untrusted", "key-usage", 1)


def test_name_constraints_bind_addresses(top):
    """An issuer for one domain's addresses vouches for no other, in the alternative names and in the subject."""
    permitted = (x509.NameConstraints([x509.RFC822Name("example.com")], None), True)
    issuer = top.sub("Constrained", permitted)
    good = issuer.issue("Good", MAIL, addresses("a@example.com"))
    bad = issuer.issue("Bad", MAIL, addresses("a@example.com", "a@example.org"))
    assert judge(good, issuer.certificate, anchors=[top.certificate]).verdict == "trusted"
    outcome = judge(bad, issuer.certificate, anchors=[top.certificate])
    assert outcome.findings[0].kind == "name-constraint"
    assert "example.org" in outcome.findings[0].reason


def test_sha1_is_taken_only_where_it_is_allowed():
    """PKITS' DSA path, whose signature uses SHA-1, is `untrusted` for its algorithm unless `sha1` is demanded."""
    folder = corpus("x509") / "pkits" / "certs"
    names = ("TrustAnchorRootCertificate", "DSACACert", "ValidDSASignaturesTest4EE")
    anchor, issuer, person = (Certificate((folder / f"{name}.crt").read_bytes()) for name in names)
    when = datetime.fromisoformat("2022-05-01T00:00:00+00:00")
    assert judge(person, issuer, anchors=[anchor], when=when, purpose="any").verdict == "untrusted"
    assert judge(person, issuer, anchors=[anchor], when=when, purpose="any", sha1=True).verdict == "trusted"


@pytest.mark.parametrize(("folder", "name"), [("testing-ca-ed25519", "signer"), ("testing-ca-pss", "signer1")])
def test_ed25519_and_pss_authorities_are_taken(folder, name):
    """Other people's chains with Ed25519 and RSASSA-PSS signatures are trusted."""
    path = corpus("x509") / "pyhanko-certvalidator" / folder
    certificates = [
        Certificate(x509.load_pem_x509_certificate((path / f"{one}.cert.pem").read_bytes()).public_bytes(Encoding.DER))
        for one in (name, "interm", "root")
    ]
    when = x509.load_der_x509_certificate(certificates[0].encoded).not_valid_before_utc + DAY
    assert judge(certificates[0], certificates[1], anchors=[certificates[2]], when=when, purpose="any").verdict == "trusted"


class _Counting:
    """A source that counts how often it is asked."""

    def __init__(self, *lists: bytes) -> None:
        self.generation = next_generation()
        self.lists = lists
        self.asked = 0

    def find(self, certificate, issuer, when):
        self.asked += 1
        return Evidence(self.lists)


def test_an_answer_is_remembered_for_its_seconds_and_its_sources(top):
    """The same certificate within the list's time asks nobody; a later time, or news at the source, asks again."""
    person = top.issue("Person", MAIL)
    source = _Counting(top.revoke())
    validator = Validator([top.certificate], source)
    first = validator.validate(person, [], NOW)
    assert validator.validate(Certificate(bytes(bytearray(person.encoded))), [], NOW + DAY / 2) is first
    assert source.asked == 1
    assert validator.validate(person, [], NOW + 2 * DAY).verdict == "unknown"
    assert source.asked == 2
    source.lists, source.generation = (top.revoke(person),), next_generation()
    assert validator.validate(person, [], NOW).verdict == "untrusted"


def test_no_path_is_forgotten_when_the_missing_certificate_comes(top):
    """`untrusted` for want of an intermediate is remembered for those intermediates only."""
    issuer = top.sub("Issuer")
    person = issuer.issue("Person", MAIL)
    validator = Validator([top.certificate], demands=CHAIN_ONLY)
    assert validator.validate(person, [], NOW).verdict == "untrusted"
    assert validator.validate(person, [issuer.certificate], NOW).verdict == "trusted"
    assert validator.validate(person, [], NOW).verdict == "trusted"


def test_before_and_after_its_time_a_remembered_certificate_is_untrusted(top):
    """Whatever was asked first, each second gets its own answer at both ends of a certificate's time."""
    start, end = NOW - DAY, NOW + DAY
    person = top.issue("Person", MAIL, start=start, end=end)
    validator = Validator([top.certificate], demands=CHAIN_ONLY)
    second = DAY / 86_400
    for _ in range(2):
        for when, verdict in (
            (start - second, "untrusted"),
            (start, "trusted"),
            (end, "trusted"),
            (end + second, "untrusted"),
            (NOW, "trusted"),
        ):
            assert validator.validate(person, [], when).verdict == verdict


def test_a_mesh_of_authorities_ends_at_its_limits():
    """Authorities that all sign for each other, and no way out, are given up on with `limit`, within the time allowed."""
    names = [f"Mesh {number}" for number in range(9)]
    houses = [root(name) for name in names]
    mesh = [one.issue(name, authority=True) for one in houses for name in names]
    person = houses[0].issue("Person", MAIL)
    outcome = judge(person, *mesh, anchors=[root("Nowhere").certificate])
    assert outcome.verdict == "untrusted"
    assert "limit" in {finding.kind for finding in outcome.findings}


def test_policies_that_double_cost_nothing():
    """A chain whose every mapping doubles the tree of RFC 5280 is answered at once (RFC 9618)."""
    top = root("Policies")
    first, second = (x509.ObjectIdentifier(f"1.2.3.{number}") for number in (1, 2))
    both = x509.CertificatePolicies([x509.PolicyInformation(one, None) for one in (first, second)])
    pairs = b"".join(
        b"\x30\x0a\x06\x03\x2a\x03" + bytes([one]) + b"\x06\x03\x2a\x03" + bytes([other]) for one in (1, 2) for other in (1, 2)
    )
    mapping = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30" + bytes([len(pairs)]) + pairs)
    issuers = [top.sub("Level 0", (both, False), (mapping, True))]
    for level in range(1, 10):
        issuers.append(issuers[-1].sub(f"Level {level}", (both, False), (mapping, True)))
    person = issuers[-1].issue("Person", MAIL, (both, False))
    outcome = judge(person, *(one.certificate for one in issuers), anchors=[top.certificate], explicit_policy=True)
    assert outcome.verdict == "trusted"
    assert outcome.policies == {"1.2.3.1", "1.2.3.2"}


def test_a_path_that_is_too_long_is_not_taken(top):
    """More intermediates than the limit are not followed; one fewer are."""
    issuers = [top.sub("Step 0")]
    for step in range(1, 4):
        issuers.append(issuers[-1].sub(f"Step {step}"))
    person = issuers[-1].issue("Person", MAIL)
    given = [one.certificate for one in issuers]
    assert judge(person, *given, anchors=[top.certificate], limits=Limits(path_length=4)).verdict == "trusted"
    assert judge(person, *given, anchors=[top.certificate], limits=Limits(path_length=3)).verdict == "untrusted"


def test_time_that_is_over_is_a_finding(top):
    """With no time at all the answer is `untrusted` with `limit`, and it is not remembered."""
    issuer = top.sub("Issuer")
    person = issuer.issue("Person", MAIL)
    outcome = judge(person, issuer.certificate, anchors=[top.certificate], limits=Limits(milliseconds=-1))
    assert outcome.verdict == "untrusted"
    assert "limit" in {finding.kind for finding in outcome.findings}
