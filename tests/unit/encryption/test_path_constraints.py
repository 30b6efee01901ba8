# SPDX-License-Identifier: Apache-2.0
"""Name constraints, kind by kind (RFC 5280 §4.2.1.10, RFC 9598 §6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.encryption.cms import der
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.oids import encoded
from gatepost.encryption.paths.constraints import NameConstraints, NameRules, read_name_constraints
from gatepost.encryption.paths.extensions import inside
from gatepost.encryption.paths.general_names import GeneralName, NameKind, read_general_name
from gatepost.encryption.paths.mailbox import read_mailbox
from gatepost.encryption.smime.binding import same

WITHIN = [
    ("email", b"example.com", b"a@example.com", True),
    ("email", b"example.com", b"a@EXAMPLE.com", True),
    ("email", b"example.com", b"a@mail.example.com", False),
    ("email", b".example.com", b"a@mail.example.com", True),
    ("email", b".example.com", b"a@example.com", False),
    ("email", b"a@example.com", b"a@example.com", True),
    ("email", b"a@example.com", b"A@example.com", False),
    ("email", b"a@example.com", b"b@example.com", False),
    ("email", b"example.com", b"a@notexample.com", False),
    ("email", b"example.com", b'"x@example.com"@evil.example', False),
    ("dns", b"example.com", b"example.com", True),
    ("dns", b"example.com", b"WWW.example.com", True),
    ("dns", b"example.com", b"notexample.com", False),
    ("dns", b"example.com", b"www.example.com.", True),
    ("uri", b"example.com", b"http://example.com/path", True),
    ("uri", b"example.com", b"http://user@example.com:8080/path", True),
    ("uri", b"example.com", b"http://example.com@evil.example/", False),
    ("uri", b".example.com", b"ldap://a.example.com?x", True),
    ("uri", b"example.com", b"http://evil.example/example.com", False),
    ("uri", b"example.com", b"urn:example.com", False),
    ("uri", b"example.com", b"http://192.0.2.1/", False),
    ("ip", bytes((192, 0, 2, 0, 255, 255, 255, 0)), bytes((192, 0, 2, 9)), True),
    ("ip", bytes((192, 0, 2, 0, 255, 255, 255, 0)), bytes((192, 0, 3, 9)), False),
    ("ip", bytes((192, 0, 2, 0, 255, 255, 255, 0)), bytes(16), False),
]


def rules(permitted: tuple[GeneralName, ...] = (), excluded: tuple[GeneralName, ...] = (), comparisons: int = 1000) -> NameRules:
    made = NameRules(comparisons)
    made.add(NameConstraints(permitted, excluded))
    return made


@pytest.mark.parametrize(("kind", "base", "name", "within"), WITHIN)
def test_a_name_is_in_a_permitted_subtree_or_not(kind: NameKind, base: bytes, name: bytes, within: bool):
    """A permitted subtree lets exactly the names below it pass."""
    objection = rules(permitted=(GeneralName(kind, base),)).objection([GeneralName(kind, name)])
    assert (objection == "") == within


@pytest.mark.parametrize(
    ("kind", "base", "name", "within"), [one for one in WITHIN if not one[2].startswith((b"urn:", b"http://192", b"A@"))]
)
def test_a_name_is_in_an_excluded_subtree_or_not(kind: NameKind, base: bytes, name: bytes, within: bool):
    """An excluded subtree lets exactly the other names pass."""
    objection = rules(excluded=(GeneralName(kind, base),)).objection([GeneralName(kind, name)])
    assert (objection != "") == within


def test_what_cannot_be_compared_is_refused_both_ways():
    """A URI without a host, and a kind of name that nobody can compare, pass neither a permitted nor an excluded subtree of their kind."""
    uncomparable = (("uri", b"urn:isbn:1"), ("uri", b"http://evil.example\\@example.com/"), ("email", b"example.com"), ("other", b"x"))
    for name in (GeneralName(kind, value) for kind, value in uncomparable):
        base = GeneralName(name.kind, b"example.com")
        assert rules(permitted=(base,)).objection([name])
        assert rules(excluded=(base,)).objection([name])
        assert not rules(permitted=(GeneralName("dns", b"a.example"),)).objection([name])


@pytest.mark.parametrize(
    "written",
    [
        b"boss@corp.example ", b"g:boss@corp.example;", b"boss@corp.example\r\n", b"boss@corp.example,", b"boss@corp.example;",
        b"boss @corp.example", b"boss@corp.example.", b"<boss@corp.example>", b"", "boss@corp.example".encode("utf-16-be"),
    ],
)  # fmt: skip
def test_an_address_that_is_none_steps_round_nothing(written: bytes):
    """What is no mailbox by RFC 5321 is in every excluded subtree and in no permitted one, whatever a lenient reader sees in it."""
    for base in (b"corp.example", b".example", b"boss@corp.example", b"other.example"):
        assert rules(excluded=(GeneralName("email", base),)).objection([GeneralName("email", written)])
        assert rules(permitted=(GeneralName("email", base),)).objection([GeneralName("email", written)])


@pytest.mark.parametrize("written", [b"BOSS@corp.example", b'"boss"@corp.example', b'"b\\oss"@Corp.Example'])
def test_an_address_that_people_take_for_an_excluded_one_is_excluded(written: bytes):
    """In other letters, or in quotes (RFC 5321 §4.1.2), it would bind to the excluded person's From; it is permitted letter by letter."""
    boss = GeneralName("email", b"boss@corp.example")
    assert rules(excluded=(boss,)).objection([GeneralName("email", written)])
    assert (rules(permitted=(boss,)).objection([GeneralName("email", written)]) == "") == written.startswith(b'"')


@given(st.text('aB."\\ @ü,', max_size=5), st.text('aB."\\ @ü,', max_size=5))
def test_what_is_bound_as_an_excluded_address_is_excluded(one: str, other: str):
    """Whatever two addresses From's reader takes for the same, a constraint takes for the same."""
    first, second = (f"{local}@corp.example".encode() for local in (one, other))
    shown, certified = read_mailbox(first), read_mailbox(second)
    if certified is None:
        assert rules(excluded=(GeneralName("email", b"elsewhere.example"),)).objection([GeneralName("email", second)])
    elif shown is not None and same(shown, certified):
        assert rules(excluded=(GeneralName("email", first),)).objection([GeneralName("email", second)])
        assert rules(excluded=(GeneralName("email", b"corp.example"),)).objection([GeneralName("email", second)])


@pytest.mark.parametrize("base", [b"corp.example ", b"*.corp.example", b"corp.example.", b"<boss@corp.example>", b"boss@corp.example "])
def test_a_constraint_that_is_none_forbids_every_address(base: bytes):
    """An issuer meant to exclude something; what it was cannot be guessed."""
    name = GeneralName("email", b"a@b.example")
    assert rules(excluded=(GeneralName("email", base),)).objection([name])
    assert rules(permitted=(GeneralName("email", base),)).objection([name])


def _name(*parts: tuple[int, bytes]) -> bytes:
    return der.sequence(*(der.set_of([der.sequence(der.oid(b"\x55\x04\x0a"), der.element(tag, value))]) for tag, value in parts))


def directory(name: bytes) -> GeneralName:
    return read_general_name(inside(der.explicit(4, name)))


@pytest.mark.parametrize(
    "part",
    [
        (0x0C, b"CORP"),
        (0x1A, b"Corp"),
        (0x14, b" corp "),
        (0x1E, "Corp".encode("utf-16-be")),
        (0x0C, "Co\u00adrp".encode()),
        (0x0C, "Co\u200brp\u202e".encode()),
        (0x0C, "Ｃｏｒｐ".encode()),
        (0x0C, b"Co\x00rp"),
    ],
)
def test_an_excluded_name_is_excluded_however_it_is_written(part: tuple[int, bytes]):
    """In another string type, in other letters, with characters that nobody sees (RFC 5280 §7.1, RFC 4518 §2)."""
    excluded = rules(excluded=(directory(_name((0x13, b"Corp"))),))
    assert excluded.objection([directory(_name(part, (0x0C, b"Boss")))])
    assert not excluded.objection([directory(_name((0x0C, b"Corporation")))])


@pytest.mark.parametrize(
    "name",
    [
        _name((0x0C, b"Corp"), *[(0x0C, b"x")] * 200),
        _name((0x0C, b"Corp"), (0x0C, b"x" * 20_000)),
        _name((0x2C, der.element(0x0C, b"Corp"))),
    ],
    ids=["many parts", "large", "in pieces"],
)
def test_a_name_that_cannot_be_compared_steps_round_nothing(name: bytes):
    """Too long, too large or a text in pieces: where directory names are constrained such a name is refused."""
    for which in ("permitted", "excluded"):
        with pytest.raises(Refusal):
            rules(**{which: (directory(_name((0x13, b"Corp"))),)}).objection([directory(name)])


def test_a_wildcard_does_not_step_round_an_exclusion():
    """`*.example.com` could be the excluded `a.example.com`, so it is excluded with it."""
    excluding = rules(excluded=(GeneralName("dns", b"a.example.com"),))
    assert excluding.objection([GeneralName("dns", b"*.example.com")])
    assert not excluding.objection([GeneralName("dns", b"*.example.org")])


def test_permitted_subtrees_of_two_issuers_both_hold():
    """A name must be in a permitted subtree of each issuer that has any of its kind."""
    both = rules(permitted=(GeneralName("dns", b"example.com"),))
    both.add(NameConstraints((GeneralName("dns", b"a.example.com"),), ()))
    assert not both.objection([GeneralName("dns", b"x.a.example.com")])
    assert both.objection([GeneralName("dns", b"b.example.com")])


def test_more_comparisons_than_allowed_are_a_refusal():
    """Names times constraints above the limit end as `too-large`."""
    many = rules(excluded=tuple(GeneralName("dns", b"n%d.example" % number) for number in range(100)))
    with pytest.raises(Refusal) as refused:
        many.objection([GeneralName("dns", b"a%d.example" % number) for number in range(100)])
    assert refused.value.fault.kind == "too-large"


def constraints_of(base: bytes, more: bytes = b"") -> bytes:
    return der.sequence(der.element(0xA0, der.sequence(base, more)))


@pytest.mark.parametrize(
    "malformed",
    [
        constraints_of(der.element(0x82, b".example.com")),
        constraints_of(der.element(0x87, bytes(5))),
        constraints_of(der.element(0x87, bytes((192, 0, 2, 0, 255, 0, 255, 0)))),
        constraints_of(der.element(0x81, b"@example.com")),
        constraints_of(der.element(0x82, b"example.com"), der.element(0x80, b"\x01")),
        constraints_of(der.element(0x82, b"example.com"), der.element(0x81, b"\x01")),
        constraints_of(der.element(0x82, "exämple.com".encode())),
        der.sequence(),
        der.sequence(der.element(0xA0, b"")),
    ],
    ids=["dot", "length", "mask", "half", "minimum", "maximum", "not ASCII", "empty", "empty list"],
)
def test_malformed_constraints_are_refused(malformed):
    """A constraint that RFC 5280 has no meaning for is no constraint to guess at."""
    with pytest.raises(Refusal):
        read_name_constraints(inside(malformed))


def test_an_international_mailbox_is_bound_as_an_address():
    """A SmtpUTF8Mailbox is compared with constraints on addresses, its host in ASCII."""
    mailbox = der.element(0xA0, der.oid(encoded("1.3.6.1.5.5.7.8.9")) + der.explicit(0, der.element(0x0C, "ü@bücher.example".encode())))
    name = read_general_name(inside(mailbox))
    assert name == GeneralName("email", "ü@".encode() + b"xn--bcher-kva.example")
    assert not rules(permitted=(GeneralName("email", b"xn--bcher-kva.example"),)).objection([name])
    assert rules(permitted=(GeneralName("email", b"example.com"),)).objection([name])
