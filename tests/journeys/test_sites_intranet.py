# SPDX-License-Identifier: Apache-2.0
"""Two sites and one intranet, as whole processes on machines of their own: configuration goes out, tracks come in, over mutual TLS."""

import asyncio
import json
from asyncio import to_thread
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.config.rules import Rule
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, Result, generate
from gatepost.testing.sink import Sink
from gatepost.testing.sites import intranet, joined
from waiting import PATIENCE_S, until
from wire_client import WireClient

NOBODY = (Rule(name="Nobody", direction="any", mode="reject"),)
ALL_NAMES = ("berlin", "lisbon")


class House(NamedTuple):
    """The intranet and its gateways, all running and paired, and where the mail goes."""

    console: Gateway
    gateways: tuple[Gateway, ...]
    sink: Sink


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Give two sites of one gateway each, paired with one intranet, whose configuration is the one that all work with."""
    async with Sink() as sink:
        # What the gateways were set up with is another than the intranet's, so that it is seen which one holds.
        alone = msgspec.structs.replace(relay_all_to(sink.port), rules=NOBODY)
        gateways = tuple(Gateway(tmp_path / name, alone, role="gateway", linked=True, hostname=f"{name}.example") for name in ALL_NAMES)
        console = intranet(tmp_path / "intranet", relay_all_to(sink.port))
        running = (console, *gateways)
        try:
            for one in running:
                await to_thread(one.start)
            for name, gateway in zip(ALL_NAMES, gateways, strict=True):
                made = await to_thread(joined, console, gateway, name)
                assert made["fingerprint"].replace(" ", "") == await to_thread(fingerprint, console, name)
            await settled(console, 1)
            yield House(console, gateways, sink)
        finally:
            for one in running:
                await to_thread(one.kill_all)


def fingerprint(console: Gateway, name: str) -> str:
    """Give what the intranet knows a gateway by."""
    return next(str(line["fingerprint"]) for line in console.answer("role", "list") if line["name"] == name)


async def settled(console: Gateway, version: int) -> None:
    """Wait until every process of both gateways works with a version."""

    def versions() -> list[tuple[str, int]]:
        done = console.command("config", "status", "--json")
        return sorted((one["gateway"], one["version"]) for one in json.loads(done.stdout or "{}").get("processes", []))

    await until(lambda: versions() == [(name, version) for name in ALL_NAMES for _ in ("deliver", "receive")], f"all work with {version}")


def answer(gateway: Gateway) -> str:
    """Say how a mail is answered at RCPT."""
    with WireClient(gateway.port) as client:
        client.say("EHLO client.example")
        client.say("MAIL FROM:<jo@elsewhere.example>")
        return client.say("RCPT TO:<user@example.com>")[:3]


def tracks(console: Gateway) -> list[dict[str, Any]]:
    """Give every track that the intranet has."""
    done = console.command("track", "search", "--limit", "1000", "--json")
    found: list[dict[str, Any]] = json.loads(done.stdout or "{}").get("tracks", [])
    return found


async def all_are_tracked(console: Gateway, *results: Result) -> None:
    """Wait until each mail has its one track and was delivered, and nothing else has."""
    wanted = sorted(line.reply.split()[-1] for result in results for line in result.lines if line.accepted)
    assert wanted
    await until(lambda: Counter(one["status"] for one in tracks(console))["success"] >= len(wanted), "each mail is known as delivered")
    found = tracks(console)
    assert sorted(one["track"] for one in found) == wanted
    assert {one["status"] for one in found} == {"success"}


def waiting(gateway: Gateway) -> int:
    """Count what a gateway has to tell the intranet."""
    return int(gateway.answer("role", "list")[0]["waiting"])


async def send(gateway: Gateway, mails: int) -> Result:
    """Hand over mails; gives what became of each."""
    result = await generate(Plan(port=gateway.port, mails=mails, sessions=4))
    assert result.accepted == mails, result.replies
    return result


async def test_configuration_goes_to_both_sites_and_tracks_come_back(house: House) -> None:
    """A change made on the intranet holds on both; what came in by either is found there, each mail once."""
    results = [await send(gateway, 20) for gateway in house.gateways]
    await all_are_tracked(house.console, *results)
    gateways = {one["gateway"] for one in tracks(house.console)}
    assert gateways == {"berlin.example", "lisbon.example"}
    path = house.console.folder / "new.toml"
    await to_thread(house.console.answer, "config", "export", "-o", str(path))
    text = canonical(rejecting(house.console.configuration))
    path.write_text(path.read_text().partition("\n")[0] + "\n" + text)
    await to_thread(house.console.answer, "config", "apply", str(path), "--reason", "holidays")
    await settled(house.console, 2)
    assert [answer(gateway) for gateway in house.gateways] == ["550", "550"]


def rejecting(settings: Configuration) -> Configuration:
    """Give a configuration that takes no mail."""
    return msgspec.structs.replace(settings, rules=NOBODY)


async def test_mail_runs_while_the_intranet_is_away_and_is_told_of_afterwards(house: House) -> None:
    """The intranet is killed: mail is taken and delivered as before. It comes back, and each mail has its track, once."""
    first = [await send(gateway, 10) for gateway in house.gateways]
    await to_thread(house.console.kill_all)
    second = [await send(gateway, 300) for gateway in house.gateways]
    await house.sink.wait(620, PATIENCE_S)
    await until(lambda: [gateway.answer("queue", "list") for gateway in house.gateways] == [[], []], "nothing waits on a queue")
    await until(lambda: all(waiting(gateway) >= 300 for gateway in house.gateways), "the tracks wait on their gateways")
    await to_thread(house.console.start)
    await all_are_tracked(house.console, *first, *second)
    await until(lambda: [waiting(gateway) for gateway in house.gateways] == [0, 0], "nothing waits any more")


async def test_gateways_start_and_work_without_their_intranet(house: House) -> None:
    """A gateway that starts while the intranet is away works with the version that it had last."""
    await to_thread(house.console.kill_all)
    for gateway in house.gateways:
        await to_thread(gateway.kill_all)
        await to_thread(gateway.start)
    results = [await send(gateway, 5) for gateway in house.gateways]
    await to_thread(house.console.start)
    await all_are_tracked(house.console, *results)


async def test_an_intranet_that_is_killed_while_it_applies_has_each_track_once(house: House) -> None:
    """Killed again and again while tracks come in, it has each mail's track once, with each attempt once."""
    loads = [asyncio.create_task(send(gateway, 400)) for gateway in house.gateways]
    for _ in range(3):
        await asyncio.sleep(0.7)  # not an event that is waited for: the moment of a kill is chance
        await to_thread(house.console.kill_all)
        await to_thread(house.console.start)
    results = await asyncio.gather(*loads)
    await all_are_tracked(house.console, *results)
    for track in tracks(house.console)[::100]:
        assert len(house.console.answer("track", "show", track["track"])["attempts"]) == 1
