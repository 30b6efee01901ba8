# SPDX-License-Identifier: Apache-2.0
"""The books of the kill series: each fate of a mail is told apart from the others."""

import sys
from pathlib import Path

from gatepost.testing.ledger import LedgerLine

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

from measure.accounts import compare


def _line(name: str, *, sender: str = "a@example.org", sha256: str = "x", accepted: bool = True, reply: str = "") -> LedgerLine:
    return LedgerLine(id=name, sha256=sha256, size=1, sender=sender, recipients=("b",), at=1.0, accepted=accepted, reply=reply)


def test_every_fate_has_its_own_account() -> None:
    """Delivered, doubled, bounced, queued, lost, damaged, unanswered and unknown mails are counted where they belong."""
    sent = [
        _line("delivered"),
        _line("doubled"),
        _line("bounced"),
        _line("queued", reply="250 2.0.0 Ok: queued as T1"),
        _line("lost", reply="250 2.0.0 Ok: queued as T2"),
        _line("damaged"),
        _line("refused", accepted=False, reply="451 4.3.0 Local error"),
        _line("unanswered", accepted=False, reply="connection lost"),
    ]
    arrived = [
        _line("delivered"),
        _line("doubled"),
        _line("doubled"),
        _line("bounced", sender=""),
        _line("damaged", sha256="y"),
        _line("unanswered"),
        _line("nobody's"),
    ]
    books = compare(sent, arrived, {"T1"})
    assert (books.accepted, books.delivered, books.bounced, books.on_queue, books.lost) == (6, 3, 1, 1, 1)
    assert books.lost_ids == ["lost"]
    assert (books.damaged, books.duplicates, books.unknown) == (1, 1, 1)
    assert (books.refused, books.unanswered, books.unanswered_delivered) == (1, 1, 1)
