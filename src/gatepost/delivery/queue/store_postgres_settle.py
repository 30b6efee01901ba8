# SPDX-License-Identifier: Apache-2.0
"""SQL of the settlement on PostgreSQL: outcomes, and the removal of what is no longer needed."""

from collections.abc import Sequence

from gatepost.delivery.queue.record import Outcome
from gatepost.delivery.queue.statements import FencedKey, literal
from gatepost.storage.postgres import Connection

STATE_NOW = """CASE WHEN EXISTS (SELECT 1 FROM queue_setting s
    WHERE s.tenant_id = recipient.tenant_id AND s.domain = recipient.domain AND NOT s.enabled) THEN 2 ELSE 0 END"""
"""The state of a recipient that is given back: waiting, or disabled with its queue."""

_KEYS = "unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS given (mail_id, id, fence)"
_IS_GIVEN = "recipient.mail_id = given.mail_id AND recipient.id = given.id AND recipient.fence = given.fence"
_DELETE_RECIPIENTS = f"DELETE FROM recipient USING {_KEYS} WHERE {_IS_GIVEN}"  # noqa: S608
# All parts of one statement see the same rows, so the mails go by what the second part says that it deleted.
_END_WHOLE = f"""WITH fresh AS (SELECT id FROM mail WHERE id = ANY (%s::bigint[]) AND head_shipped = 0 ORDER BY id FOR UPDATE),
    gone AS (DELETE FROM recipient USING {_KEYS}, fresh WHERE {_IS_GIVEN} AND recipient.mail_id = fresh.id RETURNING 1),
    counted AS (SELECT count(*) AS rows FROM gone),
    variants AS (DELETE FROM variant USING fresh WHERE variant.mail_id = fresh.id AND (SELECT rows FROM counted) = %s),
    mails AS (DELETE FROM mail USING fresh WHERE mail.id = fresh.id AND (SELECT rows FROM counted) = %s)
    SELECT rows FROM counted"""  # noqa: S608
_GIVE_BACK = f"""UPDATE recipient SET state = {STATE_NOW}, holder = 0, due_at = given.due_at,
    attempts = recipient.attempts + given.tried,
    first_failure_at = CASE WHEN given.tried = 1 AND recipient.first_failure_at = 0 THEN %s ELSE recipient.first_failure_at END,
    last_reply = CASE given.tried WHEN 1 THEN given.reply ELSE recipient.last_reply END,
    last_host = CASE given.tried WHEN 1 THEN given.host ELSE recipient.last_host END
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %b::float8[], %b::text[], %b::text[])
        AS given (mail_id, id, fence, tried, due_at, reply, host)
    WHERE {_IS_GIVEN}"""  # noqa: S608
_DELETE_FINISHED = """WITH variants AS (DELETE FROM variant WHERE mail_id = ANY (%s::bigint[])
        AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = variant.mail_id AND r.variant_id = variant.id)),
    mails AS (DELETE FROM mail WHERE id = ANY (%s::bigint[])
        AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail_id = mail.id) RETURNING blob)
    SELECT blob FROM mails WHERE blob <> ''"""
_DESCRIBE = """SELECT m.track, r.local || '@' || r.domain
    FROM mail m LEFT JOIN recipient r ON r.mail_id = m.id AND r.id = %s WHERE m.id = %s"""


def end_whole(connection: Connection, keys: Sequence[FencedKey], mail_ids: Sequence[int]) -> bool:
    """Delete mails whose heads have not left together with these recipients, who are all they have."""
    row = connection.execute(_END_WHOLE, (literal(mail_ids), *_columns(keys), len(keys), len(keys))).fetchone()
    return row is not None and row[0] == len(keys)


def give_back(connection: Connection, returned: Sequence[tuple[int, Outcome]], now: float) -> int:
    """Give deferred and released recipients back; gives the number of those that were there under their fences."""
    outcomes = [outcome for _, outcome in returned]
    tried = [int(outcome.state == "deferred") for outcome in outcomes]
    due = [outcome.due_at if counts else max(now, outcome.due_at) for outcome, counts in zip(outcomes, tried, strict=True)]
    values = (
        now,
        *_columns([(mail_id, outcome.id, outcome.fence) for mail_id, outcome in returned]),
        literal(tried),
        due,
        [outcome.reply for outcome in outcomes],
        [outcome.host for outcome in outcomes],
    )
    return connection.execute(_GIVE_BACK, values).rowcount


def delete_recipients(connection: Connection, keys: Sequence[FencedKey]) -> int:
    """Delete recipients; gives the number of those that were there under their fences."""
    return connection.execute(_DELETE_RECIPIENTS, _columns(keys)).rowcount


def delete_finished(connection: Connection, mail_ids: Sequence[int]) -> tuple[str, ...]:
    """Delete those of these mails and variants that have no recipient left; give the blobs to be unlinked."""
    mails = literal(mail_ids)
    return tuple(row[0] for row in connection.execute(_DELETE_FINISHED, (mails, mails)))


def describe(connection: Connection, mail_id: int, recipient_id: int) -> tuple[str, str]:
    """Give the track and address of a stale outcome, as far as they are still known."""
    row = connection.execute(_DESCRIBE, (recipient_id, mail_id)).fetchone()
    return (row[0], row[1] or "") if row else ("", "")


def _columns(keys: Sequence[FencedKey]) -> tuple[str, str, str]:
    return literal(key[0] for key in keys), literal(key[1] for key in keys), literal(key[2] for key in keys)
