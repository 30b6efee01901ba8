# SPDX-License-Identifier: Apache-2.0
"""SQL of the settlement on SQLite: outcomes, and the removal of what is no longer needed."""

from collections.abc import Sequence

import msgspec

from gatepost.delivery.queue.record import Outcome
from gatepost.delivery.queue.statements import FencedKey
from gatepost.storage.sqlite import Connection

_json = msgspec.json.Encoder().encode

STATE_NOW = """CASE WHEN EXISTS (SELECT 1 FROM queue_setting s
    WHERE s.tenant_id = recipient.tenant_id AND s.domain = recipient.domain AND s.enabled = 0) THEN 2 ELSE 0 END"""
"""The state of a recipient that is given back: waiting, or disabled with its queue."""

_DELETE_RECIPIENTS = """DELETE FROM recipient WHERE (mail_id, id, fence) IN
    (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))"""
_DELETE_RECIPIENT = "DELETE FROM recipient WHERE mail_id = ? AND id = ? AND fence = ?"
_DELETE_ONE_MAIL = """DELETE FROM mail WHERE id = ?1 AND head_shipped = 0
    AND EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = ?1 AND r.id = ?2 AND r.fence = ?3)"""
_DELETE_NEW_MAILS = "DELETE FROM mail WHERE id IN (SELECT value FROM json_each(?)) AND head_shipped = 0"
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
_DESCRIBE = """SELECT m.track, r.local || '@' || r.domain
    FROM mail m LEFT JOIN recipient r ON r.mail_id = m.id AND r.id = ? WHERE m.id = ?"""


def end_whole(connection: Connection, keys: Sequence[FencedKey], mail_ids: Sequence[int]) -> bool:
    """Delete mails whose heads have not left together with these recipients, who are all they have."""
    if len(keys) == 1:
        key = keys[0]
        if connection.execute(_DELETE_ONE_MAIL, key).rowcount != 1:
            return False
        connection.execute(_DELETE_RECIPIENT, key)
        connection.execute("DELETE FROM variant WHERE mail_id = ?", mail_ids)
        return True
    if connection.execute(_DELETE_RECIPIENTS, (_json(keys).decode(),)).rowcount != len(keys):
        return False
    numbers = (_json(mail_ids).decode(),)
    connection.execute("DELETE FROM variant WHERE mail_id IN (SELECT value FROM json_each(?))", numbers)
    return connection.execute(_DELETE_NEW_MAILS, numbers).rowcount == len(mail_ids)


def give_back(connection: Connection, returned: Sequence[tuple[int, Outcome]], now: float) -> int:
    """Give deferred and released recipients back; gives the number of those that were there under their fences."""
    count = 0
    for mail_id, outcome in returned:
        if outcome.state == "released":
            done = connection.execute(_RELEASE, (max(now, outcome.due_at), mail_id, outcome.id, outcome.fence))
        else:
            values = (outcome.due_at, now, outcome.reply, outcome.host, mail_id, outcome.id, outcome.fence)
            done = connection.execute(_DEFER, values)
        count += done.rowcount
    return count


def delete_recipients(connection: Connection, keys: Sequence[FencedKey]) -> int:
    """Delete recipients; gives the number of those that were there under their fences."""
    if len(keys) == 1:
        return connection.execute(_DELETE_RECIPIENT, keys[0]).rowcount
    return connection.execute(_DELETE_RECIPIENTS, (_json(keys).decode(),)).rowcount


def delete_finished(connection: Connection, mail_ids: Sequence[int]) -> tuple[str, ...]:
    """Delete those of these mails and variants that have no recipient left; give the blobs to be unlinked."""
    numbers = (_json(mail_ids).decode(),)
    blobs = connection.execute(_ORPHANED_BLOBS, numbers).fetchall()
    connection.execute(_DELETE_VARIANTS, numbers)
    connection.execute(_DELETE_MAILS, numbers)
    return tuple(row[0] for row in blobs)


def describe(connection: Connection, mail_id: int, recipient_id: int) -> tuple[str, str]:
    """Give the track and address of a stale outcome, as far as they are still known."""
    row = connection.execute(_DESCRIBE, (recipient_id, mail_id)).fetchone()
    return (row[0], row[1] or "") if row else ("", "")
