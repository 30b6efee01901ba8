# SPDX-License-Identifier: Apache-2.0
"""Address patterns: each form, and what it must not match."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.message.addresses import Address
from gatepost.rules.patterns import Patterns, pattern_fault


def address(text):
    """Make an address of `local@domain`."""
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("user@example.com", ["user@example.com", "USER@example.com", '"user"@example.com'], ["xuser@example.com", "user@a.example.com"]),
        ("*user@example.com", ["user@example.com", "new.User@example.com"], ["user2@example.com", "user@a.example.com"]),
        ("*@example.com", ["a@example.com", '"a b"@example.com'], ["a@sub.example.com", "a@example.com.org", "a@xexample.com"]),
        ("*.example.com", ["a@b.example.com", "a@c.b.example.com"], ["a@example.com", "a@xexample.com", "a@b.example.org"]),
        ("*.jp", ["a@b.jp", "a@c.b.jp"], ["a@jp", "a@b.njp"]),
        ("*@Bücher.example", ["a@xn--bcher-kva.example"], ["a@bucher.example"]),
        ('"a b"@example.com', ['"A b"@example.com', '"a\\ b"@example.com'], ["ab@example.com"]),
        ("Ärzte@example.com", ["ärzte@example.com"], ["arzte@example.com"]),
        ("*@[192.0.2.1]", ["a@[192.0.2.1]"], ["a@[192.0.2.2]"]),
        ("*", ["a@example.com", "postmaster@[192.0.2.1]"], []),
    ],
)
def test_each_form_matches_what_the_manual_says(pattern, matches, others):
    """A pattern matches its addresses in any spelling, and none beside them."""
    assert pattern_fault(pattern, null_allowed=False) is None
    patterns = Patterns([pattern])
    assert [text for text in matches if not patterns.match(address(text))] == []
    assert [text for text in others if patterns.match(address(text))] == []


def test_the_null_sender_is_named_by_itself_alone():
    """Neither * nor a domain takes in the null sender; <> takes in nothing else."""
    assert not Patterns(["*"]).match(None)
    assert Patterns(["<>"]).match(None)
    assert not Patterns(["<>"]).match(address("a@example.com"))


@pytest.mark.parametrize(
    ("pattern", "mend"),
    [
        ("example.com", "write *@example.com for the addresses of this domain"),
        ("@example.com", "write *@example.com"),
        ("user@*", "write *.example.com for subdomains, and one pattern for each domain"),
        ("us*er@example.com", "write user@example.com"),
        ("a b@example.com", "write user@example.com"),
        ("a@exa mple.com", "write user@example.com"),
        ("*.", "write user@example.com"),
        ("", "write user@example.com"),
        ("a@b@example.com", "write user@example.com"),
        ("<a@example.com>", "write user@example.com"),
        ("<>", "write user@example.com"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_mend(pattern, mend):
    """A pattern that could never match as it was meant is told apart, and how to write it."""
    fault = pattern_fault(pattern, null_allowed=False)
    assert fault is not None
    assert fault[1].startswith(mend)


@given(st.lists(st.sampled_from("abc.*@-"), max_size=12).map("".join), st.sampled_from(["a@b.c", "ab@c.b.a", "c@a"]).map(address))
def test_a_good_pattern_never_raises(pattern, candidate):
    """Whatever passes the check can be compiled and asked."""
    if pattern_fault(pattern, null_allowed=True) is None:
        assert Patterns([pattern]).match(candidate) in (True, False)


@given(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){1,6}", fullmatch=True), st.from_regex(r"[a-z.]{1,10}", fullmatch=True))
def test_subdomains_are_those_whose_name_ends_in_the_domain(domain, local):
    """`*.d` matches exactly when the domain ends in `.d`."""
    labels = domain.split(".")
    for start in range(len(labels)):
        parent = ".".join(labels[start:])
        assert Patterns([f"*.{parent}"]).match(Address(local, domain)) is domain.endswith(f".{parent}")


def test_time_does_not_grow_with_the_patterns():
    """A scope of 20,000 patterns answers as fast as one of 20, within a wide margin; a long name stays harmless."""
    long_name = Address("a" * 64, ".".join(["a" * 3] * 63))

    def cost(count):
        patterns = Patterns([f"u{n}@d{n}.example" for n in range(count)] + [f"*.d{n}.example" for n in range(count)])
        best = 1.0
        for _ in range(5):
            start = time.process_time()
            for _ in range(200):
                patterns.match(long_name)
            best = min(best, time.process_time() - start)
        return best

    assert cost(10_000) < 10 * cost(10) + 0.02
