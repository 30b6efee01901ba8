# SPDX-License-Identifier: Apache-2.0
"""When failed mail is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.schedule import after_failure, next_attempt, not_before, wait_after
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

MINUTE, HOUR = 60.0, 3600.0


def middle() -> float:
    """The chance that gives no jitter."""
    return 0.5


def claimed(*attempts_before: int, expires_at: float, first_failure_at: float = 0.0) -> ClaimedMail:
    mail = NewMail("t", 0, "outbound", 0.0, expires_at, "", "", Envelope(None), b"", Body(0))
    recipients = tuple(
        ClaimedRecipient(number, 7 + number, Recipient(Address("a", "example.com")), attempts, first_failure_at)
        for number, attempts in enumerate(attempts_before)
    )
    return ClaimedMail(1, 1, mail, recipients)


def waits(expires_after: float) -> list[float]:
    """Play an outage that lasts for ever; give the waits between attempts in minutes."""
    now, attempts, found = 1000.0, 1, []
    while True:
        due = next_attempt(attempts, 1000.0, now, 1000.0 + expires_after, middle)
        if due is None:
            return found
        found.append((due - now) / MINUTE)
        now, attempts = due, attempts + 1


def test_the_whole_sequence_of_a_mail_to_the_world() -> None:
    """Mail that fails for two days is tried 4 times after 1, 6 after 5, then each 15, 30 and 120 minutes, last at its expiry."""
    found = waits(48 * HOUR)
    assert found[:10] == [1] * 4 + [5] * 6
    later = found[10:]
    quarters = [wait for wait in later if wait == 15]
    halves = [wait for wait in later if wait == 30]
    doubles = [wait for wait in later if wait == 120]
    # 34 minutes have passed: quarters begin at 34, 49, ... 109 and end at 124, halves run to 24 h 4 min
    assert (len(quarters), len(halves), len(doubles)) == (6, 44, 11)
    assert later == quarters + halves + doubles + [later[-1]]
    assert sum(found) == 48 * 60
    assert 0 < later[-1] <= 120


@pytest.mark.parametrize(
    ("attempts", "age", "wait"),
    [
        (1, 0, MINUTE),
        (4, 3 * MINUTE, MINUTE),
        (5, 4 * MINUTE, 5 * MINUTE),
        (10, 29 * MINUTE, 5 * MINUTE),
        (11, 34 * MINUTE, 15 * MINUTE),
        (30, 2 * HOUR - 1, 15 * MINUTE),
        (30, 2 * HOUR, 30 * MINUTE),
        (90, 24 * HOUR - 1, 30 * MINUTE),
        (90, 24 * HOUR, 2 * HOUR),
        (0, 0, MINUTE),
    ],
)
def test_each_step_of_the_table(attempts: int, age: float, wait: float) -> None:
    """The wait changes exactly where the table says."""
    assert wait_after(attempts, age) == wait


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.9), (0.5, 1.0), (1.0, 1.1)])
def test_jitter_is_a_tenth_at_most(chance: float, factor: float) -> None:
    """A wait is stretched or shortened by up to a tenth, as the chance decides."""
    due = next_attempt(5, 1.0, 1000.0, 1e9, lambda: chance)
    assert due == pytest.approx(1000.0 + 300.0 * factor)


def test_the_last_attempt_is_at_the_expiry() -> None:
    """An attempt that would come after the expiry comes at it, and after that one the mail is given up."""
    assert next_attempt(1, 0.0, 100.0, 130.0, middle) == 130.0
    assert next_attempt(2, 100.0, 130.0, 130.0, middle) is None


@given(
    attempts=st.integers(1, 500),
    first=st.floats(1, 1e6),
    passed=st.floats(0, 1e6),
    left=st.floats(-1e6, 1e6),
    chance=st.floats(0, 1),
)
def test_an_attempt_is_ahead_and_within_the_life_of_the_mail(
    attempts: int, first: float, passed: float, left: float, chance: float
) -> None:
    """Whatever the history, the next attempt is in the future and not after the expiry, or there is none."""
    now = first + passed
    due = next_attempt(attempts, first, now, now + left, lambda: chance)
    assert (due is None) == (now + left <= now)
    if due is not None:
        assert now < due <= now + left
        assert due <= now + 2 * HOUR * 1.1 + 1e-6


def test_an_outage_costs_no_more_looks_than_attempts() -> None:
    """Mail of a route that is down is looked at again after the wait that its age would have given it."""
    looks = {0: 1, 3: 1, 4.5: 5, 33: 5, 35: 15, 119: 15, 121: 30, 24 * 60 + 1: 120}
    for age_min, wait_min in looks.items():
        assert not_before(0.0, age_min * MINUTE, 1e9, lambda: 0.0) == pytest.approx((age_min + wait_min) * MINUTE), age_min
    assert not_before(0.0, 50.0, 70.0, middle) == 70.0


def test_a_common_failure_defers_each_recipient_by_its_own_history() -> None:
    """One failed attempt moves every recipient of a claim along its own schedule, with its own fence."""
    outcomes = after_failure(claimed(0, 6, expires_at=1e9), "451 4.4.1 No answer", "mx.example", permanent=False, now=100.0, random=middle)
    assert [(one.id, one.fence, one.state, one.due_at) for one in outcomes] == [(0, 7, "deferred", 160.0), (1, 8, "deferred", 400.0)]
    assert {(one.reply, one.host) for one in outcomes} == {("451 4.4.1 No answer", "mx.example")}


@pytest.mark.parametrize(("permanent", "expires_at"), [(True, 1e9), (False, 100.0)])
def test_a_permanent_failure_and_an_expired_mail_bounce(permanent: bool, expires_at: float) -> None:
    """There is no further attempt after a permanent failure, nor once the time is over."""
    outcomes = after_failure(claimed(0, expires_at=expires_at), "550 5.1.2 No", "", permanent=permanent, now=100.0, random=middle)
    assert [one.state for one in outcomes] == ["bounced"]
