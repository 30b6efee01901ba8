# SPDX-License-Identifier: Apache-2.0
"""Address fields: every mailbox is found, and none is guessed."""

import pytest

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.mailboxes import parse_mailboxes

LIMITS = MessageLimits()


@pytest.mark.parametrize(
    ("written", "mailboxes"),
    [
        ("", []),
        ("a@Example.org", [("", "a@example.org")]),
        ("<a@example.org>", [("", "a@example.org")]),
        ("Ann Other <a@example.org>", [("Ann Other", "a@example.org")]),
        ('"Other, Ann" <a@example.org>, b@example.org', [("Other, Ann", "a@example.org"), ("", "b@example.org")]),
        ('"quote \\" d" <a@example.org>', [('quote " d', "a@example.org")]),
        ("=?utf-8?q?J=C3=BCrgen?= =?utf-8?q?_X?= <a@example.org>", [("Jürgen X", "a@example.org")]),
        ('"=?utf-8?q?J=C3=BCrgen?=" <a@example.org>', [("Jürgen", "a@example.org")]),
        ("=?utf-8?q?a,b?= <a@example.org>", [("a,b", "a@example.org")]),
        ("a@example.org (Ann)", [("Ann", "a@example.org")]),
        ("Ann (c (d)) <a@(x)example.org>", [("Ann", "a@example.org")]),
        (
            "Friends: a@example.org, Bob <b@example.org>; c@example.org",
            [("", "a@example.org"), ("Bob", "b@example.org"), ("", "c@example.org")],
        ),
        ("undisclosed-recipients:;", []),
        ("<@one.example,@two.example:a@example.org>", [("", "a@example.org")]),
        ('"a b"@example.org', [("", '"a b"@example.org')]),
        ("a @ example . org", [("", "a@example.org")]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
        ("jürgen@münchen.de", [("", "jürgen@xn--mnchen-3ya.de")]),
        (",, a@example.org ,,", [("", "a@example.org")]),
        ("a.b+c@example.org", [("", "a.b+c@example.org")]),
        ("Dr. X. <a@example.org>", [("Dr. X.", "a@example.org")]),
    ],
)
def test_mailboxes_are_read(written: str, mailboxes: list[tuple[str, str]]) -> None:
    """Names and addresses come out as RFC 5322 and its obsolete forms mean them."""
    answer = parse_mailboxes(written, LIMITS)
    assert [(mailbox.display_name, str(mailbox.address)) for mailbox in answer.mailboxes] == mailboxes
    assert answer.defects == ()


@pytest.mark.parametrize(
    ("written", "defect"),
    [
        ("a@b@example.org", defects.MALFORMED_ADDRESS),
        ("a b@example.org", defects.MALFORMED_ADDRESS),
        ("Ann <ann>", defects.MALFORMED_ADDRESS),
        ("<a@example..org>", defects.MALFORMED_ADDRESS),
        ("<a@example.org.>", defects.MALFORMED_ADDRESS),
        ("<a@example.org> <b@example.org>", defects.STRAY_CHARACTER),
        ("<a@example.org>, b@example.org;", defects.STRAY_CHARACTER),
        ('<"a@example.org>', defects.UNCLOSED_QUOTE),
        ("<a@example.org", defects.UNCLOSED_ANGLE),
        ("a@example.org (x", defects.UNCLOSED_COMMENT),
        ("Friends: a@example.org", defects.UNCLOSED_GROUP),
        ('"a"b@example.org', defects.MALFORMED_ADDRESS),
        ("<>", defects.MALFORMED_ADDRESS),
        ("a\x00@example.org", defects.MALFORMED_ADDRESS),
    ],
)
def test_what_cannot_be_read_is_named(written: str, defect: str) -> None:
    """A malformed field has a defect from the catalogue, and still shows its text."""
    answer = parse_mailboxes(written, LIMITS)
    assert defect in answer.defects
    assert answer.mailboxes
    assert set(answer.defects) <= set(defects.SENTENCES)


def test_two_addresses_in_one_place_give_none() -> None:
    """Where readers would disagree on the address, there is none to be trusted."""
    for written in ("a@example.org <b@example.net> <c@example.com>", "<a@example.org>b@example.net", "a@x.example b@y.example"):
        assert parse_mailboxes(written, LIMITS).addresses == []


def test_a_display_name_that_looks_like_an_address_is_only_a_name() -> None:
    """The address in the angle brackets counts, whatever the name pretends."""
    answer = parse_mailboxes('"boss@example.org" <thief@example.net>', LIMITS)
    assert answer.mailboxes[0].display_name == "boss@example.org"
    assert [str(address) for address in answer.addresses] == ["thief@example.net"]


def test_raw_bytes_are_unfolded_first() -> None:
    """A folded value as it stands in the mail reads like one line; group names are kept."""
    answer = parse_mailboxes(b" Team X:\r\n a@example.org,\r\n\tb@example.org;\r\n", LIMITS)
    assert [str(address) for address in answer.addresses] == ["a@example.org", "b@example.org"]
    assert answer.groups == ["Team X"]


@pytest.mark.parametrize(
    ("written", "limit"), [("a@b.c," * 5001, "addresses"), ("(" * 33 + ")" * 33 + "a@b.c", "comment_depth"), ("<" * 99_000, "addresses")]
)
def test_a_limit_ends_the_reading(written: str, limit: str) -> None:
    """Too many addresses, too many words for them, or too deep comments end the reading, by the limit's name."""
    answer = parse_mailboxes(written, LIMITS)
    assert answer.exceeded == limit
    assert len(answer.mailboxes) <= LIMITS.addresses
