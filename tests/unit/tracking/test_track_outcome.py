# SPDX-License-Identifier: Apache-2.0
"""The outcome of a settlement: every recipient that was tried, grouped by what became of it."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.tracking.bounds import MARK
from gatepost.tracking.codec import decode_outcome
from gatepost.tracking.outcome import MOST_ATTEMPTS, Result, encoded_drop, encoded_outcome
from gatepost.tracking.record import Attempt, TrackOutcome

AT = 1_800_000_000.0
STATES = ("delivered", "deferred", "bounced", "dropped")

results_of_a_mail = st.lists(
    st.tuples(
        st.sampled_from((*STATES, "released")), st.sampled_from(("", "250 2.0.0 Ok", "451 4.3.0 x\r\ny")), st.sampled_from(("", "mx"))
    ),
    min_size=1,
    max_size=40,
)


@given(results_of_a_mail)
def test_every_recipient_that_was_tried_is_told_once(told: list[tuple[str, str, str]]) -> None:
    """Each place stands in one attempt with its own state; what was not tried stands in none."""
    results = [Result(place, *one) for place, one in enumerate(told)]
    encoded = encoded_outcome("t", 7, AT, results, tls="TLSv1.3 X", connector="inwards")
    tried = {one.place: one.state for one in results if one.state != "released"}
    if not tried:
        assert encoded == b""
        return
    outcome = decode_outcome(encoded)
    assert (outcome.track, outcome.tenant_id) == ("t", 7)
    assert {place: attempt.state for attempt in outcome.attempts for place in attempt.recipients} == tried
    assert sum(len(attempt.recipients) for attempt in outcome.attempts) == len(tried)
    assert all((one.at, one.tls, one.connector) == (AT, "TLSv1.3 X", "inwards") and "\n" not in one.reply for one in outcome.attempts)


def test_recipients_with_one_fate_are_one_attempt() -> None:
    """Three delivered together and one deferred by another host are two attempts, the second with its time."""
    ok = [Result(place, "delivered", "250 2.0.0 Ok", "mx1") for place in (0, 1, 3)]
    later = Result(2, "deferred", "451 4.3.0 later", "mx2", AT + 60)
    assert decode_outcome(encoded_outcome("t", 0, AT, [*ok[:2], later, ok[2]])) == TrackOutcome(
        "t",
        0,
        (
            Attempt(AT, (0, 1, 3), "delivered", "250 2.0.0 Ok", "mx1"),
            Attempt(AT, (2,), "deferred", "451 4.3.0 later", "mx2", due_at=AT + 60),
        ),
    )


def test_the_next_attempt_is_the_first_of_a_group() -> None:
    """Recipients that are tried again at slightly different times are one attempt with the earliest of them."""
    results = [Result(place, "deferred", "451 x", "mx", AT + due) for place, due in enumerate((62.0, 58.5, 65.0))]
    (attempt,) = decode_outcome(encoded_outcome("t", 0, AT, results)).attempts
    assert attempt.recipients == (0, 1, 2) and attempt.due_at == AT + 58.5


def test_a_thousand_different_replies_stay_bounded() -> None:
    """Beyond the bound recipients of one state are told together, with a mark; none is left out and nothing grows without end."""
    results = [Result(place, STATES[place % 2], f"550 5.1.1 <user{place}@example.com> " + "x" * 500, "mx") for place in range(1000)]
    encoded = encoded_outcome("t", 0, AT, results)
    attempts = decode_outcome(encoded).attempts
    assert len(attempts) == MOST_ATTEMPTS + 2
    assert [one.reply for one in attempts[-2:]] == [MARK, MARK]
    assert sorted(place for one in attempts for place in one.recipients) == list(range(1000))
    assert len(encoded) < 25_000


def test_what_people_drop_is_told() -> None:
    """Removed recipients are one attempt that says so."""
    (attempt,) = decode_outcome(encoded_drop("t", 3, (1, 4), AT)).attempts
    assert (attempt.recipients, attempt.state, attempt.reply) == ((1, 4), "dropped", "removed by an administrator")
