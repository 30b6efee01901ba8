# SPDX-License-Identifier: Apache-2.0
"""Remembered answers: how long they hold, and how many are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.delivery.verification.contract import Judgement
from gatepost.delivery.verification.memory import Memory
from gatepost.message.addresses import Address

A, B = Address("a", "example.com"), Address("b", "example.com")


class Clock:
    """A clock that stands until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_answer_holds_for_its_lifetime(clock: Clock) -> None:
    """It is given with what is left of its time, and not a moment longer."""
    memory = Memory(10, clock)
    memory.remember(0, A, Judgement("unknown", 60.0))
    clock.now += 59.0
    assert memory.recall(0, A) == Judgement("unknown", 1.0)
    clock.now += 1.0
    assert memory.recall(0, A) is None
    assert len(memory) == 0


def test_an_answer_without_lifetime_is_not_kept(clock: Clock) -> None:
    """It also takes the place of what was known before."""
    memory = Memory(10, clock)
    memory.remember(0, A, Judgement("known", 60.0))
    memory.remember(0, A, Judgement("no_answer", 0.0))
    assert memory.recall(0, A) is None


def test_a_domain_that_takes_anything_answers_for_all_its_addresses(clock: Clock) -> None:
    """An address of it is known, whatever was said of it before; one of another domain is not."""
    memory = Memory(10, clock)
    memory.remember(0, B, Judgement("unknown", 60.0))
    memory.remember(0, A, Judgement("known", 30.0, whole_domain=True))
    assert memory.recall(0, B) == Judgement("known", 30.0, whole_domain=True)
    assert memory.recall(0, Address("a", "example.net")) is None
    clock.now += 30.0
    assert memory.recall(0, B) == Judgement("unknown", 30.0)


def test_a_domain_that_looks_at_each_recipient_answers_for_none(clock: Clock) -> None:
    """That a name which nobody has is refused says nothing about a real one."""
    memory = Memory(10, clock)
    memory.remember(0, A, Judgement("unknown", 60.0, whole_domain=True))
    assert memory.recall(0, A) is None
    assert memory.recall_domain(0, "example.com") == Judgement("unknown", 60.0, whole_domain=True)


def test_tenants_do_not_share_answers(clock: Clock) -> None:
    """The same address is another one for another tenant, and so is its domain."""
    memory = Memory(10, clock)
    memory.remember(1, A, Judgement("known", 60.0, whole_domain=True))
    assert memory.recall(2, A) is None


def test_a_flood_of_unknown_names_pushes_out_only_its_like(clock: Clock) -> None:
    """The oldest of the flood go; known addresses stay."""
    memory = Memory(10, clock)
    memory.remember(0, A, Judgement("known", 60.0))
    for number in range(100):
        memory.remember(0, Address(f"n{number}", "example.com"), Judgement("unknown", 60.0))
    assert len(memory) == 11
    assert memory.recall(0, A) == Judgement("known", 60.0)
    assert memory.recall(0, Address("n99", "example.com")) is not None
    assert memory.recall(0, Address("n89", "example.com")) is None


STEP = st.tuples(
    st.integers(0, 1),
    st.sampled_from([A, B, Address("a", "example.net")]),
    st.sampled_from(["known", "unknown", "no_answer"]),
    st.integers(0, 5),
    st.booleans(),
    st.integers(0, 3),
)


@given(st.lists(STEP, max_size=40))
def test_memory_is_the_last_answer_that_still_holds(steps) -> None:
    """Whatever was said in whatever order: the last word counts, a domain that takes anything before its addresses."""
    clock = Clock()
    memory = Memory(1000, clock)
    said: dict[tuple[int, str, str], tuple[str, float]] = {}
    for tenant, address, existence, lifetime_s, whole, passing_s in steps:
        memory.remember(tenant, address, Judgement(existence, lifetime_s, whole))
        said[tenant, address.domain, "" if whole else address.local] = (existence, clock.now + lifetime_s)
        clock.now += passing_s
        for who in (A, B, Address("a", "example.net")):
            for whose in (0, 1):
                domain, expires_at = said.get((whose, who.domain, ""), ("", 0.0))
                if domain == "known" and expires_at > clock.now:
                    expected = Judgement("known", expires_at - clock.now, True)
                else:
                    one, expires_at = said.get((whose, who.domain, who.local), ("", 0.0))
                    expected = Judgement(one, expires_at - clock.now) if expires_at > clock.now else None
                assert memory.recall(whose, who) == expected
