# SPDX-License-Identifier: Apache-2.0
"""What goes over the hand-over socket beside mail: refusals and states one way, announcements the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.delivery.handover import notices
from gatepost.delivery.handover.client import Handover
from gatepost.delivery.handover.frames import Refused, State
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.delivery.verification.contract import Judgement
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope
from waiting import PATIENCE_S, until

MAIL = NewMail("t", 3, "inbound", 1.0, 2.0, "192.0.2.1", "helo", Envelope(Address("s", "example.org")), b"T: 1\r\n", Body(3, b"a\r\n"))


class _Ticket:
    """A commit that ends when it is told to."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def cancel(self) -> None:
        self.future.cancel()


class Ends:
    """Both ends of one socket, and what each has heard."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "h.sock")
        self.refused: asyncio.Queue[Refused] = asyncio.Queue()
        self.states: asyncio.Queue[State] = asyncio.Queue()
        self.announced: asyncio.Queue[int] = asyncio.Queue()
        self.tickets: asyncio.Queue[_Ticket] = asyncio.Queue()
        self.handover = Handover(self.path, announced=self.announced.put_nowait)
        self.server = self.make_server()

    def make_server(self) -> HandoverServer:
        async def verify(tenant_id: int, address: Address) -> Judgement:
            return Judgement("known", 60.0)

        return HandoverServer(
            self.path,
            self,  # type: ignore[arg-type]  # only `commit` is asked for
            lambda claim: None,
            verify,
            refused=self.refused.put_nowait,
            state=self.states.put_nowait,
        )

    def commit(self, mail: NewMail) -> _Ticket:
        ticket = _Ticket()
        self.tickets.put_nowait(ticket)
        return ticket

    async def lose_server(self) -> None:
        """End the store's process, and wait until the other end has seen it."""
        await self.server.close()
        await until(lambda: self.handover.is_away, "the connection is lost")


@pytest.fixture
async def ends(tmp_path: Path) -> AsyncIterator[Ends]:
    ends = Ends(tmp_path)
    await ends.server.start()
    await ends.handover.start()
    yield ends
    await ends.handover.close()
    await ends.server.close()


async def heard(queue: "asyncio.Queue[Any]") -> Any:
    return await asyncio.wait_for(queue.get(), PATIENCE_S)


async def test_a_refusal_arrives(ends: Ends) -> None:
    """Tenant, counting key and head come out as they went in, in order."""
    for number in range(3):
        ends.handover.note_refused(number, f"key {number}", b"head")
    assert [await heard(ends.refused) for _ in range(3)] == [Refused(number, f"key {number}", b"head") for number in range(3)]


async def test_a_version_is_announced_to_those_connected_and_to_those_who_come(ends: Ends) -> None:
    """A process hears the version when it changes, and at the beginning of each connection."""
    ends.server.announce(3)
    assert await heard(ends.announced) == 3
    late: asyncio.Queue[int] = asyncio.Queue()
    other = Handover(ends.path, announced=late.put_nowait)
    await other.start()
    assert await heard(late) == 3
    ends.server.announce(4_000_000_000)
    assert await heard(ends.announced) == await heard(late) == 4_000_000_000
    await other.close()


async def test_before_a_version_is_known_none_is_announced(ends: Ends) -> None:
    """A connection alone announces nothing: the first thing heard is the first announcement."""
    await ends.handover.recipient_known(0, Address("a", "example.com"))
    ends.server.announce(1)
    assert await heard(ends.announced) == 1 and ends.announced.empty()


async def test_a_listener_that_fails_does_not_end_the_connection(ends: Ends) -> None:
    """An exception in whoever takes the announcement is the loop's; the link goes on."""
    failures: asyncio.Queue[BaseException] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.put_nowait(context["exception"]))
    ends.handover._announced = lambda version: 1 // 0
    ends.handover._link._announced = ends.handover._announced  # type: ignore[union-attr]
    ends.server.announce(1)
    assert isinstance(await heard(failures), ZeroDivisionError)
    assert await ends.handover.recipient_known(0, Address("a", "example.com")) == "known"


async def test_a_process_tells_how_it_does(ends: Ends) -> None:
    """The state arrives, stands among those of the connected processes, and goes with its process."""
    ends.handover.report_state(State("receive", 11, 2))
    ends.handover.report_state(State("receive", 11, 3, "rule 4: no such filter; remove it"))
    assert await heard(ends.states) == State("receive", 11, 2)
    last = await heard(ends.states)
    assert ends.server.states() == [last] and last.error.startswith("rule 4")
    await ends.handover.close()
    await until(lambda: not ends.server.states(), "the process is gone")


async def test_the_state_and_what_was_refused_meanwhile_come_with_the_next_connection(ends: Ends) -> None:
    """A new store's process hears at once how `receive` does, and what it refused while there was none."""
    ends.handover.report_state(State("receive", 11, 2))
    await heard(ends.states)
    await ends.lose_server()
    ends.handover.note_refused(0, "key", b"head")
    ends.server = ends.make_server()
    await ends.server.start()
    assert await heard(ends.states) == State("receive", 11, 2)
    assert await heard(ends.refused) == Refused(0, "key", b"head")


async def test_refusals_that_find_no_room_are_counted(ends: Ends, monkeypatch: pytest.MonkeyPatch, capsysbinary) -> None:
    """While the store's process is away memory is bounded; what was given up is told afterwards."""
    monkeypatch.setattr(notices, "ROOM_BYTES", 1000)
    await ends.lose_server()
    for number in range(100):
        ends.handover.note_refused(0, f"key {number:02}", bytes(170))  # not quite 200 bytes a frame
    ends.server = ends.make_server()
    await ends.server.start()
    kept = [(await heard(ends.refused)).key for _ in range(5)]
    assert kept == [f"key {number:02}" for number in range(5)]
    (event,) = [json.loads(one) for one in capsysbinary.readouterr().err.splitlines()]
    assert (event["event"], event["tracks"]) == ("tracking.lost", 95)


async def test_an_end_lets_out_what_was_gathered(ends: Ends) -> None:
    """A process that ends in order loses no refusal."""
    ends.handover.note_refused(0, "last", b"head")
    await ends.handover.close()
    assert (await heard(ends.refused)).key == "last"


async def test_mail_is_answered_between_notices(ends: Ends) -> None:
    """Announcements and notices take no mail's answer: numbers of mails never meet the announcement's."""
    ends.handover._link._next = 0xFFFFFFFE  # type: ignore[union-attr]
    pending = [ends.handover.commit(MAIL) for _ in range(3)]
    tickets = [await heard(ends.tickets) for _ in pending]
    ends.server.announce(9)
    ends.handover.note_refused(0, "key", b"head")
    assert await heard(ends.announced) == 9
    assert not any(one._future.done() for one in pending)
    for ticket in tickets:
        ticket.future.set_result(object())
    assert [await one.committed() for one in pending] == [True, True, True]
    assert [one._number for one in pending] == [0xFFFFFFFF, 1, 2]
