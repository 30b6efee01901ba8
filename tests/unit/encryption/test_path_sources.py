# SPDX-License-Identifier: Apache-2.0
"""Sources of revocation beside each other: of equals the one that says "revoked" counts, and why one was not used is said."""

from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ObjectIdentifier

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.passing import Passing
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from path_authority import DAY, MAIL, NO_CHECK, NOW, OCSP_SIGNING, Authority, addresses, key, root, usage

ROOT = root()
PERSON = ROOT.issue("Person", MAIL, addresses("person@example.com"))
MADE = NOW - DAY


def judge(*lists: bytes, responses: tuple[bytes, ...] = (), more: tuple[Certificate, ...] = (), when=NOW, **demands) -> Outcome:
    """Judge the person by these sources."""
    validator = Validator([ROOT.certificate], Collected(lists, responses, more), Demands(**demands))
    return validator.validate(PERSON, [], when)


def numbered(number: int, *revoked: Certificate, extensions=(), reason=None, made=MADE) -> bytes:
    """Make a list of the root's with this number; `revoke` alone counts up."""
    builder = x509.CertificateRevocationListBuilder(ROOT.name, made, NOW + DAY).add_extension(x509.CRLNumber(number), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for one in revoked:
        entry = x509.RevokedCertificateBuilder(int.from_bytes(one.serial, signed=True), NOW - 10 * DAY)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_of_two_lists_equal_in_time_and_number_the_one_that_revokes_counts():
    """Whichever of them is given first, and whatever older ones stand between."""
    lists = numbered(7), numbered(7, PERSON), numbered(6, made=MADE - DAY)
    for order in permutations(lists):
        outcome = judge(*order)
        assert outcome.verdict == "untrusted"
        assert outcome.revocation[0].state == "revoked"


def test_of_two_lists_that_revoke_the_graver_reason_counts():
    """One says that the key was lost, another of the same time that it was replaced: the key was lost, at every time."""
    lists = numbered(7, PERSON, reason=x509.ReasonFlags.superseded), numbered(7, PERSON, reason=x509.ReasonFlags.key_compromise)
    for order in permutations(lists):
        outcome = judge(*order, when=NOW - 20 * DAY)
        assert (outcome.verdict, outcome.revocation[0].reason) == ("untrusted", "keyCompromise")


def test_of_two_deltas_equal_in_time_and_number_the_one_that_revokes_counts():
    """The order of two deltas to one list decides nothing either."""
    whole = numbered(5)
    base = (x509.DeltaCRLIndicator(5), True)
    for order in permutations((numbered(8, extensions=[base]), numbered(8, PERSON, extensions=[base]))):
        assert judge(whole, *order).revocation[0].state == "revoked"


def test_of_two_answers_of_one_time_in_a_response_revoked_counts():
    """A response may answer twice about one certificate; whichever comes first, the person is revoked."""
    good, bad = (ROOT.respond(PERSON, status) for status in (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED))
    for order in permutations((good, bad)):
        assert judge(responses=order).revocation[0].state == "revoked"
        assert judge(responses=(_joined(*order),)).revocation[0].state == "revoked"


def _joined(first: bytes, second: bytes) -> bytes:
    """Sign one response with the answers of two."""
    from gatepost.encryption.cms import der
    from gatepost.encryption.cms.ber import EXPLICIT, OCTET_STRING, OID, SEQUENCE, cursor_on
    from gatepost.encryption.cms.limits import Limits

    def body(encoded: bytes):
        held = cursor_on(encoded, Limits()).enter(SEQUENCE)
        held.skip(0x0A)
        held = held.enter(EXPLICIT | 0).enter(SEQUENCE)
        kind = held.value(OID)
        basic = cursor_on(held.value(OCTET_STRING), Limits()).enter(SEQUENCE)
        whole = basic.enter(SEQUENCE)
        front = whole.raw(EXPLICIT | 2) + whole.raw(0x18)
        algorithm = basic.raw(SEQUENCE)
        return kind, front, whole.enter(SEQUENCE).raw(SEQUENCE), algorithm

    from cryptography.hazmat.primitives.asymmetric import ec

    kind, front, one, algorithm = body(first)
    data = der.sequence(front, der.sequence(one, body(second)[2]))
    basic = der.sequence(data, algorithm, der.bit_string(ROOT.key.sign(data, ec.ECDSA(hashes.SHA256()))))
    held = der.explicit(0, der.sequence(der.oid(kind), der.octet_string(basic)))
    return der.sequence(b"\x0a\x01\x00", held)


UNKNOWN_EXTENSION = (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0"), True)


def scope(points: list[x509.GeneralName] | None = None, **bits: bool) -> tuple[x509.ExtensionType, bool]:
    names = dict.fromkeys(("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False)
    return x509.IssuingDistributionPoint(full_name=points, relative_name=None, only_some_reasons=None, **{**names, **bits}), True


STRANGER = root("Stranger")
NAMESAKE = Authority("Root", "another key")
NOT_USED = {
    "stale": (ROOT.revoke(made=NOW - 9 * DAY, until=NOW - 8 * DAY), "too old"),
    "of a stranger": (STRANGER.revoke(), "of another issuer"),
    "forged": (NAMESAKE.revoke(), "nobody who may sign a list signed it"),
    "about authorities": (ROOT.revoke(extensions=[scope(only_contains_ca_certs=True)]), "about authorities alone"),
    "about attributes": (ROOT.revoke(extensions=[scope(only_contains_attribute_certs=True)]), "about attribute certificates alone"),
    "at another point": (
        ROOT.revoke(extensions=[scope([x509.UniformResourceIdentifier("http://example.com/1")])]),
        "another distribution point",
    ),
    "with a critical extension": (ROOT.revoke(extensions=[UNKNOWN_EXTENSION]), "critical extension 1.2.3.4"),
    "a delta alone": (numbered(9, extensions=[(x509.DeltaCRLIndicator(8), True)]), "changes to a list that is not here"),
    "no list": (b"no list", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_USED)
def test_why_a_list_was_not_used_is_said(case):
    """As a finding of its own, and in the reason of what stays unknown."""
    encoded, words = NOT_USED[case]
    outcome = judge(encoded)
    assert outcome.verdict == "unknown"
    [said] = [one.reason for one in outcome.findings if one.kind == "revocation-source"]
    assert words in said
    assert said in outcome.revocation[0].reason
    assert said in outcome.findings[0].reason


OTHER = ROOT.issue("Other", MAIL)
RESPONSES_NOT_USED = {
    "stale": (ROOT.respond(PERSON, made=NOW - 9 * DAY, until=NOW - 8 * DAY), "too old"),
    "about another": (ROOT.respond(OTHER), "about another certificate"),
    "forged": (ROOT.respond(PERSON, responder=OTHER, responder_key=key("Other")), "not signed by who may answer"),
    "unknown": (ROOT.respond(PERSON, ocsp.OCSPCertStatus.UNKNOWN), "does not know"),
    "refused": (ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER), "try later"),
    "none": (b"none", ""),
}


@pytest.mark.parametrize("case", RESPONSES_NOT_USED)
def test_why_a_response_was_not_used_is_said(case):
    """Responses are no different from lists."""
    encoded, words = RESPONSES_NOT_USED[case]
    outcome = judge(responses=(encoded,))
    assert outcome.verdict == "unknown"
    [said] = [one.reason for one in outcome.findings if one.kind == "revocation-source"]
    assert words in said
    assert said in outcome.revocation[0].reason


def test_nothing_is_said_of_what_was_not_needed():
    """A list of another issuer among those given is no finding where the right one answered."""
    assert judge(STRANGER.revoke(), ROOT.revoke()).findings == ()
    assert judge(STRANGER.revoke(), responses=(ROOT.respond(PERSON),)).findings == ()
    assert judge(ROOT.revoke(), responses=(ROOT.respond(OTHER),)).findings == ()


def test_why_a_list_that_came_along_was_not_used_is_said():
    """Though the answer stays that of the source alone."""
    outcome = Validator([ROOT.certificate]).validate(PERSON, [], NOW, Passing([NOT_USED["stale"][0]], NOW))
    assert outcome.verdict == "unknown"
    assert [one.reason for one in outcome.findings if one.kind == "revocation-source"] == ["a list is too old"]


def short_key_for(use: tuple[x509.ExtensionType, bool]) -> tuple[rsa.RSAPrivateKey, Certificate]:
    """Make a key of 1024 bits that the root gave a right of its own to, under its own name."""
    short = rsa.generate_private_key(65537, 1024)
    builder = x509.CertificateBuilder(ROOT.name, ROOT.name, short.public_key(), 77, NOW - 2 * DAY, NOW + DAY)
    for extension, critical in (use, NO_CHECK):
        builder = builder.add_extension(extension, critical)
    return short, Certificate(builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER))


@pytest.mark.parametrize(("bits", "verdict"), [(1024, "trusted"), (2048, "unknown")])
def test_a_short_key_answers_for_nobody(bits, verdict):
    """Whoever computes a responder's short key could clear whom he likes, however well the key is certified."""
    short, delegate = short_key_for(OCSP_SIGNING)
    outcome = judge(responses=(ROOT.respond(PERSON, responder=delegate, responder_key=short),), least_rsa_bits=bits)
    assert outcome.verdict == verdict


@pytest.mark.parametrize(("bits", "verdict"), [(1024, "trusted"), (2048, "unknown")])
def test_a_short_key_signs_no_list(bits, verdict):
    """Nor does it sign lists, though its own certificate is good."""
    short, delegate = short_key_for((usage(crl_sign=True), True))
    builder = x509.CertificateRevocationListBuilder(ROOT.name, MADE, NOW + DAY).add_extension(x509.CRLNumber(1), False)
    made = builder.sign(short, hashes.SHA256()).public_bytes(Encoding.DER)
    outcome = judge(made, responses=(ROOT.respond(delegate),), more=(delegate,), least_rsa_bits=bits)
    assert outcome.verdict == verdict
    assert verdict == "trusted" or "too weak" in outcome.findings[0].reason
