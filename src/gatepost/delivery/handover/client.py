# SPDX-License-Identifier: Apache-2.0
"""The end of the hand-over in `receive`: give a mail, wait for its group's commit; ask for a recipient, remember the answer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, cast

from gatepost.delivery.handover.frames import (
    ANNOUNCEMENT,
    ANSWER,
    Answer,
    Events,
    Question,
    Refused,
    State,
    mail_frame,
    question_frame,
    withdraw_frame,
)
from gatepost.delivery.handover.notices import Notices
from gatepost.delivery.handover.recalled import Recalled
from gatepost.delivery.queue.record import NewMail
from gatepost.delivery.verification.contract import Existence, Judgement
from gatepost.errors import StoreAway, StoreFull
from gatepost.message.addresses import Address
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit

_RECONNECT_S = 0.05
_FIRST_WAIT_S = 2.0
_TELL_AFTER = 20
_QUESTION_S = 60.0
"""Longer than the other process may take for a question; over only when that process hangs."""
_EXISTENCE: dict[int, Existence] = {
    Answer.KNOWN: "known",
    Answer.ANY_KNOWN: "known",
    Answer.UNKNOWN: "unknown",
    Answer.NO_ANSWER: "no_answer",
}


class Committing(Protocol):
    """Where `receive` commits mail; whatever process or call lies behind it."""

    @property
    def is_away(self) -> bool:
        """Whether the store cannot be reached now."""

    def commit(self, mail: NewMail) -> "Pending":
        """Give a mail to the store. Raises StoreAway when it is away."""

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        """Give what is remembered of a recipient; None when it has to be asked for."""

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        """Find out whether a recipient exists; never raises for what is away."""

    def listed(self, tenant_id: int, address: Address) -> Existence | Awaitable[Existence]:
        """Find out whether a recipient is a corporate user; at once where that is known."""

    async def close(self) -> None:
        """End."""


class Pending(Protocol):
    """A mail on its way to its commit."""

    def cancel(self) -> None:
        """Withdraw it if its group has not begun."""

    async def committed(self) -> object:
        """Wait for the commit. Raises StoreFull or StoreAway."""


class HandedOver:
    """A mail on its way to the store (the `Ticket` of the queue's contract, seen from `receive`)."""

    __slots__ = ("_future", "_link", "_number")

    def __init__(self, link: "_Link", number: int, future: "asyncio.Future[bool]") -> None:
        self._link, self._number, self._future = link, number, future

    def cancel(self) -> None:
        """Withdraw the mail if its group has not begun."""
        self._link.withdraw(self._number)

    async def committed(self) -> bool:
        """Wait for the commit; False when the mail was withdrawn. Raises StoreFull or StoreAway."""
        return await self._future


class _Asked(NamedTuple):
    question: Question
    future: "asyncio.Future[Existence]"


class _Link(asyncio.Protocol):
    def __init__(self, recalled: Recalled, notices: Notices, announced: Callable[[int], object]) -> None:
        self._recalled, self._notices, self._announced = recalled, notices, announced
        self._asked: dict[int, _Asked] = {}
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[bool]] = {}
        self._next = 0
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop registers no base class
        self._notices.connected(self.transport)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        whole = len(data) - len(data) % ANSWER.size
        self._rest = data[whole:]
        for number, code, lifetime_s in ANSWER.iter_unpack(data[:whole]):
            future = self._waiting.pop(number, None)
            if future is None or future.done():
                if number in self._asked:
                    self._answered(self._asked.pop(number), code, lifetime_s)
                elif number == ANNOUNCEMENT and code == Answer.PEOPLE:
                    self._recalled.announced(lifetime_s)
                elif number == ANNOUNCEMENT and code == Answer.CONFIGURATION:
                    # Not called from here: what it raises must not end the connection.
                    asyncio.get_running_loop().call_soon(self._announced, lifetime_s)
                continue
            if code in (Answer.COMMITTED, Answer.WITHDRAWN):
                future.set_result(code == Answer.COMMITTED)
            elif code == Answer.FULL:
                future.set_exception(StoreFull("the store is full"))
            else:
                future.set_exception(StoreAway("the store could not commit"))

    def _answered(self, asked: _Asked, code: int, lifetime_s: int) -> None:
        existence = _EXISTENCE[code]
        judgement = Judgement(existence, lifetime_s, whole_domain=code == Answer.ANY_KNOWN)
        self._recalled.remember(asked.question, judgement)
        if not asked.future.done():
            asked.future.set_result(existence)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._recalled.disconnected()
        self._notices.disconnected()
        questions, self._asked = self._asked, {}
        for asked in questions.values():
            if not asked.future.done():
                asked.future.set_result("no_answer")
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(StoreAway("the commit is in doubt: the store's process went away"))
        if not self.lost.done():
            self.lost.set_result(None)

    def give(self, mail: NewMail) -> HandedOver:
        if self.transport is None:
            raise StoreAway("the store's process is away")
        self._next = number = (self._next + 1) & 0xFFFFFFFF or 1
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self.transport.write(mail_frame(number, mail))
        return HandedOver(self, number, future)

    async def ask(self, question: Question) -> Existence:
        if self.transport is None:
            return "no_answer"
        self._next = number = (self._next + 1) & 0xFFFFFFFF or 1
        future: asyncio.Future[Existence] = asyncio.get_running_loop().create_future()
        self._asked[number] = _Asked(question, future)
        self.transport.write(question_frame(number, question))
        try:
            async with asyncio.timeout(_QUESTION_S):
                return await future
        except TimeoutError:
            self._asked.pop(number, None)
            return "no_answer"

    def withdraw(self, number: int) -> None:
        if self._waiting.pop(number, None) is not None and self.transport is not None:
            self.transport.write(withdraw_frame(number))


class Handover:
    """Hands mail to the store's process; connects again by itself whenever that process went away.

    `announced` is called with the version of the configuration that holds, whenever that changes and at each connection.
    """

    def __init__(self, path: str, *, announced: Callable[[int], object] | None = None) -> None:
        self._path = path
        self._announced = announced or (lambda version: None)
        self._notices = Notices()
        self._recalled = Recalled()
        self._link: _Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; waits a moment for the store's process, which may be starting too."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WAIT_S):
                await self.connected.wait()

    async def close(self) -> None:
        """Hang up; mail that still waits is in doubt."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self._notices.close()
        if self._link is not None and self._link.transport is not None:
            self._link.transport.close()

    @property
    def is_away(self) -> bool:
        """Whether the store's process cannot be reached now."""
        return not self.connected.is_set()

    def commit(self, mail: NewMail) -> HandedOver:
        """Hand a mail over. Raises StoreAway when the store's process is away."""
        if self._link is None or not self.connected.is_set():
            raise StoreAway("the store's process is away")
        return self._link.give(mail)

    def note_refused(self, tenant_id: int, key: str, head: bytes) -> None:
        """Tell of a refused mail: its encoded head, and what to count it under when there are many alike. Nobody waits for it."""
        self._notices.note_refused(Refused(tenant_id, key, head))

    def tell_events(self, payload: bytes) -> None:
        """Tell of this process's events, encoded for the event log. Raises: StoreAway when the store's process cannot hear it now."""
        if not self._notices.tell_events(Events(payload)):
            raise StoreAway("the store's process is away")

    def report_state(self, state: State) -> None:
        """Tell which configuration this process works with, and what kept it from a newer one."""
        self._notices.report_state(state)

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        """Give what is remembered of a recipient; None when it has to be asked for."""
        judgement = self._recalled.asked.recall(tenant_id, address)
        return judgement.existence if judgement is not None else None

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        """Find out whether a recipient of an owned domain exists: from memory, else by asking the store's process."""
        recalled = self.recalled(tenant_id, address)
        if recalled is not None:
            return recalled
        if self._link is None:
            return "no_answer"
        return await self._link.ask(Question(tenant_id, address))

    def listed(self, tenant_id: int, address: Address) -> Existence | Awaitable[Existence]:
        """Find out whether a recipient is a corporate user: from memory, else by asking the store's process."""
        return self._recalled.listed_as(tenant_id, address) or self._ask_listed(Question(tenant_id, address, only_listed=True))

    async def _ask_listed(self, question: Question) -> Existence:
        return await self._link.ask(question) if self._link is not None else "no_answer"

    def _make_link(self) -> _Link:
        return _Link(self._recalled, self._notices, self._announced)

    async def _keep_connected(self) -> None:
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            try:
                _, self._link = await loop.create_unix_connection(self._make_link, self._path)
            except OSError as error:
                tries += 1
                if tries == _TELL_AFTER:
                    emit(StoreTrouble(what="handover", reason=f"{self._path}: {error.strerror or error}"))
                await asyncio.sleep(_RECONNECT_S)
                continue
            tries = 0
            self.connected.set()
            await self._link.lost
            self.connected.clear()
