# SPDX-License-Identifier: Apache-2.0
"""What the queue remembers of tracks: which heads have not left yet, and which artefacts may still take an outcome.

A mail's head and its outcomes leave the gateway in artefacts of kind `track`. Whether a head has left stands in the
mail's row. Two things are remembered beside it, and may be lost with the process:

* A *fresh* mail of this process, so that a settlement of all its recipients need not ask the store for anything.
* An artefact *written* lately, so that a second settlement of the same mail is gathered into it.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gatepost.delivery.queue.record import ClaimedMail, NewMail, Settlement
from gatepost.replication.artefact import GATHER_S

KIND = "track"
GIVES_BACK = frozenset(("deferred", "released"))

_NIL = b"\xc0"
_PAIR = b"\x92"


class Written(NamedTuple):
    """An artefact of this process that holds part of a mail's track."""

    mail_id: int
    sequence: int
    at: float
    head: bytes
    outcomes: tuple[bytes, ...]


class Settling(NamedTuple):
    """A settlement on its way to its group, with what is remembered of its mail."""

    settlement: Settlement
    whole: NewMail | None = None
    """The mail, where it is fresh and this settlement ends it. That its head has not left is seen when its row goes."""
    written: Written | None = None


_Unshipped = tuple[float, NewMail | None, int]
"""Since when, the mail and the number of its recipients. No mail: more may have become of it than this process remembers."""


def payload(head: bytes, outcomes: Sequence[bytes]) -> bytes:
    """Give `[head or nil, [outcome, ...]]` as msgpack, made of values that are msgpack already."""
    count = len(outcomes)
    size = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
    return b"".join((_PAIR, head or _NIL, size, *outcomes))


class Tracks:
    """The memory of one queue. Both threads use it: a mail is noted before its group's COMMIT, everything else after it.

    What is noted of a group that was undone does no harm: no recipient of such a mail can be claimed, and a head
    leaves only out of a row.
    """

    def __init__(self) -> None:
        self._unshipped: dict[int, _Unshipped] = {}
        self._written: dict[int, Written] = {}

    def note_fresh(self, claimed: Iterable[ClaimedMail], now: float) -> None:
        """Remember mails whose commit is under way."""
        self._unshipped.update({one.mail_id: (now, one.mail, len(one.mail.envelope.recipients)) for one in claimed})

    def note_unshipped(self, mail_ids: Iterable[int], now: float) -> None:
        """Remember mails whose heads are in the store and have not left."""
        for mail_id in mail_ids:
            self._unshipped.setdefault(mail_id, (now, None, 0))

    def begin(self, settlement: Settlement) -> Settling:
        """Give a settlement together with what is remembered of its mail."""
        mail_id = settlement.mail_id
        known = self._unshipped.get(mail_id)
        if known is not None and known[1] is not None:
            if len(settlement.outcomes) == known[2] and _ends_all(settlement):
                del self._unshipped[mail_id]
                return Settling(settlement, known[1])
            self._trust_no_longer(mail_id, known[0], known[1])
        return Settling(settlement, None, self._written.get(mail_id))

    def failed(self, settling: Settling, now: float) -> None:
        """Note that the store did not take a settlement, or may not have."""
        if settling.whole is not None:
            self.note_unshipped((settling.settlement.mail_id,), now)

    def note_written(self, written: Written) -> None:
        """Remember what has been written, and that this mail's head has left."""
        self._written[written.mail_id] = written
        self._unshipped.pop(written.mail_id, None)

    def forget(self, mail_ids: Iterable[int]) -> None:
        """Remember no longer that these heads have not left."""
        for mail_id in mail_ids:
            self._unshipped.pop(mail_id, None)

    def overdue(self, now: float) -> list[int]:
        """Give the mails whose heads have waited long enough for a settlement; forgets artefacts that are closed by now."""
        closed = [mail_id for mail_id, written in list(self._written.items()) if written.at <= now - GATHER_S]
        for mail_id in closed:
            del self._written[mail_id]
        overdue = []
        for mail_id, (since, mail, _) in list(self._unshipped.items()):
            if since <= now - GATHER_S and (mail is None or self._trust_no_longer(mail_id, since, mail)):
                overdue.append(mail_id)
        return overdue

    def _trust_no_longer(self, mail_id: int, since: float, mail: NewMail) -> bool:
        """From now on the store must be asked about this mail; gives whether it has a head."""
        if mail.head:
            self._unshipped[mail_id] = (since, None, 0)
        else:
            del self._unshipped[mail_id]
        return bool(mail.head)


def _ends_all(settlement: Settlement) -> bool:
    return GIVES_BACK.isdisjoint([outcome.state for outcome in settlement.outcomes])
