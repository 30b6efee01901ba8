# SPDX-License-Identifier: Apache-2.0
"""Gateways and their intranet as processes of their own, joined as an administrator does it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.bootstrap import Link
from gatepost.config.configuration import Configuration
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.ports import LOOPBACK, free_port
from gatepost.testing.processes import pss_mib
from gatepost.testing.sink import Sink
from waiting import PATIENCE_S, until

IDLE_MIB = 30.0


def gateway_role(folder: Path, configuration: Configuration) -> Gateway:
    """Give a gateway that an intranet may call."""
    made = Gateway(folder, configuration)
    made.bootstrap = msgspec.structs.replace(made.bootstrap, role="gateway", link=Link(listen=f"{LOOPBACK}:{free_port()}"))
    return made


def intranet_role(folder: Path, configuration: Configuration) -> Gateway:
    """Give an intranet, which takes no mail."""
    made = Gateway(folder, configuration, hostname="intranet.example")
    made.bootstrap = msgspec.structs.replace(made.bootstrap, role="intranet", listeners=())
    return made


async def said(role: Gateway, *words: str, code: int = 0) -> str:
    """Give one command and what it printed."""
    done = await asyncio.to_thread(role.command, *words)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


async def asked(role: Gateway, *words: str) -> Any:
    """Give one command and its answer as JSON."""
    return json.loads(await said(role, *words, "--json"))


async def join(gateway: Gateway, intranet: Gateway, name: str) -> Any:
    """Pair two roles with the commands that people use."""
    token = (await asked(gateway, "role", "invite"))["token"]
    return await asked(intranet, "role", "join", gateway.bootstrap.link.listen, "--token", token, "--name", name)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Gateway, Gateway]]:
    """Give two gateways and an intranet, not joined yet."""
    configuration = relay_all_to(free_port())
    east, west = gateway_role(tmp_path / "east", configuration), gateway_role(tmp_path / "west", configuration)
    intranet = intranet_role(tmp_path / "intranet", configuration)
    roles = (east, west, intranet)
    try:
        for role in roles:
            await asyncio.to_thread(role.start)
        await asyncio.to_thread(intranet.wait_for, "process.started", 2)
        yield roles
    finally:
        for role in roles:
            await asyncio.to_thread(role.terminate)


def versions(links: list[dict[str, Any]]) -> dict[str, list[int]]:
    return {link["name"]: [process["version"] for process in link["processes"]] for link in links}


async def test_each_role_runs_its_own_processes_and_no_other(house: Any) -> None:
    """A gateway has no console, an intranet nothing else, and it is small."""
    east, _, intranet = house
    assert set(east.running()) == {"supervisor", "deliver", "receive"}
    assert set(intranet.running()) == {"supervisor", "console"}
    assert pss_mib(intranet.running()["console"]) < IDLE_MIB


async def test_two_gateways_join_one_intranet_and_get_its_configuration(house: Any) -> None:
    """What `invite` and `join` print agrees, each process's version is shown, and a change reaches all of them."""
    east, west, intranet = house
    invited = await said(east, "role", "invite")
    token = next(word for word in invited.split() if word.startswith("gp1."))
    joined = await said(intranet, "role", "join", east.bootstrap.link.listen, "--token", token, "--name", "east")
    fingerprint = invited.strip().splitlines()[-1].strip()
    assert len(fingerprint.replace(" ", "")) == 64 and fingerprint in joined
    assert (await asked(east, "role", "list"))[0]["fingerprint"] in joined.replace(" ", "")
    await join(west, intranet, "west")

    async def reached(number: int) -> None:
        expected = {"east": [number, number], "west": [number, number]}
        async with asyncio.timeout(PATIENCE_S):
            while versions(links := await asked(intranet, "role", "list")) != expected:  # noqa: ASYNC110 -- other processes are asked
                await asyncio.sleep(0.1)
        assert [link["trouble"] for link in links] == ["", ""]

    await reached(1)
    exported = await said(intranet, "config", "export")
    changed = intranet.folder / "changed.toml"
    changed.write_text(exported.replace("[[owned_domains]]", 'corporate_users = ["jo@example.com"]\n[[owned_domains]]', 1))
    await said(intranet, "config", "apply", str(changed), "--reason", "Jo is new.")
    await reached(2)
    shown = await said(intranet, "role", "list")
    assert "east" in shown and "deliver 2, receive 2" in shown


async def test_a_token_holds_once_and_a_wrong_one_never(house: Any) -> None:
    """Exit code 1, one sentence, and no link."""
    east, west, intranet = house
    token = (await asked(east, "role", "invite"))["token"]
    sentence = await said(intranet, "role", "join", west.bootstrap.link.listen, "--token", token, code=1)
    assert "shows the certificate" in sentence and sentence.count("\n") == 1
    await asked(intranet, "role", "join", east.bootstrap.link.listen, "--token", token, "--name", "east")
    sentence = await said(intranet, "role", "join", east.bootstrap.link.listen, "--token", token, "--name", "again", code=1)
    assert "is wrong, was used, or is older than 15 minutes" in sentence
    assert [link["name"] for link in await asked(intranet, "role", "list")] == ["east"]


async def test_a_role_that_has_left_is_gone_at_both_ends(house: Any) -> None:
    """It may be joined again afterwards."""
    east, _, intranet = house
    await join(east, intranet, "east")
    assert "east has left." in await said(intranet, "role", "leave", "east")
    assert await asked(east, "role", "list") == await asked(intranet, "role", "list") == []
    assert "there is no link 'east'" in await said(intranet, "role", "leave", "east", code=1)
    assert (await join(east, intranet, "east"))["name"] == "east"


async def test_an_intranet_that_was_left_by_a_gateway_is_told_so(house: Any) -> None:
    """The open connections end, and the next one is refused with the reason."""
    east, _, intranet = house
    await join(east, intranet, "east")
    assert "intranet.example has left." in await said(east, "role", "leave", "intranet.example")
    assert "no role 'intranet.example' is paired" in await said(east, "role", "leave", "intranet.example", code=1)
    async with asyncio.timeout(PATIENCE_S):
        while "does not know our certificate" not in (await asked(intranet, "role", "list"))[0]["trouble"]:  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.1)
    await asyncio.to_thread(east.wait_for, "link.peer_refused")


async def test_commands_on_the_wrong_role_say_where_they_belong(house: Any) -> None:
    """Exit code 2: wrong use."""
    east, _, intranet = house
    assert "make the token on the gateway" in await said(intranet, "role", "invite", code=2)
    assert "join it from the intranet" in await said(east, "role", "join", "h:1", "--token", "x", code=2)


async def test_a_gateway_works_while_its_console_cannot_start(tmp_path: Path) -> None:
    """An intranet's store that is away changes nothing for mail; the console is tried again until it can."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port))
        stores = msgspec.structs.replace(gateway.bootstrap.stores, intranet=f"postgresql://nobody@{LOOPBACK}:{free_port()}/none")
        gateway.bootstrap = msgspec.structs.replace(gateway.bootstrap, stores=stores)
        async with gateway:
            await generate(Plan(port=gateway.port, mails=20))
            await sink.wait(20)
            ended = await asyncio.to_thread(gateway.wait_for, "process.ended", 2)
            assert {event["process"] for event in ended} == {"console"}
            await until(lambda: "gatepost console: postgresql://" in gateway.last_words(200), "the reason")


def test_an_intranet_that_cannot_start_says_why_and_ends(tmp_path: Path) -> None:
    """There is nothing else that could go on."""
    intranet = intranet_role(tmp_path, relay_all_to(1))
    stores = msgspec.structs.replace(intranet.bootstrap.stores, intranet=f"postgresql://nobody@{LOOPBACK}:{free_port()}/none")
    intranet.bootstrap = msgspec.structs.replace(intranet.bootstrap, stores=stores)
    intranet.write()
    command = [sys.executable, "-m", "gatepost", "run", "--config", str(intranet.config_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3 and "gatepost console: postgresql://" in done.stderr and "Traceback" not in done.stderr
