# SPDX-License-Identifier: Apache-2.0
"""The mail that tells of incidents is one that any program reads."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.monitoring.notice_mail import House, compose, one_line
from gatepost.monitoring.record import LEVELS, Notice, Told

AT = 1_764_093_000.0
HOUSE = House("intranet.example", "https://console.example/")


def notice(told: Told, number: int = 7) -> Notice:
    """Give a notice of a change."""
    content = msgspec.json.encode(told).decode()
    return Notice(number, 0, number + 100, "mail", "admin@a.example", content, AT, AT, 0, None, "", "")


def told(subject: str = "berlin", event: Any = "opened", level: Any = "error", **details: Any) -> Told:
    """Give what is told."""
    return Told(event, "store.filling", subject, level, details, AT, AT)


def read(*notices: Notice, recipient: str = "admin@a.example", sender: str = "gp@a.example") -> EmailMessage:
    """Write the mail and read it."""
    letter = compose(notices, recipient=recipient, sender=sender, house=HOUSE, now=AT)
    return cast(EmailMessage, email.message_from_bytes(letter.content, policy=email.policy.default))


def test_it_says_what_happened_what_it_means_and_where_to_look() -> None:
    """All in plain lines, with figures that people can read."""
    found = read(notice(told("intranet", percent=91, used_bytes=2_500_000_000, free_bytes=None, where="/var/lib/gatepost/intranet.sqlite")))
    assert found["subject"] == "Gatepost: A database is filling up: intranet"
    assert found["date"] == "Tue, 25 Nov 2025 17:50:00 +0000"
    assert found["message-id"] == "<incidents.7.1.1764093000000@intranet.example>"
    assert found.get_content_type() == "text/plain" and found.get_content_charset() == "utf-8"
    said = found.get_content().replace("\r\n", "\n")
    assert (
        "NEW (error): A database is filling up: intranet\n  Since 2025-11-25 17:50:00 UTC.\n  Full: 91 %\n  Size: 2.5 GB\n  Where:" in said
    )
    assert "Free:" not in said
    assert "  What to do: Look which tables are large." in said
    assert "  Page: https://console.example/incidents/107\n" in said


def test_the_gravest_news_stands_in_the_subject() -> None:
    """What is open is graver than what is over."""
    both = (notice(told("a", "healed", "error")), notice(told("b", level="message"), 8), notice(told("c", level="warning"), 9))
    assert read(*both)["subject"] == "Gatepost: A database is filling up: c (and 2 more)"
    assert read(both[0])["subject"] == "Gatepost: Healed: A database is filling up: a"


def test_an_address_of_another_alphabet_stands_as_it_is() -> None:
    """It can be reached only where SMTPUTF8 is spoken, and there its headers are UTF-8."""
    found = read(notice(told()), recipient="jürgen@a.example")
    assert found["to"] == "jürgen@a.example"


@given(st.text(max_size=200), st.sampled_from(LEVELS), st.text(max_size=600))
def test_any_name_and_any_reason_make_a_mail_of_whole_lines(name: str, level: Any, reason: str) -> None:
    """No text from outside breaks a line, adds a field, or is too long for SMTP; the subject survives as it was meant."""
    content = Told(
        "opened",
        "link.away",
        name.encode("utf-8", "replace").decode(),
        level,
        {"reason": reason.encode("utf-8", "replace").decode()},
        AT,
        AT,
    )
    letter = compose([notice(content)], recipient="admin@a.example", sender="", house=HOUSE, now=AT)
    lines = letter.content.split(b"\r\n")
    assert all(len(line) <= 998 and b"\r" not in line and b"\n" not in line and line.isascii() for line in lines)
    found = email.message_from_bytes(letter.content, policy=email.policy.default)
    assert found.keys() == [
        "Date",
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    ]
    assert found["subject"].startswith("Gatepost: A gateway does not answer: ")


def test_a_value_is_one_line() -> None:
    """Controls, line separators and marks that turn the reading direction become question marks."""
    assert one_line("a\r\nb\u2028c\u202ed\x00e") == "a??b?c?d?e"
    assert len(one_line("x" * 1000)) == 500


def test_what_is_about_no_thing_is_told_without_its_subject() -> None:
    """The word that the program knows it by says nothing to people."""
    found = read(notice(Told("opened", "notices.nowhere", "mail", "warning", {}, AT, AT)))
    assert found["subject"] == "Gatepost: Notices go nowhere"
    assert "NEW (warning): Notices go nowhere\n" in found.get_content().replace("\r\n", "\n")
