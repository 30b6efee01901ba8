# SPDX-License-Identifier: Apache-2.0
"""Mails that machines wrote are known, so that they are never answered."""

import pytest

from gatepost.message.auto import is_bounce_or_auto
from gatepost.message.parse import parse

PERSON = b"From: Ann <ann@example.org>\r\nSubject: lunch\r\n"


@pytest.mark.parametrize(
    "header",
    [
        b"Auto-Submitted: auto-replied (vacation)\r\n",
        b"Precedence: bulk\r\n",
        b"List-Id: <x.example.org>\r\n",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"X-Failed-Recipients: a@example.org\r\n",
        b"Return-Path: <>\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
        b"Content-Type: message/disposition-notification\r\n",
        b"Sender: MAILER-DAEMON@example.org\r\n",
        b"Sender: owner-list@example.org\r\n",
    ],
)
def test_a_machine_is_known_by_one_sign(header: bytes) -> None:
    """Each of these fields alone says that no person waits for an answer."""
    assert is_bounce_or_auto(parse(header + PERSON + b"\r\nx\r\n"), null_sender=False)


@pytest.mark.parametrize(
    "header",
    [
        b"From: postmaster\r\n",
        b"From: Mail Delivery System <x@example.org>\r\n",
        b"From: no-reply+17@example.org\r\n",
        b"From: a@example.org\r\nSubject: Undelivered Mail Returned to Sender\r\n",
        b"From: a@example.org\r\nSubject: =?utf-8?q?Automatische_Antwort=3A_Urlaub?=\r\n",
        b"From: a@example.org\r\nSubject: Out of office\r\n",
        b"Subject: nobody wrote this\r\n",
    ],
)
def test_a_machine_is_known_by_its_name_or_subject(header: bytes) -> None:
    """Senders and subjects that machines use are known; a mail without an author is never answered."""
    assert is_bounce_or_auto(parse(header + b"\r\nx\r\n"), null_sender=False)


@pytest.mark.parametrize(
    "header",
    [
        PERSON,
        PERSON + b"Auto-Submitted: no\r\n",
        PERSON + b"Precedence: normal\r\n",
        b"From: Ann Post <bouncer@example.org>\r\nSubject: Re: delivery of the piano\r\n",
    ],
)
def test_a_person_is_not_taken_for_a_machine(header: bytes) -> None:
    """An ordinary mail may be answered."""
    assert not is_bounce_or_auto(parse(header + b"\r\nx\r\n"), null_sender=False)


def test_the_null_reverse_path_is_never_answered() -> None:
    """A bounce's envelope is enough (RFC 5321 §4.5.5)."""
    assert is_bounce_or_auto(parse(PERSON + b"\r\nx\r\n"), null_sender=True)
