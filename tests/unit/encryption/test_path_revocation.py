# SPDX-License-Identifier: Apache-2.0
"""Revocation of a path's certificates: who may say it, when it counts, and what is unknown."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from path_authority import DAY, MAIL, NO_CHECK, NOW, OCSP_SIGNING, Authority, addresses, key, root, usage
from shared_corpora import corpus


class House:
    """A root, an authority below it, and a person."""

    def __init__(self) -> None:
        self.root = root()
        self.issuer = self.root.sub("Issuer")
        self.person = self.issuer.issue("Person", MAIL, addresses("person@example.com"))
        self.roots_list = self.root.revoke()

    def judge(self, *lists: bytes, responses: tuple[bytes, ...] = (), more: tuple[Certificate, ...] = (), when=NOW, **demands) -> Outcome:
        source = Collected((self.roots_list, *lists), responses, more)
        validator = Validator([self.root.certificate], source, Demands(**demands))
        return validator.validate(self.person, [self.issuer.certificate], when)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def test_a_list_without_the_certificate_makes_it_good(house):
    """A fresh list of the issuer that does not name the certificate gives `good` by `crl`, and the path is trusted."""
    outcome = house.judge(house.issuer.revoke())
    assert outcome.verdict == "trusted"
    assert [status.state for status in outcome.revocation] == ["good", "good", "good"]
    assert [status.source for status in outcome.revocation] == ["crl", "crl", "anchor"]


def test_a_revoked_certificate_is_untrusted_though_it_names_no_source(house):
    """A list that came along counts, though the certificate has no distribution point and no responder's address."""
    outcome = house.judge(house.issuer.revoke(house.person, reason=x509.ReasonFlags.key_compromise))
    assert outcome.verdict == "untrusted"
    assert outcome.revocation[0].state == "revoked"
    assert outcome.revocation[0].reason == "keyCompromise"
    assert outcome.findings[0].kind == "revoked"


def test_a_response_counts_though_the_certificate_names_no_source(house):
    """A response that says `revoked` makes the path untrusted, without any address in the certificate."""
    outcome = house.judge(responses=(house.issuer.respond(house.person, ocsp.OCSPCertStatus.REVOKED),))
    assert outcome.verdict == "untrusted"
    assert outcome.revocation[0].source == "ocsp"


def test_a_revoked_issuer_makes_its_certificates_untrusted(house):
    """Revocation of an intermediate is found on its issuer's list."""
    source = Collected((house.root.revoke(house.issuer.certificate), house.issuer.revoke()))
    outcome = Validator([house.root.certificate], source).validate(house.person, [house.issuer.certificate], NOW)
    assert outcome.verdict == "untrusted"
    assert outcome.revocation[1].state == "revoked"


def test_revoked_wins_over_good(house):
    """A list that says good does not undo a response that says revoked, nor the other way round."""
    good_list, bad_list = house.issuer.revoke(), house.issuer.revoke(house.person)
    good, bad = house.issuer.respond(house.person), house.issuer.respond(house.person, ocsp.OCSPCertStatus.REVOKED)
    assert house.judge(good_list, responses=(bad,)).verdict == "untrusted"
    assert house.judge(bad_list, responses=(good,)).verdict == "untrusted"


def test_of_two_lists_the_newer_counts(house):
    """An older list, still fresh, that somebody sends along hides nothing; a newer one may lift a hold."""
    older, newer = house.issuer.revoke(made=NOW - 3 * DAY), house.issuer.revoke(house.person, made=NOW - 2 * DAY)
    lifted = house.issuer.revoke(made=NOW - DAY)
    for lists in ((older, newer), (newer, older)):
        assert house.judge(*lists).verdict == "untrusted"
    assert house.judge(older, newer, lifted).verdict == "trusted"


def test_a_source_that_is_away_is_unknown_and_says_why(house):
    """Where the source could not be reached the verdict is `unknown`, and its words are in the status."""
    source = Collected((house.roots_list,), away="http://crl.example: timed out")
    outcome = Validator([house.root.certificate], source).validate(house.person, [house.issuer.certificate], NOW)
    assert outcome.verdict == "unknown"
    assert outcome.revocation[0].reason == "http://crl.example: timed out"
    assert outcome.findings[0].kind == "revocation-unknown"


def test_without_any_source_nothing_is_trusted(house):
    """A validator that was given no source says `unknown` of a path that holds."""
    outcome = Validator([house.root.certificate]).validate(house.person, [house.issuer.certificate], NOW)
    assert outcome.verdict == "unknown"


def test_asking_nobody_must_be_demanded(house):
    """Only `revocation=False` trusts a path unasked, and each status says so."""
    outcome = house.judge(revocation=False)
    assert outcome.verdict == "trusted"
    assert [status.state for status in outcome.revocation] == ["unchecked", "unchecked", "good"]


def test_a_stale_list_can_say_revoked_and_nothing_else(house):
    """Past its nextUpdate a list says only what no newer one can undo: a revocation that is no hold."""
    stale = {"made": NOW - 8 * DAY, "until": NOW - 2 * DAY}
    assert house.judge(house.issuer.revoke(**stale)).verdict == "unknown"
    assert house.judge(house.issuer.revoke(house.person, **stale)).verdict == "untrusted"
    assert house.judge(house.issuer.revoke(house.person, reason=x509.ReasonFlags.certificate_hold, **stale)).verdict == "unknown"


def test_a_list_signed_by_a_stranger_says_nothing(house):
    """A list in the issuer's name with another key's signature is not believed."""
    forged = Authority("Issuer", "stranger").revoke()
    outcome = house.judge(forged)
    assert outcome.verdict == "unknown"
    assert any(finding.kind == "revocation-source" for finding in outcome.findings)


def test_a_list_for_the_future_of_the_mail_counts(house):
    """A list made after the time in question covers it: nothing leaves a list before its certificate expires."""
    outcome = house.judge(house.issuer.revoke(made=NOW, until=NOW + DAY), when=NOW - 20 * DAY)
    assert outcome.verdict == "trusted"


def test_a_list_made_after_the_certificate_expired_proves_nothing(house):
    """Absence from a list that may have dropped the certificate is not `good`."""
    late = house.issuer.revoke(made=NOW + 110 * DAY, until=NOW + 120 * DAY)
    assert house.judge(late).revocation[0].state == "unknown"


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (x509.ReasonFlags.superseded, "trusted"),
        (x509.ReasonFlags.cessation_of_operation, "trusted"),
        (x509.ReasonFlags.key_compromise, "untrusted"),
        (None, "untrusted"),
    ],
    ids=["superseded", "cessation", "key lost", "no reason"],
)
def test_a_signature_before_the_revocation_is_good_only_where_the_key_was_not_lost(house, reason, verdict):
    """Revoked ten days ago, judged twenty days ago: a thief could have written that time, an owner who changed jobs did not."""
    listed = house.issuer.revoke(house.person, reason=reason)
    assert house.judge(listed, when=NOW - 20 * DAY).verdict == verdict
    assert house.judge(listed).verdict == "untrusted"


def test_a_delta_list_revokes_and_restores(house):
    """A delta that names a certificate revokes it, and one that removes it makes a held one good."""
    base = house.issuer.revoke()
    number = x509.load_der_x509_crl(base).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    delta = (x509.DeltaCRLIndicator(number), True)
    assert house.judge(base, house.issuer.revoke(house.person, extensions=[delta])).verdict == "untrusted"
    held = house.issuer.revoke(house.person, reason=x509.ReasonFlags.certificate_hold)
    number = x509.load_der_x509_crl(held).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    restored = house.issuer.revoke(
        house.person, reason=x509.ReasonFlags.remove_from_crl, extensions=[(x509.DeltaCRLIndicator(number), True)]
    )
    assert house.judge(held).verdict == "untrusted"
    assert house.judge(held, restored).verdict == "trusted"


def test_a_delta_alone_is_no_list(house):
    """A delta without the list that it continues says nothing."""
    assert house.judge(house.issuer.revoke(extensions=[(x509.DeltaCRLIndicator(1), True)])).verdict == "unknown"


@pytest.fixture(scope="module")
def delegate(house):
    return house.issuer.issue("Responder", OCSP_SIGNING, NO_CHECK, (usage(digital_signature=True), True))


def test_a_delegated_responder_is_believed(house, delegate):
    """A response by one to whom the issuer gave ocspSigning and no-check counts."""
    response = house.issuer.respond(house.person, responder=delegate, responder_key=key("Responder"))
    outcome = house.judge(responses=(response,))
    assert outcome.verdict == "trusted"
    assert outcome.revocation[0].source == "ocsp"


@pytest.mark.parametrize("lacks", ["purpose", "issuer", "time"])
def test_a_responder_without_the_right_is_not_believed(house, lacks):
    """No ocspSigning, another issuer, or an expired certificate: the response says nothing, so the answer is `unknown`."""
    giver = house.root if lacks == "issuer" else house.issuer
    purpose = MAIL if lacks == "purpose" else OCSP_SIGNING
    end = NOW - DAY if lacks == "time" else NOW + DAY
    stranger = giver.issue("Stranger", purpose, NO_CHECK, end=end)
    response = house.issuer.respond(house.person, responder=stranger, responder_key=key("Stranger"))
    assert house.judge(responses=(response,)).verdict == "unknown"


def test_a_responder_that_is_revoked_is_not_believed(house):
    """A delegate without no-check is asked about itself: revoked it says nothing, good it counts."""
    responder = house.issuer.issue("Checked", OCSP_SIGNING)
    response = house.issuer.respond(house.person, responder=responder, responder_key=key("Checked"))
    assert house.judge(house.issuer.revoke(responder), responses=(response,)).revocation[0].source == "crl"
    nobody_knows = house.judge(responses=(response,))
    assert nobody_knows.verdict == "unknown"


def test_an_old_or_unknowing_response_is_unknown(house):
    """A response past its nextUpdate, one without it that is old, and one that does not know the certificate all say nothing."""
    old = house.issuer.respond(house.person, made=NOW - 9 * DAY, until=NOW - 8 * DAY)
    undated = house.issuer.respond(house.person, made=NOW - 9 * DAY, until=None)
    unknowing = house.issuer.respond(house.person, ocsp.OCSPCertStatus.UNKNOWN)
    for response in (old, undated, unknowing):
        assert house.judge(responses=(response,)).verdict == "unknown"


def test_a_response_about_another_certificate_says_nothing(house):
    """A good answer about a neighbour is not one about the person."""
    neighbour = house.issuer.issue("Neighbour")
    assert house.judge(responses=(house.issuer.respond(neighbour),)).verdict == "unknown"


def test_an_indirect_list_needs_a_path_for_its_signer(house):
    """A list of another issuer counts where the certificate names it and its certificate leads to the same anchor, else not."""
    names = [x509.DirectoryName(Authority("Lister").name)]
    point = x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, names)])
    person = house.issuer.issue("Pointed", MAIL, (point, False))
    signer = house.root.issue("Lister", (usage(crl_sign=True), True))
    scope = x509.IssuingDistributionPoint(names, None, False, False, None, True, False)
    listed = Authority("Lister").revoke(extensions=[(scope, True)])

    def judge(*more: Certificate) -> str:
        source = Collected((house.roots_list, listed), (), more)
        return Validator([house.root.certificate], source).validate(person, [house.issuer.certificate], NOW).verdict

    assert judge(signer) == "trusted"
    assert judge() == "unknown"
    impostor = root("Elsewhere").issue("Lister", (usage(crl_sign=True), True))
    assert judge(impostor) == "unknown"


def test_a_signer_of_lists_that_vouches_for_itself_is_not_believed(house):
    """A list whose signer's own revocation only that list could say is of no use, and asking about it ends."""
    issuer = house.root.sub("Issuer", (usage(key_cert_sign=True), True))
    person = issuer.issue("Circle", MAIL)
    signer = house.root.issue("Issuer", (usage(crl_sign=True), True), subject_key="list key")
    listed = Authority("Issuer", "list key").revoke()
    only_own = Collected((listed,), (), (signer,))
    assert Validator([house.root.certificate], only_own).validate(person, [issuer.certificate], NOW).verdict == "unknown"
    with_roots = Collected((listed, house.roots_list), (), (signer,))
    assert Validator([house.root.certificate], with_roots).validate(person, [issuer.certificate], NOW).verdict == "trusted"


def test_a_remembered_answer_ends_with_its_list(house):
    """The answer holds to the list's nextUpdate, and is asked anew after."""
    outcome = house.judge(house.issuer.revoke(until=NOW + timedelta(hours=1)))
    assert outcome.until == int((NOW + timedelta(hours=1)).timestamp())


def test_other_peoples_responses_are_believed():
    """Recorded responses of a delegated responder, with fractions of seconds, make a recorded chain good; one alone leaves it unknown."""
    folder = corpus("x509") / "pyhanko-certvalidator" / "multitasking-ocsp"
    person, issuer, anchor = (
        Certificate(x509.load_pem_x509_certificate((folder / f"{name}.cert.pem").read_bytes()).public_bytes(Encoding.DER))
        for name in ("alice", "interm", "root")
    )
    responses = [(folder / f"ocsp-resp-{name}.der").read_bytes() for name in ("alice", "interm")]
    when = datetime(2021, 8, 19, 12, 20, tzinfo=UTC)

    def judge(*given: bytes, at: datetime = when) -> Outcome:
        return Validator([anchor], Collected((), given), Demands(purpose="any")).validate(person, [issuer], at)

    assert judge(*responses).verdict == "trusted"
    assert [status.source for status in judge(*responses).revocation] == ["ocsp", "ocsp", "anchor"]
    assert judge(responses[0]).verdict == "unknown"
    assert judge(*responses, at=when + DAY).verdict == "unknown"
