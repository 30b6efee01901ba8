# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that came along with a mail: what they may say, for whom, and for how long."""

from datetime import timedelta

import pytest
from cryptography import x509

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.limits import DEFAULT
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.demands import Demands, Limits
from gatepost.encryption.paths.outcome import Outcome
from gatepost.encryption.paths.passing import Passing
from gatepost.encryption.paths.source import Collected, next_generation
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, report
from path_authority import DAY, MAIL, NOW, Authority, addresses, key, root, usage

LOST = x509.ReasonFlags.key_compromise


class House:
    """A root, an authority, two people, and a validator whose source knows of the authority alone."""

    def __init__(self, *known: bytes) -> None:
        self.root = root()
        self.issuer = self.root.sub("Issuer")
        self.anna = self.issuer.issue("Anna", MAIL, addresses("anna@example.org"))
        self.bob = self.issuer.issue("Bob", MAIL, addresses("bob@example.org"))
        self.source = Collected((self.root.revoke(), *known))
        self.validator = Validator([self.root.certificate], self.source)

    def ask(self, person: Certificate, *lists: bytes, when=NOW, received=NOW) -> Outcome:
        return self.validator.validate(person, [self.issuer.certificate], when, Passing(lists, received) if lists else None)


@pytest.fixture
def house() -> House:
    return House()


def test_a_fresh_list_says_good_for_the_mail_that_brought_it(house):
    """What nobody knew is known, and only in the question that the list came with."""
    assert house.ask(house.anna).verdict == "unknown"
    found = house.ask(house.anna, house.issuer.revoke())
    assert (found.verdict, found.revocation[0].source) == ("trusted", "crl")
    assert house.ask(house.anna).verdict == "unknown"
    assert house.ask(house.bob).verdict == "unknown"


def test_a_list_says_revoked_whatever_the_source_says(house):
    """Only the issuer can have signed it; the next mail is judged by the source alone again."""
    gone = house.issuer.revoke(house.anna, reason=LOST)
    assert house.ask(house.anna, gone).verdict == "untrusted"
    knowing = House(House().issuer.revoke())
    assert knowing.ask(knowing.anna).verdict == "trusted"
    revoking = knowing.issuer.revoke(knowing.anna, reason=LOST)
    found = knowing.ask(knowing.anna, revoking)
    assert (found.verdict, found.revocation[0].state, found.revocation[0].reason) == ("untrusted", "revoked", "keyCompromise")
    assert knowing.ask(knowing.anna).verdict == "trusted"


def test_a_list_never_clears_whom_the_source_calls_revoked(house):
    """Neither an older list nor a newer one, nor one that lifts a hold: the source is asked again when it has something new."""
    for reason in (LOST, x509.ReasonFlags.certificate_hold):
        knowing = House(house.issuer.revoke(house.anna))
        knowing.anna = house.anna
        knowing.validator = Validator(
            [knowing.root.certificate], Collected((knowing.root.revoke(), knowing.issuer.revoke(house.anna, reason=reason)))
        )
        assert knowing.ask(house.anna).verdict == "untrusted"
        assert knowing.ask(house.anna, knowing.issuer.revoke(made=NOW)).verdict == "untrusted"


def test_a_list_must_be_fresh_when_the_mail_comes(house):
    """It was fresh when the mail says it was signed: whoever stole the key wrote that, and kept the last list that was good."""
    then = NOW - 5 * DAY
    old = house.issuer.revoke(made=then - DAY, until=then + DAY)
    assert house.ask(house.anna, old, when=then, received=then).verdict == "trusted"
    assert house.ask(house.anna, old, when=then, received=NOW).verdict == "unknown"
    assert house.ask(house.anna, old, when=NOW, received=NOW).verdict == "unknown"


def test_a_stale_list_still_says_revoked(house):
    """Nothing leaves a list but a hold."""
    then = NOW - 5 * DAY
    stale = {"made": then - DAY, "until": then + DAY, "when": then - 2 * DAY}
    assert house.ask(house.anna, house.issuer.revoke(house.anna, reason=LOST, **stale)).verdict == "untrusted"
    hold = house.issuer.revoke(house.anna, reason=x509.ReasonFlags.certificate_hold, **stale)
    assert house.ask(house.anna, hold).verdict == "unknown"


def test_a_stale_list_does_not_clear_by_the_reason_that_it_names(house):
    """Superseded after the signing time is harmless on a fresh list; on a stale one a later list may have named the theft."""
    signed, then = NOW - 20 * DAY, NOW - 5 * DAY
    entry = {"reason": x509.ReasonFlags.superseded, "when": NOW - 10 * DAY}
    fresh = house.issuer.revoke(house.anna, **entry)
    stale = house.issuer.revoke(house.anna, made=then - DAY, until=then + DAY, **entry)
    assert house.ask(house.anna, fresh, when=signed).verdict == "trusted"
    assert house.ask(house.anna, stale, when=signed).verdict == "unknown"


def test_a_list_of_somebody_else_says_nothing(house):
    """Under the issuer's name and another key, of another authority, or with its signature changed."""
    forged = Authority("Issuer", "another key").revoke()
    other = house.root.sub("Other").revoke()
    broken = bytearray(house.issuer.revoke())
    broken[-1] ^= 1
    for one in (forged, other, bytes(broken), house.root.revoke(), b"", b"\x30\x80", b"no list at all"):
        assert house.ask(house.anna, one).verdict == "unknown"


def test_a_list_of_one_authority_says_nothing_of_the_next(house):
    """The person is good by it; that nobody knows of the authority above stays unknown."""
    knowing = House()
    knowing.validator = Validator([knowing.root.certificate])
    found = knowing.ask(knowing.anna, knowing.issuer.revoke())
    assert (found.verdict, [one.state for one in found.revocation]) == ("unknown", ["unknown", "unknown", "good"])


def test_lists_make_nothing_worse_than_revoked(house):
    """However many came along and however odd they are, what the source knew stays known."""
    knowing = House(house.issuer.revoke())
    junk = [knowing.issuer.revoke(made=NOW - 9 * DAY, until=NOW - 8 * DAY) for _ in range(70)]
    assert knowing.ask(knowing.anna, *junk).verdict == "trusted"
    assert knowing.ask(knowing.anna, *([b"\x30\x03\x02\x01\x00"] * 500)).verdict == "trusted"


def test_other_revocation_data_is_left_unread(house):
    """Where a response stands among the lists it is passed over, and the list beside it counts."""
    other = der.element(0xA1, der.oid(oids.DATA) + der.NULL)
    assert house.ask(house.anna, other, house.issuer.revoke()).verdict == "trusted"


def test_a_chain_alone_does_not_ask():
    """Where policy asks nobody, a list that came along is not asked either."""
    house = House()
    validator = Validator([house.root.certificate], demands=Demands(revocation=False))
    gone = house.issuer.revoke(house.anna, reason=LOST)
    assert validator.validate(house.anna, [house.issuer.certificate], NOW, Passing((gone,), NOW)).verdict == "trusted"


def test_only_so_many_lists_are_read(house):
    """One behind the limit is not looked at."""
    validator = Validator([house.root.certificate], house.source, Demands(limits=Limits(lists=1)))
    first = house.root.revoke()
    passing = Passing((first, house.issuer.revoke()), NOW)
    assert validator.validate(house.anna, [house.issuer.certificate], NOW, passing).verdict == "unknown"


def test_a_source_with_something_new_is_believed_over_what_was_remembered(house):
    """The answer that a mail's list gave is nobody's memory, so there is nothing to go stale."""
    assert house.ask(house.anna, house.issuer.revoke()).verdict == "trusted"
    gone = house.issuer.revoke(house.anna, reason=LOST)
    house.source.__init__((house.root.revoke(), gone))
    assert house.source.generation < next_generation()
    assert house.ask(house.anna, house.issuer.revoke()).verdict == "untrusted"


# Whole mails, with lists in the signature's own place for them.


def mail_with(house: House, *lists: bytes, signed_at=NOW) -> bytes:
    """Sign a mail opaque, the lists put into the SignedData beside the certificates."""
    signer = Signer(LocalKey(key("Anna")), house.anna, Scheme("ecdsa", "sha256"))
    content = b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
    plain = sign_cms(content, [signer], signed_at, certificates=[house.issuer.certificate])
    data = read_data(plain)
    before = der.integer(1) + data["digests"] + data["content"] + data["certificates"]
    after = der.element(0xA1, b"".join(lists)) + data["signers"]
    whole = der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, der.sequence(before, after)))
    head = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64_lines(whole)


def read_data(plain: bytes) -> dict[str, bytes]:
    """Take a SignedData without lists apart."""
    outer = cursor_on(plain, DEFAULT).enter(0x30)
    outer.skip(6)
    inside = outer.enter(0xA0).enter(0x30)
    inside.skip(2)
    return {name: inside.raw() for name in ("digests", "content", "certificates", "signers")}


def judged(house: House, raw: bytes, received=NOW):
    return report(read(raw), Asked(PathTrust(house.validator), received, revocation_must_be_known=True))


def test_a_mails_own_list_answers_for_its_signer(house):
    """Under hard policy the mail is valid by its list, revoked by its list, and of unknown status without one or with a stale one."""
    assert judged(house, mail_with(house)).verdict == "unknown_status"
    found = judged(house, mail_with(house, house.issuer.revoke()))
    assert (found.verdict, found.revocation) == ("valid_bound", "good")
    gone = judged(house, mail_with(house, house.issuer.revoke(house.anna, reason=LOST)))
    assert (gone.verdict, gone.revocation) == ("valid_untrusted", "revoked")
    assert judged(house, mail_with(house)).verdict == "unknown_status"


def test_a_backdated_mail_with_its_old_list_is_not_valid(house):
    """Signing time and list are both of last week: the list says nothing today."""
    week = NOW - 7 * DAY
    old = house.issuer.revoke(made=week - DAY, until=week + timedelta(hours=1))
    raw = mail_with(house, old, signed_at=week)
    assert judged(house, raw).verdict == "unknown_status"
    assert judged(house, raw, received=week).verdict == "valid_bound"


def test_a_lists_signer_may_come_along_too(house):
    """A key of the issuer's for lists alone: its certificate travels in the mail, and a path must vouch for it."""
    for_lists = house.root.issue("Issuer", (usage(crl_sign=True), True), subject_key="lists")
    passing = Passing((Authority("Issuer", "lists").revoke(),), NOW)
    assert house.validator.validate(house.anna, [house.issuer.certificate], NOW, passing).verdict == "unknown"
    assert house.validator.validate(house.anna, [house.issuer.certificate, for_lists], NOW, passing).verdict == "trusted"
    for_nothing = house.root.issue("Issuer", (usage(digital_signature=True), True), subject_key="lists")
    assert house.validator.validate(house.anna, [house.issuer.certificate, for_nothing], NOW, passing).verdict == "unknown"
