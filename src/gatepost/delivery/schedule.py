# SPDX-License-Identifier: Apache-2.0
"""When mail that could not be delivered is tried again (RFC 5321 §4.5.4.1).

    attempts made     waits until the next
    1 to 4            1 minute
    5 to 10           5 minutes
    11 and more       15 minutes until 2 hours have passed since the first failure,
                      then 30 minutes until 24 hours have passed, then 2 hours

Each wait is stretched or shortened by up to a tenth, so that what failed together does not return together.
Pure: the time and the chance are given.
"""

from collections.abc import Callable

from gatepost.delivery.queue.record import ClaimedMail, Outcome

MINUTE, HOUR = 60.0, 3600.0
JITTER = 0.1
EARLY_WAITS = (MINUTE,) * 4 + (5 * MINUTE,) * 6
LATER_WAITS = ((2 * HOUR, 15 * MINUTE), (24 * HOUR, 30 * MINUTE))
"""Age in seconds below which a wait in seconds holds."""
LAST_WAIT = 2 * HOUR


def wait_after(attempts: int, age_s: float) -> float:
    """Give the seconds, without jitter, that a recipient waits after its `attempts`th attempt failed, `age_s` after the first."""
    if attempts <= len(EARLY_WAITS):
        return EARLY_WAITS[max(attempts, 1) - 1]
    for age_limit, wait in LATER_WAITS:
        if age_s < age_limit:
            return wait
    return LAST_WAIT


def next_attempt(attempts: int, first_failure_at: float, now: float, expires_at: float, random: Callable[[], float]) -> float | None:
    """Give the Unix time of the next attempt, at the latest `expires_at`; None when the time is up and the mail is given up.

    `attempts` counts the one that has just failed; `first_failure_at` is 0 when that was the first; `random` gives 0 to 1.
    """
    if now >= expires_at:
        return None
    wait = wait_after(attempts, now - (first_failure_at or now))
    return min(now + wait * (1.0 + JITTER * (2.0 * random() - 1.0)), expires_at)


def not_before(received_at: float, now: float, expires_at: float, random: Callable[[], float]) -> float:
    """Give when to look again at mail whose route is down, by its age alone: no attempt was made, so none is counted.

    The wait is the one that the table above gives to mail which is tried from the start, so a long outage costs
    no more reading of the queue than the attempts would have.
    """
    age, passed, attempts = max(now - received_at, 0.0), 0.0, 1
    while attempts <= len(EARLY_WAITS) and passed + EARLY_WAITS[attempts - 1] <= age:
        passed += EARLY_WAITS[attempts - 1]
        attempts += 1
    wait = wait_after(attempts, age)
    return min(now + wait * (1.0 + JITTER * random()), max(expires_at, now))


def after_failure(
    claim: ClaimedMail, reply: str, host: str, *, permanent: bool, now: float, random: Callable[[], float]
) -> tuple[Outcome, ...]:
    """Give the outcome of each of a claim's recipients after an attempt that failed for all of them alike."""
    outcomes: list[Outcome] = []
    for claimed in claim.recipients:
        due_at = None
        if not permanent:
            due_at = next_attempt(claimed.attempts + 1, claimed.first_failure_at, now, claim.mail.expires_at, random)
        if due_at is None:
            outcomes.append(Outcome(claimed.id, claimed.fence, "bounced", 0.0, reply, host))
        else:
            outcomes.append(Outcome(claimed.id, claimed.fence, "deferred", due_at, reply, host))
    return tuple(outcomes)
