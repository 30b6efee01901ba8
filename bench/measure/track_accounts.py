# SPDX-License-Identifier: Apache-2.0
"""The books of tracks after a series of kills: one for each accepted mail, with the right end, and nothing told twice."""

from collections.abc import Iterable

import msgspec

from gatepost.testing.ledger import LedgerLine
from gatepost.tracking.record import Attempt, Status
from measure.accounts import track_of
from measure.tracks import Track

_TROUBLES = 10
_FINAL = ("delivered", "bounced", "dropped")


class TrackAccounts(msgspec.Struct, kw_only=True):
    """The sender's ledger, the sink's and the intranet's tracks, compared."""

    tracks: int = 0
    """All that the intranet has."""
    tracks_missing: int = 0
    """Accepted mails without one."""
    tracks_wrong: int = 0
    """Accepted mails whose track says something else than what became of them."""
    tracks_doubled: int = 0
    """Tracks that are there twice, or tell an attempt, or a recipient's end, twice."""
    tracks_unknown: int = 0
    """Tracks beyond those of all mails that were sent, and of the reports that came back."""
    tracks_of_unanswered: int = 0
    """Tracks of none of the accepted mails; allowed, where a mail was taken and its 250 was lost."""
    track_troubles: list[str] = []
    """Some of what was found."""


def compare_tracks(sent: Iterable[LedgerLine], arrived: Iterable[LedgerLine], on_queue: set[str], tracks: Iterable[Track]) -> TrackAccounts:
    """Settle the books; `on_queue` are the tracks of mails that the gateway still holds."""
    expected: dict[str, int] = {}
    unanswered = 0
    came = list(arrived)
    delivered = {line.id for line in came if line.sender}
    reports = sum(1 for line in came if not line.sender)
    for line in sent:
        track = track_of(line) if line.accepted else ""
        if track:
            expected[track] = _status(line.id in delivered, track in on_queue)
        else:
            unanswered += 1
    books = TrackAccounts(track_troubles=[])
    seen: set[str] = set()
    for one in tracks:
        books.tracks += 1
        if one.track in seen or (twice := _told_twice(one.attempts)):
            books.tracks_doubled += 1
            _note(books, f"{one.track}: {'is there twice' if one.track in seen else twice}")
        seen.add(one.track)
        if one.track not in expected:
            books.tracks_of_unanswered += 1
        elif one.status != expected[one.track]:
            books.tracks_wrong += 1
            _note(books, f"{one.track}: status {one.status} and not {expected[one.track]}, attempts {one.attempts}")
    missing = expected.keys() - seen
    books.tracks_missing = len(missing)
    for track in sorted(missing)[:_TROUBLES]:
        _note(books, f"{track}: is missing")
    books.tracks_unknown = max(0, books.tracks_of_unanswered - unanswered - reports)
    return books


def _status(delivered: bool, on_queue: bool) -> int:
    """Give the status that a mail to one recipient must have; one that is on the queue still has no end, whatever the sink has."""
    if on_queue:
        return Status.DELIVERY_PENDING
    return Status.SUCCESS if delivered else Status.DISPATCHER_ERROR


def _told_twice(attempts: tuple[Attempt, ...]) -> str:
    if len(set(attempts)) != len(attempts):
        return "the same attempt is told twice"
    ended: set[int] = set()
    for attempt in attempts:
        if attempt.state in _FINAL:
            if ended & set(attempt.recipients or (0,)):
                return "a recipient has two ends"
            ended |= set(attempt.recipients or (0,))
    return ""


def _note(books: TrackAccounts, sentence: str) -> None:
    if len(books.track_troubles) < _TROUBLES:
        books.track_troubles.append(sentence)
