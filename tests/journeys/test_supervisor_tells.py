# SPDX-License-Identifier: Apache-2.0
"""What a supervisor tells is found where administrators look, whichever process ended: by program, on the page, as an incident."""

import asyncio
import contextlib
import os
import signal
from asyncio import to_thread
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from browser import the_browser, the_page  # noqa: F401
from console_door import open_console
from gatepost.errors import ControlError
from gatepost.monitoring.checks_processes import ENOUGH
from gatepost.monitoring.kinds import kind_of
from gatepost.roles.control import ask, console_path
from gatepost.testing.gateway import CONSOLE, SUPERVISOR, Gateway, relay_all_to
from gatepost.testing.ports import free_port
from gatepost.testing.sites import intranet, joined
from waiting import PATIENCE_S, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def found(console: Gateway, enough: Callable[[list[dict[str, Any]]], object] = bool, **asked: Any) -> list[dict[str, Any]]:
    """Ask the console's control socket until what the supervisors told is enough."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(ControlError):  # it may be away now
                page = await to_thread(ask, console_path(console.bootstrap), "event.search", process=SUPERVISOR, **asked)
                if enough(page["events"]):
                    events: list[dict[str, Any]] = page["events"]
                    return events
            await asyncio.sleep(0.1)


def ends(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Give who ended and how, the first one first."""
    return [(one["fields"]["process"], one["fields"]["status"]) for one in reversed(events)]


async def killed(gateway: Gateway, *names: str) -> None:
    """Kill a process of each kind, all at once, and wait for the next ones."""
    gone = {name: await to_thread(gateway.sigkill, name) for name in names}
    assert all(gone.values())
    for name in names:
        await until(lambda name=name: [pid for pid in gateway.running().get(name, []) if pid != gone[name]], f"another {name}")


async def test_whichever_process_is_killed_its_end_is_told(tmp_path: Path) -> None:
    """`receive`, `deliver` that keeps events while the console is away, and the console itself; each once, in its order."""
    async with Gateway(tmp_path, relay_all_to(free_port())) as gateway:
        await to_thread(gateway.wait_for_console)
        for name in ("receive", "deliver", "console", "receive"):
            await killed(gateway, name)
        told = await found(gateway, lambda events: len(events) >= 4, name="process.ended")
        assert ends(told) == [("receive-1", -9), ("deliver", -9), ("console", -9), ("receive-1", -9)]
        assert [one["fields"]["status"] for one in told] == [one["status"] for one in gateway.events("process.ended")]
        assert {(one["gateway"], one["level"]) for one in told} == {("gateway.example", "warning")}
        assert told[0]["sentence"].startswith("The process receive-1 ended without having been told to: SIGKILL.")


async def test_both_that_keep_events_are_killed_at_once(tmp_path: Path) -> None:
    """The supervisor has what it told until one of them is back; what was its last word is read after the next start."""
    gateway = Gateway(tmp_path, relay_all_to(free_port()))
    async with gateway:
        await to_thread(gateway.wait_for_console)
        await killed(gateway, "receive", "console", "deliver")
        told = await found(gateway, lambda events: len(events) >= 3, name="process.ended")
        assert sorted(ends(told)) == [("console", -9), ("deliver", -9), ("receive-1", -9)]
    async with gateway:
        await to_thread(gateway.wait_for_console)
        (ended,) = await found(gateway, name="process.draining")
        assert ended["fields"] == {"process": SUPERVISOR}
        assert len(await found(gateway, name="process.ended")) == 3, "nothing is told twice"


async def test_what_a_console_has_in_hand_and_does_not_keep_is_told_all_the_same(tmp_path: Path) -> None:
    """One that stands still until it is killed: `deliver` gets what it had, in its order."""
    gateway = Gateway(tmp_path, relay_all_to(free_port()))
    async with gateway:
        await to_thread(gateway.wait_for_console)
        await found(gateway, name="process.started")
        os.kill(gateway.running()[CONSOLE][0], signal.SIGSTOP)
        await killed(gateway, "receive")
        await killed(gateway, CONSOLE)
        told = await found(gateway, lambda events: len(events) >= 2, name="process.ended")
        assert ends(told) == [("receive-1", -9), ("console", -9)]


async def test_a_gateway_elsewhere_and_the_intranet_itself(tmp_path: Path) -> None:
    """The gateway's supervisor tells by `deliver` and the link, the intranet's by its console."""
    async with AsyncExitStack() as running:
        berlin = Gateway(tmp_path / "berlin", relay_all_to(free_port()), role="gateway", linked=True, hostname="berlin.example")
        console = intranet(tmp_path / "intranet", relay_all_to(free_port()))
        for one in (berlin, console):
            await to_thread(one.start)
            running.push_async_callback(to_thread, one.kill_all)
        await to_thread(joined, console, berlin, "berlin")
        await killed(berlin, "receive")
        await killed(berlin, "deliver")
        await killed(console, "console")
        told = await found(console, lambda events: len(events) >= 3, name="process.ended")
        assert sorted((one["gateway"], *ends([one])[0]) for one in told) == [
            ("berlin.example", "deliver", -9),
            ("berlin.example", "receive-1", -9),
            ("intranet.example", "console", -9),
        ]
        started = await found(console, lambda events: len(events) >= 2, name="process.started")
        assert {one["gateway"] for one in started} == {"berlin.example", "intranet.example"}


async def test_an_administrator_sees_it_on_the_page_and_as_an_incident(tmp_path: Path, page: Page) -> None:
    """A process that was killed three times: each end in the Event viewer, one incident that says what to do and leads there."""
    async with open_console(tmp_path, relay_all_to(free_port())) as door:
        for _ in range(ENOUGH):
            await killed(door.gateway, "receive")
        await found(door.gateway, lambda events: len(events) >= ENOUGH, name="process.ended")
        await door.come_in(page)
        await page.goto(door.url + "monitoring/event-viewer?name=process.ended")
        await expect(page.locator("#events tr")).to_have_count(ENOUGH)
        await expect(page.get_by_role("row", name="receive-1").first).to_contain_text("gateway.example")
        subject = "gateway.example/receive-1"
        opened = await to_thread(door.ask, "incident.recheck", kind="process.ending", subject=subject)
        assert opened["details"] == {"ends": ENOUGH, "ended_by": "SIGKILL"}
        await page.goto(f"{door.url}incidents/{opened['id']}")
        await expect(page.get_by_role("heading", name="A process keeps ending")).to_be_visible()
        await page.locator(f'main a[href="{kind_of("process.ending").page}"]').click()
        await expect(page.get_by_role("heading", name="Event viewer")).to_be_visible()
        await expect(page.get_by_role("row", name="ended without having been told to: SIGKILL")).to_have_count(ENOUGH)
