# SPDX-License-Identifier: Apache-2.0
"""The settlement: outcomes, the reports they cause, what the track tells of them, and the removal of what is no longer needed.

A group's settlements are written together. If the number of rows that changed shows that one of them was
stale, the writer undoes the group and gives them back one by one, which tells which outcome it was.

Most mail is fresh and ends with its first settlement. That case is remembered (`tracks.Settling.whole`) and costs three
deletions and one insertion a group, without a question to the store.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gatepost.delivery.queue.insert import insert_waiting
from gatepost.delivery.queue.record import Outcome, Settlement
from gatepost.delivery.queue.statements import FencedKey, Statements
from gatepost.delivery.queue.telling import Teller, Told
from gatepost.delivery.queue.tracks import GIVES_BACK, Settling, Written
from gatepost.storage.contract import Numbering
from gatepost.storage.writer import OneByOne


class Stale(NamedTuple):
    """An outcome that came too late, with what is known of its recipient ('' where nothing is left)."""

    outcome: Outcome
    track: str
    recipient: str


class Settled(NamedTuple):
    """What one settlement did. `blobs` are to be unlinked after the COMMIT; `wake`: something is due or will be."""

    stale: tuple[Stale, ...] = ()
    blobs: tuple[str, ...] = ()
    wake: bool = False
    made: tuple[int, ...] = ()
    """The numbers of the reports."""
    written: Written | None = None


_DONE = Settled()


class Settler:
    """Writes settlements with one engine's SQL; used inside the writer's transactions only."""

    def __init__(self, sql: Statements, numbers: Numbering, teller: Teller) -> None:
        self._sql, self._numbers, self._teller = sql, numbers, teller

    def settle(self, connection: Any, settlings: Sequence[Settling], now: float) -> list[Settled]:
        """Write settlements; raises OneByOne when several were given and one of them is stale."""
        if len(settlings) == 1:
            return [self._alone(connection, settlings[0], now)]
        whole = [settling for settling in settlings if settling.whole is not None]
        if not whole:
            return self._others(connection, settlings, now)
        ended = self._end(connection, whole, now)
        if len(whole) == len(settlings):
            return ended
        others = self._others(connection, [settling for settling in settlings if settling.whole is None], now)
        return [(others if settling.whole is None else ended).pop(0) for settling in settlings]

    def _end(self, connection: Any, settlings: Sequence[Settling], now: float) -> list[Settled]:
        """End fresh mails of which every recipient is settled for good."""
        keys: list[FencedKey] = []
        mail_ids, entries, results = [], [], []
        for settlement, mail, _ in settlings:
            assert mail is not None
            mail_id = settlement.mail_id
            mail_ids.append(mail_id)
            for outcome in settlement.outcomes:
                keys.append((mail_id, outcome.id, outcome.fence))
            if mail.head:
                entries.append(self._teller.entry(mail, settlement.outcome, now))
            results.append(self._ended(connection, settlement, mail.body.blob))
        if not self._sql.settle.end_whole(connection, keys, mail_ids):
            raise OneByOne
        if entries:
            self._teller.append(connection, entries)
        return results

    def _ended(self, connection: Any, settlement: Settlement, blob: str) -> Settled:
        if not settlement.reports:
            return Settled((), (blob,)) if blob else _DONE
        made = insert_waiting(connection, settlement.reports, self._numbers, self._sql.insert)
        return Settled((), (blob,) if blob else (), True, made)

    def _others(self, connection: Any, settlings: Sequence[Settling], now: float) -> list[Settled]:
        """Settle mails of which more is to come, or of which the store knows more than we do."""
        returned: list[tuple[int, Outcome]] = []
        keys: list[FencedKey] = []
        told: dict[int, Told] = {}
        for settling in settlings:
            settlement = settling.settlement
            mail_id = settlement.mail_id
            for outcome in settlement.outcomes:
                if outcome.state in GIVES_BACK:
                    returned.append((mail_id, outcome))
                else:
                    keys.append((mail_id, outcome.id, outcome.fence))
            if _has_news(settlement.outcomes):
                _add(told, settling)
        tracks = self._sql.track.tracks_of(connection, sorted({settling.settlement.mail_id for settling in settlings}))
        if returned and self._sql.settle.give_back(connection, returned, now) != len(returned):
            raise OneByOne
        if keys and self._sql.settle.delete_recipients(connection, keys) != len(keys):
            raise OneByOne
        written = self._teller.tell(connection, told, tracks, now) if told else {}
        blobs = self._sql.settle.delete_finished(connection, sorted({key[0] for key in keys})) if keys else ()
        results = []
        for settlement, _, _ in settlings:
            made = insert_waiting(connection, settlement.reports, self._numbers, self._sql.insert)
            wake = bool(made) or any(outcome.state in GIVES_BACK for outcome in settlement.outcomes)
            # Which settlement a blob belongs to does not matter: they are unlinked after the same COMMIT.
            results.append(Settled((), blobs, wake, made, written.get(settlement.mail_id)))
            blobs = ()
        return results

    def _alone(self, connection: Any, settling: Settling, now: float) -> Settled:
        """Settle one mail and find out which of its outcomes are stale."""
        settlement, mail, _ = settling
        if mail is not None and len(settlement.outcomes) == 1:
            key = (settlement.mail_id, settlement.outcomes[0].id, settlement.outcomes[0].fence)
            if self._sql.settle.end_whole(connection, (key,), (settlement.mail_id,)):
                if mail.head:
                    self._teller.append(connection, (self._teller.entry(mail, settlement.outcome, now),))
                return self._ended(connection, settlement, mail.body.blob)
        tracks = self._sql.track.tracks_of(connection, (settlement.mail_id,))
        counted = [outcome for outcome in settlement.outcomes if self._fits(connection, settlement.mail_id, outcome, now)]
        stale = tuple(self._describe(connection, settlement.mail_id, one) for one in settlement.outcomes if one not in counted)
        if not counted:
            return Settled(stale)  # what another holder has in hand, that one reports and tells
        told: dict[int, Told] = {}
        if _has_news(counted):
            _add(told, settling)
        written = self._teller.tell(connection, told, tracks, now).get(settlement.mail_id)
        gone = any(outcome.state not in GIVES_BACK for outcome in counted)
        blobs = self._sql.settle.delete_finished(connection, (settlement.mail_id,)) if gone else ()
        made = insert_waiting(connection, settlement.reports, self._numbers, self._sql.insert)
        wake = bool(made) or any(outcome.state in GIVES_BACK for outcome in counted)
        return Settled(stale, blobs, wake, made, written)

    def _fits(self, connection: Any, mail_id: int, outcome: Outcome, now: float) -> bool:
        if outcome.state in GIVES_BACK:
            return self._sql.settle.give_back(connection, ((mail_id, outcome),), now) == 1
        return self._sql.settle.delete_recipients(connection, ((mail_id, outcome.id, outcome.fence),)) == 1

    def _describe(self, connection: Any, mail_id: int, outcome: Outcome) -> Stale:
        return Stale(outcome, *self._sql.settle.describe(connection, mail_id, outcome.id))


def _has_news(outcomes: Sequence[Outcome]) -> bool:
    """Whether a track has something to tell: mail that is given back untried is as it was."""
    return any(outcome.state != "released" for outcome in outcomes)


def _add(told: dict[int, Told], settling: Settling) -> None:
    """Gather what a group tells of one mail."""
    one = told.setdefault(settling.settlement.mail_id, Told([], settling.written))
    if settling.settlement.outcome:
        one.outcomes.append(settling.settlement.outcome)
