# SPDX-License-Identifier: Apache-2.0
"""The demo's material: mails in wire form, clients they came from, headers that speak for them."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from gatepost.errors import GatepostError
from gatepost.roles.demo.attempt import CHECKS, check_of
from gatepost.roles.demo.attempts import attempts
from gatepost.roles.demo.client import proxy_header
from gatepost.roles.demo.course import empty
from gatepost.roles.demo.mails import WANTED, Mail, own_mails, real_mails
from gatepost.roles.demo.origin import Origin
from gatepost.rules.refusals import SPAM, UNKNOWN_RECIPIENT, with_track
from gatepost.smtp import replies
from gatepost.smtp.server.proxy import read_header


def stored(folder: Path, content: bytes, name: str = "one.eml") -> Mail:
    """Give a mail as the demo reads it from a folder."""
    path = folder / "corpora" / "mail-real" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (mail,) = real_mails({"GATEPOST_SHARED": str(folder)})
    return mail


def test_a_stored_mail_becomes_what_a_client_sends(tmp_path: Path) -> None:
    """Without the mbox line, line ends CRLF, the last one added; what is CRLF already stays."""
    mail = stored(tmp_path, b"From x Mon Nov 23\nSubject: a\r\n\nFrom here on\nno end")
    assert mail.content == b"Subject: a\r\n\r\nFrom here on\r\nno end\r\n"
    assert not mail.has_bare_line_ends


def test_a_bare_cr_stays_and_is_known(tmp_path: Path) -> None:
    """A CR without LF is not mended, since a gateway must refuse it."""
    assert stored(tmp_path, b"Subject: a\n\nb\rc\n").has_bare_line_ends


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        ("Received: from a ([8.8.8.8]) by b; x\nReceived: from c ([9.9.9.9]) by d; x\n", "8.8.8.8"),
        ("Received: from a ([127.0.0.1]) by b; x\nReceived: from c\n\t([9.9.9.9]) by d; x\n", "9.9.9.9"),
        ("Received: from a ([192.168.1.1]) by b; x\nReceived: from c ([IPv6:2001:4860:4860::8888]) by d; x\n", "2001:4860:4860::8888"),
        ("Received: from a ([198.51.100.7]) by b; x\n", "198.51.100.7"),
        ("Received: from a ([999.1.1.1]) by b; x\nReceived: from [::1] by b; x\n", ""),
        ("X-Received: from a ([8.8.8.8]) by b; x\n", ""),
        ("", ""),
    ],
)
def test_the_client_is_the_latest_public_hop(tmp_path: Path, fields: str, client: str) -> None:
    """The first address of the trace fields that is not one's own network; none where there is none."""
    origin = stored(tmp_path, fields.encode() + b"Subject: x\n\ny\n").untrusted_origin
    assert (origin.client if origin else "") == client


@pytest.mark.parametrize(
    ("hop", "helo", "host", "leads_back"),
    [
        ("from mx.a.example (out.a.example [8.8.8.8]) by b", "mx.a.example", "out.a.example", True),
        ("from mx.a.example (root@Out.A.example [8.8.8.8]) by b", "mx.a.example", "out.a.example", True),
        ("from mx.a.example (out.a.example [8.8.8.8] (may be forged)) by b", "mx.a.example", "out.a.example", False),
        ("from mx.a.example ([8.8.8.8]) by b", "mx.a.example", "", True),
        ("from mx.a.example (unknown [8.8.8.8]) by b", "mx.a.example", "", True),
        ("from out.a.example [8.8.8.8] by b with IMAP (fetchmail)", "out.a.example", "out.a.example", True),
        ("from 8.8.8.8 (out.a.example [8.8.8.8]) by b", "[8.8.8.8]", "out.a.example", True),
        ("from unknown (HELO mx.a.example) ([8.8.8.8]) by b", "[8.8.8.8]", "", True),
        ("by b (from mx.a.example [8.8.8.8])", "[8.8.8.8]", "", True),
        ('from "x\\"y" (a;b [8.8.8.8]) by b', "[8.8.8.8]", "", True),
    ],
)
def test_names_are_taken_from_the_trace_field_alone(tmp_path: Path, hop: str, helo: str, host: str, leads_back: bool) -> None:
    """The name that the receiver of that time wrote down beside the address; none where it wrote none, or nothing plain."""
    mail = stored(tmp_path, f"Received: {hop}; x\nSubject: x\n\ny\n".encode())
    assert mail.untrusted_origin == Origin("8.8.8.8", helo, host, leads_back)


def test_labels_come_from_the_folder(tmp_path: Path) -> None:
    """A mail is ham or spam as `labels.json` says; a folder without one, or with a broken one, says nothing."""
    folder = tmp_path / "corpora" / "mail-real"
    folder.mkdir(parents=True)
    assert stored(tmp_path, b"Subject: a\n\nb\n").label == ""
    for labels, label in ((b'{"one.eml": "ham", "b": "n/a"}', "ham"), (b'{"one.eml": "n/a"}', ""), (b"{", ""), (b'{"one.eml": 1}', "")):
        (folder / "labels.json").write_bytes(labels)
        assert stored(tmp_path, b"Subject: a\n\nb\n").label == label


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ("From: A <a@b.example>\n", "a@b.example"),
        ("Return-Path: <bounce@list.example>\nFrom: a@b.example\n", "bounce@list.example"),
        ('From: "a>\\r\\nRCPT TO:<x@y.example>"\n', "x@y.example"),
        ("From: nobody at all\n", ""),
    ],
)
def test_the_sender_is_taken_only_where_it_is_plain(tmp_path: Path, fields: str, sender: str) -> None:
    """What becomes MAIL FROM holds nothing but letters, digits and a few signs, whatever the header says."""
    assert stored(tmp_path, fields.encode() + b"Subject: x\n\ny\n").untrusted_sender == sender


def test_the_folder_gives_its_share_and_all_broken_mails(tmp_path: Path) -> None:
    """Of many mails about 300 are taken, evenly, and each with bare line ends; of no folder none."""
    for number in range(900):
        stored_at = tmp_path / "corpora" / "mail-real" / f"{number:04}.eml"
        stored_at.parent.mkdir(parents=True, exist_ok=True)
        stored_at.write_bytes(b"Subject: x\n\n%b\n" % (b"a\rb" if number == 457 else b"ab"))
    mails = real_mails({"GATEPOST_SHARED": str(tmp_path)})
    assert WANTED <= len(mails) <= WANTED + 1
    assert [mail.name for mail in mails if mail.has_bare_line_ends] == ["0457.eml"]
    assert real_mails({"GATEPOST_SHARED": str(tmp_path / "absent")}) == []


def test_our_own_mails_are_of_many_kinds() -> None:
    """Plain, several parts, 8-bit, signed, nested, a report, a large one; all sound, and each says where it came from."""
    mails = {mail.name: mail for mail in own_mails()}
    assert {name.removesuffix(".eml") for name in mails} == {"plain", "html_attachment", "utf8", "signed", "nested", "report", "large"}
    assert not any(mail.has_bare_line_ends for mail in mails.values())
    assert all(mail.untrusted_origin for mail in mails.values())
    assert [name for name, mail in mails.items() if mail.is_report] == ["report.eml"]
    assert not mails["utf8.eml"].content.isascii()
    assert len(mails["large"].content) > 250_000


@given(ip_addresses())
def test_the_proxy_header_names_the_client(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """What the demo writes, the gateway reads: the same address (one that maps IPv4 as that), and nothing left over."""
    wire = proxy_header(str(address))
    header = read_header(wire + b"EHLO")
    assert header is not None
    named = getattr(address, "ipv4_mapped", None) or address
    assert (ipaddress.ip_address(header.address), header.length) == (named, len(wire))


def test_each_check_is_tried_and_is_a_reply_of_ours() -> None:
    """Every check has an attempt that it must refuse, and the reply it is known by is the gateway's own."""
    tries = attempts([], own_mails())
    assert {attempt.check for attempt in tries.all} - {""} == set(CHECKS.values())
    shown = (
        replies.UNABLE_TO_RELAY,
        UNKNOWN_RECIPIENT,
        with_track(SPAM, "06H1881HJ5UUMT5OU22V060Q"),
        replies.BARE_LINE_END,
        replies.TOO_BIG,
        replies.MAIL_LOOP,
        replies.MALFORMED_CONTENT,
        replies.TLS_REQUIRED,
        replies.AUTH_FAILED,
        replies.CLIENT_BLOCKED,
    )
    assert [check_of(str(reply)) for reply in shown] == list(CHECKS.values())


def test_a_folder_with_anything_else_is_not_emptied(tmp_path: Path) -> None:
    """Only an empty folder, a new one or an earlier demo's becomes a demo's."""
    (tmp_path / "letter").write_text("mine")
    with pytest.raises(GatepostError, match="--state"):
        empty(tmp_path)
    with pytest.raises(GatepostError, match="--state"):
        empty(tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "mine"
    state = empty(tmp_path / "new" / "demo")
    (state / "data").mkdir()
    assert empty(state) == state
    assert not (state / "data").exists()
