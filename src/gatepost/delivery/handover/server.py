# SPDX-License-Identifier: Apache-2.0
"""The end of the hand-over in the store's process: commit what comes, answer a group with one write, verify recipients.

It also hears what was refused, events, and how each process does, and announces the version of the configuration to all of
them, and changes of people.

SECURITY: the socket lies in a folder that only the service's user can enter; what comes over it is
trusted as far as `receive` is, which parses hostile mail: each frame is decoded strictly, and one
that cannot be decoded ends the connection.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from gatepost.delivery.handover.frames import ANNOUNCEMENT, ANSWER, Answer, Content, Events, FrameReader, Question, Refused, State
from gatepost.delivery.queue.contract import Queue, Ticket
from gatepost.delivery.queue.record import ClaimedMail, NewMail
from gatepost.delivery.verification.contract import Judgement
from gatepost.errors import StoreError, StoreFull
from gatepost.message.addresses import Address
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

Verify = Callable[[int, Address], Awaitable[Judgement]]
Listed = Callable[[int, Address], Judgement]
_CODES = {"known": Answer.KNOWN, "unknown": Answer.UNKNOWN, "no_answer": Answer.NO_ANSWER}


class HandoverServer:
    """Takes mail from `receive` processes into the queue.

    `fresh` gets each committed mail at once, `verify` each question, `listed` each that only the list of users answers, `refused`
    each mail that was refused, `state` each process's word on how it does, `events` the payloads of events. None of them may block.
    """

    def __init__(
        self,
        path: str,
        queue: Queue,
        fresh: Callable[[ClaimedMail], None],
        verify: Verify,
        *,
        listed: Listed | None = None,
        refused: Callable[[Refused], object] | None = None,
        state: Callable[[State], object] | None = None,
        events: Callable[[bytes], object] | None = None,
    ) -> None:
        self.queue = queue
        self.fresh = fresh
        self.verify = verify
        self.listed = listed or _nobody_listed
        self.refused = refused or _pass_over
        self.state = state or _pass_over
        self.events = events or _pass_over
        self.announced: int | None = None
        """The version of the configuration that was announced last."""
        self.people = 0
        """What was announced last of people; 0 while there is no user."""
        self._path = path
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()

    async def start(self) -> None:
        """Listen; the store's lock proves that no other process does."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._make_link, self._path)
        os.chmod(self._path, 0o600)

    def _make_link(self) -> "_Link":
        return _Link(self, self._links)

    def announce(self, version: int) -> None:
        """Tell every process, and each that connects later, which version of the configuration holds."""
        self.announced = version
        for link in self._links:
            link.announce(version)

    def announce_people(self, mark: int) -> None:
        """Tell every process, and each that connects later, that people changed; `mark` is 0 when there is no user."""
        self.people = mark
        for link in self._links:
            link.announce_people(mark)

    def states(self) -> list[State]:
        """Give what each connected process last said of itself, by name and process id."""
        return sorted((link.state for link in self._links if link.state is not None), key=lambda state: (state.process, state.pid))

    async def close(self) -> None:
        """Take no more; mail that was taken is answered by its group."""
        if self._server is not None:
            self._server.close()
        for link in list(self._links):
            link.hang_up()


class _Link(asyncio.Protocol):
    def __init__(self, house: HandoverServer, links: "set[_Link]") -> None:
        self._house, self._queue, self._fresh, self._links = house, house.queue, house.fresh, links
        self.state: State | None = None
        self._reader = FrameReader()
        self._tickets: dict[int, Ticket] = {}
        self._questions: set[asyncio.Task[None]] = set()
        self._answers: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop registers no base class
        self._links.add(self)
        if self._house.announced is not None:
            self.announce(self._house.announced)
        self.announce_people(self._house.people)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._links.discard(self)
        for ticket in list(self._tickets.values()):
            ticket.cancel()
        for question in list(self._questions):
            question.cancel()

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except msgspec.MsgspecError as error:
            emit(StoreTrouble(what="handover", reason=f"a frame cannot be read: {error}"))
            self.hang_up()
            return
        for number, content in frames:
            if isinstance(content, NewMail):
                self._commit(number, content)
            elif content is None:
                if (ticket := self._tickets.get(number)) is not None:
                    ticket.cancel()
            else:
                self._hear(number, content)

    def _hear(self, number: int, content: Content) -> None:
        """Take what is no mail."""
        if isinstance(content, Question) and content.only_listed:
            self._judged(number, self._house.listed(content.tenant_id, content.address))
        elif isinstance(content, Question):
            task = asyncio.get_running_loop().create_task(self._judge(number, content))
            self._questions.add(task)
            task.add_done_callback(self._questions.discard)
        elif isinstance(content, Refused):
            self._house.refused(content)
        elif isinstance(content, Events):
            self._house.events(content.payload)
        elif isinstance(content, State):
            self.state = content
            self._house.state(content)

    async def _judge(self, number: int, question: Question) -> None:
        try:
            judgement = await self._house.verify(question.tenant_id, question.address)
        except Exception as error:
            emit_unexpected("recipient verification", error)
            judgement = Judgement("no_answer", 0.0)
        self._judged(number, judgement)

    def _judged(self, number: int, judgement: Judgement) -> None:
        code = Answer.ANY_KNOWN if judgement.whole_domain and judgement.existence == "known" else _CODES[judgement.existence]
        self._answer(number, code, int(judgement.lifetime_s))

    def _commit(self, number: int, mail: NewMail) -> None:
        ticket = self._tickets[number] = self._queue.commit(mail)
        ticket.future.add_done_callback(lambda future: self._settled(number, future))

    def _settled(self, number: int, future: "asyncio.Future[ClaimedMail | None]") -> None:
        self._tickets.pop(number, None)
        code = Answer.COMMITTED
        claimed = None
        if future.cancelled():
            code = Answer.WITHDRAWN
        elif error := future.exception():
            code = Answer.FULL if isinstance(error, StoreFull) else Answer.AWAY
            if not isinstance(error, StoreError):
                emit(StoreTrouble(what="commit", reason=f"{type(error).__name__}: {error}"))
        else:
            claimed = future.result()
            code = Answer.COMMITTED if claimed is not None else Answer.WITHDRAWN
        self._answer(number, code)
        if claimed is not None:
            self._fresh(claimed)

    def announce(self, version: int) -> None:
        """Tell this process which version of the configuration holds."""
        self._answer(ANNOUNCEMENT, Answer.CONFIGURATION, version)

    def announce_people(self, mark: int) -> None:
        """Tell this process that people changed; whatever it is answered after this rests on the change."""
        self._answer(ANNOUNCEMENT, Answer.PEOPLE, mark & 0xFFFFFFFF)

    def _answer(self, number: int, code: Answer, lifetime_s: int = 0) -> None:
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._write_answers)
        self._answers.append(ANSWER.pack(number, code, lifetime_s))

    def _write_answers(self) -> None:
        answers, self._answers = self._answers, []
        if self._transport is not None:
            self._transport.write(b"".join(answers))


def _nobody_listed(tenant_id: int, address: Address) -> Judgement:
    return Judgement("unknown", 0.0)


def _pass_over(told: object) -> None:
    """Do without what nobody wants to hear."""
