# SPDX-License-Identifier: Apache-2.0
"""What the verification of recipients may cost, and what happens when it cannot be done."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from gatepost.delivery.handover.client import Handover
from gatepost.delivery.verification.question import QUESTIONS_PER_CONNECTION
from gatepost.delivery.verification.turns import Turns
from gatepost.message.addresses import Address
from gatepost.testing.ports import free_port
from gatepost.testing.syntax import Offer
from next_hops import DOMAIN, House, NextHop, WatchedTurns, named

REAL = f"real@{DOMAIN}"


async def test_questions_at_one_time_are_limited(tmp_path: Path) -> None:
    """A hundred addresses at once go over at most so many sessions, and each gets its answer."""
    async with NextHop(REAL) as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        house.turns = Turns(of_route=3)
        async with house:
            answers = await asyncio.gather(*(house.known(f"n{number}") for number in range(100)), house.known("real"))
        assert answers == ["unknown"] * 100 + ["known"]
        assert hop.most_sessions <= 3
        assert len(hop.asked) == 102


async def test_who_finds_no_place_is_put_off_and_not_remembered(tmp_path: Path) -> None:
    """While a next hop is silent the line is short, nobody waits longer than a question may take, and nothing is learnt of them."""
    async with NextHop(REAL) as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        turns = house.turns = WatchedTurns(of_route=1, waiting=1)
        house.question_s = 5.0
        async with house:
            await house.known("first")
            house.clock.now += 60.0
            hop.now_first(stage="rcpt", action="stall", match=f"slow@{DOMAIN}")
            slow = asyncio.create_task(house.known("slow"))
            await hop.hears(f"slow@{DOMAIN}")
            waits = asyncio.create_task(house.known("waits"))
            for _ in ("nobody", "first", "slow", "waits"):
                await turns.came.get()
            assert await house.known("too-late") == "no_answer"
            assert not slow.done(), "it was put off at once"
            assert await slow == "no_answer"
            assert await waits in ("unknown", "no_answer")
            assert house.recalled("too-late") is None
            assert await house.known("too-late") == "unknown"


async def test_a_slow_next_hop_keeps_nobody_elses_place(tmp_path: Path) -> None:
    """While one tenant's server stalls, another's recipients are verified."""
    async with NextHop(REAL) as slow, NextHop("real@example.net") as hop:
        slow.now_first(stage="rcpt", action="stall")
        house = House(tmp_path, {DOMAIN: slow.port, "example.net": hop.port})
        house.turns = Turns(of_route=2, of_all=3)
        async with house:
            stuck = [asyncio.create_task(house.known(f"n{number}")) for number in range(20)]
            assert await house.known("real@example.net") == "known"
            assert not any(task.done() for task in stuck)
            await house.close()
            assert set(await asyncio.gather(*stuck)) == {"no_answer"}
            await house.open()


async def test_a_connection_is_used_for_a_few_questions(tmp_path: Path) -> None:
    """It is reused, but ended before a server loses patience with refused recipients."""
    async with NextHop(REAL) as hop:
        async with House(tmp_path, {DOMAIN: hop.port}) as house:
            for number in range(2 * QUESTIONS_PER_CONNECTION):
                await house.known(f"n{number}")
        await hop.drained()
        assert hop.sessions == 3
        assert hop.commands.count("QUIT") == 3


async def test_a_kept_connection_that_died_is_replaced(tmp_path: Path) -> None:
    """The next hop may close an idle session; the next question opens another without notice."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        await house.known("ghost")
        for connection in list(hop._connections):
            connection.abort()
        assert await house.known("real") == "known"
        assert hop.sessions == 2


async def test_the_next_host_is_asked_when_the_first_is_down(tmp_path: Path) -> None:
    """Hosts of a route are tried in their order, as for mail."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: (free_port(), hop.port)}) as house:
        assert [await house.known("real"), await house.known("ghost")] == ["known", "unknown"]


async def test_an_internationalised_recipient_is_asked_for_as_it_is(tmp_path: Path) -> None:
    """SMTPUTF8 is said where it is offered."""
    async with NextHop(f"jürgen@{DOMAIN}", offer=Offer(smtputf8=True)) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        assert [await house.known("jürgen"), await house.known("jörg")] == ["known", "unknown"]
        assert "MAIL FROM:<> SMTPUTF8" in hop.commands
        assert hop.errors == []


async def test_without_the_other_process_there_is_no_answer(tmp_path: Path) -> None:
    """Away before or during the question: no answer at once; what is remembered is still known."""
    async with NextHop(REAL) as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        await house.open()
        assert await house.known("real") == "known"
        hop.now_first(stage="rcpt", action="stall", match=f"slow@{DOMAIN}")
        slow = asyncio.create_task(house.known("slow"))
        await hop.hears(f"slow@{DOMAIN}")
        await house.server.close()
        assert await slow == "no_answer"
        assert [await house.known("new"), house.recalled("real"), await house.known("real")] == ["no_answer", "known", "known"]
        assert house.recalled("new") is None
        await house.close()
        nobody = Handover(str(tmp_path / "none.sock"))
        assert await nobody.recipient_known(0, named("real")) == "no_answer"


@pytest.mark.parametrize(
    "address", [Address("", DOMAIN), Address("x", ""), Address("x", "elsewhere.example"), Address("a\r\nDATA", DOMAIN)]
)
async def test_a_hostile_question_reaches_nobody(tmp_path: Path, address: Address) -> None:
    """An empty name, a domain that is not owned, a command inside an address: none is asked for, none is known."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        async with asyncio.timeout(5):
            assert await house.handover.recipient_known(0, address) != "known"
        assert all(name == f"*@{DOMAIN}" for name in hop.asked)
        assert await house.known("real") == "known"


async def test_a_question_is_told_with_the_next_hops_reply(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An administrator reads who was asked for, where, and what was said; an answer from memory is not told."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        await house.known("ghost")
        await house.known("ghost")
    told = [msgspec.json.decode(line) for line in capfd.readouterr().err.splitlines() if '"recipient.asked"' in line]
    assert [(one["existence"], one["host"], one["reply"]) for one in told] == [("unknown", "127.0.0.1", "550 5.1.1 No such user")] * 2
    assert told[1]["recipient"] == f"ghost@{DOMAIN}"


async def test_a_full_disk_costs_nobody_an_answer(tmp_path: Path) -> None:
    """Nothing is stored, all is answered from memory."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        house.store.floor.floor_bytes = 1 << 62
        assert [await house.known("real"), await house.known("real")] == ["known", "known"]
        assert hop.asked == [f"*@{DOMAIN}", REAL]
