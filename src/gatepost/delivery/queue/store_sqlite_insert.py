# SPDX-License-Identifier: Apache-2.0
"""SQL of the commit: a group's mails, variants and recipients, one statement for each table.

A row of each table is a tuple in the order of its columns. Several rows go into one INSERT, because each
statement that SQLite runs gives the interpreter's lock away and has to win it back from the event loop.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from gatepost.delivery.queue.record import ClaimedMail, ClaimedRecipient, NewMail
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.storage.numbers import Numbers
from gatepost.storage.sqlite import Connection

WAITING, SENDING, DISABLED = 0, 1, 2
ROWS_AT_ONCE = 32

Queue = tuple[int, str]
"""A destination queue: tenant and domain."""

MAIL_COLUMNS = 15
RECIPIENT_COLUMNS = 17

_encode = msgspec.msgpack.Encoder().encode
_NO_DEFECTS = _encode(())


class Rows:
    """The rows of a group, gathered before they are written."""

    def __init__(self) -> None:
        self.mails: list[tuple[Any, ...]] = []
        self.variants: list[tuple[int, int, int]] = []
        self.recipients: list[tuple[Any, ...]] = []

    def add_mail(self, mail: NewMail, mail_id: int) -> None:
        """Add a mail and its one variant, whose number is the next one."""
        body, envelope = mail.body, mail.envelope
        self.mails.append(
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
                body.eight_bit,
                body.blob,
                mail.trace,
                body.inline,
            )
        )
        self.variants.append((mail_id, mail_id + 1, mail.tenant_id))

    def add_recipient(self, mail: NewMail, mail_id: int, number: int, recipient: Recipient, *, state: int, holder: int) -> None:
        """Add a recipient of the mail's one variant; one that is born claimed has fence 1."""
        local, domain = recipient.address
        self.recipients.append(
            (
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
        )

    def write(self, connection: Connection) -> None:
        """Insert all rows."""
        _insert(connection, "mail", MAIL_COLUMNS, self.mails)
        _insert(connection, "variant", 3, self.variants)
        _insert(connection, "recipient", RECIPIENT_COLUMNS, self.recipients)


def disabled_queues(connection: Connection) -> frozenset[Queue]:
    """Give the queues that an administrator disabled."""
    return frozenset(connection.execute("SELECT tenant_id, domain FROM queue_setting WHERE enabled = 0"))


def insert_fresh(connection: Connection, mails: Iterable[NewMail], holder: int, numbers: Numbers) -> list[ClaimedMail]:
    """Insert fresh mails, claimed for `holder` but for recipients of disabled queues; give them as claimed."""
    numbers.check(connection)
    disabled = disabled_queues(connection)
    rows = Rows()
    claimed = []
    for mail in mails:
        recipients = mail.envelope.recipients
        mail_id = numbers.take(connection, 2 + len(recipients))
        rows.add_mail(mail, mail_id)
        ours = []
        for number, recipient in enumerate(recipients, mail_id + 2):
            if disabled and (mail.tenant_id, recipient.address.domain) in disabled:
                rows.add_recipient(mail, mail_id, number, recipient, state=DISABLED, holder=0)
            else:
                rows.add_recipient(mail, mail_id, number, recipient, state=SENDING, holder=holder)
                ours.append(ClaimedRecipient(number, 1, recipient, 0))
        claimed.append(ClaimedMail(mail_id, mail_id + 1, mail, tuple(ours)))
    rows.write(connection)
    return claimed


def insert_waiting(connection: Connection, mails: Sequence[NewMail], numbers: Numbers) -> None:
    """Insert mails of our own making, due at once (their `received_at`) and claimed by nobody."""
    if not mails:
        return
    numbers.check(connection)
    disabled = disabled_queues(connection)
    rows = Rows()
    for mail in mails:
        mail_id = numbers.take(connection, 2 + len(mail.envelope.recipients))
        rows.add_mail(mail, mail_id)
        for number, recipient in enumerate(mail.envelope.recipients, mail_id + 2):
            state = DISABLED if (mail.tenant_id, recipient.address.domain) in disabled else WAITING
            rows.add_recipient(mail, mail_id, number, recipient, state=state, holder=0)
    rows.write(connection)


def read_envelope(encoded: bytes, recipients: list[Recipient]) -> Envelope:
    """Decode a stored envelope and give it these recipients."""
    envelope = _decode_envelope(encoded)
    envelope.recipients = recipients
    return envelope


_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode


def _insert(connection: Connection, table: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
    count, offset = len(rows), 0
    while offset < count:
        # Powers of two keep the number of distinct statements small, so that all stay prepared.
        size = min(ROWS_AT_ONCE, 1 << ((count - offset).bit_length() - 1))
        chunk = rows[offset] if size == 1 else tuple(chain.from_iterable(rows[offset : offset + size]))
        connection.execute(_insert_text(table, columns, size), chunk)
        offset += size


@lru_cache(maxsize=64)
def _insert_text(table: str, columns: int, rows: int) -> str:
    row = "(" + ",".join("?" * columns) + ")"
    return f"INSERT INTO {table} VALUES {','.join([row] * rows)}"  # noqa: S608 - both names are constants of this file
