# SPDX-License-Identifier: Apache-2.0
"""A part of the queue's contract: what leaves the gateway in tracks. Heads and outcomes are texts here: nobody looks into them."""

import asyncio

import msgspec

from contracts.queue_engines import START, QueueEngine, committed, deferred, new_mail, settlement
from gatepost.delivery.queue.record import Body, ClaimedMail
from gatepost.replication.artefact import GATHER_S


def told(track: str, tenant: int, places: tuple[int, ...], at: float) -> bytes:
    """Tell of a drop, as msgpack: `track tenant places time`."""
    text = f"{track} {tenant} {places} {at}".encode()
    return bytes((0xA0 | len(text),)) + text if len(text) < 32 else b"\xd9" + bytes((len(text),)) + text


class TrackContract:
    """Each mail's head leaves once, each outcome once, in the transaction of what it tells."""

    async def test_a_mail_delivered_at_once_is_one_artefact(self, engine: QueueEngine) -> None:
        """Head and outcome leave together, with the mail's tenant, when its recipients are settled and not before."""
        queue = await engine.open()
        mails = [new_mail("a@x.example", "b@y.example", tenant=number, head=f"head {number}") for number in (3, 4)]
        one, two = await committed(queue, *mails)
        assert await engine.artefacts() == []
        await asyncio.gather(
            queue.settle(settlement(one, "delivered", outcome="sent 3")), queue.settle(settlement(two, "bounced", outcome="lost 4"))
        )
        assert sorted(await engine.artefacts()) == [(3, ["head 3", ["sent 3"]]), (4, ["head 4", ["lost 4"]])]
        assert await queue.lines() == []

    async def test_a_single_settlement_tells_the_same(self, engine: QueueEngine) -> None:
        """Alone in its group, a fresh mail of one recipient leaves one artefact too, and its blob goes."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(head="head", body=Body(5, b"", engine.blob(b"large"))))
        await queue.settle(settlement(claimed, "delivered", outcome="sent"))
        assert await engine.artefacts() == [(0, ["head", ["sent"]])]
        await queue.close()
        assert engine.blobs() == set()

    async def test_without_a_head_there_is_no_track(self, engine: QueueEngine) -> None:
        """Nothing is written of mail without a head, whatever becomes of it."""
        queue = await engine.open()
        one, two, three = await committed(queue, new_mail(), new_mail("a@x.example", "b@x.example"), new_mail())
        await queue.settle(settlement(one, "delivered", outcome="sent"))
        await queue.settle(settlement(two, "delivered", "deferred", due_at=START + 9, outcome="half"))
        engine.clock.now += GATHER_S
        await queue.ship_heads()
        await queue.settle(settlement(three, "delivered", outcome="sent"))
        await queue.drop("")
        assert await engine.artefacts() == []

    async def test_a_head_without_an_outcome_leaves_too(self, engine: QueueEngine) -> None:
        """A settlement that tells nothing still lets the head go."""
        queue = await engine.open()
        one, two = await committed(queue, new_mail(head="one"), new_mail(head="two"))
        await queue.settle(settlement(one, "delivered"))
        await queue.settle(settlement(two, "deferred", due_at=START + 9))
        assert await engine.artefacts() == [(0, ["one", []]), (0, ["two", []])]

    async def test_settlements_of_one_mail_are_gathered(self, engine: QueueEngine) -> None:
        """What is told of a mail within two seconds is one artefact, within a group and after it; later it is another one."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(*(f"u{number}@x.example" for number in range(5)), head="head"))
        parts = [_part(claimed, number) for number in range(5)]
        await asyncio.gather(
            queue.settle(settlement(parts[0], "delivered", outcome="0")), queue.settle(settlement(parts[1], "delivered", outcome="1"))
        )
        engine.clock.now = START + GATHER_S - 0.1
        await queue.settle(settlement(parts[2], "deferred", due_at=START + 99, outcome="2"))
        assert await engine.artefacts() == [(0, ["head", ["0", "1", "2"]])]
        engine.clock.now = START + GATHER_S
        await queue.settle(settlement(parts[3], "delivered", outcome="3"))
        engine.clock.now += 1
        await queue.settle(settlement(parts[4], "delivered", outcome="4"))
        assert await engine.artefacts() == [(0, ["head", ["0", "1", "2"]]), (0, [None, ["3", "4"]])]

    async def test_what_somebody_was_shown_is_not_changed(self, engine: QueueEngine) -> None:
        """An outcome for an artefact that has been shown becomes a new one."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail("a@x.example", "b@x.example", head="head"))
        await queue.settle(settlement(_part(claimed, 0), "delivered", outcome="a"))
        outbox = queue._sql.outbox
        (last,) = (await engine.rows("SELECT max(sequence) FROM replication_artefact"))[0]
        await engine.store.perform(lambda connection, _: [outbox.mark_shown(connection, "", last)], None)  # type: ignore[attr-defined]
        await queue.settle(settlement(_part(claimed, 1), "delivered", outcome="b"))
        assert await engine.artefacts() == [(0, ["head", ["a"]]), (0, [None, ["b"]])]

    async def test_what_is_given_back_untried_tells_nothing(self, engine: QueueEngine) -> None:
        """A released mail keeps its head, which leaves with the attempt that is made."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(head="head"))
        await queue.settle(settlement(claimed, "released"))
        assert await engine.artefacts() == []
        (claimed,) = await queue.claim(1)
        await queue.settle(settlement(claimed, "delivered", outcome="sent"))
        assert await engine.artefacts() == [(0, ["head", ["sent"]])]

    async def test_a_deferred_mail_tells_each_attempt(self, engine: QueueEngine) -> None:
        """The head leaves with the first attempt; further ones leave without it, also after a crash."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(head="head", tenant=2))
        await queue.settle(settlement(claimed, "deferred", due_at=START + 60, outcome="first"))
        engine.clock.now = START + 60
        (claimed,) = await queue.claim(1)
        await queue.settle(settlement(claimed, "deferred", due_at=START + 120, outcome="second"))
        queue = await engine.reopen()
        engine.clock.now = START + 120
        (claimed,) = await queue.claim(1)
        await queue.settle(settlement(claimed, "delivered", outcome="third"))
        assert await engine.artefacts() == [(2, ["head", ["first"]]), (2, [None, ["second"]]), (2, [None, ["third"]])]

    async def test_a_slow_mail_lets_its_head_go_by_itself(self, engine: QueueEngine) -> None:
        """A head that has waited two seconds leaves alone; an outcome that comes soon after is gathered to it."""
        queue = await engine.open()
        slow, slower = await committed(queue, new_mail(head="slow"), new_mail(head="slower"))
        engine.clock.now = START + GATHER_S - 0.1
        assert await queue.ship_heads() == 0
        engine.clock.now = START + GATHER_S
        await queue.ship_heads()
        assert sorted(await engine.artefacts()) == [(0, ["slow", []]), (0, ["slower", []])]
        engine.clock.now += 1
        await queue.settle(settlement(slow, "delivered", outcome="sent"))
        engine.clock.now += GATHER_S
        await queue.settle(settlement(slower, "delivered", outcome="sent"))
        await queue.ship_heads()
        assert sorted(await engine.artefacts(), key=str) == [(0, ["slow", ["sent"]]), (0, ["slower", []]), (0, [None, ["sent"]])]

    async def test_the_background_lets_heads_go(self, engine: QueueEngine) -> None:
        """Nobody has to ask for it; a disabled queue's mail is told of as well."""
        queue = await engine.open()
        await queue.set_enabled("off.example", False, 0)
        await committed(queue, new_mail("a@off.example", head="off"))
        engine.clock.now += GATHER_S
        assert await engine.wait_for_artefacts(1) == [(0, ["off", []])]

    async def test_what_a_crash_left_is_found(self, engine: QueueEngine) -> None:
        """Heads of a holder that is gone leave once: of claimed, of waiting and of disabled mail; and none that had left."""
        queue = await engine.open()
        await queue.set_enabled("off.example", False, 0)
        mails = [new_mail("a@off.example", head="off"), new_mail(head="waiting"), new_mail(head="claimed"), new_mail(head="told")]
        claimed = await committed(queue, *mails)
        await queue.settle(settlement(claimed[1], "released", due_at=START + 5000))
        await queue.settle(settlement(claimed[3], "deferred", due_at=START + 5000, outcome="tried"))
        queue = await engine.reopen()
        await engine.wait_for_artefacts(4)
        await queue.shipping.look()
        await queue.ship_heads(everything=True)
        assert sorted(await engine.artefacts()) == [(0, [name, []]) for name in ("claimed", "off")] + [
            (0, ["told", ["tried"]]),
            (0, ["waiting", []]),
        ]

    async def test_closing_lets_all_heads_go(self, engine: QueueEngine) -> None:
        """What is still in the queue when it closes is told of."""
        queue = await engine.open()
        await committed(queue, new_mail(head="head"))
        await queue.close()
        assert await engine.artefacts() == [(0, ["head", []])]

    async def test_a_living_holders_heads_are_its_own(self, engine: QueueEngine) -> None:
        """Another holder that looks through the store lets none of them go; each leaves once."""
        one, two = await engine.open(), await engine.open()
        (claimed,) = await committed(one, new_mail(head="head"))
        two.shipping.look_again()
        await two.shipping.look()
        await two.ship_heads(everything=True)
        assert await engine.artefacts() == []
        await one.settle(settlement(claimed, "delivered", outcome="sent"))
        assert await engine.artefacts() == [(0, ["head", ["sent"]])]

    async def test_a_report_has_a_track_of_its_own(self, engine: QueueEngine) -> None:
        """A report's head leaves by itself or with its delivery, as any mail's; one into a disabled queue too."""
        queue = await engine.open()
        await queue.set_enabled("off.example", False, 0)
        reports = [new_mail("s@on.example", head="report"), new_mail("s@off.example", head="stuck")]
        (claimed,) = await committed(queue, new_mail(head="head"))
        await queue.settle(settlement(claimed, "bounced", outcome="lost", reports=reports))
        (report,) = await queue.claim(10)
        await queue.settle(settlement(report, "delivered", outcome="sent"))
        assert await engine.artefacts() == [(0, ["head", ["lost"]]), (0, ["report", ["sent"]])]
        engine.clock.now += GATHER_S
        await queue.ship_heads()
        assert (await engine.artefacts())[2:] == [(0, ["stuck", []])]

    async def test_a_stale_settlement_tells_nothing(self, engine: QueueEngine) -> None:
        """What another holder has in hand, that one tells: the head leaves once."""
        queue = await engine.open()
        (old,) = await committed(queue, new_mail(head="head"))
        await queue.settle(settlement(old, "released"))
        (new,) = await queue.claim(1)
        assert await queue.settle(settlement(old, "delivered", outcome="stale")) != ()
        assert await engine.artefacts() == []
        await asyncio.gather(
            queue.settle(settlement(new, "delivered", outcome="sent")), queue.settle(settlement(old, "delivered", outcome="stale"))
        )
        assert await engine.artefacts() == [(0, ["head", ["sent"]])]

    async def test_memory_is_no_proof(self, engine: QueueEngine) -> None:
        """A fresh mail whose head another process has let go meanwhile ends without it, alone in its group and beside others."""
        one, two = await engine.open(), await engine.open()
        claimed = await committed(one, *(new_mail(head=f"head {number}") for number in range(3)))
        for number in (0, 1):
            await two.settle(settlement(claimed[number], "deferred", due_at=START + 9, outcome=f"tried {number}"))
        await one.settle(settlement(claimed[0], "delivered", outcome="sent 0"))
        await asyncio.gather(*(one.settle(settlement(claimed[number], "delivered", outcome=f"sent {number}")) for number in (1, 2)))
        assert await engine.artefacts() == [
            (0, ["head 0", ["tried 0"]]),
            (0, ["head 1", ["tried 1"]]),
            (0, [None, ["sent 0"]]),
            (0, [None, ["sent 1"]]),
            (0, ["head 2", ["sent 2"]]),
        ]
        assert await one.lines() == []

    async def test_a_drop_is_told(self, engine: QueueEngine) -> None:
        """The head leaves if it had not, with an outcome that names the places of the dropped recipients."""
        queue = await engine.open(tell_drop=told)
        await queue.set_enabled("off.example", False, 0)
        await committed(queue, new_mail("a@on.example", "b@off.example", "c@off.example", track="one", tenant=0, head="head"))
        await deferred(queue, new_mail("a@on.example", track="two", head="second"), due_at=START + 50)
        assert await queue.drop("") == 3
        assert (await engine.artefacts())[1:] == [
            (0, ["head", [f"one 0 (1, 2) {START}"]]),
            (0, [None, [f"two 0 (0,) {START}"]]),
        ]

    async def test_a_commit_in_doubt_is_told_once(self, engine: QueueEngine) -> None:
        """A settlement that is repeated because its answer was lost leaves neither a second head nor a second outcome."""
        queue = await engine.open()
        one, two = await committed(queue, new_mail(head="one"), new_mail("a@x.example", "b@x.example", head="two"))
        settlements = settlement(one, "delivered", outcome="1"), settlement(two, "delivered", outcome="2")
        tasks = [asyncio.ensure_future(queue.settle(one)) for one in settlements]
        await asyncio.sleep(0)
        for task in tasks:  # The caller has gone; the settlements are done all the same.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for again in settlements:
            assert await queue.settle(again) == again.outcomes
        await queue.ship_heads(everything=True)
        assert await engine.artefacts() == [(0, ["one", ["1"]]), (0, ["two", ["2"]])]


def _part(claimed: ClaimedMail, number: int) -> ClaimedMail:
    """Give the part of a claim that has one recipient."""
    return msgspec.structs.replace(claimed, recipients=(claimed.recipients[number],))
