# SPDX-License-Identifier: Apache-2.0
"""The short way to read an encrypted object: it gives what the whole syntax gives, or leaves the object to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gatepost.encryption.cms.content as content_module
from cms_people import person
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES128_CBC, AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.enveloped.usual import read_usual
from gatepost.encryption.cms.limits import DEFAULT, Limits

RSA = person("rsa", "berta")
TO = [addressee(RSA.certificate)]
OBJECTS = [encrypt(b"content" * 40, TO, cipher) for cipher in (AES256_GCM, AES256_CBC, AES128_CBC)]
HEAD = 700


def plain(found: object) -> object:
    """Give a result as values alone: where the content lies instead of a view of it."""
    if not isinstance(found, Enveloped) or found.content is None:
        return found
    octets = found.content
    return (*found[:4], octets._start, octets._stop, octets._constructed, *found[5:])


def both(data: bytes, limits: Limits = DEFAULT) -> tuple[object, object]:
    """Read in both ways."""
    short = read(data, limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content_module, "read_usual", lambda _: None)
        return plain(short), plain(read(data, limits))


@pytest.mark.parametrize("data", OBJECTS)
def test_what_we_write_is_read_in_the_short_way(data: bytes) -> None:
    """Both kinds of object are, and the same comes out, with bytes behind them too."""
    assert read_usual(cursor_on(data, DEFAULT).measures) is not None
    assert read_usual(cursor_on(data + b"\r\n", DEFAULT).measures) is not None
    for more in (data, data + b"\r\n"):
        short, whole = both(more)
        assert isinstance(read(more), Enveloped)
        assert short == whole


@pytest.mark.parametrize("data", OBJECTS)
def test_other_forms_are_left_alone(data: bytes) -> None:
    """Two recipients, a name by key, OAEP's like and a cut object go the whole way."""
    two = encrypt(b"x", [*TO, *TO])
    by_key = encrypt(b"x", [addressee(RSA.certificate, by_key=True)])
    agreed = encrypt(b"x", [addressee(person("p256").certificate)])
    for other in (two, by_key, agreed, data[:-1], b"", b"\x30"):
        assert read_usual(cursor_on(other, DEFAULT).measures) is None


@pytest.mark.parametrize("data", OBJECTS)
def test_no_changed_octet_is_read_in_two_ways(data: bytes) -> None:
    """Each octet before and behind the content, changed in each of eight ways: the same result or the same refusal."""
    places = [place for place in range(len(data)) if place < HEAD or place > len(data) - 40]
    for place in places:
        for change in (1, 2, 4, 0x10, 0x20, 0x40, 0x80, 0xFF):
            changed = bytearray(data)
            changed[place] ^= change
            short, whole = both(bytes(changed))
            assert short == whole, (place, change)


@given(st.sampled_from(OBJECTS), st.integers(0, HEAD), st.integers(0, 30), st.binary(max_size=4))
def test_no_exchanged_octets_are_read_in_two_ways(data: bytes, place: int, length: int, other: bytes) -> None:
    """Nor do octets that are left out or put in make a difference."""
    short, whole = both(data[:place] + other + data[place + length :])
    assert short == whole


@pytest.mark.parametrize("data", OBJECTS)
@pytest.mark.parametrize("limits", [Limits(overhead_bytes=300), Limits(recipients=0), Limits(small_bytes=100), Limits(size_bytes=100)])
def test_limits_hold_in_the_short_way(data: bytes, limits: Limits) -> None:
    """What is above a limit is refused as it is on the long way."""
    short, whole = both(data, limits)
    assert short == whole
