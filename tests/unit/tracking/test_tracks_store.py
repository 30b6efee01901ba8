# SPDX-License-Identifier: Apache-2.0
"""The pure parts of the tracks' store: names and days, fates, rows, details."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.track_mails import NOON, head
from gatepost.mailflow.track import new_track
from gatepost.tracking.apply_fates import FATES, merge, no_fates, status_of
from gatepost.tracking.codec import encode_head
from gatepost.tracking.partitions import DAY_S, day_of, first_key, first_of, key_of, suffix, time_of, track_of
from gatepost.tracking.record import Attempt, Status, TrackHead
from gatepost.tracking.search_terms import Term, read_term
from gatepost.tracking.store_details import WORTH_BYTES, pack, unpack
from gatepost.tracking.store_rows import AUTHOR, RECIPIENT, SENDER, addresses, fault, people, summary


@given(st.binary(min_size=15, max_size=15).filter(lambda key: key[0] < 0xE0))
def test_a_name_and_its_key_are_the_same_thing(key: bytes):
    """And keys sort as names do."""
    assert key_of(track_of(key)) == key
    assert len(track_of(key)) == 24


def test_a_new_name_tells_its_day():
    """As the gateway makes it."""
    key = key_of(new_track())
    assert first_of(day_of(key)) <= key < first_of(day_of(key) + 1)
    assert first_key(time_of(key)) <= key < first_key(time_of(key) + 0.002)


@given(st.integers(0, 2_900_000), st.integers(0, DAY_S * 1000 - 1))
def test_a_day_is_a_range_of_keys(day: int, millisecond: int):
    """From its first millisecond to its last."""
    key = (day * DAY_S * 1000 + millisecond).to_bytes(6, "big") + random.randbytes(9)
    assert day_of(key) == day and first_of(day) <= key < first_of(day + 1)
    assert len(suffix(day)) == 8 and suffix(day) < suffix(day + 1)


@pytest.mark.parametrize("name", ["", "short", "W" * 24, "0" * 23 + "_", "0" * 23 + "٣", " " * 24, "+" + "0" * 23, "V" * 24, "0" * 25])
def test_what_is_no_name_has_no_key(name: str):
    """Also where `int` would take it."""
    with pytest.raises(ValueError, match="track's name"):
        key_of(name)


STATES = st.sampled_from([*FATES, "released", "?"])
ATTEMPTS = st.lists(st.builds(Attempt, st.floats(0, 9), st.lists(st.integers(-1, 4), max_size=3).map(tuple), STATES), max_size=6)


@given(ATTEMPTS, st.integers(0, 4), st.randoms())
def test_fates_do_not_depend_on_the_order(attempts: list[Attempt], recipients: int, rng: random.Random):
    """Nor on repetition; a fate never falls."""
    before = no_fates(recipients)
    once = merge(before, attempts)
    again = attempts * 2
    rng.shuffle(again)
    stepwise = before
    for attempt in again:
        merged = merge(stepwise, [attempt])
        assert all(new >= old for new, old in zip(merged, stepwise, strict=True))
        stepwise = merged
    assert merge(before, again) == stepwise == once


@given(st.sampled_from(list(Status)), st.binary(max_size=4).map(lambda given: bytes(one % 5 for one in given)))
def test_a_status_is_stable(status: Status, fates: bytes):
    """Derived again from itself it is the same."""
    derived = status_of(status, fates)
    assert status_of(derived, fates) == derived


def test_rows_hold_every_address_once_with_its_roles():
    """In lower case to be found, as it was written to be shown."""
    mail = head(
        sender="A@b.example", header_from=("a@b.example", "x@b.example", "…"), recipients=("X@B.example", "postmaster", "ü@b.example")
    )
    rows = {row.address: (row.domain, row.roles) for row in addresses(mail, key_of(mail.track))}
    assert rows == {
        "a@b.example": ("b.example", SENDER | AUTHOR),
        "x@b.example": ("b.example", AUTHOR | RECIPIENT),
        "postmaster": ("", RECIPIENT),
        "ü@b.example": ("b.example", RECIPIENT),
    }
    shown = people(summary(mail, key_of(mail.track)).people)
    assert (shown.sender, shown.header_from, shown.recipients) == (mail.sender, mail.header_from, mail.recipients)


def test_an_ordinary_summary_and_its_details_are_within_their_bounds():
    """1.5 KB and 4 KB; indexes come on top and are measured by bench/search."""
    mail = head()
    columns = sum(
        len(one.encode() if isinstance(one, str) else one) if isinstance(one, str | bytes) else 8
        for one in summary(mail, key_of(mail.track))
    )
    rows = sum(len(row.address) * 2 + len(row.domain) * 2 + 60 for row in addresses(mail, key_of(mail.track)))
    assert columns + rows < 1024
    assert len(pack(encode_head(mail))) < 2048


@given(st.binary(max_size=WORTH_BYTES * 3))
def test_details_are_given_back_as_they_were(payload: bytes):
    """Whatever their size; large ones deflated."""
    assert unpack(pack(payload)) == payload


def test_large_details_become_small():
    """As a track to many recipients is."""
    payload = encode_head(head(recipients=tuple(f"user{number}@example.com" for number in range(1000))))
    assert len(pack(payload)) < len(payload) / 4


@pytest.mark.parametrize(
    "content", [b"", b"\x07abc", b"\x01", b"\x01\xff\xff\xff", pack(b"x" * 5000)[:-3], bytearray(pack(bytes(range(256)) * 20)[:40])]
)
def test_damaged_details_are_named(content: bytes):
    """Never guessed."""
    with pytest.raises(ValueError, match="these details"):
        unpack(bytes(content))


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("User@Example.COM", Term("address", "user@example.com")),
        ("user@münchen.example", Term("address", "user@xn--mnchen-3ya.example")),
        ("MÜNCHEN.example", Term("domain", "xn--mnchen-3ya.example")),
        ("@localhost", Term("domain", "localhost")),
        ("[192.0.2.1]", Term("domain", "[192.0.2.1]")),
        ("a@[IPv6:2001:DB8::1]", Term("address", "a@[ipv6:2001:db8::1]")),
        ("*Part*", Term("part", "part")),
        ("part*", Term("part", "part")),
        (" <> ", Term("null", "")),
    ],
)
def test_a_side_of_a_mail_is_understood(word: str, term: Term):
    """Capitals and spellings of a domain do not count."""
    assert read_term(word) == term


def test_noon_is_noon():
    """The time that these tests go by."""
    assert suffix(int(NOON // DAY_S)) == "20261125"


@pytest.mark.parametrize("where", ["sender", "header_from", "recipients"])
def test_an_address_that_is_two_is_no_track(where: str):
    """It would be read back as two people, or not at all."""
    value = "a@b.example\nc@d.example"
    head = TrackHead("0" * 24, 0, 0.0, "inbound", 1, **{where: value if where == "sender" else (value,)})
    assert fault(head) == "an address holds what stands between addresses"
