# SPDX-License-Identifier: Apache-2.0
"""Who may be sent a report."""

import pytest

from gatepost.delivery.dsn.policy import may_report
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope

PLAIN = b"From: a@example.org\r\nSubject: x\r\n"
REPORT = b"Subject: x\r\nContent-Type: multipart/mixed;\r\n x=y\r\nX: y\r\n"
BULK = [
    b"Precedence: bulk\r\n",
    b"precedence:list\r\n",
    b"Precedence: JUNK\r\n",
    b"List-Id: Friends <friends.example.org>\r\n",
    b"Auto-Submitted: auto-generated\r\n",
    b"AUTO-SUBMITTED:auto-replied; owner-email=x\r\n",
]
NOT_BULK = [b"Auto-Submitted: no\r\n", b"Precedence: first-class\r\n", b"X-List-Id: x\r\n", b"Subject: Precedence: bulk\r\n"]


SENDER = Address("a", "example.org")


def mail(sender: Address | None = SENDER) -> NewMail:
    return NewMail("t", 0, "inbound", 0.0, 0.0, "", "", Envelope(sender), b"", Body(0))


def test_nobody_gets_no_report() -> None:
    """The null reverse-path never gets a report, nor does a sender without a domain, whoever vouches for them."""
    for sender in (None, Address("postmaster", "")):
        assert not may_report(mail(sender), PLAIN, external=False, authenticated=True)


@pytest.mark.parametrize("header", [b"Content-Type: multipart/report; report-type=x\r\n", b"content-type:\r\n\tmultipart/report\r\n"])
def test_a_report_gets_no_report(header: bytes) -> None:
    """A report that came with a sender, against the rules, is not answered either."""
    assert not may_report(mail(), PLAIN + header, external=False, authenticated=True)
    assert may_report(mail(), REPORT, external=False)


@pytest.mark.parametrize(("authenticated", "allowed"), [(True, True), (False, False), (None, True)])
def test_external_senders_must_be_tied_to_the_mail(authenticated: bool | None, allowed: bool) -> None:
    """Who failed authentication gets none; who passed, or was never checked, gets what 250 promised."""
    assert may_report(mail(), PLAIN, external=True, authenticated=authenticated) is allowed


@pytest.mark.parametrize("header", BULK)
def test_bulk_mail_from_outside(header: bytes) -> None:
    """Bulk, list and automatic mail from unchecked outsiders is not answered; from our own and from checked senders it is."""
    assert not may_report(mail(), PLAIN + header, external=True)
    assert may_report(mail(), PLAIN + header, external=True, authenticated=True)
    assert may_report(mail(), PLAIN + header, external=False)


@pytest.mark.parametrize("header", NOT_BULK)
def test_ordinary_mail_is_not_taken_for_bulk(header: bytes) -> None:
    """Only the header fields themselves count, with the values that mean it."""
    assert may_report(mail(), PLAIN + header, external=True)
