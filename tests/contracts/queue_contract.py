# SPDX-License-Identifier: Apache-2.0
"""The contract of the durable queue as a suite: an engine passes it by subclassing and giving an `engine` fixture."""

import asyncio

import pytest

from contracts.queue_engines import LEASE_S, START, QueueEngine, committed, deferred, new_mail, settlement, tracks
from contracts.store_engines import HeldUp
from gatepost.delivery.queue.record import Body, ClaimedMail, Outcome, Settlement
from gatepost.errors import StoreError
from gatepost.telemetry.events import SettlementStale


def recipients_of(claimed: list[ClaimedMail]) -> list[str]:
    return sorted(str(one.recipient.address) for mail in claimed for one in mail.recipients)


class CommitContract:
    """What `commit` promises."""

    async def test_a_committed_mail_goes_on_from_memory_claimed_for_its_holder(self, engine: QueueEngine) -> None:
        """The ticket gives the very mail, with all recipients claimed under fence 1; nobody can claim them."""
        queue = await engine.open()
        mail = new_mail("a@one.example", "b@two.example")
        (claimed,) = await committed(queue, mail)
        assert claimed.mail is mail
        assert [(one.recipient, one.fence, one.attempts) for one in claimed.recipients] == [
            (wanted, 1, 0) for wanted in mail.envelope.recipients
        ]
        assert await queue.claim(10) == []
        assert await queue.next_due_at() is None

    async def test_a_committed_mail_survives_a_crash_byte_for_byte(self, engine: QueueEngine) -> None:
        """After a crash the mail is claimable, with its bytes, envelope, trace and defects."""
        queue = await engine.open()
        mail = new_mail("a@one.example", "B.c@two.example", notify="FAILURE,DELAY", orcpt="rfc822;x@y.example")
        await committed(queue, mail)
        queue = await engine.reopen()
        (claimed,) = await queue.claim(10)
        assert claimed.mail == mail
        assert [one.recipient for one in claimed.recipients] == mail.envelope.recipients
        assert {one.fence for one in claimed.recipients} == {2}

    async def test_the_null_sender_survives(self, engine: QueueEngine) -> None:
        """A report's empty reverse-path comes back as None."""
        queue = await engine.open()
        mail = new_mail("a@one.example")
        mail.envelope.sender = None
        await committed(queue, mail)
        (claimed,) = await (await engine.reopen()).claim(1)
        assert claimed.mail.envelope.sender is None

    async def test_a_mail_cancelled_before_its_group_is_not_stored(self, engine: QueueEngine) -> None:
        """A ticket that is cancelled at once gives None, and no row is left; its neighbours are stored."""
        queue = await engine.open()
        first = queue.commit(new_mail(track="first"))
        tickets = [queue.commit(new_mail(track=f"hung-up-{number}")) for number in range(20)]
        last = queue.commit(new_mail(track="last"))
        # The first commit may have begun; what waits behind it in this turn of the loop has either not begun or is stored.
        for ticket in tickets:
            ticket.cancel()
        results = [await ticket.committed() for ticket in tickets]
        assert (await first.committed()) is not None
        assert (await last.committed()) is not None
        stored = {line.track for line in await queue.show("")}
        assert stored == {"first", "last"} | {one.mail.track for one in results if one is not None}

    async def test_cancelling_after_the_commit_changes_nothing(self, engine: QueueEngine) -> None:
        """A mail that is durable stays."""
        queue = await engine.open()
        ticket = queue.commit(new_mail(track="kept"))
        await ticket.committed()
        ticket.cancel()
        assert [one.track for one in await queue.show("")] == ["kept"]

    async def test_a_callback_hears_of_the_commit(self, engine: QueueEngine) -> None:
        """`add_done_callback` is called in the loop with the finished future."""
        queue = await engine.open()
        heard: asyncio.Future[ClaimedMail | None] = asyncio.get_running_loop().create_future()
        queue.commit(new_mail(track="called")).add_done_callback(lambda done: heard.set_result(done.result()))
        claimed = await heard
        assert claimed is not None and claimed.mail.track == "called"

    async def test_one_commit_serves_many(self, engine: QueueEngine) -> None:
        """A hundred mails handed over while one COMMIT is under way take one more; so do their settlements."""
        queue = await engine.open()
        before, held = engine.commits, HeldUp(engine.store)
        tickets = [queue.commit(new_mail()) for _ in range(100)]
        held.go_on()
        claimed = [await ticket.committed() for ticket in tickets]
        assert engine.commits - before == 2
        before, held = engine.commits, HeldUp(engine.store)
        settling = [asyncio.ensure_future(queue.settle(settlement(one, "delivered"))) for one in claimed if one is not None]
        await asyncio.sleep(0)
        held.go_on()
        assert await asyncio.gather(*settling) == [()] * 100
        assert engine.commits - before == 2
        assert await queue.lines() == []

    async def test_a_defective_mail_harms_only_itself(self, engine: QueueEngine) -> None:
        """A track that exists already, and text that no store can hold, fail alone; the rest of the group is stored."""
        queue = await engine.open()
        await committed(queue, new_mail(track="taken"))
        names = ["one", "taken", "\ud800", "two"]
        results = await asyncio.gather(*(queue.commit(new_mail(track=name)).committed() for name in names), return_exceptions=True)
        assert isinstance(results[1], StoreError)
        assert isinstance(results[2], Exception)
        assert {one.track for one in await queue.show("")} == {"taken", "one", "two"}

    async def test_a_body_in_a_blob_is_named_not_read(self, engine: QueueEngine) -> None:
        """A claim gives the blob's name; the blob goes with the mail's last recipient and not before."""
        queue = await engine.open()
        name = engine.blob(b"large")
        await committed(queue, new_mail("a@one.example", "b@one.example", body=Body(5, b"", name)))
        queue = await engine.reopen()
        (claimed,) = await queue.claim(10)
        assert claimed.mail.body == Body(5, b"", name)
        await queue.settle(settlement(claimed, "delivered", "deferred", due_at=START))
        assert engine.blobs() == {name}
        (rest,) = await queue.claim(10)
        await queue.settle(settlement(rest, "delivered"))
        await queue.close()
        assert engine.blobs() == set()


class SettleContract:
    """What `settle` promises."""

    async def test_a_delivered_mail_leaves_nothing(self, engine: QueueEngine) -> None:
        """With its last recipient the mail is gone, also after a crash."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail("a@one.example", "b@two.example"))
        assert await queue.settle(settlement(claimed, "delivered")) == ()
        assert await queue.lines() == [] and await queue.show("") == []
        queue = await engine.reopen()
        assert await queue.claim(10) == []

    async def test_a_partly_settled_mail_keeps_the_rest(self, engine: QueueEngine) -> None:
        """Delivered, bounced and dropped recipients go; the deferred one stays, due when it was said, with the reply."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail("a@x.example", "b@x.example", "c@x.example", "d@x.example"))
        await queue.settle(settlement(claimed, "delivered", "bounced", "dropped", "deferred", due_at=START + 60, reply="451 later"))
        (left,) = await queue.show("")
        assert (left.recipient, left.state, left.attempts, left.due_at) == ("d@x.example", "waiting", 1, START + 60)
        assert (left.last_reply, left.last_host) == ("451 later", "mx.example.net")
        assert await queue.next_due_at() == START + 60
        assert await queue.claim(10) == []
        engine.clock.now = START + 60
        (again,) = await queue.claim(10)
        assert recipients_of([again]) == ["d@x.example"]
        assert (again.recipients[0].attempts, again.recipients[0].fence, again.recipients[0].first_failure_at) == (1, 2, START)

    async def test_the_first_failure_is_remembered(self, engine: QueueEngine) -> None:
        """A later failure raises the attempts, not the time of the first failure."""
        queue = await engine.open()
        await deferred(queue, new_mail())
        engine.clock.now = START + 100
        (claimed,) = await queue.claim(1)
        await queue.settle(settlement(claimed, "deferred", due_at=START + 150))
        engine.clock.now = START + 200
        (claimed,) = await queue.claim(1)
        assert (claimed.recipients[0].attempts, claimed.recipients[0].first_failure_at) == (2, START)

    async def test_a_released_recipient_is_due_now_and_not_counted(self, engine: QueueEngine) -> None:
        """`released` gives back without an attempt or a failure."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail())
        engine.clock.now = START + 5
        queue.wake.clear()
        await queue.settle(settlement(claimed, "released"))
        assert queue.wake.is_set()
        assert await queue.next_due_at() == START + 5
        (again,) = await queue.claim(1)
        assert (again.recipients[0].attempts, again.recipients[0].first_failure_at, again.recipients[0].fence) == (0, 0.0, 2)

    async def test_a_released_recipient_may_wait_until_a_given_time(self, engine: QueueEngine) -> None:
        """`released` with a due time is not claimable before it: its route is down."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail())
        await queue.settle(settlement(claimed, "released", due_at=START + 60))
        assert await queue.claim(1) == []
        engine.clock.now = START + 60
        (again,) = await queue.claim(1)
        assert again.recipients[0].attempts == 0

    async def test_a_stale_bounce_causes_no_report(self, engine: QueueEngine) -> None:
        """Who claims a recipient reports about it; a holder that lost it does not."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(track="bad"))
        await queue.settle(settlement(claimed, "released"))
        await queue.claim(1)
        await queue.settle(settlement(claimed, "bounced", reports=[new_mail(track="report")]))
        assert [one.track for one in await queue.show("")] == ["bad"]

    async def test_a_report_is_stored_with_the_bounce_and_wakes_the_caller(self, engine: QueueEngine) -> None:
        """The report of a bounce is waiting and due in the same transaction."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail(track="bad"))
        queue.wake.clear()
        report = new_mail("sender@example.org", track="report")
        before = engine.commits
        await queue.settle(settlement(claimed, "bounced", reports=[report]))
        assert engine.commits == before + 1
        assert queue.wake.is_set()
        (due,) = await queue.claim(10)
        assert due.mail == report

    async def test_a_settlement_counts_once(self, engine: QueueEngine) -> None:
        """The second settlement of one claim is stale, is given back, told as an event, and changes nothing."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail("a@x.example", track="twice"))
        first = settlement(claimed, "deferred", due_at=START)
        assert await queue.settle(first) == ()
        await queue.claim(1)
        late = settlement(claimed, "delivered")
        assert await queue.settle(late) == late.outcomes
        assert engine.events == [SettlementStale(track="twice", recipient="a@x.example")]
        assert [one.state for one in await queue.show("")] == ["sending"]

    async def test_a_stale_settlement_in_a_group_harms_only_itself(self, engine: QueueEngine) -> None:
        """Good settlements beside a stale one count, those with deferrals and reports too."""
        queue = await engine.open()
        claimed = await committed(queue, *(new_mail(track=f"t{number}") for number in range(10)))
        await queue.settle(settlement(claimed[4], "delivered"))
        states = ["delivered", "deferred", "bounced", "released"]
        report = new_mail(track="report")
        results = await asyncio.gather(
            *(
                queue.settle(settlement(one, states[number % 4], due_at=START, reports=[report] if number == 2 else ()))
                for number, one in enumerate(claimed)
            )
        )
        assert [bool(stale) for stale in results] == [number == 4 for number in range(10)]
        left = {one.track: one.attempts for one in await queue.show("")}
        assert left == {"t1": 1, "t3": 0, "t5": 1, "t7": 0, "t9": 1, "report": 0}

    async def test_one_stale_outcome_leaves_its_neighbours(self, engine: QueueEngine) -> None:
        """Within a settlement only the outcomes with an old number are discarded."""
        queue = await engine.open()
        (claimed,) = await committed(queue, new_mail("a@x.example", "b@x.example"))
        a, b = claimed.recipients
        wrong = Outcome(a.id, a.fence + 1, "delivered")
        right = Outcome(b.id, b.fence, "delivered")
        assert await queue.settle(Settlement(claimed.mail_id, claimed.variant_id, (wrong, right))) == (wrong,)
        assert [one.recipient for one in await queue.show("")] == ["a@x.example"]


class LeaseContract:
    """What leases and fences promise."""

    async def test_two_holders_never_get_the_same_recipient(self, engine: QueueEngine) -> None:
        """Claims of two holders are disjoint and together complete."""
        one, two = await engine.open(), await engine.open()
        await deferred(one, *(new_mail(f"u{number}@x.example") for number in range(20)))
        results = await asyncio.gather(*(queue.claim(3) for queue in (one, two) * 5))
        claimed = recipients_of([mail for result in results for mail in result])
        assert claimed == sorted(f"u{number}@x.example" for number in range(20))

    async def test_what_a_lost_holder_claimed_is_claimable_after_its_lease(self, engine: QueueEngine) -> None:
        """Not before the lease ends; then under a new number, and the lost holder's settlement is stale."""
        one, two = await engine.open(), await engine.open()
        (old,) = await committed(one, new_mail("a@x.example"))
        engine.clock.now = START + LEASE_S - 1
        assert await two.claim(10) == []
        engine.clock.now = START + LEASE_S
        (new,) = await two.claim(10)
        assert recipients_of([new]) == ["a@x.example"]
        assert await one.settle(settlement(old, "delivered")) == settlement(old, "delivered").outcomes
        assert await two.settle(settlement(new, "delivered")) == ()
        assert await two.lines() == []

    async def test_a_late_settlement_counts_if_nobody_else_claimed(self, engine: QueueEngine) -> None:
        """A lease that ran out costs no second delivery as long as the recipient was not claimed anew."""
        one, two = await engine.open(), await engine.open()
        (claimed,) = await committed(one, new_mail())
        engine.clock.now = START + LEASE_S
        await two.set_enabled("example.com", False, 0)
        assert await two.claim(10) == []
        assert await one.settle(settlement(claimed, "delivered")) == ()
        assert await one.lines() == []

    async def test_a_renewed_lease_is_kept(self, engine: QueueEngine) -> None:
        """A holder that goes on claiming loses nothing."""
        one, two = await engine.open(), await engine.open()
        await committed(one, new_mail())
        for step in range(1, 6):
            engine.clock.now = START + step * LEASE_S * 0.9
            await one.claim(1)
            assert await two.claim(10) == []

    async def test_a_holder_whose_lease_was_voided_goes_on_with_fresh_claims(self, engine: QueueEngine) -> None:
        """A stalled holder that comes back is a holder again: what it commits then is lost to nobody."""
        one, two = await engine.open(), await engine.open()
        engine.clock.now = START + LEASE_S
        await two.claim(1)
        await one.claim(1)
        (claimed,) = await committed(one, new_mail())
        assert await two.claim(10) == []
        assert await one.settle(settlement(claimed, "delivered")) == ()

    async def test_what_a_commit_in_doubt_claimed_comes_back(self, engine: QueueEngine) -> None:
        """A claim whose COMMIT held but was never answered is known to nobody: it is claimable after the lease, by its own holder too."""
        queue = await engine.open()
        await deferred(queue, new_mail("a@x.example"))
        (lost,) = await queue.claim(10)
        engine.store.writer.doubts += 1  # type: ignore[attr-defined]  # as the writer counts when no answer comes
        engine.clock.now += LEASE_S / 2
        (known,) = await committed(queue, new_mail("b@x.example"))
        assert await queue.claim(10) == []
        engine.clock.now += LEASE_S / 2
        assert recipients_of(await queue.claim(10)) == ["a@x.example"]
        assert await queue.settle(settlement(lost, "delivered")) == settlement(lost, "delivered").outcomes
        assert await queue.settle(settlement(known, "delivered")) == ()

    async def test_closing_gives_back(self, engine: QueueEngine) -> None:
        """What a holder still claims when it closes is due for others at once."""
        one, two = await engine.open(), await engine.open()
        await committed(one, new_mail(track="given-back"))
        await one.close()
        assert tracks(await two.claim(10)) == ["given-back"]


class ClaimContract:
    """What `claim` promises."""

    async def test_recipients_of_one_variant_come_together(self, engine: QueueEngine) -> None:
        """One ClaimedMail for each mail, with all its due recipients."""
        queue = await engine.open()
        mails = [new_mail("a@x.example", "b@y.example", "c@x.example", track=f"t{number}") for number in range(3)]
        await deferred(queue, *mails)
        claimed = await queue.claim(100)
        assert sorted(tracks(claimed)) == ["t0", "t1", "t2"]
        assert {len(one.recipients) for one in claimed} == {3}

    async def test_the_limit_counts_recipients(self, engine: QueueEngine) -> None:
        """Never more than asked for; nothing for a limit of 0."""
        queue = await engine.open()
        await deferred(queue, new_mail(*(f"u{number}@x.example" for number in range(10))))
        sizes = [sum(len(one.recipients) for one in await queue.claim(limit)) for limit in (0, 4, 4, 4)]
        assert sizes == [0, 4, 4, 2]

    async def test_the_oldest_due_is_first(self, engine: QueueEngine) -> None:
        """Within a queue the order is that of the due times."""
        queue = await engine.open()
        for number in (3, 1, 2):
            await deferred(queue, new_mail(track=f"t{number}"), due_at=START - 100 + number)
        assert [tracks(await queue.claim(1)) for _ in range(3)] == [["t1"], ["t2"], ["t3"]]

    @pytest.mark.parametrize("limit", [4, 30])
    async def test_a_full_queue_starves_no_other(self, engine: QueueEngine, limit: int) -> None:
        """Beside a queue with many older recipients, each of the small ones gets its turn soon."""
        queue = await engine.open()
        await deferred(queue, *(new_mail(f"u{number}@big.example") for number in range(500)), due_at=START - 1000)
        await deferred(queue, *(new_mail(f"u@small{number}.example") for number in range(10)))
        seen: set[str] = set()
        for _ in range(-(-12 // limit) + 1):
            seen |= {one.recipient.address.domain for mail in await queue.claim(limit) for one in mail.recipients}
        assert seen == {"big.example"} | {f"small{number}.example" for number in range(10)}

    async def test_everything_is_claimed_in_the_end(self, engine: QueueEngine) -> None:
        """Going round by queue leaves no recipient behind and hands out none twice."""
        queue = await engine.open()
        await deferred(queue, *(new_mail(f"u{n}@q{n % 7}.example") for n in range(300)))
        names: list[str] = []
        while claimed := await queue.claim(10):
            names += recipients_of(claimed)
        assert sorted(names) == sorted(f"u{n}@q{n % 7}.example" for n in range(300))

    async def test_next_due_is_the_earliest(self, engine: QueueEngine) -> None:
        """Claimed and disabled recipients do not count."""
        queue = await engine.open()
        await committed(queue, new_mail())
        await deferred(queue, new_mail("a@off.example"), due_at=START + 1)
        await queue.set_enabled("off.example", False, 0)
        assert await queue.next_due_at() is None
        await deferred(queue, new_mail(), due_at=START + 30)
        await deferred(queue, new_mail(), due_at=START + 20)
        assert await queue.next_due_at() == START + 20
