# SPDX-License-Identifier: Apache-2.0
"""The payload of a track's artefact, and what is remembered of tracks."""

import itertools

import msgspec

from contracts.queue_engines import START, new_mail
from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome, Settlement
from gatepost.delivery.queue.tracks import Tracks, Written, payload
from gatepost.replication.artefact import GATHER_S


def test_payloads_are_what_their_reader_expects() -> None:
    """Values that are msgpack already become `[head or nil, [outcomes]]`, however many there are."""
    for count, head in itertools.product((0, 1, 15, 16, 300), ("", "head")):
        outcomes = [[number, "x" * number] for number in range(count)]
        encoded = payload(msgspec.msgpack.encode(head) if head else b"", [msgspec.msgpack.encode(one) for one in outcomes])
        assert msgspec.msgpack.decode(encoded) == [head or None, outcomes]


def fresh(mail_id: int, mail: NewMail) -> ClaimedMail:
    """Give a mail as its commit gives it."""
    return ClaimedMail(mail_id, mail_id + 1, mail, ())


def test_memory_serves_for_one_end() -> None:
    """Only a settlement of all recipients for good, and only the first of a mail, need not ask the store."""
    delivered, released, other = Outcome(3, 1, "delivered"), Outcome(3, 1, "released"), Outcome(4, 1, "bounced")
    mail = new_mail("a@x.example", "b@x.example", head="head")

    def serves(*outcomes: Outcome) -> bool:
        tracks = Tracks()
        tracks.note_fresh([fresh(1, mail)], START)
        whole = tracks.begin(Settlement(1, 2, outcomes)).whole
        assert tracks.begin(Settlement(1, 2, (delivered, other))).whole is None
        return whole is mail

    assert serves(delivered, other)
    assert not serves(delivered)
    assert not serves(released, other)


def test_memory_forgets() -> None:
    """What has left, what has no head and what is closed is not kept."""
    tracks = Tracks()
    tracks.note_fresh([fresh(1, new_mail(head="head")), fresh(2, new_mail())], START)
    tracks.note_fresh([fresh(3, new_mail(head="head"))], START + 1)
    tracks.note_written(Written(4, 9, START, b"", ()))
    assert tracks.overdue(START + GATHER_S) == [1]
    assert tracks.begin(Settlement(4, 5, (Outcome(6, 1, "delivered"),))).written is None
    assert tracks.overdue(START + GATHER_S) == [1]
    tracks.forget([1])
    assert tracks.overdue(START + 1 + GATHER_S) == [3]
    tracks.note_written(Written(3, 10, START, b"", ()))
    assert tracks.overdue(float("inf")) == []


def test_a_settlement_that_failed_leaves_the_head_to_the_background() -> None:
    """What the store may not have taken is asked for again, by whoever comes first."""
    tracks = Tracks()
    tracks.note_fresh([fresh(1, new_mail(head="head"))], START)
    settling = tracks.begin(Settlement(1, 2, (Outcome(3, 1, "delivered"),)))
    assert settling.whole is not None
    assert tracks.overdue(float("inf")) == []
    tracks.failed(settling, START)
    assert tracks.overdue(START + GATHER_S) == [1]
    assert tracks.begin(Settlement(1, 2, (Outcome(3, 1, "delivered"),))).whole is None
