# SPDX-License-Identifier: Apache-2.0
"""`gatepost queue` against a gateway that runs: what waits is shown, tried again and removed as asked."""

import json
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from waiting import until
from wire_client import WireClient

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\ntext\r\n"
LATER = "451 4.2.1 Mailbox busy, try again later"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sink, dict[str, str]]]:
    """A gateway with four mails that its next hop has put off once; their tracks by recipient."""
    async with Sink() as sink:
        sink.fail("rcpt", reply=LATER)
        async with Gateway(tmp_path, relay_all_to(sink.port, domains=("example.com", "example.net"))) as gateway:
            tracks = {}
            with WireClient(gateway.port) as client:
                client.say("EHLO client.example")
                for recipient in ("anna@example.com", "bert@example.com", "carl@example.com", "dora@example.net"):
                    reply = await to_thread(client.send, "a@example.org", [recipient], MAIL)
                    tracks[recipient] = reply.rpartition(" ")[2]
            await until(lambda: len(gateway.events("delivery.done")) == 4, "each was tried once")
            await until(lambda: not any(line["sending"] for line in gateway.answer("queue", "list")), "what came of it is written")
            sink.faults.clear()
            yield gateway, sink, tracks


async def ask(gateway: Gateway, *arguments: str) -> tuple[int, Any]:
    """Give the exit code and the JSON answer of a queue command."""
    answer = await to_thread(gateway.command, "queue", *arguments, "--json")
    assert answer.stderr == ""
    return answer.returncode, json.loads(answer.stdout)


async def test_what_waits_is_listed_by_domain(house: tuple[Gateway, Sink, dict[str, str]]) -> None:
    """One line for each destination domain says how much waits and when it is tried next."""
    gateway, _, _ = house
    code, lines = await ask(gateway, "list")
    assert code == 0
    assert [(line["domain"], line["waiting"], line["sending"]) for line in lines] == [("example.com", 3, 0), ("example.net", 1, 0)]
    tried_at = [one["at"] for one in gateway.events("delivery.done")]
    assert all(min(tried_at) + 50 < line["next_due_at"] < max(tried_at) + 70 for line in lines)
    human = await to_thread(gateway.command, "queue", "list")
    assert (human.returncode, human.stderr) == (0, "")
    assert "example.com" in human.stdout and "example.net" in human.stdout


async def test_a_mail_is_shown_by_the_track_that_its_client_was_told(house: tuple[Gateway, Sink, dict[str, str]]) -> None:
    """Sender, recipient, attempts and the next hop's last words; what does not wait is a negative answer."""
    gateway, _, tracks = house
    code, (one,) = await ask(gateway, "show", tracks["anna@example.com"])
    assert (code, one["sender"], one["recipient"], one["state"]) == (0, "a@example.org", "anna@example.com", "waiting")
    assert (one["attempts"], one["last_reply"]) == (1, LATER)
    code, several = await ask(gateway, "show", "example.com")
    assert [one["recipient"] for one in several] == ["anna@example.com", "bert@example.com", "carl@example.com"]
    assert await ask(gateway, "show", "0" * 24) == (1, [])
    human = await to_thread(gateway.command, "queue", "show", tracks["anna@example.com"])
    assert LATER in human.stdout


async def test_retry_delivers_what_is_named_and_nothing_else(house: tuple[Gateway, Sink, dict[str, str]]) -> None:
    """A track, a domain, then all: each is delivered at once, long before it was due."""
    gateway, sink, tracks = house
    assert await ask(gateway, "retry", tracks["bert@example.com"]) == (0, {"retried": 1})
    assert [mail.recipients for mail in await sink.wait(1)] == [("bert@example.com",)]
    assert await ask(gateway, "retry", "example.net") == (0, {"retried": 1})
    assert (await sink.wait(2))[1].recipients == ("dora@example.net",)
    assert await ask(gateway, "retry", "elsewhere.example") == (1, {"retried": 0})
    assert await ask(gateway, "retry", "--all") == (0, {"retried": 2})
    await sink.wait(4)
    await until(lambda: "No mail is waiting." in gateway.command("queue", "list").stdout, "the queue is empty")


async def test_what_is_dropped_is_never_delivered_nor_reported(house: tuple[Gateway, Sink, dict[str, str]]) -> None:
    """Neither the recipient nor the sender hears of it again; the others go their way."""
    gateway, sink, tracks = house
    assert await ask(gateway, "drop", tracks["anna@example.com"]) == (0, {"dropped": 1})
    assert await ask(gateway, "drop", tracks["anna@example.com"]) == (1, {"dropped": 0})
    assert await ask(gateway, "retry", "--all") == (0, {"retried": 3})
    await sink.wait(3)
    await until(lambda: "No mail is waiting." in gateway.command("queue", "list").stdout, "the queue is empty")
    assert sorted(mail.recipients[0] for mail in sink.mails) == ["bert@example.com", "carl@example.com", "dora@example.net"]
    assert gateway.events("delivery.report") == []


@pytest.mark.parametrize("arguments", [["retry"], ["retry", "x", "--all"], ["drop"], ["drop", ""], ["show", "--limit", "0"], ["lst"]])
async def test_wrong_use_is_told_and_changes_nothing(house: tuple[Gateway, Sink, dict[str, str]], arguments: list[str]) -> None:
    """A sentence on standard error, exit code 2, and the queue is as it was."""
    gateway, _, _ = house
    answer = await to_thread(gateway.command, "queue", *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    _, lines = await ask(gateway, "list")
    assert sum(line["waiting"] for line in lines) == 4
