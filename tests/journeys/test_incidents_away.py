# SPDX-License-Identifier: Apache-2.0
"""A gateway dies: the intranet opens an incident, its administrator gets a mail through the other gateway, and it heals."""

import email
import email.policy
import json
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import pytest

from disks import roomy
from gatepost.config.configuration import Notices
from gatepost.roles.control import ask, console_path
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from gatepost.testing.sites import intranet, joined
from waiting import until

NAMES = ("berlin", "lisbon")


class House(NamedTuple):
    """An intranet and its two gateways, whose mail all goes to one sink."""

    console: Gateway
    berlin: Gateway
    lisbon: Gateway
    sink: Sink


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a disk with room: the only incident, and the only mail, is the gateway that is away."""
    with roomy(tmp_path):
        yield tmp_path


@pytest.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    """Give two paired gateways and an administrative address."""
    async with Sink() as sink:
        settings = msgspec.structs.replace(
            relay_all_to(sink.port), notices=Notices(administrative_address="admin@example.com", notice_sender="gatepost@example.com")
        )
        berlin, lisbon = (Gateway(folder / name, settings, role="gateway", linked=True, hostname=f"{name}.example") for name in NAMES)
        console = intranet(folder / "intranet", settings)
        running = (console, berlin, lisbon)
        try:
            for one in running:
                await to_thread(one.start)
            for name, gateway in (("berlin", berlin), ("lisbon", lisbon)):
                await to_thread(joined, console, gateway, name)
            yield House(console, berlin, lisbon, sink)
        finally:
            for one in running:
                await to_thread(one.kill_all)


def incidents(console: Gateway, *words: str) -> list[dict[str, Any]]:
    """Give the incidents of the links."""
    done = console.command("incident", "list", *words, "--json")
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["incidents"]
    return [one for one in found if one["kind"] == "link.away"]


def subjects(console: Gateway) -> list[str]:
    """Give the subjects of the mails about Berlin."""
    tracks = json.loads(console.command("track", "search", "--json").stdout)["tracks"]
    return [one["subject"] for one in tracks if "berlin" in one["subject"]]


async def test_a_gateway_that_dies_is_told_of_through_the_other_and_heals(house: House) -> None:
    """One incident, one mail that any program reads, no complaint of a strict server, and the incident is history when it is back."""
    await to_thread(house.berlin.kill_all)
    await until_slow(lambda: incidents(house.console))
    [opened] = incidents(house.console)
    assert (opened["subject"], opened["level"], opened["title"]) == ("berlin", "error", "A gateway does not answer")
    [mail] = await house.sink.wait(1, timeout_s=60)
    assert (mail.sender, mail.recipients) == ("gatepost@example.com", ("admin@example.com",))
    assert house.sink.errors == []
    read = cast(EmailMessage, email.message_from_bytes(mail.content, policy=email.policy.default))
    assert read["auto-submitted"] == "auto-generated" and read["from"] == "Gatepost <gatepost@example.com>"
    assert "NEW (error): A gateway does not answer: berlin" in read.get_content()
    await until(lambda: subjects(house.console), "the notice has its track")
    assert subjects(house.console) == [read["subject"]]
    await to_thread(house.berlin.start)
    await until_slow(lambda: not incidents(house.console))
    [healed] = incidents(house.console, "--all")
    assert healed["id"] == opened["id"] and healed["healed_at"] > healed["opened_at"]
    shown = house.console.answer("incident", "show", str(healed["id"]))
    first = shown["notices"][0]
    assert (first["event"], first["target"], first["told_at"] is not None) == (
        "opened",
        "admin@example.com",
        True,
    )


async def test_an_incident_is_checked_again_when_somebody_asks(house: House) -> None:
    """Who mends something need not wait; the intranet that was killed meanwhile goes on with what was open."""
    await to_thread(house.lisbon.kill_all)
    socket = console_path(house.console.bootstrap)
    await until(lambda: ask(socket, "incident.recheck", kind="link.away", subject="lisbon"), "a person sees it at once")
    [opened] = incidents(house.console)
    await to_thread(house.console.kill_all)
    await to_thread(house.lisbon.start)
    await to_thread(house.console.start)
    await until(lambda: house.console.command("incident", "check", str(opened["id"])).returncode == 0, "it has healed")
    [healed] = incidents(house.console, "--all")
    assert healed["id"] == opened["id"] and healed["healed_at"] is not None
    usage: dict[str, dict[str, Any]] = {}

    def told() -> bool:
        usage.update({one["name"]: one for one in house.console.answer("db", "usage")})
        return all(one.get("bytes") for one in usage.values())

    await until(told, "each store tells, those of gateways once they are reached again")
    assert set(usage) == {"intranet", "berlin", "lisbon"}
    assert all(one["bytes"] > 0 and one["bound"] == "disk" and one["tables"] for one in usage.values())


async def until_slow(truth: Any) -> None:
    """Wait as long as the patience of a link and two looks take together."""
    for _ in range(3):
        try:
            await until(truth, "the engine has seen it")
        except AssertionError:
            continue
        return
    await until(truth, "the engine has seen it")
