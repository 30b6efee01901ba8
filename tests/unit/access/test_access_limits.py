# SPDX-License-Identifier: Apache-2.0
"""What holds back who tries too often: locks and token buckets; and the memory that forgets."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.access.lockout import AT_ONCE, FIRST_S, LONGEST_S, locked_until
from gatepost.access.rates import Rates
from gatepost.access.remembered import Remembered


def test_each_tenth_failure_locks_twice_as_long_up_to_eight_hours():
    """Between them nothing locks."""
    locks = [locked_until(failures, 100.0) for failures in range(1, 10 * AT_ONCE + 1)]
    lengths = [one - 100.0 for one in locks if one is not None]
    assert lengths == [900, 1800, 3600, 7200, 14_400, 28_800, 28_800, 28_800, 28_800, 28_800]
    assert [index + 1 for index, one in enumerate(locks) if one is not None] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


@given(st.integers(min_value=0, max_value=2**62))
def test_no_count_of_failures_locks_for_ever(failures: int):
    """However long somebody tries."""
    until = locked_until(failures, 0.0)
    assert until is None or FIRST_S <= until <= LONGEST_S


def test_a_bucket_gives_its_burst_and_then_so_many_a_minute():
    """What must be waited for is told, and asking while it is empty does not make it longer."""
    now = [0.0]
    rates = Rates(6.0, 2, clock=lambda: now[0])
    assert [rates.take("192.0.2.1") for _ in range(4)] == [0.0, 0.0, 10.0, 10.0]
    now[0] = 5.0
    assert rates.take("192.0.2.1") == 5.0
    now[0] = 10.0
    assert [rates.take("192.0.2.1") for _ in range(2)] == [0.0, 10.0]
    now[0] = 1e6
    assert [rates.take("192.0.2.1") for _ in range(3)] == [0.0, 0.0, 10.0]


def test_a_client_is_an_address_or_the_prefix_of_one_customer():
    """The same IPv4 address in IPv6 clothes is the same; what is no address is what it is called."""
    rates = Rates(1.0, 1, clock=lambda: 0.0)
    for first, second in (
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        ("a socket", "a socket"),
    ):
        assert rates.take(first) == 0.0 and rates.take(second) > 0.0
    assert rates.take("2001:db8:0:2::1") == 0.0


def test_the_memory_of_clients_is_bounded():
    """The one that was not seen longest is forgotten first."""
    rates = Rates(1.0, 1, clock=lambda: 0.0, most=100)
    rates.take("192.0.2.1")
    for number in range(1000):
        rates.take(f"10.0.{number // 256}.{number % 256}")
        rates.take("192.0.2.1")
    assert rates.clients == 100
    assert rates.take("192.0.2.1") > 0.0


def test_what_is_remembered_of_somebody_is_forgotten_with_him():
    """A reading from before is not put in its place; others stay; what is too much goes, the longest unasked first."""
    memory: Remembered[str] = Remembered(most=2)
    memory.put("a1", "anna", "x", memory.changes)
    memory.put("b1", "bert", "y", memory.changes)
    before = memory.changes
    memory.forget("anna")
    memory.put("a1", "anna", "stale", before)
    assert (memory.get("a1"), memory.get("b1")) == (None, "y")
    memory.put("c1", "carl", "z", memory.changes)
    assert memory.get("b1") == "y"
    memory.put("d1", "dora", "w", memory.changes)
    assert (memory.get("b1"), memory.get("c1"), memory.get("d1")) == ("y", None, "w")


def test_what_was_given_back_can_be_taken_again():
    """A token that comes back leaves the bucket as it was, and never fuller than it can be."""
    rates = Rates(per_minute=1, burst=2, clock=lambda: 0.0)
    rates.give_back("192.0.2.1")
    for _ in range(10):
        assert rates.take("192.0.2.1") == 0.0
        rates.give_back("192.0.2.1")
    rates.give_back("192.0.2.1")
    assert [rates.take("192.0.2.1") > 0 for _ in range(3)] == [False, False, True]
