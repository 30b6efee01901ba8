# SPDX-License-Identifier: Apache-2.0
"""The worker that tells what is due: mails through any gateway that answers, webhooks by POST; what fails is due again later.

Promises: of what it was asked to tell nothing is forgotten while the store lives; a mail that may have been taken is repeated
under the same id, alone; one target's failures hold up no other's.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gatepost.errors import GatepostError, StoreError
from gatepost.monitoring.notice_mail import House, Letter, compose
from gatepost.monitoring.notice_rows import ADDRESS_PAUSE_S, MOST_TRIES, Attempt, Line, NoticeRows
from gatepost.monitoring.record import Addressees, Notice
from gatepost.monitoring.webhook_post import Post, body, post
from gatepost.monitoring.webhooks import Webhooks
from gatepost.telemetry.events import NoticeSent, NoticeTrouble, StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

LOOK_MOST_S = 60.0
"""The worker looks at least so often."""
_LOOK_LEAST_S = 0.2
_AT_ONCE = 8
"""Webhook posts at one time."""
_BATCH = 100
_TURN_S = 10.0
"""So long at most one webhook keeps a round, and one more post: mails to others wait for it."""


class Submitted(NamedTuple):
    """What became of a mail that was given to gateways: '' taken; else why not, and whether one may have taken it all the same."""

    trouble: str = ""
    doubt: bool = False


Submit = Callable[[Letter, str], Awaitable[Submitted]]
"""letter, id: the same id is the same mail, which a gateway takes once."""
AskAddressees = Callable[[], Awaitable[Addressees]]
AskHouse = Callable[[], Awaitable[House]]
"""Is asked for each mail and each post, so that links have the address that holds then."""


class Sending:
    """Sends the notices of one store."""

    def __init__(
        self,
        rows: NoticeRows,
        webhooks: Webhooks,
        submit: Submit,
        addressees: AskAddressees,
        house: AskHouse,
        *,
        post: Post = post,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rows = rows
        self._webhooks = webhooks
        self._submit = submit
        self._addressees = addressees
        self._house = house
        self._post = post
        self._clock = clock
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End; what was under way is tried again, under the same id, by the next worker."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def stir(self) -> None:
        """Say that there may be something to tell."""
        self._stirred.set()

    async def round(self) -> float:
        """Tell what is due now; gives when to look again (Unix time). Raises: StoreError."""
        now = self._clock()
        lines = await self._rows.lines()
        turn = asyncio.Semaphore(_AT_ONCE)
        mails = [self._mail_due(line, now) for line in lines if line.channel == "mail"]
        await asyncio.gather(*mails, *(self._post_due(line, now, turn) for line in lines if line.channel == "webhook"))
        return await self._next_at()

    async def _next_at(self) -> float:
        now = self._clock()
        due = [await self._mail_at(line) if line.channel == "mail" else line.due_at for line in await self._rows.lines()]
        return min([now + LOOK_MOST_S, *due])

    async def _mail_at(self, line: Line) -> float:
        """Tell when an address may be written to: when something is due, but not soon after the last mail."""
        return max(line.due_at, await self._rows.last_mail_at(line.tenant_id, line.target) + ADDRESS_PAUSE_S)

    # Mail

    async def _mail_due(self, line: Line, now: float) -> None:
        if await self._mail_at(line) > now:
            return
        # What may have been taken already goes first, and alone.
        batch = await self._rows.due_batch(line, now)
        notices = await self._rows.seal(line.tenant_id, line.target, batch, uuid.uuid4().hex)
        if notices:
            await self._send(notices)

    async def _send(self, notices: list[Notice]) -> None:
        target = notices[0].target
        sender = (await self._addressees()).sender_for(target)
        letter = compose(notices, recipient=target, sender=sender, house=await self._house(), now=notices[0].made_at)
        submitted = await self._submit(letter, notices[0].batch)
        await self._settle(Attempt(notices, self._clock(), submitted.trouble, submitted.doubt))

    # Webhooks

    async def _post_due(self, line: Line, now: float, turn: asyncio.Semaphore) -> None:
        """Tell one webhook all that waits, in its order, once any of it is due; one that fails is not asked for each of them."""
        if line.due_at > now:
            return
        async with turn:
            loop = asyncio.get_running_loop()
            end = loop.time() + _TURN_S
            while waiting := await self._rows.waiting(line, _BATCH):
                for notice in waiting:
                    if trouble := await self._post_one(notice):
                        await self._miss(line, now, trouble)
                        return
                    if loop.time() > end:
                        return

    async def _post_one(self, notice: Notice) -> str:
        """Tell one notice; gives why not, '' when it was told."""
        target = await self._webhooks.target(notice.tenant_id, notice.target)
        if target is None:
            return "this webhook was removed, or is off"
        if trouble := await self._post(target, body(notice, await self._house()), self._clock()):
            return trouble
        await self._settle(Attempt((notice,), self._clock()))
        return ""

    async def _miss(self, line: Line, now: float, trouble: str) -> None:
        if tries := await self._rows.miss(line, now, trouble):
            last = min(tries) >= MOST_TRIES
            emit(NoticeTrouble(channel=line.channel, target=line.target, notices=len(tries), reason=trouble, given_up=last))

    async def _settle(self, attempt: Attempt) -> None:
        await self._rows.settle(attempt)
        first = attempt.notices[0]
        if attempt.trouble:
            last = all(one.tries + 1 >= MOST_TRIES for one in attempt.notices)
            trouble = NoticeTrouble(
                channel=first.channel, target=first.target, notices=len(attempt.notices), reason=attempt.trouble, given_up=last
            )
            emit(trouble)
        else:
            emit(NoticeSent(channel=first.channel, target=first.target, notices=len(attempt.notices)))

    # The clock

    async def _keep(self) -> None:
        told = False
        while True:
            again_at = self._clock() + LOOK_MOST_S
            try:
                again_at = await self.round()
                told = False
            except StoreError as error:
                if not told:
                    emit(StoreTrouble(what="telling of incidents", reason=str(error)))
                told = True
            except GatepostError as error:
                emit(NoticeTrouble(channel="mail", target="", notices=0, reason=str(error), given_up=False))
            except Exception as defect:
                emit_unexpected("notices", defect)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(_LOOK_LEAST_S, again_at - self._clock())):
                    await self._stirred.wait()
            self._stirred.clear()
