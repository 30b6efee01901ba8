# SPDX-License-Identifier: Apache-2.0
"""Make the outcome of a settlement: recipients with the same fate, reply and host are told as one attempt.

Promises: every recipient that was tried stands in exactly one attempt, by its place in the head; a mail whose recipients
all got different replies still has a bounded outcome, because beyond `MOST_ATTEMPTS` what became of them alike is told
together, with a mark instead of the reply.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gatepost.tracking.bounds import MARK, line
from gatepost.tracking.codec import encode_outcome
from gatepost.tracking.record import Attempt, TrackOutcome

MOST_ATTEMPTS = 50
_REPLY = 300
_HOST = 255


class Result(NamedTuple):
    """What one attempt came to for one recipient, whose place is that in the mail's envelope."""

    place: int
    state: str
    reply: str = ""
    host: str = ""
    due_at: float = 0.0


def encoded_outcome(track: str, tenant_id: int, at: float, results: Iterable[Result], *, tls: str = "", connector: str = "") -> bytes:
    """Give the outcome of one attempt, encoded; b"" when nobody was tried."""
    attempts = _attempts(at, results, tls, line(connector, _HOST))
    return encode_outcome(TrackOutcome(track, tenant_id, attempts)) if attempts else b""


def encoded_drop(track: str, tenant_id: int, places: tuple[int, ...], at: float) -> bytes:
    """Give the outcome of recipients that an administrator removed from the queue, encoded."""
    return encode_outcome(TrackOutcome(track, tenant_id, (Attempt(at, places, "dropped", "removed by an administrator"),)))


def _attempts(at: float, results: Iterable[Result], tls: str, connector: str) -> tuple[Attempt, ...]:
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if result.state == "released":
            continue  # not tried
        key = (result.state, result.reply, result.host)
        if key not in groups and len(groups) >= MOST_ATTEMPTS:
            key = (result.state, MARK, "")
        groups.setdefault(key, []).append(result)
    return tuple(
        [
            Attempt(
                at,
                tuple([one.place for one in group]),
                state,
                line(reply, _REPLY) if reply else "",
                line(host, _HOST) if host else "",
                tls,
                connector,
                min([one.due_at for one in group]),
            )
            for (state, reply, host), group in groups.items()
        ]
    )
