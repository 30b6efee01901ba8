# SPDX-License-Identifier: Apache-2.0
"""SQL of the settlement: outcomes, the reports they cause, and the removal of what is no longer needed.

A group's settlements are written together. If the number of rows that changed shows that one of them was
stale, the writer undoes the group and gives them back one by one, which tells which outcome it was.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gatepost.delivery.queue.record import Outcome, Settlement
from gatepost.delivery.queue.store_sqlite_insert import insert_waiting
from gatepost.storage.numbers import Numbers
from gatepost.storage.sqlite import Connection
from gatepost.storage.writer import OneByOne

_GIVES_BACK = frozenset(("deferred", "released"))
_json = msgspec.json.Encoder().encode

STATE_NOW = """CASE WHEN EXISTS (SELECT 1 FROM queue_setting s
    WHERE s.tenant_id = recipient.tenant_id AND s.domain = recipient.domain AND s.enabled = 0) THEN 2 ELSE 0 END"""
"""The state of a recipient that is given back: waiting, or disabled with its queue."""

_DELETE_RECIPIENTS = """DELETE FROM recipient WHERE (mail_id, id, fence) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))"""
_DELETE_RECIPIENT = "DELETE FROM recipient WHERE mail_id = ? AND id = ? AND fence = ?"
_DEFER = f"""UPDATE recipient SET state = {STATE_NOW}, holder = 0, due_at = ?, attempts = attempts + 1,
    first_failure_at = CASE first_failure_at WHEN 0 THEN ? ELSE first_failure_at END, last_reply = ?, last_host = ?
    WHERE mail_id = ? AND id = ? AND fence = ?"""  # noqa: S608
_RELEASE = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0, due_at = ? WHERE mail_id = ? AND id = ? AND fence = ?"  # noqa: S608

_ORPHANED_BLOBS = """SELECT blob FROM mail WHERE id IN (SELECT value FROM json_each(?)) AND blob <> ''
    AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = mail.id)"""
_DELETE_VARIANTS = """DELETE FROM variant WHERE mail_id IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = variant.mail_id AND r.variant_id = variant.id)"""
_DELETE_MAILS = """DELETE FROM mail WHERE id IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = mail.id)"""


class Stale(NamedTuple):
    """An outcome that came too late, with what is known of its recipient ('' where nothing is left)."""

    outcome: Outcome
    track: str
    recipient: str


class Settled(NamedTuple):
    """What one settlement did. `blobs` are to be unlinked after the COMMIT; `wake`: something is due or will be."""

    stale: tuple[Stale, ...]
    blobs: tuple[str, ...]
    wake: bool


def settle(connection: Connection, settlements: Sequence[Settlement], now: float, numbers: Numbers) -> list[Settled]:
    """Write settlements; raises OneByOne when several were given and one of them is stale."""
    if len(settlements) == 1:
        return [_settle_one(connection, settlements[0], now, numbers)]
    gone: list[tuple[int, int, int]] = []
    mails: list[int] = []
    wakes = []
    for settlement in settlements:
        mail_id, before, wake = settlement.mail_id, len(gone), bool(settlement.reports)
        for outcome in settlement.outcomes:
            if outcome.state in _GIVES_BACK:
                wake = True
                if not _give_back(connection, mail_id, outcome, now):
                    raise OneByOne
            else:
                gone.append((mail_id, outcome.id, outcome.fence))
        if len(gone) > before:
            mails.append(mail_id)
        insert_waiting(connection, settlement.reports, numbers)
        wakes.append(wake)
    if gone and connection.execute(_DELETE_RECIPIENTS, (_json(gone).decode(),)).rowcount != len(gone):
        raise OneByOne
    # Which settlement a blob belongs to does not matter: they are unlinked after the same COMMIT.
    blobs = delete_finished(connection, mails)
    return [Settled((), blobs if number == 0 else (), wake) for number, wake in enumerate(wakes)]


def delete_finished(connection: Connection, mails: Sequence[int]) -> tuple[str, ...]:
    """Delete those of these mails and variants that have no recipient left; give the blobs to be unlinked."""
    if not mails:
        return ()
    numbers = (_json(mails).decode(),)
    blobs = connection.execute(_ORPHANED_BLOBS, numbers).fetchall()
    connection.execute(_DELETE_VARIANTS, numbers)
    connection.execute(_DELETE_MAILS, numbers)
    return tuple(row[0] for row in blobs)


def _settle_one(connection: Connection, settlement: Settlement, now: float, numbers: Numbers) -> Settled:
    mail_id, stale, gone, wake = settlement.mail_id, [], False, False
    for outcome in settlement.outcomes:
        if outcome.state in _GIVES_BACK:
            fits = _give_back(connection, mail_id, outcome, now)
            wake |= fits
        else:
            fits = connection.execute(_DELETE_RECIPIENT, (mail_id, outcome.id, outcome.fence)).rowcount == 1
            gone |= fits
        if not fits:
            stale.append(_describe(connection, mail_id, outcome))
    if len(stale) < len(settlement.outcomes):  # what another holder has in hand, that one reports
        insert_waiting(connection, settlement.reports, numbers)
        wake |= bool(settlement.reports)
    return Settled(tuple(stale), delete_finished(connection, [mail_id]) if gone else (), wake)


def _give_back(connection: Connection, mail_id: int, outcome: Outcome, now: float) -> bool:
    if outcome.state == "released":
        return connection.execute(_RELEASE, (max(now, outcome.due_at), mail_id, outcome.id, outcome.fence)).rowcount == 1
    values = (outcome.due_at, now, outcome.reply, outcome.host, mail_id, outcome.id, outcome.fence)
    return connection.execute(_DEFER, values).rowcount == 1


def _describe(connection: Connection, mail_id: int, outcome: Outcome) -> Stale:
    row = connection.execute(
        "SELECT m.track, r.local || '@' || r.domain FROM mail m LEFT JOIN recipient r ON r.mail_id = m.id AND r.id = ? WHERE m.id = ?",
        (outcome.id, mail_id),
    ).fetchone()
    return Stale(outcome, row[0], row[1] or "") if row else Stale(outcome, "", "")
