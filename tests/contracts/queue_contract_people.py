# SPDX-License-Identifier: Apache-2.0
"""The second half of the queue's contract: what people ask and tell it, and that tenants never meet."""

import inspect
from collections.abc import Awaitable, Callable

from contracts.queue_engines import START, QueueEngine, committed, deferred, new_mail, settlement, tracks
from gatepost.delivery.queue.queue import DurableQueue
from gatepost.delivery.queue.record import Body, QueueLine


class PeopleContract:
    """What list, show, retry, drop, disable and enable promise."""

    async def test_lines_count_by_domain(self, engine: QueueEngine) -> None:
        """One line for each destination domain, by name, with waiting, sending, the oldest and the next due."""
        queue = await engine.open()
        await committed(queue, new_mail("a@b.example", "b@b.example", "c@a.example", at=START - 50))
        await deferred(queue, new_mail("d@b.example", at=START - 10), due_at=START + 70)
        await deferred(queue, new_mail("e@b.example", at=START - 5), due_at=START + 60)
        assert await queue.lines() == [
            QueueLine("a.example", 0, 1, START - 50, START - 50),
            QueueLine("b.example", 2, 2, START - 50, START + 60),
        ]

    async def test_show_by_track_domain_and_all(self, engine: QueueEngine) -> None:
        """A track gives its recipients, a domain its queue, '' all; the oldest mail is first, the limit holds."""
        queue = await engine.open()
        await committed(queue, new_mail("a@x.example", "b@y.example", track="one"), new_mail("c@x.example", track="two"))
        assert [one.recipient for one in await queue.show("one")] == ["a@x.example", "b@y.example"]
        assert [one.recipient for one in await queue.show("x.example")] == ["a@x.example", "c@x.example"]
        assert [one.recipient for one in await queue.show("")] == ["a@x.example", "b@y.example", "c@x.example"]
        assert [one.recipient for one in await queue.show("", limit=2)] == ["a@x.example", "b@y.example"]
        assert await queue.show("unknown") == []
        (shown,) = await queue.show("two")
        assert (shown.sender, shown.direction, shown.state, shown.size_bytes) == ("Sender@example.org", "inbound", "sending", 11)

    async def test_retry_makes_due(self, engine: QueueEngine) -> None:
        """The wanted recipients are due now and the caller is woken; others and claimed ones stay as they are."""
        queue = await engine.open()
        await deferred(queue, new_mail("a@x.example", track="one"), new_mail("b@y.example", track="two"), due_at=START + 99)
        await committed(queue, new_mail("c@x.example", track="busy"))
        queue.wake.clear()
        assert await queue.retry("x.example") == 1
        assert queue.wake.is_set()
        assert tracks(await queue.claim(10)) == ["one"]
        assert await queue.retry("two") == 1
        assert tracks(await queue.claim(10)) == ["two"]
        assert await queue.retry("") == 0

    async def test_drop_removes_the_unclaimed(self, engine: QueueEngine) -> None:
        """Dropped recipients are gone with their mail and blob; claimed ones stay."""
        queue = await engine.open()
        name = engine.blob(b"large")
        await deferred(queue, new_mail("a@x.example", "b@y.example", track="one", body=Body(5, b"", name)), due_at=START + 9)
        await committed(queue, new_mail("c@x.example", track="busy"))
        assert await queue.drop("x.example") == 1
        assert [one.recipient for one in await queue.show("")] == ["b@y.example", "c@x.example"]
        assert engine.blobs() == {name}
        assert await queue.drop("one") == 1
        assert await queue.drop("busy") == 0
        assert [one.track for one in await queue.show("")] == ["busy"]
        await queue.close()
        assert engine.blobs() == set()

    async def test_large_changes_go_in_slices(self, engine: QueueEngine) -> None:
        """Retry, disable, enable and drop reach every one of several thousand recipients."""
        queue = await engine.open()
        names = [f"u{number}@x.example" for number in range(1250)]
        await deferred(queue, new_mail(*names), new_mail(*names), due_at=START + 9)
        await queue.set_enabled("x.example", False, 0)
        assert {one.state for one in await queue.show("", limit=5000)} == {"disabled"}
        await queue.set_enabled("x.example", True, 0)
        assert await queue.retry("") == 2500
        assert {(one.state, one.due_at) for one in await queue.show("", limit=5000)} == {("waiting", START)}
        assert await queue.drop("") == 2500
        assert await queue.lines() == []

    async def test_a_queue_disabled_in_advance_takes_mail_and_gives_none(self, engine: QueueEngine) -> None:
        """Fresh mail for it is stored, not claimed; the other recipients of that mail are."""
        queue = await engine.open()
        await queue.set_enabled("off.example", False, 0)
        assert not await queue.is_enabled("off.example", 0)
        (claimed,) = await committed(queue, new_mail("a@off.example", "b@on.example"))
        assert [str(one.recipient.address) for one in claimed.recipients] == ["b@on.example"]
        assert await queue.claim(10) == []
        queue = await engine.reopen()
        (again,) = await queue.claim(10)
        assert [str(one.recipient.address) for one in again.recipients] == ["b@on.example"]
        queue.wake.clear()
        await queue.set_enabled("off.example", True, 0)
        assert queue.wake.is_set()
        (rest,) = await queue.claim(10)
        assert [(str(one.recipient.address), one.fence) for one in rest.recipients] == [("a@off.example", 1)]

    async def test_what_comes_back_to_a_disabled_queue_stays_there(self, engine: QueueEngine) -> None:
        """Deferred and released recipients, and reports, of a disabled queue are not claimable until it is enabled."""
        queue = await engine.open()
        claimed = await committed(queue, *(new_mail("a@x.example", track=f"t{number}") for number in range(3)))
        await queue.set_enabled("x.example", False, 0)
        await queue.settle(settlement(claimed[0], "deferred", due_at=START))
        await queue.settle(settlement(claimed[1], "released"))
        await queue.settle(settlement(claimed[2], "bounced", reports=[new_mail("s@x.example", track="report")]))
        assert await queue.claim(10) == []
        assert {one.state for one in await queue.show("")} == {"disabled"}
        await queue.set_enabled("x.example", True, 0)
        assert sorted(tracks(await queue.claim(10))) == ["report", "t0", "t1"]


async def _lines(queue: DurableQueue) -> object:
    return [(line.domain, line.waiting, line.sending) for line in await queue.lines(tenant_id=1)]


async def _show(queue: DurableQueue) -> object:
    seen = [await queue.show(wanted, tenant_id=1) for wanted in ("", "same", "x.example", "theirs")]
    assert {one.tenant_id for shown in seen for one in shown} <= {1}
    return [[one.recipient for one in shown] for shown in seen]


async def _set_and_read(queue: DurableQueue) -> object:
    await queue.set_enabled("x.example", False, 1)
    seen = (await queue.is_enabled("x.example", 1), await queue.is_enabled("x.example", 2))
    claimable = await queue.claim(10)
    assert {one.mail.tenant_id for one in claimable} == {2}
    for one in claimable:
        await queue.settle(settlement(one, "released"))
    await queue.set_enabled("x.example", True, 1)
    return seen


CALLS: dict[str, tuple[Callable[[DurableQueue], Awaitable[object]], object]] = {
    "lines": (_lines, [("x.example", 1, 0)]),
    "show": (_show, [["a@x.example"], ["a@x.example"], ["a@x.example"], []]),
    "set_enabled": (_set_and_read, (False, True)),
    "is_enabled": (_set_and_read, (False, True)),
    "retry": (lambda queue: queue.retry("", tenant_id=1), 1),
    "drop": (lambda queue: queue.drop("", tenant_id=1), 1),
}
"""Every public call that takes a tenant: what tenant 1 gets where tenant 2 has a mail of the same track and domain."""

WITHOUT_TENANT = {"open", "commit", "settle", "claim", "next_due_at", "ship_heads", "sweep_blobs", "close", "abandon"}
"""Calls of the process itself: `commit` and reports carry the tenant in the mail, `settle` the numbers of one claim."""


class TenantContract:
    """Nothing is read or written for one tenant by a call for another."""

    def test_every_public_call_is_in_the_table(self) -> None:
        """A new call of the queue must say whose rows it touches before this passes again."""
        public = {name for name, _ in inspect.getmembers(DurableQueue, callable) if not name.startswith("_")}
        assert public == set(CALLS) | WITHOUT_TENANT
        taking = {name for name in public if "tenant_id" in inspect.signature(getattr(DurableQueue, name)).parameters}
        assert taking == set(CALLS)

    async def test_no_call_crosses_tenants(self, engine: QueueEngine) -> None:
        """With two tenants of one track and one domain, each call for the first leaves the second's rows untouched."""
        queue = await engine.open()
        theirs = [new_mail("b@x.example", tenant=2, track="same"), new_mail("c@x.example", tenant=2, track="theirs")]
        await deferred(queue, *theirs)
        for name, (call, expected) in CALLS.items():
            await queue.drop("", tenant_id=1)
            await deferred(queue, new_mail("a@x.example", tenant=1, track="same"))
            before = [(one.track, one.recipient, one.state, one.attempts) for one in await queue.show("", tenant_id=2)]
            assert len(before) == 2
            assert await call(queue) == expected, name
            after = [(one.track, one.recipient, one.state, one.attempts) for one in await queue.show("", tenant_id=2)]
            assert after == before, name

    async def test_anothers_track_hides_no_domain(self, engine: QueueEngine) -> None:
        """What a tenant's word means, track or domain, does not depend on another tenant's tracks."""
        queue = await engine.open()
        await deferred(queue, new_mail("a@x.example", tenant=1), new_mail("b@y.example", tenant=2, track="x.example"))
        assert [one.recipient for one in await queue.show("x.example", tenant_id=1)] == ["a@x.example"]
        assert await queue.retry("x.example", tenant_id=1) == 1
        assert await queue.drop("x.example", tenant_id=1) == 1

    async def test_a_claim_keeps_tenants_apart(self, engine: QueueEngine) -> None:
        """Two tenants' mails of one domain are two queues: each gets its share, each mail its own tenant."""
        queue = await engine.open()
        await deferred(queue, *(new_mail(f"u{number}@x.example", tenant=1) for number in range(50)), due_at=START - 9)
        await deferred(queue, new_mail("b@x.example", tenant=2))
        claimed = await queue.claim(4)
        assert {one.mail.tenant_id for one in claimed} == {1, 2}
        for one in claimed:
            assert (str(one.recipients[0].recipient.address) == "b@x.example") == (one.mail.tenant_id == 2)
