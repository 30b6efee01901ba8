# SPDX-License-Identifier: Apache-2.0
"""Reports, read back with the standard library's parser."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.dsn.fate import Action, Fate
from gatepost.delivery.dsn.original import FULL_BYTES, HEADER_BYTES, header_block
from gatepost.delivery.dsn.plain import decoded_xtext, embedded, folded
from gatepost.delivery.dsn.report import report_for
from gatepost.delivery.queue.record import Body, Direction, NewMail
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

NOW = 1_800_000_000.0
HEADERS = b"From: Ann <ann@example.com>\r\nSubject: Lunch\r\nContent-Type: text/plain\r\n"
CONTENT = HEADERS + b"\r\nSoup today?\r\n"
TRACE = b"Received: from client.example by gate.example with ESMTP id T1;\r\n Mon, 1 Jan 2027 00:00:00 +0000\r\n"
SENDER = Address("ann", "example.com")
BOB = Recipient(Address("bob", "example.net"))


def mail(content: bytes = CONTENT, sender: Address | None = SENDER, direction: Direction = "outbound", **envelope: Any) -> NewMail:
    return NewMail(
        track="T1",
        tenant_id=3,
        direction=direction,
        received_at=NOW - 7200,
        expires_at=NOW,
        client="192.0.2.1",
        helo="client.example",
        envelope=Envelope(sender, **envelope),
        trace=TRACE,
        body=Body(len(content), inline=content),
    )


def direction_of(domain: str) -> Direction:
    return "inbound" if domain == "example.com" else "outbound"


def failed(recipient: Recipient = BOB, reply: str = "550 5.1.1 User unknown", host: str = "mx.example.net", **more: Any) -> Fate:
    return Fate(recipient, more.pop("action", "failed"), reply, host, NOW - 60, **more)


def report(original: NewMail, *fates: Fate, **options: Any) -> NewMail | None:
    return report_for(original, fates, NOW, "gate.example", lambda: "R1", direction_of=direction_of, limits=DeliveryLimits(), **options)


def parsed(made: NewMail | None) -> EmailMessage:
    assert made is not None
    message = message_from_bytes(made.body.inline, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def parts(made: NewMail | None) -> tuple[EmailMessage, list[dict[str, str]], EmailMessage]:
    """Give the text part, the status part's groups of fields, and the returned part."""
    message = parsed(made)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    human, status, back = message.iter_parts()
    assert isinstance(human, EmailMessage)
    assert isinstance(back, EmailMessage)
    groups = [dict(group.items()) for group in status.get_payload()]  # type: ignore[union-attr]
    return human, groups, back


def test_every_field_of_a_non_delivery_report() -> None:
    """The envelope, the head, and each field of the status part are what RFC 3461, 3464 and 6522 ask for."""
    original = mail(envid="QQ+2B314", ret="HDRS")
    recipient = Recipient(Address("bob", "example.net"), notify="FAILURE", orcpt="rfc822;Bob+2Bx@example.net")
    made = report(original, failed(recipient))
    assert made is not None
    assert (made.track, made.tenant_id, made.direction, made.trace) == ("R1", 3, "inbound", b"")
    assert (made.received_at, made.expires_at) == (NOW, NOW + 120 * 3600)
    assert made.envelope == Envelope(None, recipients=[Recipient(SENDER, notify="NEVER")])
    assert made.body == Body(len(made.body.inline), inline=made.body.inline)
    message = parsed(made)
    assert {name: message[name] for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version")} == {
        "From": "Mail Delivery System <MAILER-DAEMON@gate.example>",
        "To": "ann@example.com",
        "Subject": "Your mail could not be delivered",
        "Message-ID": "<R1@gate.example>",
        "Auto-Submitted": "auto-replied",
        "MIME-Version": "1.0",
    }
    assert parsedate_to_datetime(message["Date"]).timestamp() == NOW
    human, (head, bob), back = parts(made)
    assert human.get_content_type() == "text/plain"
    assert "<bob@example.net>\n      mx.example.net said: 550 5.1.1 User unknown" in human.get_content().replace("\r\n", "\n")
    assert list(head) == ["Original-Envelope-Id", "Reporting-MTA", "Arrival-Date"]
    assert head["Original-Envelope-Id"] == "QQ+314"
    assert head["Reporting-MTA"] == "dns; gate.example"
    assert parsedate_to_datetime(head["Arrival-Date"]).timestamp() == NOW - 7200
    assert parsedate_to_datetime(bob.pop("Last-Attempt-Date")).timestamp() == NOW - 60
    assert bob == {
        "Original-Recipient": "rfc822;Bob+x@example.net",
        "Final-Recipient": "rfc822; bob@example.net",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mx.example.net",
        "Diagnostic-Code": "smtp; 550 5.1.1 User unknown",
    }
    assert back.get_content_type() == "text/rfc822-headers"
    assert back.get_payload(decode=True) == TRACE + HEADERS


def test_what_is_not_known_is_left_out() -> None:
    """Without ENVID, ORCPT and a next hop there are no such fields, and our own reason is not called an SMTP reply."""
    _, (head, bob), _ = parts(report(mail(), Fate(BOB, "failed", "550 5.1.2 The domain example.net does not exist")))
    assert list(head) == ["Reporting-MTA", "Arrival-Date"]
    assert bob == {
        "Final-Recipient": "rfc822; bob@example.net",
        "Action": "failed",
        "Status": "5.1.2",
        "Diagnostic-Code": "x-gatepost; 550 5.1.2 The domain example.net does not exist",
    }


def test_one_report_for_several_fates() -> None:
    """Each recipient has a group of its own; the report is named after the worst; NEVER is kept out of it."""
    fates = [
        failed(Recipient(Address("late", "example.net")), "451 4.3.0 Later", action="delayed", retry_until=NOW + 600),
        failed(Recipient(Address("gone", "example.net")), "421 4.3.2 Busy", expired=True),
        failed(Recipient(Address("quiet", "example.net"), notify="NEVER")),
        failed(Recipient(Address("fine", "example.net"), notify="SUCCESS"), "250 2.1.5 Ok", action="relayed"),
    ]
    made = report(mail(), *fates)
    human, (_, late, gone, fine), _ = parts(made)
    assert [(one["Action"], one["Status"]) for one in (late, gone, fine)] == [
        ("delayed", "4.3.0"),
        ("failed", "4.4.7"),
        ("relayed", "2.1.5"),
    ]
    assert parsedate_to_datetime(late["Will-Retry-Until"]).timestamp() == NOW + 600
    assert "Will-Retry-Until" not in gone
    assert parsed(made)["Subject"] == "Your mail could not be delivered"
    assert b"quiet" not in made.body.inline  # type: ignore[union-attr]
    assert "It was tried until its time was over." in human.get_content()


@pytest.mark.parametrize(
    ("language", "action", "subject", "sentence"),
    [
        ("en", "failed", "Your mail could not be delivered", "It will not be tried again."),
        ("en", "delayed", "Your mail is delayed", "you need not do anything"),
        ("en", "relayed", "Your mail was handed on", "sends no confirmations"),
        ("en", "delivered", "Your mail was delivered", "was delivered to"),
        ("de", "failed", "Ihre Mail konnte nicht zugestellt werden", "folgenden Empfängern nicht zugestellt"),
        ("de", "delayed", "Ihre Mail ist noch unterwegs", "Sie müssen nichts tun"),
        ("de", "relayed", "Ihre Mail wurde weitergegeben", "sendet keine Bestätigungen"),
        ("de", "delivered", "Ihre Mail wurde zugestellt", "wurde den folgenden Empfängern zugestellt"),
    ],
)
def test_the_sender_reads_it_in_his_language(language: Any, action: Action, subject: str, sentence: str) -> None:
    """Every kind of report has a subject and a text in English and in German."""
    made = report(mail(), failed(Recipient(BOB.address, notify="SUCCESS,FAILURE,DELAY"), "", action=action), language=language)
    assert parsed(made)["Subject"] == subject
    human, _, _ = parts(made)
    assert human["Content-Language"] == language
    assert sentence in " ".join(human.get_content().split())


@pytest.mark.parametrize(
    ("ret", "action", "content", "content_type", "whole"),
    [
        ("", "failed", CONTENT, "text/rfc822-headers", False),
        ("HDRS", "failed", CONTENT, "text/rfc822-headers", False),
        ("FULL", "failed", CONTENT, "message/rfc822", True),
        ("FULL", "delayed", CONTENT, "text/rfc822-headers", False),
        ("FULL", "failed", HEADERS + b"\r\n" + b"x" * 78 + b"\r\n" * FULL_BYTES, "text/rfc822-headers", False),
    ],
)
def test_how_much_of_the_mail_comes_back(ret: str, action: Action, content: bytes, content_type: str, whole: bool) -> None:
    """All of it only when the sender asked, something failed and it is not too large; else its headers."""
    made = report(mail(content, ret=ret), failed(action=action))
    _, _, back = parts(made)
    assert back.get_content_type() == content_type
    assert made is not None
    assert TRACE + (content if whole else HEADERS) + b"\r\n--=_R1_" in made.body.inline


def test_a_mail_in_the_blob_store() -> None:
    """Of a mail that is not in memory as much comes back as the caller read."""
    original = mail(ret="FULL")
    stored = msgspec.structs.replace(original, body=Body(len(CONTENT), blob="b"))
    for read, content_type in [(CONTENT, "message/rfc822"), (CONTENT[:-3], "text/rfc822-headers"), (None, "text/rfc822-headers")]:
        _, _, back = parts(report(stored, failed(), untrusted_body=read))
        assert back.get_content_type() == content_type


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (CONTENT, HEADERS),
        (b"\r\nno headers\r\n", b""),
        (b"", b""),
        (b"Subject: no body\r\n", b"Subject: no body\r\n"),
        (b"no line end", b""),
        (b"A: b\r\n" * 20_000, b"A: b\r\n" * (HEADER_BYTES // 6)),
    ],
)
def test_the_header_block(body: bytes, headers: bytes) -> None:
    """Headers are what stands before the first empty line; too many are cut at a line's end."""
    assert header_block(body) == headers


def test_a_boundary_in_the_mail_cannot_end_the_part() -> None:
    """A mail that holds the boundary we would use, for instance an earlier report, gets another one."""
    content = HEADERS + b"\r\n--=_R1_0\r\n\r\n--=_R1_1--\r\n"
    made = report(mail(content, ret="FULL"), failed())
    assert parsed(made).get_boundary() == "=_R1_2"
    assert len(list(parsed(made).iter_parts())) == 3


def test_eight_bit_content_is_declared() -> None:
    """A returned mail with other than ASCII bytes makes the report 8BITMIME, and says so in its head."""
    made = report(mail(HEADERS + b"\r\ngr\xc3\xbc\xc3\x9fe\r\n", ret="FULL"), failed())
    assert made is not None
    assert made.envelope.body == "8BITMIME"
    assert made.body.eight_bit
    assert parsed(made)["Content-Transfer-Encoding"] == "8bit"
    assert b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n" in made.body.inline


class TestInternational:
    """Addresses with other than ASCII characters (RFC 6533)."""

    GREEK = Recipient(Address("χρήστης+a", "xn--jxalpdlp.example"), orcpt="utf-8;χρήστης@παράδειγμα.example")

    def test_an_ascii_sender_gets_ascii(self) -> None:
        """The address is escaped, the part keeps its type, and no SMTPUTF8 is needed to deliver the report."""
        made = report(mail(smtputf8=True), failed(self.GREEK, "550 5.1.1 άγνωστος"))
        assert made is not None
        _, (_, greek), back = parts(made)
        escaped = "".join(f"\\x{{{ord(one):X}}}" for one in "χρήστης")
        assert greek["Final-Recipient"] == f"utf-8; {escaped}\\x{{2B}}a@xn--jxalpdlp.example"
        assert greek["Original-Recipient"].startswith(f"utf-8;{escaped}@")
        assert greek["Diagnostic-Code"] == "smtp; 550 5.1.1 ????????"
        assert not made.envelope.smtputf8
        assert back.get_content_type() == "message/global-headers"
        human, _, _ = parts(made)
        assert "<χρήστης+a@xn--jxalpdlp.example>" in human.get_content()

    def test_an_international_sender_gets_utf_8(self) -> None:
        """His address needs SMTPUTF8 anyhow, so the report is in UTF-8, in the types of RFC 6533."""
        made = report(mail(sender=Address("jürgen", "example.com"), smtputf8=True, ret="FULL"), failed(self.GREEK, "550 5.1.1 άγνωστος"))
        assert made is not None
        assert made.envelope.smtputf8
        assert made.envelope.body == "8BITMIME"
        text = made.body.inline.decode("utf-8")
        assert "To: <jürgen@example.com>\r\n" in text
        assert "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n" in text
        assert "Final-Recipient: utf-8; χρήστης\\x{2B}a@xn--jxalpdlp.example\r\n" in text
        assert "Original-Recipient: utf-8;χρήστης@παράδειγμα.example\r\n" in text
        assert "Diagnostic-Code: smtp; 550 5.1.1 άγνωστος\r\n" in text
        assert "Content-Type: message/global\r\n" in text


@pytest.mark.parametrize(
    ("xtext", "decoded"),
    [
        ("abc", "abc"),
        ("a+2Bb+3D", "a+b="),
        ("a+20b", "a b"),
        ("+0D+0AX-Evil:+20yes", None),
        ("a+2b", None),
        ("a+", None),
        ("a=b", None),
        ("a b", None),
        ("+C3+BC", None),
        ("", None),
    ],
)
def test_xtext(xtext: str, decoded: str | None) -> None:
    """xtext is decoded only when it is well formed and hides nothing that could break a line."""
    assert decoded_xtext(xtext) == decoded


def test_long_replies_are_folded() -> None:
    """A field of many words is folded at 76 columns and reads as one line again."""
    text = " ".join(f"word{number}" for number in range(40))
    field = folded("Diagnostic-Code", f"smtp; {text}")
    assert all(len(line) <= 76 for line in field.split("\r\n"))
    assert field.replace("\r\n", "") == f"Diagnostic-Code: smtp; {text}"


def test_values_too_long_for_a_line_are_left_out() -> None:
    """What cannot be folded and would break the line limit is not reported."""
    recipient = Recipient(BOB.address, orcpt="utf-8;" + "é" * 400)
    _, (head, bob), _ = parts(report(mail(envid="x" * 950), failed(recipient)))
    assert "Original-Envelope-Id" not in head
    assert "Original-Recipient" not in bob


hostile = st.text(st.characters() | st.sampled_from('\r\n\t\0: ;<>"\\+=-\u2028\u202e'), max_size=60)


@settings(max_examples=300)
@given(
    local=hostile,
    domain=hostile,
    sender=hostile,
    envid=hostile,
    orcpt=hostile | hostile.map("rfc822;{}".format) | hostile.map("utf-8;{}".format),
    reply=hostile | hostile.map("550 5.1.1 {}".format) | hostile.map("550 5.1.1 x\r\nStatus: 2.0.0\r\n\r\n--=_R1_0--\r\n{}".format),
    host=hostile,
    content=st.binary(max_size=200) | st.sampled_from([CONTENT, b"--=_R1_0--\r\n\r\n"]),
    ret=st.sampled_from(["", "FULL", "HDRS"]),
    language=st.sampled_from(["en", "de"]),
)
def test_nothing_foreign_breaks_out(
    local: str, domain: str, sender: str, envid: str, orcpt: str, reply: str, host: str, content: bytes, ret: str, language: Any
) -> None:
    """Whatever addresses, replies and contents hold, the report has its head, its three parts and its fields, and no others."""
    original = mail(content, sender=Address(sender, "example.com"), envid=envid, ret=ret)
    made = report(original, failed(Recipient(Address(local, domain), orcpt=orcpt), reply, host), language=language)
    if made is None:  # a content that is itself a report
        assert b"multipart/report" in content
        return
    assert made.envelope.recipients == [Recipient(Address(sender, "example.com"), notify="NEVER")]
    head, _, rest = made.body.inline.partition(b"\r\n\r\n")
    names = [line.split(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
    expected = ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    assert [name for name in names if name != "Content-Transfer-Encoding"] == expected
    match = re.search(rb'boundary="(=_R1_\d+)"', head)
    assert match is not None
    before, human, status, back, after = re.split(rb"(?:\r\n|\A)--" + re.escape(match[1]) + rb"(?:--)?\r\n", rest)
    assert (before, after) == (b"", b"")
    fields = status.split(b"\r\n\r\n", 1)[1]
    lines = [line for line in fields.split(b"\r\n") if not line.startswith(b" ")]
    allowed = {
        b"Reporting-MTA", b"Original-Envelope-Id", b"Arrival-Date", b"", b"Original-Recipient", b"Final-Recipient",
        b"Action", b"Status", b"Remote-MTA", b"Diagnostic-Code", b"Last-Attempt-Date",
    }  # fmt: skip
    found = [line.split(b":")[0] for line in lines]
    assert set(found) <= allowed
    assert found.count(b"Final-Recipient") == found.count(b"Action") == found.count(b"Status") == 1
    assert found.count(b"") == 2  # between the groups, and at the end
    for line in fields.split(b"\r\n") + human.split(b"\r\n") + head.split(b"\r\n"):
        assert len(line) <= 998
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
    assert human.isascii()
    assert back.split(b"\r\n\r\n", 1)[1] in (TRACE + content, TRACE + header_block(content))


@given(hostile)
def test_embedded_addresses(text: str) -> None:
    """The ASCII form holds printable ASCII only, and no character that its syntax excludes."""
    assert re.fullmatch(r"(?:[!-*,-<>-\[\]-~]|\\x\{[0-9A-F]{2,6}\})*", embedded(text, ascii_only=True))
    assert not re.search(r"[ +=]|\\(?!x\{)", embedded(text, ascii_only=False))
