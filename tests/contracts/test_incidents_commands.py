# SPDX-License-Identifier: Apache-2.0
"""`gatepost incident` and `gatepost db usage` as a person and a script meet them, asked of a console with a real store."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.incidents_house import stuck
from gatepost.cli import main
from gatepost.monitoring.filling import FillLevels
from gatepost.monitoring.incidents import Incidents
from gatepost.monitoring.notice_mail import House
from gatepost.monitoring.record import Address, Addressees, Look
from gatepost.monitoring.sending import Submitted
from gatepost.replication.commands import Commands
from gatepost.roles.control import ControlServer, ask
from gatepost.storage.opening import open_store
from gatepost.storage.usage import Measured

Say = Callable[..., Awaitable[int]]
SEEN: dict[str, Look] = {}


@pytest.fixture
async def incidents(tmp_path: Path) -> AsyncIterator[Incidents]:
    """Give a console's incidents, served on its socket: one queue is stuck."""
    store = open_store("sqlite", "intranet", tmp_path)

    async def nobody(letter: Any, identity: str) -> Submitted:
        return Submitted("no gateway answers")

    async def addressees() -> Addressees:
        return Addressees(Address("admin@a.example", ""))

    async def house() -> House:
        return House("h.example")

    async def usages() -> dict[str, Any]:
        return {"intranet": await Measured(store).usage(), "berlin": None}

    async def check(standing: Any) -> Look:
        return SEEN["queue.stuck"]

    SEEN["queue.stuck"] = Look((stuck("\x1b[31m[bold]evil.example", waiting=3),))
    served = Incidents(store, {"queue.stuck": check}, submit=nobody, addressees=addressees, house=house, filling=FillLevels(usages))
    await served.engine.look("queue.stuck")
    server = ControlServer(tmp_path / "run" / "console.sock", served.commands(), Commands(store))
    await server.start()
    yield served
    await server.close()
    await store.close()


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Give the command line of the machine where that console runs."""
    config = tmp_path / "gatepost.toml"
    config.write_text(f'data = "{tmp_path}"\n')

    async def said(*words: str) -> int:
        return await asyncio.to_thread(main, [*words, "--config", str(config)])

    return said


async def test_what_is_open_is_a_table_for_people_and_json_for_scripts(incidents: Incidents, say: Say, capfd: Any) -> None:
    """Something open is exit code 1; text from outside cannot move the cursor."""
    assert await say("incident", "list") == 1
    shown = capfd.readouterr().out
    assert "·[31m[bold]evil.example" in shown and "Mail waits for more than an hour" in shown and "\x1b[31m[bold]" not in shown
    assert await say("incident", "list", "--json") == 1
    [one] = json.loads(capfd.readouterr().out)["incidents"]
    assert one["details"] == {"waiting": 3} and one["level"] == "warning"


async def test_one_incident_is_shown_with_what_to_do_and_who_was_told(incidents: Incidents, say: Say, capfd: Any) -> None:
    """One that does not exist is exit code 1 and a sentence."""
    number = (await incidents.open())[0].id
    assert await say("incident", "show", str(number)) == 0
    shown = capfd.readouterr().out
    assert "What to do: Read the last answer" in shown and "admin@a.example" in shown and "due " in shown
    assert await say("incident", "show", "999") == 1
    assert "there is no incident 999" in capfd.readouterr().err


async def test_a_check_that_finds_nothing_any_more_heals(incidents: Incidents, say: Say, capfd: Any) -> None:
    """It is exit code 1 while it is still so, 0 when it has healed; then nothing needs care, and the history has it."""
    number = str((await incidents.open())[0].id)
    assert await say("incident", "check", number) == 1
    SEEN["queue.stuck"] = Look()
    assert await say("incident", "check", number) == 0
    assert await say("incident", "list") == 0
    assert "Nothing needs care." in capfd.readouterr().out
    assert await say("incident", "list", "--all", "--json") == 0
    [one] = json.loads(capfd.readouterr().out)["incidents"]
    assert one["healed_at"] is not None


async def test_usage_tells_each_store_and_who_does_not_answer(incidents: Incidents, say: Say, capfd: Any) -> None:
    """Sizes of tables that are estimated say so."""
    assert await say("db", "usage") == 0
    shown = capfd.readouterr().out
    assert "of the disk" in shown and "the gateway does not answer" in shown and "incident" in shown
    assert await say("db", "usage", "--json") == 0
    stores = {one["name"]: one for one in json.loads(capfd.readouterr().out)}
    assert 0 < stores["intranet"]["share"] <= 1 and stores["berlin"]["share"] is None


async def test_webhooks_are_kept_by_commands_whose_secret_is_not_remembered(incidents: Incidents, tmp_path: Path) -> None:
    """What is answered once is not found again, neither by the command's id nor in any list."""
    socket = tmp_path / "run" / "console.sock"

    def do(command: str, identity: str = "", **args: Any) -> Any:
        return ask(socket, command, identity=identity, **args)

    made = await asyncio.to_thread(do, "webhook.create", "one", name="chat", url="https://a.example/", author="ann")
    again = await asyncio.to_thread(do, "webhook.create", "one", name="chat", url="https://a.example/", author="ann")
    assert made["secret"] != again["secret"]
    id = made["webhook"]["id"]
    changed = await asyncio.to_thread(do, "webhook.change", id=id, author="ann", enabled=False, name="chat 2")
    assert (changed["enabled"], changed["name"], changed["url"]) == (False, "chat 2", "https://a.example/")
    assert await asyncio.to_thread(do, "webhook.remove", id=again["webhook"]["id"], author="ann") is True
    listed = await asyncio.to_thread(do, "webhook.list")
    assert listed == [changed] and made["secret"] not in repr(listed)
    renewed = await asyncio.to_thread(do, "webhook.renew_secret", id=id, author="ann")
    assert renewed["secret"] != made["secret"]
