# SPDX-License-Identifier: Apache-2.0
"""Recipients are verified at the next hop: what is said on the wire, what is remembered, who is not asked."""

import asyncio
from pathlib import Path

import pytest

from gatepost.delivery.verification.contract import DOMAIN_S, KNOWN_S, UNKNOWN_S
from gatepost.testing.syntax import Offer
from next_hops import DOMAIN, House, NextHop, named

REAL, OTHER = f"real@{DOMAIN}", f"other@{DOMAIN}"
NOBODY = f"*@{DOMAIN}"


@pytest.mark.parametrize("pipelining", [True, False])
async def test_only_a_null_sender_and_a_recipient_are_said(tmp_path: Path, pipelining: bool) -> None:
    """MAIL FROM:<>, one RCPT, RSET before the next and QUIT at the end; DATA never, and a strict server has no complaint."""
    async with NextHop(REAL, offer=Offer(pipelining=pipelining)) as hop:
        async with House(tmp_path, {DOMAIN: hop.port}) as house:
            assert await house.known("real") == "known"
            assert await house.known("ghost") == "unknown"
        await hop.drained()
    first, *rest = hop.commands
    assert first == "EHLO gate.example"
    assert rest[1].startswith("RCPT TO:<nosuchuser")
    rest[1] = "RCPT TO:<>"
    assert rest == [
        "MAIL FROM:<>",
        "RCPT TO:<>",
        "RSET",
        "MAIL FROM:<>",
        f"RCPT TO:<{REAL}>",
        "RSET",
        "MAIL FROM:<>",
        f"RCPT TO:<ghost@{DOMAIN}>",
        "QUIT",
    ]
    assert (hop.count, hop.errors) == (0, [])


async def test_an_address_is_asked_for_once(tmp_path: Path) -> None:
    """The second time the answer comes from memory without waiting, known for 7 days and unknown for 2 hours."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        assert [house.recalled("real"), await house.known("real"), await house.known("ghost")] == [None, "known", "unknown"]
        assert [house.recalled("real"), house.recalled("ghost")] == ["known", "unknown"]
        assert [await house.known("real"), await house.known("ghost")] == ["known", "unknown"]
        assert hop.asked == [NOBODY, REAL, f"ghost@{DOMAIN}"]
        house.clock.now += UNKNOWN_S
        assert [house.recalled("real"), house.recalled("ghost")] == ["known", None]
        assert await house.known("ghost") == "unknown"
        assert hop.asked[3:] == [f"ghost@{DOMAIN}"]
        house.clock.now += KNOWN_S - UNKNOWN_S
        assert await house.known("real") == "known"
        assert hop.asked[4:] == [NOBODY, REAL]


async def test_who_waits_for_the_same_address_shares_the_question(tmp_path: Path) -> None:
    """Twenty sessions at one time cause one question for the domain and one for the address, though one of them hangs up."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        asking = [asyncio.create_task(house.known("real")) for _ in range(20)]
        await asyncio.sleep(0)
        asking[0].cancel()
        assert set(await asyncio.gather(*asking[1:])) == {"known"}
        assert hop.asked == [NOBODY, REAL]


async def test_who_asked_first_may_go(tmp_path: Path) -> None:
    """When the process that asked first ends, the others that wait get the answer of its question."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        first, second = (asyncio.create_task(house.verification.judge(0, named("real"))) for _ in range(2))
        await hop.hears(NOBODY)
        first.cancel()
        assert (await second).existence == "known"
        assert hop.asked == [NOBODY, REAL]


async def test_a_next_hop_that_takes_anything_is_asked_once_a_day(tmp_path: Path) -> None:
    """One name that nobody has is accepted; from then on every address is known at once, and after a day it is tried again."""
    async with NextHop() as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        assert await house.known("a") == "known"
        assert [house.recalled("b"), await house.known("c")] == ["known", "known"]
        assert hop.asked == [NOBODY]
        house.clock.now += DOMAIN_S
        assert house.recalled("b") is None
        hop.fail("rcpt", reply="550 5.1.1 No such user")
        assert await house.known("b") == "unknown"
        assert hop.asked == [NOBODY, NOBODY, f"b@{DOMAIN}"]


@pytest.mark.parametrize(
    ("stage", "action", "reply"),
    [
        ("rcpt", "reply", "451 4.3.0 Later"),
        ("rcpt", "reply", "nonsense"),
        ("rcpt", "reply", "421 4.3.2 Bye"),
        ("rcpt", "reply", "552 5.2.2 Full"),
        ("rcpt", "drop", ""),
        ("rcpt", "stall", ""),
        ("mail", "reply", "550 5.7.1 No null sender"),
        ("mail", "drop", ""),
        ("connect", "reply", "554 5.7.1 Go away"),
        ("connect", "stall", ""),
        ("ehlo", "drop", ""),
    ],
)
async def test_what_is_no_answer_is_asked_again_within_a_minute(tmp_path: Path, stage: str, action: str, reply: str) -> None:
    """4xx, silence, a lost connection, nonsense and a 5xx to anything but RCPT refuse nobody for good."""
    async with NextHop(REAL) as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        async with house:
            await house.known("other")
            house.clock.now += 60.0
            hop.now_first(stage=stage, action=action, reply=reply)
            await house.verification._asker.close()  # the next question begins with a connection of its own
            if action == "stall":
                house.verification._question_s = 0.3
            assert await house.known("real") == "no_answer"
            house.verification._question_s = house.question_s
            assert house.recalled("real") in ("no_answer", None)
            asked = len(hop.commands)
            assert await house.known("real") == "no_answer"
            assert len(hop.commands) == asked
            hop.faults._waiting.pop(0)
            house.clock.now += 60.0
            assert await house.known("real") == "known"


async def test_a_name_that_nobody_has_may_stay_unanswered(tmp_path: Path) -> None:
    """A server that puts off unknown names tells all the same who is known, and is not taken for one that takes anything."""
    async with NextHop() as hop:
        hop.fail("rcpt", reply="250 2.1.5 Here", match=REAL)
        hop.fail("rcpt", reply="450 4.1.1 No such user, so far")
        async with House(tmp_path, {DOMAIN: hop.port}) as house:
            assert [await house.known("real"), await house.known("ghost")] == ["known", "no_answer"]


async def test_a_server_that_is_down_is_not_asked_for_each_recipient(tmp_path: Path) -> None:
    """After three failures in a row it is tried once for each half minute, whoever is written to; then all is as before."""
    async with NextHop(REAL) as hop, House(tmp_path, {DOMAIN: hop.port}) as house:
        hop.now_first(stage="connect", reply="421 4.3.2 Down")
        for number in range(50):
            assert await house.known(f"n{number}") == "no_answer"
        assert hop.sessions == 3
        house.clock.now += 30.0
        for number in range(50, 100):
            assert await house.known(f"n{number}") == "no_answer"
        assert hop.sessions == 4
        hop.faults._waiting.pop(0)
        house.clock.now += 30.0
        assert await house.known("real") == "known"


async def test_known_recipients_are_known_while_the_server_is_down(tmp_path: Path) -> None:
    """A restart of both processes with the next hop away: what was answered holds for its time, from the store."""
    async with NextHop(REAL) as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        await house.open()
        assert [await house.known("real"), await house.known("ghost")] == ["known", "unknown"]
    await house.restart()
    assert [house.recalled("real"), await house.known("real"), await house.known("ghost")] == [None, "known", "unknown"]
    house.clock.now += UNKNOWN_S
    await house.restart()
    assert [await house.known("real"), await house.known("ghost")] == ["known", "no_answer"]
    house.clock.now += KNOWN_S
    assert await house.known("real") == "no_answer"
    await house.close()


async def test_a_restart_remembers_that_anything_is_taken(tmp_path: Path) -> None:
    """The store has the domain too."""
    async with NextHop() as hop:
        house = House(tmp_path, {DOMAIN: hop.port})
        await house.open()
        assert await house.known("a") == "known"
        await house.restart()
        assert [await house.known("b"), house.recalled("c")] == ["known", "known"]
        assert hop.asked == [NOBODY]
        await house.close()


async def test_two_tenants_have_their_own_next_hops_and_answers(tmp_path: Path) -> None:
    """Each tenant's domain is asked for at its own next hop; nobody gets an answer, or a question, for another's domain."""
    async with NextHop(REAL) as ours, NextHop("real@example.net") as theirs:
        owners = {DOMAIN: 1, "example.net": 2}
        async with House(tmp_path, {DOMAIN: ours.port, "example.net": theirs.port}, owners) as house:
            assert await house.known("real", 1) == "known"
            assert await house.known("real@example.net", 2) == "known"
            assert await house.known("real", 2) == "no_answer"
            assert await house.known("real@example.net", 1) == "no_answer"
            assert [house.recalled("real", 1), house.recalled("real", 2)] == ["known", None]
            assert (ours.asked, theirs.asked) == ([NOBODY, REAL], ["*@example.net", "real@example.net"])
            house.owners[DOMAIN] = 2
            assert await house.known("real", 1) == "known"  # for its time, in memory: ownership changes with a restart
            await house.restart()
            assert [await house.known("real", 1), await house.known("real", 2)] == ["no_answer", "known"]
            assert ours.asked == [NOBODY, REAL, NOBODY, REAL]
