# SPDX-License-Identifier: Apache-2.0
"""The commit: which rows a group's mails are, and who claims their recipients."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gatepost.delivery.queue.record import ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.queue.statements import DISABLED, SENDING, WAITING, InsertStatements, Row, Rows
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.storage.contract import Numbering

_encode = msgspec.msgpack.Encoder().encode
_NO_DEFECTS = _encode(())


def insert_fresh(connection: Any, mails: Iterable[NewMail], holder: int, numbers: Numbering, sql: InsertStatements) -> list[ClaimedMail]:
    """Insert fresh mails, claimed for `holder` but for recipients of disabled queues; give them as claimed."""
    numbers.check(connection)
    disabled = sql.disabled_queues(connection)
    rows = Rows([], [], [])
    claimed = []
    for mail in mails:
        recipients = mail.envelope.recipients
        mail_id = numbers.take(connection, 2 + len(recipients))
        _add_mail(rows, mail, mail_id)
        ours = []
        for number, recipient in enumerate(recipients, mail_id + 2):
            if disabled and (mail.tenant_id, recipient.address.domain) in disabled:
                rows.recipients.append(_recipient_row(mail, mail_id, number, recipient, state=DISABLED))
            else:
                rows.recipients.append(_recipient_row(mail, mail_id, number, recipient, state=SENDING, holder=holder))
                ours.append(ClaimedRecipient(number, 1, recipient, 0))
        claimed.append(ClaimedMail(mail_id, mail_id + 1, mail, tuple(ours)))
    sql.write(connection, rows)
    return claimed


def insert_waiting(connection: Any, mails: Sequence[NewMail], numbers: Numbering, sql: InsertStatements) -> tuple[int, ...]:
    """Insert mails of our own making, due at once (their `received_at`) and claimed by nobody; gives their numbers."""
    if not mails:
        return ()
    numbers.check(connection)
    disabled = sql.disabled_queues(connection)
    rows = Rows([], [], [])
    made = []
    for mail in mails:
        mail_id = numbers.take(connection, 2 + len(mail.envelope.recipients))
        made.append(mail_id)
        _add_mail(rows, mail, mail_id)
        for number, recipient in enumerate(mail.envelope.recipients, mail_id + 2):
            state = DISABLED if (mail.tenant_id, recipient.address.domain) in disabled else WAITING
            rows.recipients.append(_recipient_row(mail, mail_id, number, recipient, state=state))
    sql.write(connection, rows)
    return tuple(made)


def read_envelope(encoded: bytes, recipients: list[Recipient]) -> Envelope:
    """Decode a stored envelope and give it these recipients."""
    envelope = _decode_envelope(encoded)
    envelope.recipients = recipients
    return envelope


_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode


def _add_mail(rows: Rows, mail: NewMail, mail_id: int) -> None:
    """Add a mail and its one variant, whose number is the next one."""
    body, envelope = mail.body, mail.envelope
    rows.mails.append(
        (
            mail_id,
            mail.tenant_id,
            mail.track,
            mail.direction,
            mail.received_at,
            mail.expires_at,
            mail.client,
            mail.helo,
            _encode((envelope.sender, envelope.size_declared, envelope.body, envelope.smtputf8, envelope.ret, envelope.envid)),
            _encode(mail.defects) if mail.defects else _NO_DEFECTS,
            body.size,
            1 if body.eight_bit else 0,  # a bool would have to be adapted by both drivers
            body.blob,
            mail.trace,
            0,
            mail.head,
            body.inline,
        )
    )
    rows.variants.append((mail_id, mail_id + 1, mail.tenant_id))


def _recipient_row(mail: NewMail, mail_id: int, number: int, recipient: Recipient, *, state: int, holder: int = 0) -> Row:
    """Give a recipient of the mail's one variant; one that is born claimed has fence 1."""
    local, domain = recipient.address
    return (
        mail_id,
        number,
        mail.tenant_id,
        mail_id + 1,
        state,
        holder,
        1 if holder else 0,
        0,
        mail.received_at,
        mail.received_at,
        0.0,
        local,
        domain,
        recipient.notify,
        recipient.orcpt,
        "",
        "",
    )
