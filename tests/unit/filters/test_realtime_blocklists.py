# SPDX-License-Identifier: Apache-2.0
"""Realtime blocklists: what is asked, what counts as a hit, what counts as an error."""

import asyncio

import pytest

from contracts.judged_mails import judged
from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.contracts.filter import Finding
from gatepost.dns.answers import Answer
from gatepost.dns.twin import Twin
from gatepost.filters.realtime_blocklists import RealtimeBlocklists, realtime_blocklist_faults
from waiting import PATIENCE_S

CLIENT = "192.0.2.66"


def settings(*lists: Blocklist) -> RealtimeBlocklistSettings:
    return RealtimeBlocklistSettings(lists=lists or (Blocklist(zone="bl.example"),))


async def ask(zone: str, *lists: Blocklist, client: str = CLIENT) -> Finding:
    return await RealtimeBlocklists(settings(*lists), Twin(zone)).judge(judged(client=client, content=False))


async def test_a_listed_client_gets_two_points_a_list():
    """Each list that knows the client counts, with a line that says which and why."""
    lists = (Blocklist(zone="bl.example", name="First"), Blocklist(zone="two.example"), Blocklist(zone="three.example", points=1.5))
    found = await ask(
        "66.2.0.192.bl.example. A 127.0.0.2\n66.2.0.192.three.example. A 127.0.0.4\n66.2.0.192.three.example. A 127.0.0.3", *lists
    )
    assert (found.points, found.failed) == (3.5, "")
    assert found.details == (
        "First: 192.0.2.66 is listed (127.0.0.2), +2",
        "three.example: 192.0.2.66 is listed (127.0.0.3, 127.0.0.4), +1.5",
    )
    assert found.message == "192.0.2.66 is on 2 of 3 realtime blocklists"


async def test_an_unlisted_client_gets_none():
    """Neither "no such name" nor "no such data" is a hit."""
    found = await ask('66.2.0.192.bl.example. TXT "why"')
    assert (found.points, found.details, found.failed) == (0, (), "")


async def test_an_ipv6_client_is_asked_by_its_32_digits():
    """Backwards, each digit a label (RFC 5782 §2.4)."""
    twin = Twin("")
    await RealtimeBlocklists(settings(), twin).judge(judged(client="2001:db8::1"))
    assert twin.asked == [("A", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.bl.example")]


async def test_a_mapped_client_is_asked_as_ipv4():
    """`::ffff:192.0.2.66` is 192.0.2.66."""
    assert (await ask("66.2.0.192.bl.example. A 127.0.0.2", client="::ffff:192.0.2.66")).points == 2


@pytest.mark.parametrize(
    "client",
    [
        "10.1.2.3",
        "127.0.0.1",
        "192.168.1.1",
        "172.31.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "",
        "x",
    ],
)
async def test_a_private_client_is_not_asked_for(client):
    """No list can know it, and no list learns of it."""
    twin = Twin("")
    found = await RealtimeBlocklists(settings(), twin).judge(judged(client=client))
    assert twin.asked == []
    assert (found.points, found.failed) == (0, "")


@pytest.mark.parametrize("answer", ["127.255.255.254", "127.255.255.0", "203.0.113.7", "0.0.0.0", "127.0.0.1", "128.0.0.0"])
async def test_an_error_is_no_hit(answer):
    """Operators' error codes and answers that no list gives score nothing and are named, also beside a hit."""
    for zone in ("", "66.2.0.192.bl.example. A 127.0.0.2\n"):
        found = await ask(f"{zone}66.2.0.192.bl.example. A {answer}")
        assert (found.points, found.details) == (0, ())
        assert "bl.example" in found.failed
        assert answer in found.failed


async def test_a_list_that_is_away_does_not_hide_the_others():
    """It is named; the others count."""
    lists = (Blocklist(zone="away.example"), Blocklist(zone="bl.example"))
    found = await ask("66.2.0.192.away.example. FAIL\n66.2.0.192.bl.example. A 127.0.0.2", *lists)
    assert (found.points, found.failed) == (2, "away.example: no answer from the DNS")


@pytest.mark.parametrize(
    ("answers", "hits"),
    [
        (("127.0.0.2",), {"127.0.0.2"}),
        (("127.0.0.4-127.0.0.7",), {"127.0.0.4", "127.0.0.7"}),
        (("127.0.0.0/30", "127.0.1.0/24"), {"127.0.0.1", "127.0.0.2", "127.0.1.9"}),
        ((), {"127.0.0.2", "127.0.0.4", "127.0.0.7", "127.0.1.9"}),
    ],
)
async def test_only_accepted_answers_count(answers, hits):
    """A list's answers may be restricted to addresses, ranges and networks; others are then neither hit nor error."""
    for answer in ("127.0.0.1", "127.0.0.2", "127.0.0.4", "127.0.0.7", "127.0.1.9"):
        found = await ask(f"66.2.0.192.bl.example. A {answer}", Blocklist(zone="bl.example", answers=answers))
        assert bool(found.points) == (answer in hits)
        assert bool(found.failed) == (not answers and answer == "127.0.0.1")


async def test_a_list_may_speak_for_a_client():
    """Negative points are a bonus; a list of 0 points is not asked."""
    found = await ask(
        "66.2.0.192.good.example. A 127.0.0.2", Blocklist(zone="good.example", points=-3), Blocklist(zone="off.example", points=0)
    )
    assert found.points == -3
    assert found.message.endswith("on 1 of 1 realtime blocklists")


async def test_all_lists_are_asked_at_once():
    """No list waits for another's answer."""
    waiting = asyncio.Barrier(3)

    class Slow(Twin):
        async def a(self, name: str) -> Answer[str]:
            await waiting.wait()
            return await super().a(name)

    lists = settings(*(Blocklist(zone=f"{name}.example") for name in "abc"))
    async with asyncio.timeout(PATIENCE_S):
        await RealtimeBlocklists(lists, Slow("")).judge(judged())


@pytest.mark.parametrize(
    ("one", "at"),
    [
        (Blocklist(zone="no zone"), "lists[0].zone"),
        (Blocklist(zone="192.0.2.1"), "lists[0].zone"),
        (Blocklist(zone="bl.example", answers=("127.0.0.2", "203.0.113.1")), "lists[0].answers[1]"),
        (Blocklist(zone="bl.example", answers=("127.0.0.9-127.0.0.2",)), "lists[0].answers[0]"),
        (Blocklist(zone="bl.example", answers=("listed",)), "lists[0].answers[0]"),
        (Blocklist(zone="bl.example", answers=("126.0.0.0/7",)), "lists[0].answers[0]"),
        (Blocklist(zone="bl.example", answers=("::1",)), "lists[0].answers[0]"),
        (Blocklist(zone="bl.example", answers=("127.255.255.254",)), "lists[0].answers[0]"),
    ],
)
def test_a_list_that_cannot_work_is_refused(one, at):
    """The fault names the place and how to mend it."""
    [fault] = realtime_blocklist_faults(settings(one), "filters")
    assert fault.path == f"filters.{at}"
    assert fault.mend


def test_a_zone_stands_once():
    """Twice it would count twice; good settings have no fault."""
    [fault] = realtime_blocklist_faults(settings(Blocklist(zone="bl.example"), Blocklist(zone="BL.example.")), "f")
    assert fault.path == "f.lists[1].zone"
    good = settings(
        Blocklist(zone="bl.example", answers=("127.0.0.2", "127.0.0.4-127.0.0.7", "127.0.1.0/24")), Blocklist(zone="two.example")
    )
    assert list(realtime_blocklist_faults(good, "f")) == []
