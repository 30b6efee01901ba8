# SPDX-License-Identifier: Apache-2.0
"""What an engine gives to the queue: its SQL as functions, one module for each idea, with the same names on both engines.

What the queue decides (numbers, fairness, which settlement is stale, which artefact is written) stands beside them
once: `insert`, `claim`, `settle`, `telling`, `people`. All functions run inside the writer's transaction, but for those
named as questions. Locks are an engine's own affair: on PostgreSQL several gateways use one store.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from gatepost.delivery.queue.record import Outcome, QueuedRecipient, QueueLine
from gatepost.replication.outbox_sqlite import Entry

Queue = tuple[int, str]
"""A destination queue: tenant and domain."""
Key = tuple[int, int]
"""A recipient: its mail's number and its own."""
FencedKey = tuple[int, int, int]
Row = tuple[Any, ...]

FIRST: Queue = (-1, "")
"""Before all queues."""
BEFORE_ALL: Key = (0, 0)
AFTER_ALL = 2**63 - 1
"""Above the number of every mail."""
WAITING, SENDING, DISABLED = 0, 1, 2
"""The states of a recipient."""


class Rows(NamedTuple):
    """Rows to be written together, each a tuple in the order of its table's columns."""

    mails: list[Row]
    variants: list[Row]
    recipients: list[Row]


class Track(NamedTuple):
    """What the store knows of a mail's track."""

    mail_id: int
    tenant_id: int
    name: str
    kept: bool
    """Whether the mail has a head, and so a track."""
    head: bytes
    """The head that has not left yet; empty when it has."""


class InsertStatements(Protocol):
    """SQL of the commit."""

    def disabled_queues(self, connection: Any) -> Collection[Queue]:
        """Give the queues that an administrator disabled."""

    def write(self, connection: Any, rows: Rows) -> None:
        """Insert rows."""


class ClaimStatements(Protocol):
    """SQL of the claim."""

    def oldest_due(self, connection: Any, now: float, limit: int) -> list[tuple[int, str, int, int]]:
        """Give tenant, domain, mail and number of the recipients that are due first and that nobody else is about to claim."""

    def go_round(self, connection: Any, limit: int, now: float, cursor: Queue) -> tuple[list[Key], Queue]:
        """Choose from each queue behind `cursor` its share of what is due, and give the queue where that ended."""

    def take(self, connection: Any, keys: Sequence[Key], holder: int) -> list[Row]:
        """Claim those that are still waiting: mail, variant, number, fence, local, domain, notify, orcpt, attempts, first failure."""

    def mails(self, connection: Any, mail_ids: Collection[int]) -> list[Row]:
        """Give mails: the columns of `claim.MAIL_COLUMNS`."""

    def next_due_at(self, connection: Any) -> float | None:
        """Answer the question when the first waiting recipient falls due."""


class SettleStatements(Protocol):
    """SQL of the settlement."""

    def end_whole(self, connection: Any, keys: Sequence[FencedKey], mail_ids: Sequence[int]) -> bool:
        """Delete mails whose heads have not left together with these recipients, who are all they have.

        False: a head has left, or not all recipients are there under their fences. Nothing is deleted then
        for one recipient; for several the group has to be undone.
        """

    def give_back(self, connection: Any, returned: Sequence[tuple[int, Outcome]], now: float) -> int:
        """Give deferred and released recipients back; gives the number of those that were there under their fences."""

    def delete_recipients(self, connection: Any, keys: Sequence[FencedKey]) -> int:
        """Delete recipients; gives the number of those that were there under their fences."""

    def delete_finished(self, connection: Any, mail_ids: Sequence[int]) -> tuple[str, ...]:
        """Delete those of these mails and variants that have no recipient left; give the blobs to be unlinked."""

    def describe(self, connection: Any, mail_id: int, recipient_id: int) -> tuple[str, str]:
        """Give the track and address of a stale outcome, as far as they are still known."""


class TrackStatements(Protocol):
    """SQL of the heads."""

    def tracks_of(self, connection: Any, mail_ids: Sequence[int]) -> list[Track]:
        """Read tracks, and keep these mails from being settled by others until the transaction ends."""

    def mark_shipped(self, connection: Any, mail_ids: Sequence[int]) -> None:
        """Note that heads have left."""

    def take_heads(self, connection: Any, mail_ids: Sequence[int], own: int, now: float) -> list[Track]:
        """Give the heads that have not left and note that they have; not of mails that another living holder has in hand."""

    def look_through(self, connection: Any, below: int, limit: int) -> list[tuple[int, bool]]:
        """Answer for mails with a number below `below`, the latest first, whether they have a head that has not left."""


class HolderStatements(Protocol):
    """SQL of the leases."""

    def enter(self, connection: Any, holder: int, expires_at: float, sole: bool) -> None:
        """Enter a new holder; a sole one voids the claims of all others."""

    def shorten(self, connection: Any, holder: int, expires_at: float) -> None:
        """Let another holder's lease end at `expires_at`, unless it ends before."""

    def renew(self, connection: Any, holder: int, expires_at: float) -> None:
        """Make the holder's claims hold until `expires_at` (Unix time)."""

    def void_expired(self, connection: Any, own: int, now: float) -> int:
        """Remove the other holders whose lease has run out and give back their claims; gives the number of holders."""

    def next_expiry(self, connection: Any, own: int) -> float | None:
        """Tell when the first lease of another holder ends; None: there is no other."""

    def leave(self, connection: Any, holder: int) -> None:
        """Remove a holder and give back what it still claims."""


class InspectStatements(Protocol):
    """SQL of what people ask and tell."""

    def lines(self, connection: Any, tenant_id: int | None) -> list[QueueLine]:
        """Answer the question for one line of each destination domain, by name."""

    def show(self, connection: Any, wanted: str, limit: int, tenant_id: int | None) -> list[QueuedRecipient]:
        """Answer the question for the wanted recipients, oldest mail first."""

    def unclaimed(self, connection: Any, wanted: str, tenant_id: int | None, limit: int, after: Key) -> tuple[list[Key], Key | None]:
        """Give wanted recipients that nobody has claimed, by key, and where to go on if there may be more.

        They are kept from being claimed until the transaction ends.
        """

    def make_due(self, connection: Any, keys: Sequence[Key], now: float) -> None:
        """Make recipients due now, unless they are already."""

    def delete_keys(self, connection: Any, keys: Sequence[Key]) -> None:
        """Delete recipients."""

    def set_enabled(self, connection: Any, domain: str, enabled: bool, tenant_id: int) -> None:
        """Record that a queue is enabled or disabled; what is read of it afterwards, by whomever, is this."""

    def apply_enabled(self, connection: Any, domain: str, enabled: bool, tenant_id: int, limit: int) -> int:
        """Move unclaimed recipients to the state that their queue's setting asks for; gives the number of those that were looked at."""

    def is_enabled(self, connection: Any, domain: str, tenant_id: int) -> bool:
        """Answer the question whether a queue is enabled."""

    def referenced_blobs(self, connection: Any, names: Sequence[str]) -> set[str]:
        """Answer the question which blobs a mail refers to."""


class OutboxStatements(Protocol):
    """SQL of the outbox, which is replication's."""

    def append(self, connection: Any, entries: Sequence[Entry]) -> list[int]:
        """Put artefacts into the outbox; gives their sequences."""

    def rewrite(self, connection: Any, sequence: int, payload: bytes, not_before: float) -> bool:
        """Give an artefact another payload if it was made at `not_before` or later and nobody has been shown it."""


class Statements(NamedTuple):
    """One engine's SQL."""

    insert: InsertStatements
    claim: ClaimStatements
    settle: SettleStatements
    track: TrackStatements
    holder: HolderStatements
    inspect: InspectStatements
    outbox: OutboxStatements


def literal(numbers: Iterable[int]) -> str:
    """Give numbers as PostgreSQL writes an array; `%s::bigint[]` takes it."""
    return "{" + ",".join(map(str, numbers)) + "}"
