# SPDX-License-Identifier: Apache-2.0
"""The head of a track: what it tells of a mail that was taken, refused or discarded, and that it stays small whatever comes."""

import base64
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.config.limits import MessageLimits
from gatepost.config.rules import Rule
from gatepost.contracts.authentication import Authentication, DkimSignature, Dmarc, Spf
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.rules.decide import Reason
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.tracking.attachments import attachments
from gatepost.tracking.bounds import MARK, MOST_BYTES, ORDINARY
from gatepost.tracking.codec import decode_head
from gatepost.tracking.head import Decided, Verdict, encoded_head
from gatepost.tracking.record import AttachmentEntry, Status, TrackHead
from unit.tracking.track_house import CLIENT, GATEWAY, LISTENER, TrackHouse


def mail(subject: str = "hello", extra: str = "", body: str = "text\r\n", sender: str = "Ann <a@good.example>") -> bytes:
    return f"From: {sender}\r\nSubject: {subject}\r\nMessage-ID: <1@good.example>\r\n{extra}\r\n{body}".encode()


async def test_a_taken_mail_is_told_whole(tmp_path: Path) -> None:
    """Envelope, header, client, verdict with each filter, authentication and version stand in the head of a delivered mail."""
    house = TrackHouse(tmp_path)
    content = mail("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=")
    reply = await house.send(content, "user@example.com", "other@example.com", tls="TLSv1.3 TLS_AES_256_GCM_SHA384")
    head = house.accepted
    assert reply.code == 250 and reply.text.endswith(head.track)
    assert (head.status, head.direction, head.tenant_id, head.size) == (Status.DELIVERY_PENDING, "inbound", 0, len(content))
    assert (head.subject, head.message_id, head.header_from) == ("Grüße", "<1@good.example>", ("a@good.example",))
    assert (head.sender, head.recipients) == ("a@good.example", ("user@example.com", "other@example.com"))
    assert (head.client, head.helo, head.connector, head.gateway) == (CLIENT, "mx.good.example", LISTENER, GATEWAY)
    assert (head.tls_protocol, head.tls_cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (head.rule, head.threshold, head.scl, head.reply) == ("All other inbound mails", 4.0, 0.0, "")
    assert [one.name for one in head.filters] == ["realtime_blocklists", "reputation", "words", "character_sets"]
    assert (head.configuration_version, head.count) == (7, 1)
    assert 0 < head.milliseconds < 5000 and all(one.milliseconds > 0 for one in head.filters)
    (operation,) = head.operations
    data = json.loads(operation.data)
    assert operation.kind == "DmarcValidationEntry"
    assert (data["result"], data["policy"], data["spf"]["result"]) == ("pass", "reject", "pass")


async def test_a_mail_refused_by_its_points_tells_them(tmp_path: Path) -> None:
    """The reply that the client saw, why, and what each filter said."""
    house = TrackHouse(tmp_path)
    reply = await house.send(mail("cheap pills"))
    head = house.refused
    assert head.status == Status.PERMANENTLY_BLOCKED
    assert head.reply == str(reply) and f"({head.track})" in head.reply
    assert head.reason == "4 points reach the threshold of 4"
    words = next(one for one in head.filters if one.name == "words")
    assert (words.points, words.raw, words.multiplier) == (4.0, 4.0, 1) and words.details
    assert (head.scl, head.subject, head.recipients) == (4.0, "cheap pills", ("user@example.com",))
    assert not house.store.mails


async def test_an_unknown_recipient_is_told_with_the_recipient(tmp_path: Path) -> None:
    """What is refused at RCPT is a track of its own; the mail to those who exist is told without him."""
    house = TrackHouse(tmp_path)
    await house.send(mail(), "user@example.com", "nobody@example.com")
    assert house.refused.recipients == ("nobody@example.com",)
    assert house.refused.reply.startswith("550 5.1.1") and house.refused.sender == "a@good.example"
    assert house.accepted.recipients == ("user@example.com",)
    assert house.refused.track != house.accepted.track


async def test_a_denied_relay_is_told(tmp_path: Path) -> None:
    """A stranger who wants to send through us leaves client, sender, recipient and the reason."""
    house = TrackHouse(tmp_path)
    await house.send(mail(), "victim@elsewhere.example", sender="spammer@elsewhere.example", client="203.0.113.9")
    head = house.refused
    assert (head.client, head.sender, head.recipients) == ("203.0.113.9", "spammer@elsewhere.example", ("victim@elsewhere.example",))
    assert (head.status, head.reason) == (Status.PERMANENTLY_BLOCKED, "the domain is not owned")


async def test_a_mail_loop_is_told_with_what_the_mail_says(tmp_path: Path) -> None:
    """A mail that is refused before its rule is chosen still shows subject and author."""
    house = TrackHouse(tmp_path, message=MessageLimits(received=2))
    await house.send(mail("round and round", extra="Received: from a\r\nReceived: from b\r\n"))
    head = house.refused
    assert head.reply.startswith("554 5.4.6")
    assert (head.subject, head.header_from, head.rule) == ("round and round", ("a@good.example",), "")


async def test_a_discarded_mail_is_suppressed(tmp_path: Path) -> None:
    """The client is told that the mail is ours; the track says that it was not delivered, and why."""
    rule = Rule(name="Bin", direction="any", mode="reject", rejection="discard_report_outbound")
    house = TrackHouse(tmp_path, rules=(rule,))
    reply = await house.send(mail())
    assert reply.code == 250 and not house.store.mails
    assert (house.refused.status, house.refused.rule, house.refused.reply) == (Status.SUPPRESSED, "Bin", "")
    assert house.refused.reason == "the rule discards what it owns"
    assert reply.text.endswith(house.refused.track)


async def test_a_report_of_ours_has_a_head_of_its_own(tmp_path: Path) -> None:
    """What the gateway itself sends is told with the null sender, its subject, and the mail that it is about."""
    refusing = Rule(name="No", direction="any", mode="reject", rejection="reject_report_all", header_from=("*@good.example",))
    house = TrackHouse(tmp_path, rules=(refusing, Rule(name="Yes", direction="any", mode="accept")))
    await house.send(mail(), sender="other@example.com")
    head = house.accepted
    assert (head.sender, head.recipients, head.status) == ("", ("other@example.com",), Status.DELIVERY_PENDING)
    assert head.reason == f"a report about {house.refused.track}"
    assert head.subject == "Your mail could not be delivered"
    assert head.message_id == f"<{head.track}@{GATEWAY}>" and head.configuration_version == 7


async def test_refusals_that_are_alike_share_a_key(tmp_path: Path) -> None:
    """Two mails of one client refused alike count together, though their replies name their tracks; another client's does not."""
    house = TrackHouse(tmp_path)
    await house.send(mail("cheap pills"))
    await house.send(mail("cheap pills, again"), "other@example.com")
    await house.send(mail("cheap pills"), client="192.0.2.77")
    await house.send(mail(), "nobody@example.com")
    one, two, other_client, other_reason = (key for _, key, _ in house.told)
    assert one == two
    assert len({one, other_client, other_reason}) == 3


async def test_a_refusal_is_logged_under_its_track(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The log's line names the track, also of what was refused at RCPT, and the name that the client gave itself."""
    house = TrackHouse(tmp_path)
    await house.send(mail(), "nobody@example.com")
    (event,) = [json.loads(one) for one in capsysbinary.readouterr().err.splitlines()]
    assert (event["event"], event["track"], event["helo"]) == ("mail.refused", house.refused.track, "mx.good.example")


BASE64 = base64.encodebytes(bytes(1000)).replace(b"\n", b"\r\n").decode()


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("Content-Type: application/pdf; name=a.pdf\r\n\r\nxyz", AttachmentEntry("a.pdf", "application/pdf", 3)),
        ("Content-Type: text/plain\r\n\r\nbody", None),
        ("Content-Type: text/plain\r\nContent-Disposition: inline\r\n\r\nbody", None),
        ("Content-Type: text/plain\r\nCONTENT-DISPOSITION: attachment\r\n\r\nxyz", AttachmentEntry("", "text/plain", 3)),
        (
            "Content-Type: text/plain\r\nContent-Disposition: inline; filename*=utf-8''n%C3%B6.txt\r\n\r\nxyz",
            AttachmentEntry("nö.txt", "text/plain", 3),
        ),
        ("Content-Type: image/png\r\nContent-ID: <1>\r\n\r\nxyz", AttachmentEntry("", "image/png", 3)),
        ("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n1", AttachmentEntry("", "message/rfc822", 15)),
        (
            f"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{BASE64}",
            AttachmentEntry("", "application/zip", 1000),
        ),
        (
            'Content-Type: application/zip; name="=?utf-8?B?w6Quemlw?=\x1b"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAA=',
            AttachmentEntry("ä.zip\ufffd", "application/zip", 2),
        ),
    ],
)
def test_what_counts_as_a_file(part: str, entry: AttachmentEntry | None) -> None:
    """A name, a mark or another type than text makes a file; its size is that of the decoded content."""
    raw = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}\r\n--b--\r\n".encode()
    assert attachments(parse(raw, MessageLimits()), ORDINARY) == ((entry,) if entry else ())


@pytest.mark.parametrize("parts", [21, 5000])
def test_files_beyond_the_bound_are_a_mark(parts: int) -> None:
    """Of thousands of files the first are kept, and a mark for the others."""
    part = "--b\r\nContent-Type: image/gif\r\n\r\nx\r\n"
    raw = f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{part * parts}--b--\r\n".encode()
    found = attachments(parse(raw, MessageLimits()), ORDINARY)
    assert len(found) == ORDINARY.attachments + 1 and found[-1].name == MARK


def test_parts_that_are_no_files_are_not_looked_at_without_end() -> None:
    """Beyond so many parts the rest of the structure is a mark."""
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 2000 + b"--b--\r\n"
    assert attachments(parse(raw, MessageLimits()), ORDINARY) == (AttachmentEntry(MARK, "", 0),)


def decided(raw: bytes, recipients: int = 1, text: str = "x", filters: int = 4) -> Decided:
    """A mail in which every text that a stranger gives is as large as it can be."""
    said = [Reason(f"filter_{n}", 1.5, 1.5, 2, 3.0, text, (text,) * 50, text) for n in range(filters)]
    found = Authentication(
        Spf("fail", text, "mailfrom", text, text),
        Spf("pass", text, "helo", text),
        (DkimSignature("fail", text, text, text, text, text, 2048),) * 20,
        dmarc=Dmarc("fail", text, text, text, "reject", True, True, True, text),
    )
    verdict = Verdict(Status.PERMANENTLY_BLOCKED, Reply(550, "5.7.1", text), text, text[:80], 4.0, 9.5, said, {}, found)
    peer = Peer("2001:db8:1111:2222:3333:4444:5555:6666", 1, LISTENER, helo=text, tls="TLSv1.3 TLS_AES_256_GCM_SHA384")
    mailboxes = [Address(f"user{n}", "example.com") for n in range(recipients)]
    sender = Address("s" * 255, "d" * 255)
    return Decided("T" * 24, 1, 1.8e9, "inbound", peer, sender, mailboxes, verdict, GATEWAY, 3, len(raw), parse(raw, MessageLimits()))


def hostile(text: str) -> bytes:
    name = text.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")
    part = b'--b\r\nContent-Type: application/octet-stream; name="' + name + b'"\r\n\r\nx\r\n'
    authors = b", ".join(b"%s%d@example.org" % (b"a" * 200, n) for n in range(100))
    return (
        b"From: " + authors + b"\r\nSubject: " + name + b"\r\nMessage-ID: <" + name + b">\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 100 + b"--b--\r\n"
    )  # fmt: skip


@settings(max_examples=40)
@given(st.text(st.characters(), max_size=300), st.integers(0, 8), st.sampled_from([1, 3, 50, 2000]))
def test_no_mail_makes_a_large_head(text: str, filters: int, times: int) -> None:
    """Whatever stands in it, and however much of it: the head is made, can be read, and is bounded."""
    text *= times
    encoded = encoded_head(decided(hostile(text), text=text, filters=filters))
    assert len(encoded) <= MOST_BYTES + 100
    head = decode_head(encoded)
    assert head.sender == f"{'s' * 255}@{'d' * 255}"
    assert all(len(one.splitlines()) <= 1 for one in (head.subject, head.message_id, head.helo, head.reply, head.reason))


def test_a_cut_head_is_marked() -> None:
    """Who reads a head that was cut sees that there was more."""
    head = decode_head(encoded_head(decided(hostile("long " * 1000), text="long " * 1000)))
    assert head.subject.endswith(MARK) and head.header_from[-1] == MARK and head.attachments[-1].name == MARK
    assert all(one.message.endswith(MARK) for one in head.filters) and head.filters[0].details == (MARK,)


def test_a_thousand_recipients_are_kept_whole() -> None:
    """Recipients do not count for the bound, and do not make the rest of the mail less told."""
    raw = mail("a plain subject")
    many = decode_head(encoded_head(decided(raw, recipients=1000)))
    few = decode_head(encoded_head(decided(raw)))
    assert len(many.recipients) == 1000 and many.recipients[999] == "user999@example.com"
    assert msgspec.structs.replace(many, recipients=()) == msgspec.structs.replace(few, recipients=())


def test_an_ordinary_head_is_small() -> None:
    """A mail with four filters that all say something and a file stays below 1.5 KB."""
    said = [Reason(f"filter_{n}", 0.0, 0.0, 1, 0.0, "192.0.2.1 is on 0 of 12 realtime blocklists") for n in range(4)]
    ordinary = decided(mail("Minutes of the meeting of the fourteenth of November", sender="Ann Example <ann.example@partner.example>"))
    found = Authentication(
        Spf("pass", "partner.example", reason="ip4:192.0.2.1 of partner.example"),
        Spf("none", "mx.partner.example", "helo", "mx.partner.example has no SPF record"),
        (DkimSignature("pass", "partner.example", "s2048", "@partner.example", "rsa-sha256", "", 2048),),
        dmarc=Dmarc(
            "pass", "partner.example", "partner.example", "partner.example", "reject", False, True, True, "aligned by SPF and DKIM"
        ),
    )
    verdict = ordinary.verdict._replace(said=said, authentication=found)
    ordinary = ordinary._replace(verdict=verdict, sender=Address("ann.example", "partner.example"))
    encoded = encoded_head(ordinary)
    assert isinstance(decode_head(encoded), TrackHead)
    assert len(encoded) < 1500
