# SPDX-License-Identifier: Apache-2.0
"""The queue against a model of a few lines: whatever is done in whatever order, both hold the same."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.queue_engines import LEASE_S, QueueEngine, new_mail
from gatepost.delivery.queue.record import ClaimedMail, Outcome, Settlement

DOMAINS = ("a.example", "b.example", "c.example")
STATES = ("delivered", "deferred", "bounced", "dropped", "released")


@dataclass
class Row:
    """What the model knows of one recipient."""

    track: str
    tenant: int
    domain: str
    due_at: float
    holder: int = 0
    fence: int = 0
    attempts: int = 0


class QueueMachine(RuleBasedStateMachine):
    """Two holders on one store; rows are known by their track and place."""

    engine_name = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.rows: dict[tuple[str, str], Row] = {}
        self.disabled: set[tuple[int, str]] = set()
        self.claims: list[ClaimedMail] = []
        self.renewed: dict[int, float] = {}
        self.held: set[int] = set()
        self.count = 0
        self.settled = 0
        self.heads: list[str] = []
        self.told: list[str] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        async def opened() -> None:
            self.engine = QueueEngine(self.engine_name, self.folder)
            self.queues = [await self.engine.open(), await self.engine.open()]

        self.run(opened())
        self.renewed = {1: self.now, 2: self.now}
        self.held = {1, 2}

    @property
    def now(self) -> float:
        return self.engine.clock.now

    def is_waiting(self, row: Row) -> bool:
        return not row.holder and (row.tenant, row.domain) not in self.disabled

    def names(self, domains: list[str]) -> list[str]:
        return [f"u{place}@{domain}" for place, domain in enumerate(domains)]

    @rule(who=st.integers(1, 2), tenant=st.integers(0, 1), domains=st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=4))
    def commit(self, who: int, tenant: int, domains: list[str]) -> None:
        self.count += 1
        mail = new_mail(*self.names(domains), track=f"t{self.count}", tenant=tenant, at=self.now, head=f"t{self.count}")
        self.heads.append(mail.track)
        claimed = self.run(self.queues[who - 1].commit(mail).committed())
        ours = {str(one.recipient.address) for one in claimed.recipients}
        for name, domain in zip(self.names(domains), domains, strict=True):
            enabled = (tenant, domain) not in self.disabled
            assert (name in ours) == enabled
            self.rows[mail.track, name] = Row(mail.track, tenant, domain, self.now, who if enabled else 0, 1 if enabled else 0)
        self.claims.append(claimed)
        if self.now - self.renewed[who] >= LEASE_S / 3:
            self.renew(who)

    @rule(who=st.integers(1, 2), limit=st.integers(1, 12))
    def claim(self, who: int, limit: int) -> None:
        other = 3 - who
        if other in self.held and self.renewed[other] + LEASE_S <= self.now:
            self.void(other)
        self.renew(who)
        due = {key for key, row in self.rows.items() if self.is_waiting(row) and row.due_at <= self.now}
        claimed = self.run(self.queues[who - 1].claim(limit))
        keys = [(mail.mail.track, str(one.recipient.address)) for mail in claimed for one in mail.recipients]
        assert len(set(keys)) == len(keys) == min(limit, len(due))
        assert set(keys) <= due
        for mail in claimed:
            for one in mail.recipients:
                row = self.rows[mail.mail.track, str(one.recipient.address)]
                row.holder, row.fence = who, row.fence + 1
                assert (one.fence, one.attempts, mail.mail.tenant_id) == (row.fence, row.attempts, row.tenant)
        self.claims += claimed

    @rule(
        who=st.integers(1, 2),
        which=st.integers(0, 10**6),
        states=st.lists(st.sampled_from(STATES), min_size=4, max_size=4),
        wait=st.integers(0, 90),
    )
    def settle(self, who: int, which: int, states: list[str], wait: int) -> None:
        if not self.claims:
            return
        claimed = self.claims[which % len(self.claims)]
        outcomes, stale, news = [], [], False
        for one, state in zip(claimed.recipients, states, strict=False):
            outcome = Outcome(one.id, one.fence, state, self.now + wait)  # type: ignore[arg-type]
            outcomes.append(outcome)
            key = (claimed.mail.track, str(one.recipient.address))
            row = self.rows.get(key)
            if row is None or row.fence != one.fence:
                stale.append(outcome)
                continue
            news |= state != "released"
            if state in ("delivered", "bounced", "dropped"):
                del self.rows[key]
            else:
                row.holder = 0
                row.due_at = self.now + wait
                row.attempts += state == "deferred"
        self.settled += 1
        words = f"{claimed.mail.track} {self.settled}"
        if news:
            self.told.append(words)
        told = msgspec.msgpack.encode(words)
        given = self.run(self.queues[who - 1].settle(Settlement(claimed.mail_id, claimed.variant_id, tuple(outcomes), (), told)))
        assert given == tuple(stale)

    @rule(who=st.integers(1, 2))
    def ship(self, who: int) -> None:
        self.run(self.queues[who - 1].ship_heads())

    @rule(seconds=st.sampled_from([1, 10, 61]))
    def wait(self, seconds: int) -> None:
        self.engine.clock.now += seconds

    @rule(tenant=st.integers(0, 1), domain=st.sampled_from(DOMAINS), enabled=st.booleans())
    def set_enabled(self, tenant: int, domain: str, enabled: bool) -> None:
        self.run(self.queues[0].set_enabled(domain, enabled, tenant))
        (self.disabled.discard if enabled else self.disabled.add)((tenant, domain))

    def wanted(self, wanted: str, tenant: int | None) -> list[tuple[str, str]]:
        return [
            key
            for key, row in self.rows.items()
            if not row.holder and wanted in ("", row.domain, row.track) and tenant in (None, row.tenant)
        ]

    @rule(wanted=st.sampled_from(("", "t1", "t2", "t3", *DOMAINS)), tenant=st.sampled_from([None, 0, 1]))
    def retry(self, wanted: str, tenant: int | None) -> None:
        keys = self.wanted(wanted, tenant)
        assert self.run(self.queues[0].retry(wanted, tenant)) == len(keys)
        for key in keys:
            self.rows[key].due_at = min(self.now, self.rows[key].due_at)

    @rule(wanted=st.sampled_from(("t1", "t2", "t3", *DOMAINS)), tenant=st.sampled_from([None, 0, 1]))
    def drop(self, wanted: str, tenant: int | None) -> None:
        keys = self.wanted(wanted, tenant)
        assert self.run(self.queues[0].drop(wanted, tenant)) == len(keys)
        for key in keys:
            del self.rows[key]

    @rule()
    def crash(self) -> None:
        async def reopened() -> None:
            self.queues = [await self.engine.reopen(), await self.engine.open()]

        self.run(reopened())
        self.renewed = {1: self.now, 2: self.now}
        self.held = {1, 2}
        for who in (1, 2):
            self.void(who)
        self.held = {1, 2}

    def renew(self, who: int) -> None:
        self.renewed[who] = self.now
        self.held.add(who)

    def void(self, who: int) -> None:
        for row in self.rows.values():
            if row.holder == who:
                row.holder = 0
        self.held.discard(who)

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "queues"):
            return
        shown = self.run(self.queues[0].show("", limit=10_000))
        assert {(one.track, one.recipient): (one.state, one.attempts, one.due_at, one.tenant_id) for one in shown} == {
            key: (
                "sending" if row.holder else "waiting" if self.is_waiting(row) else "disabled",
                row.attempts,
                row.due_at,
                row.tenant,
            )
            for key, row in self.rows.items()
        }
        due = [row.due_at for row in self.rows.values() if self.is_waiting(row)]
        assert self.run(self.queues[0].next_due_at()) == min(due, default=None)

    def teardown(self) -> None:
        async def nothing_is_left_over() -> None:
            def orphans(connection: Any) -> tuple[int, int]:
                mails = "SELECT count(*) FROM mail WHERE id NOT IN (SELECT mail_id FROM recipient)"
                variants = "SELECT count(*) FROM variant WHERE id NOT IN (SELECT variant_id FROM recipient)"
                return connection.execute(mails).fetchone()[0], connection.execute(variants).fetchone()[0]

            assert await self.engine.store.ask(orphans) == (0, 0)

        async def everything_was_told_once() -> None:
            for queue in self.queues:
                await queue.close()
            last = await self.engine.open()
            await last.shipping.look()
            await last.ship_heads(everything=True)
            told = [content for _, content in await self.engine.artefacts()]
            assert sorted(head for head, _ in told if head is not None) == sorted(self.heads)
            assert sorted(outcome for _, outcomes in told for outcome in outcomes) == sorted(self.told)
            seen: set[str] = set()
            for head, outcomes in told:
                seen.add(head)
                assert {outcome.split()[0] for outcome in outcomes} <= seen
            await self.engine.close()

        if hasattr(self, "queues"):
            self.run(nothing_is_left_over())
            self.run(everything_was_told_once())
        self.runner.close()
        shutil.rmtree(self.folder)


class PostgresMachine(QueueMachine):
    """The same on PostgreSQL."""

    engine_name = "postgresql"


_SETTINGS = settings(stateful_step_count=40)

TestQueueModel = QueueMachine.TestCase
TestQueueModel.settings = settings(_SETTINGS, max_examples=25)
TestPostgresQueueModel = PostgresMachine.TestCase
TestPostgresQueueModel.settings = settings(_SETTINGS, max_examples=5)
