# SPDX-License-Identifier: Apache-2.0
"""Our trace field: what it says, and that nobody can make it say more."""

import email.utils

import pytest

from gatepost.message.addresses import Address
from gatepost.message.dates import mail_date
from gatepost.message.headers import Headers
from gatepost.message.received import received, with_protocol

AT = 1795628841.9


def field(helo: str = "mail.example.net", recipient: Address | None = None, client: str = "192.0.2.1") -> bytes:
    return received(
        untrusted_helo=helo, client=client, hostname="mx.example.org", protocol="ESMTPS", track="0a1b2c", at=AT, recipient=recipient
    )


def test_the_field_has_the_clauses_of_rfc_5321() -> None:
    """From, by, with, id, for and the date stand in their order, folded."""
    assert field(recipient=Address("user", "example.org")) == (
        b"Received: from mail.example.net ([192.0.2.1])\r\n\tby mx.example.org with ESMTPS id 0a1b2c\r\n"
        b"\tfor <user@example.org>;\r\n\tWed, 25 Nov 2026 17:47:21 +0000\r\n"
    )
    assert b" for " not in field()
    assert b"([IPv6:2001:db8::1])" in field(client="2001:db8::1")


@pytest.mark.parametrize(
    "helo",
    [
        "a\r\nX-Forged: 1",
        "a (b",
        "a\n",
        "a;b",
        "",
        "x" * 5000,
        "a\x00b",
        "münchen.de",
        "[IPv6:2001:db8::1]",
        "a by evil with SMTP id 1",
        "a\\",
    ],
)
def test_a_client_cannot_break_the_field(helo: str) -> None:
    """Whatever a client says for a name, there is one field of four lines, in ASCII, with one `by`."""
    raw = field(helo)
    fields = Headers(raw).fields
    assert len(fields) == 1
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert raw.replace(b"\r\n\t", b"").count(b"\n") == 1
    assert fields[0].text.count("by ") == 1
    assert fields[0].text.count("(") == fields[0].text.count(")") == 1
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize("local", ['"a> b"', "a\r\nX: y", "x" * 500, '"a <b>"'])
def test_a_recipient_that_would_break_the_field_is_left_out(local: str) -> None:
    """A recipient with blanks, brackets or line ends, or a very long one, is not named."""
    assert field(recipient=Address(local, "example.org")) == field()


def test_lines_are_short_where_names_allow_it() -> None:
    """With names as they usually are, no line is longer than 78 characters."""
    longest = "a-rather-long-host-name.with-some-more.labels.example.net"
    for raw in (
        field(longest),
        field(recipient=Address("firstname.lastname", "example.org")),
        field(longest, client="2001:db8:1:2:3:4:5:6"),
    ):
        assert max(len(line) for line in raw.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"extended": False, "tls": False}, "SMTP"),
        ({"extended": True}, "ESMTP"),
        ({"extended": True, "tls": True}, "ESMTPS"),
        ({"extended": True, "authenticated": True}, "ESMTPA"),
        ({"extended": True, "tls": True, "authenticated": True}, "ESMTPSA"),
        ({"extended": True, "tls": True, "utf8": True}, "UTF8SMTPS"),
        ({"extended": True, "utf8": True}, "UTF8SMTP"),
    ],
)
def test_the_protocol_has_its_registered_name(said: dict[str, bool], name: str) -> None:
    """The `with` clause uses the names of RFC 3848 and RFC 6531."""
    assert with_protocol(**said) == name


@pytest.mark.parametrize("at", [0, 951782400, 1795628841.9, 4102444799])
def test_a_date_is_what_the_standard_library_reads(at: float) -> None:
    """The date is the same instant to another reader."""
    assert email.utils.parsedate_to_datetime(mail_date(at)).timestamp() == int(at)
