# SPDX-License-Identifier: Apache-2.0
"""A house of incidents on an open store, whose checks see what a test says and whose clock is the test's."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gatepost.contracts.actor import Audit
from gatepost.monitoring.engine import Engine
from gatepost.monitoring.notice_mail import House, Letter
from gatepost.monitoring.notice_rows import NoticeRows
from gatepost.monitoring.record import Address, Addressees, Finding, Look
from gatepost.monitoring.sending import Sending, Submitted
from gatepost.monitoring.store import IncidentRows
from gatepost.monitoring.webhook_post import Target
from gatepost.monitoring.webhooks import Webhooks, no_audit
from gatepost.storage.contract import Store

START = 1_700_000_000.0


class IncidentHouse:
    """Engine, notices and webhooks; `seen` is what the checks see, by kind, `addressees` who is told."""

    def __init__(
        self, store: Store, *, audit: Audit = no_audit, kinds: Sequence[str] = ("queue.stuck", "link.away", "notices.nowhere")
    ) -> None:
        self.now = START
        self.seen: dict[str, Look | Exception] = {}
        self.addressees = Addressees(Address("admin@house.example", "gatepost@house.example"))
        self.base_url = "https://console.example"
        self.letters: list[tuple[Letter, str]] = []
        self.answers: list[Submitted] = []
        """What becomes of the next mails; then each is taken."""
        self.posts: list[tuple[Target, bytes, float]] = []
        self.post_answers: list[str] = []
        self.notices = NoticeRows(store)
        self.rows = IncidentRows(store, self.notices)
        self.webhooks = Webhooks(store, audit, self.clock)
        self.sending = Sending(
            self.notices,
            self.webhooks,
            self._submit,
            self._addressees,
            self._house,
            post=self._post,
            clock=self.clock,
        )
        checks = {kind: self._check(kind) for kind in kinds}
        self.told = asyncio.Event()
        """Set when something changed."""
        self.engine = Engine(self.rows, checks, self._addressees, told=self.told.set, clock=self.clock)

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    async def look(self, kind: str, *findings: Finding, after: float = 0.0, unseen: tuple[str, ...] = ()) -> bool:
        """Look once, some seconds later."""
        self.now += after
        self.seen[kind] = Look(findings, unseen)
        return await self.engine.look(kind)

    async def heal(self, kind: str) -> None:
        """Look twice, clean."""
        await self.look(kind)
        await self.look(kind, after=11.0)

    async def send(self, after: float = 0.0) -> float:
        """Tell what is due, some seconds later; gives in how many seconds to look again."""
        self.now += after
        return await self.sending.round() - self.now

    def _check(self, kind: str) -> Callable[[Any], Any]:
        async def check(standing: Any) -> Look:
            seen = self.seen.get(kind, Look())
            if isinstance(seen, Exception):
                raise seen
            return seen

        return check

    async def _addressees(self) -> Addressees:
        return self.addressees

    async def _house(self) -> House:
        return House("intranet.example", self.base_url)

    async def _submit(self, letter: Letter, identity: str) -> Submitted:
        self.letters.append((letter, identity))
        return self.answers.pop(0) if self.answers else Submitted()

    async def _post(self, target: Target, content: bytes, at: float) -> str:
        self.posts.append((target, content, at))
        return self.post_answers.pop(0) if self.post_answers else ""


def stuck(domain: str = "a.example", level: Any = "warning", tenant_id: int = 0, **details: Any) -> Finding:
    """Give a finding that a queue is stuck."""
    return Finding("queue.stuck", f"berlin/{domain}", level, details, tenant_id, domain)
