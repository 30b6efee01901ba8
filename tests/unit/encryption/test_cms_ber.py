# SPDX-License-Identifier: Apache-2.0
"""Reading BER and writing DER."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import INTEGER, OID, SEQUENCE, SET, Cursor, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import DEFAULT, Limits


def at(data: bytes, limits: Limits = DEFAULT) -> Cursor:
    return cursor_on(data, limits)


def refused(data: bytes, read, limits: Limits = DEFAULT) -> str:
    with pytest.raises(Refusal) as raised:
        read(at(data, limits))
    return raised.value.fault.kind


@given(st.binary(max_size=70_000))
def test_an_octet_string_comes_back(value: bytes):
    """Whatever its size, from our own encoding."""
    encoded = der.octet_string(value)
    cursor = at(encoded)
    assert bytes(cursor.octets().whole()) == value
    cursor.close()


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_small_integer_comes_back(number: int):
    """Negative ones too, in the fewest octets."""
    encoded = der.integer(number)
    assert at(encoded).number() == number
    assert len(encoded) - 2 == max(1, (number if number >= 0 else ~number).bit_length() // 8 + 1)


@given(st.lists(st.integers(0, 2**70), max_size=20), st.integers(0, 39))
def test_an_identifier_comes_back(arcs: list[int], second: int):
    """As people write it."""
    text = ".".join(str(arc) for arc in (1, second, *arcs))
    assert len(oids.encoded(text)) > 64 or oids.dotted(oids.encoded(text)) == text


@pytest.mark.parametrize(
    ("dotted", "octets"),
    [("1.2.840.113549.1.7.2", "2a864886f70d010702"), ("2.16.840.1.101.3.4.1.46", "60864801650304012e"), ("2.999.3", "883703")],
)
def test_identifiers_are_encoded_as_the_standard_shows(dotted: str, octets: str):
    """Known encodings, the last from X.690 §8.19.5."""
    assert oids.encoded(dotted).hex() == octets
    assert oids.dotted(bytes.fromhex(octets)) == dotted


@pytest.mark.parametrize("octets", [b"", b"\x80", b"\x2a\x86", b"\xff" * 100])
def test_what_is_no_identifier_is_said_to_be_none(octets: bytes):
    """So that a text for people can always be made."""
    assert oids.dotted(octets) == "no identifier"


def _nested(value: bytes, cuts: list[int], indefinite: list[bool]) -> bytes:
    """Write an octet string in BER: cut at these places, in constructed pieces of either length."""
    places = sorted({min(cut, len(value)) for cut in cuts})
    parts = [der.octet_string(value[start:stop]) for start, stop in zip([0, *places], [*places, len(value)], strict=True)]
    for place, endless in enumerate(indefinite):
        half = place % len(parts)
        inner = b"".join(parts[half:])
        parts = [*parts[:half], b"\x24\x80" + inner + b"\0\0" if endless else der.element(0x24, inner)]
    return b"\x24\x80" + b"".join(parts) + b"\0\0"


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8), st.lists(st.booleans(), max_size=8))
def test_an_octet_string_in_pieces_comes_back(value: bytes, cuts: list[int], indefinite: list[bool]):
    """In pieces within pieces, of definite and of indefinite length; whole and piece by piece."""
    encoded = der.sequence(_nested(value, cuts, indefinite), der.integer(5))
    inside = at(encoded).enter(SEQUENCE)
    octets = inside.octets()
    assert inside.number() == 5
    inside.close()
    assert bytes(octets.whole()) == value
    assert b"".join(octets.blocks()) == value


def test_a_piece_is_not_copied():
    """What lies in one piece is a view of the object."""
    data = der.octet_string(b"x" * 1000)
    assert at(data).octets().whole().obj is data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x02\x01",  # cut off
        b"\x30\x81",
        b"\x30\x89" + b"\0" * 9,  # nine octets of length
        b"\x30\xff",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x31\x00",  # another tag
        b"\x30\x80",  # no end
        b"\x30\x80\x02\x01\x05",
        b"\x30\x80\x02\x01\x05\x00",
        b"\x30\x80\x00\x01",  # an end with contents
        b"\x30\x80\x04\x80\x00\x00\x00\x00",  # primitive and endless
        b"\x30\x80\x1f\x85\x01\x00\x00\x00",  # a tag of several octets
        b"\x30\x80\x02\x7f\x00\x00",
    ],
)
def test_malformed_elements_are_refused(data: bytes):
    """Never read past the end, never an exception of another kind."""
    assert refused(data, lambda cursor: cursor.enter(SEQUENCE)) == "malformed"


@pytest.mark.parametrize(
    "data",
    [
        b"\x24\x03\x02\x01\x05",  # another element inside
        b"\x24\x01\x04",
        b"\x24\x03\x04\x05\x00",
        b"\x24\x80\x04\x01\x00\x05\x00\x00\x00",
    ],
)
def test_malformed_pieces_are_refused(data: bytes):
    """When the string is used, not before."""
    assert refused(data, lambda cursor: cursor.octets().whole()) == "malformed"


def test_lengths_in_more_octets_than_needed_are_read():
    """BER allows them."""
    assert at(b"\x30\x84\x00\x00\x00\x03\x02\x81\x01\x05"[:6] + b"\x02\x01\x05").enter(SEQUENCE).number() == 5


def test_nothing_may_follow_where_a_structure_ends():
    """The rest is not ignored."""
    cursor = at(der.sequence(der.integer(1), der.integer(2))).enter(SEQUENCE)
    cursor.number()
    with pytest.raises(Refusal):
        cursor.close()


def test_an_inner_element_cannot_reach_out_of_its_outer_one():
    """Its length is compared with what holds it, not with the whole object."""
    data = der.sequence(b"\x30\x05\x02\x01\x05") + b"\x02\x01\x05" * 3
    assert refused(data, lambda cursor: cursor.enter(SEQUENCE).enter(SEQUENCE)) == "malformed"


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (b"\x30\x80" * 100 + b"\0\0" * 100, DEFAULT),
        (b"\x30\x80" + b"\x30\x80\0\0" * 11_000 + b"\0\0", DEFAULT),
        (b"\x30\x80" + b"\x05\x00" * 600_000 + b"\0\0", DEFAULT),
        (b"\x30\x02\x05\x00", Limits(size_bytes=3)),
    ],
    ids=["deep", "many endless", "many", "large"],
)
def test_what_costs_too_much_is_refused(data: bytes, limits: Limits):
    """By depth, by number, by size."""
    assert refused(data, lambda cursor: cursor.enter(SEQUENCE), limits) == "too-large"


def test_an_octet_string_has_no_more_pieces_than_are_allowed():
    """Nor lie they deeper."""
    many = b"\x24" + der.element(0, b"\x04\x00" * 600_000)[1:]
    assert refused(many, lambda cursor: cursor.octets().check()) == "too-large"
    deep = b"\x04\x00"
    for _ in range(100):
        deep = der.element(0x24, deep)
    assert refused(deep, lambda cursor: cursor.octets().check()) == "too-large"


def test_each_byte_is_searched_once():
    """An end that an outer search passed is not searched again: the work does not grow with the depth."""
    inner = b"\x05\x00" * 2000
    data = b"\x30\x80" * 30 + inner + b"\0\0" * 30
    cursor = at(data, Limits(elements=2000 + 60))
    for _ in range(30):
        cursor = cursor.enter(SEQUENCE)
    assert cursor.end - cursor.position == len(inner)


@settings(max_examples=300)
@given(st.binary(max_size=60), st.sampled_from([SEQUENCE, SET, INTEGER, OID, 0x04, 0x24, 0xA0]))
def test_any_bytes_are_read_or_refused(data: bytes, tag: int):
    """Each way of reading gives something from inside, or a refusal."""
    reads = [
        lambda cursor: cursor.enter(tag),
        lambda cursor: cursor.raw(),
        lambda cursor: cursor.value(tag),
        lambda cursor: cursor.small_octets(),
        lambda cursor: cursor.octets().whole(),
        lambda cursor: cursor.number(),
    ]
    for read in reads:
        cursor = at(data)
        try:
            read(cursor)
        except Refusal as refusal:
            assert refusal.fault.reason
        assert 0 <= cursor.position <= len(data)


def test_a_set_is_written_in_order():
    """As DER demands (X.690 §11.6)."""
    assert der.set_of([b"\x02\x01\x05", b"\x02\x01\x01", b"\x02\x02\x01\x00"]) == bytes.fromhex("310a 020101 020105 02020100")
