# SPDX-License-Identifier: Apache-2.0
"""A program's day with the API of a real gateway: a token, a mail that went through, a change of the configuration, a new user."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from console_door import console_listener
from gatepost.access.access import Access
from gatepost.access.administrators import Changed
from gatepost.access.roles import ROLES
from gatepost.access.tokens import MadeToken
from gatepost.contracts.actor import Actor
from gatepost.roles.remote import Console, ask
from gatepost.storage.opening import open_store
from gatepost.testing.gateway import Gateway, loopback_listener, relay_all_to
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.processes import pss_mib
from gatepost.testing.sink import Sink
from waiting import PATIENCE_S, until
from wire_client import WireClient

Say = Callable[..., tuple[int, str]]
SCOPES = ("monitoring:read", "configuration:write", "people:write", "administration:read")


async def a_token(gateway: Gateway) -> str:
    """Make an administrator and his token before the first start, as `gatepost people admin` and a page would."""
    store = open_store("sqlite", "intranet", Path(gateway.bootstrap.data))
    access = Access(store, Path(gateway.bootstrap.data) / "keys" / "console.key")
    try:
        assert isinstance(await access.administrators.add(Actor("root", "cli"), "anna", ROLES), Changed)
        made = await access.tokens.make(Actor("anna", "console"), "journey", SCOPES, 1)
        assert isinstance(made, MadeToken)
        return made.secret
    finally:
        access.close()
        await store.close()


async def test_the_command_line_works_by_url(tmp_path: Path):
    """Search a mail that went through, plan and apply a configuration, add a user: by URL, and the audit says who, by api."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path / "gateway", relay_all_to(sink.port), listeners=[loopback_listener(), console_listener()])
        console = Console(f"http://{LOOPBACK}:{gateway.ports[-1]}", await a_token(gateway))
        say = the_command_line(console)
        async with gateway:
            await asyncio.to_thread(gateway.wait_for_console)
            await asyncio.to_thread(send_one, gateway.port)
            await until(lambda: say("track", "search", "bob@example.com", "--status", "success", "--json")[0] == 0, "the mail's track")
            await asyncio.to_thread(change_the_configuration, say, tmp_path / "new.toml")
            await asyncio.to_thread(add_a_user, say)
            answer = await asyncio.to_thread(ask, console, "access.audit", limit=50)
            told = [(one["operation"], one["author"], one["client"]) for one in answer["entries"] if one["via"] == "api"]
            assert told == [("people.user.add", "anna", LOOPBACK), ("config.apply", "anna", LOOPBACK)]
            assert pss_mib(gateway.running()["console"]) < 120


def the_command_line(console: Console) -> Say:
    """Give `gatepost ... --url` in a process of its own, which knows the token from its environment."""
    environment = {**os.environ, "ADMIN_TOKEN": console.token}

    def say(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "gatepost", *words, "--url", console.url, "--token", "env:ADMIN_TOKEN"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return say


def send_one(port: int) -> None:
    """Hand one mail over."""
    with WireClient(port) as client:
        client.say("EHLO client.example")
        content = b"From: alice@partner.example\r\nTo: bob@example.com\r\nSubject: An offer\r\n\r\nHello.\r\n"
        assert client.send("alice@partner.example", ["bob@example.com"], content).startswith("250")


def change_the_configuration(say: Say, file: Path) -> None:
    """Export it, plan another domain, apply that, and see it taken over by all processes."""
    assert say("config", "export", "-o", str(file))[0] == 0
    file.write_text(file.read_text().replace("[[owned_domains]]", '[[owned_domains]]\nname = "second.example"\n\n[[owned_domains]]', 1))
    code, told = say("config", "apply", str(file), "--plan")
    assert code == 0 and "second.example" in told and "This is only a plan." in told
    code, told = say("config", "apply", str(file), "--reason", "a second domain")
    assert code == 0 and "Version 2 is made" in told
    end = time.monotonic() + PATIENCE_S
    while say("config", "status")[0] != 0:
        assert time.monotonic() < end, say("config", "status")


def add_a_user(say: Say) -> None:
    """Add somebody of the new domain."""
    assert say("people", "add", "jo@second.example", "--name", "Jo") == (0, "jo@second.example was added.\n")
    code, told = say("people", "list", "jo")
    assert code == 0 and "jo@second.example" in told
