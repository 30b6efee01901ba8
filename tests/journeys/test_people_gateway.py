# SPDX-License-Identifier: Apache-2.0
"""People changed at the console of a whole gateway, and what clients and partners hear of it, over real sockets."""

import asyncio
import smtplib
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.configuration import Configuration, CorporateServer, OwnedDomain
from gatepost.config.rules import Rule
from gatepost.roles.control import ask
from gatepost.roles.processes import Paths
from gatepost.storage.sqlite import connect_reader
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import LOOPBACK
from next_hops import NextHop
from waiting import PATIENCE_S, until

LIST, ASK = "list.example", "ask.example"
REACHED_S = 2.0
ROUNDS = 3
"""Times that each change is made: what one takes on a machine that stands still for a moment says nothing of the gateway."""


def settings(port: int) -> Configuration:
    """Own one domain of each mode; everything goes to one port, outbound mail from this machine too."""
    return msgspec.structs.replace(
        relay_all_to(port),
        owned_domains=(OwnedDomain(name=LIST, recipients="list"), OwnedDomain(name=ASK, recipients="callout")),
        corporate_users=(f"ceo@{LIST}",),
        corporate_servers=(CorporateServer(name="ours", networks=("127.0.0.2",)),),
        rules=(
            Rule(name="In", mode="accept", recipient_scope="corporate_addresses"),
            Rule(name="Out", direction="outbound", mode="accept"),
        ),
    )


class House:
    """A gateway with its console, and the next hop of all its mail."""

    def __init__(self, gateway: Gateway, hop: NextHop) -> None:
        self.gateway, self.hop = gateway, hop

    async def ask(self, do: str, **args: Any) -> Any:
        """Ask the console on its control socket."""
        return await to_thread(ask, Paths(self.gateway.bootstrap).console_path, do, **args)

    async def save(self, *addresses: str, user: dict[str, Any] | None = None, enabled: bool = True) -> dict[str, Any]:
        """Add a user, or change the one that was given."""
        form = {"addresses": [{"address": one} for one in addresses], "enabled": enabled}
        said = {"id": user["id"], "revision": user["revision"]} if user else {}
        answer = await self.ask("people.user.save", user=form, author="ann", **said)
        assert answer["outcome"] == "saved", answer
        return dict(answer["row"])

    async def remove(self, address: str) -> None:
        """Remove a user."""
        user = await self.ask("people.user.show", user=address)
        assert (await self.ask("people.user.remove", id=user["id"], revision=user["revision"], author="ann"))["outcome"] == "removed"

    async def partner(self, domain: str, security: str, revision: int = 0) -> None:
        """Save a partner's demand."""
        form = {"domain": domain, "settings": {"connection_security": security}}
        answer = await self.ask("people.partner.save", partner=form, author="ann", revision=revision)
        assert answer["outcome"] == "saved", answer

    async def hears(self, recipient: str, code: str) -> float:
        """Wait until RCPT is answered so; gives the seconds."""
        began = time.monotonic()
        while (said := await to_thread(self._rcpt, recipient)) != code:
            assert time.monotonic() - began < PATIENCE_S, f"{recipient} is answered {said}, not {code}"
            await asyncio.sleep(0.01)
        return time.monotonic() - began

    def _rcpt(self, recipient: str) -> str:
        with smtplib.SMTP(LOOPBACK, self.gateway.port, timeout=20) as client:
            client.ehlo("client.example")
            client.mail("sender@example.org")
            return str(client.rcpt(recipient)[0])

    def send(self, recipient: str, source: str = "127.0.0.1") -> None:
        """Send a mail."""
        with smtplib.SMTP(LOOPBACK, self.gateway.port, timeout=20, source_address=(source, 0)) as client:
            client.sendmail("boss@" + LIST, [recipient], b"Subject: hello\r\n\r\nhello\r\n")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Give a running gateway; of those whom it is asked for the next hop knows one."""
    async with NextHop() as hop, Gateway(tmp_path, settings(hop.port)) as gateway:
        hop.fail("rcpt", reply="250 2.1.5 Here", match=f"real@{ASK}")
        hop.fail("rcpt", reply="550 5.1.1 No such user", match=f"@{ASK}")
        await to_thread(gateway.wait_for_console)
        yield House(gateway, hop)


async def test_a_user_is_accepted_and_refused_within_two_seconds(house: House) -> None:
    """Where the list decides: added, disabled, enabled, removed at the console, and heard at RCPT each time."""
    new = f"New@{LIST}"
    await house.hears(new, "550")
    await house.hears(f"ceo@{LIST}", "250")
    rounds: list[list[float]] = []
    for _ in range(ROUNDS):
        user = await house.save(new)
        took = [await house.hears(new.upper(), "250")]
        await house.hears(f"nobody@{LIST}", "550")
        user = await house.save(new, user=user, enabled=False)
        took.append(await house.hears(new, "550"))
        user = await house.save(new, user=user)
        took.append(await house.hears(new, "250"))
        await house.remove(new)
        took.append(await house.hears(new, "550"))
        rounds.append(took)
    assert max(min(of_one_change) for of_one_change in zip(*rounds, strict=True)) < REACHED_S, rounds
    await house.save(new)
    await house.hears(new, "250")
    for name in ("deliver", "receive"):
        assert await to_thread(house.gateway.sigkill, name)
        await until(lambda name=name: house.gateway.running().get(name), f"{name} is started again")
    await house.hears(new, "250")
    await house.remove(new)
    await house.hears(new, "550")
    assert house.hop.asked == []


async def test_a_listed_user_is_not_asked_for_at_the_next_hop(house: House) -> None:
    """Where the next hop decides it is asked for strangers only; a disabled user is refused though it would take him."""
    ghost, real = f"ghost@{ASK}", f"real@{ASK}"
    await house.hears(ghost, "550")
    await house.hears(real, "250")
    asked = len(house.hop.asked)
    listed = await house.save(ghost)
    await house.hears(ghost, "250")
    await house.save(real, enabled=False)
    await house.hears(real, "550")
    assert (await house.ask("people.user.remove", id=listed["id"], revision=1, author="ann"))["outcome"] == "removed"
    await house.hears(ghost, "550")
    assert len(house.hop.asked) == asked


async def test_a_partner_that_requires_tls_is_not_written_to_without(house: House) -> None:
    """His mail waits and says why; another partner's goes; when he requires it no more, it goes too."""
    await house.partner("strict.example", "required")
    await until(lambda: demands(house) == 1, "the gateway knows the partner")
    await to_thread(house.send, "jo@strict.example", "127.0.0.2")
    await to_thread(house.send, "jo@easy.example", "127.0.0.2")
    (mail,) = await house.hop.wait(1)
    assert [str(one) for one in mail.recipients] == ["jo@easy.example"]
    waiting: list[dict[str, Any]] = []

    def deferred() -> bool:
        waiting[:] = ask(Paths(house.gateway.bootstrap).control_path, "queue.show")
        return any("TLS" in str(one) or "tls" in str(one) for one in waiting)

    await until(deferred, "the mail waits, and says that TLS is lacking")
    assert "jo@strict.example" in str(waiting)
    await house.partner("strict.example", "default", 1)
    await until(lambda: demands(house) == 0, "the gateway knows that he does not any more")
    await to_thread(ask, Paths(house.gateway.bootstrap).control_path, "queue.retry")
    mails = await house.hop.wait(2)
    assert {str(one) for mail in mails for one in mail.recipients} == {"jo@easy.example", "jo@strict.example"}


def demands(house: House) -> int:
    """Count the partners that the gateway has."""
    connection = connect_reader(house.gateway.folder / "data" / "gateway.sqlite")
    try:
        return int(connection.execute("SELECT count(*) FROM partner").fetchone()[0])
    finally:
        connection.close()


async def test_the_command_line_looks_after_people(house: House) -> None:
    """Add, change, show, list, remove, partners and fields; what is wrong is told at its field, with exit code 1."""

    async def said(*words: str, code: int = 0) -> Any:
        done = await to_thread(house.gateway.command, "people", *words, "--json")
        assert done.returncode == code, done.stderr + done.stdout
        return msgspec.json.decode(done.stdout)

    await said("field", "set", "floor", "--default-value", "1")
    await said("add", f"jo@{LIST}", f"sales@{LIST}", "--name", "Jo", "--attribute", "surname=Doe", "--field", "floor=3")
    wrong = await said("add", "jo@elsewhere.example", code=1)
    assert wrong["faults"][0]["field"] == "addresses[0].address"
    change = ["--disable-address", f"SALES@{LIST}", "--add-address", f"al@{LIST}", "--default", f"al@{LIST}", "--field", "floor="]
    changed = await said("change", f"jo@{LIST}", *change)
    assert [(one["address"], one["is_default"], one["enabled"]) for one in changed["row"]["addresses"]] == [
        (f"al@{LIST}", True, True),
        (f"jo@{LIST}", False, True),
        (f"sales@{LIST}", False, False),
    ]
    shown = await said("show", f"sales@{LIST}")
    assert (shown["display_name"], shown["attributes"], shown["values"]["floor"]["origin"]) == ("Jo", {"surname": "Doe"}, "product")
    assert len((await said("list", "jo"))["users"]) == 1
    await said("list", "nobody", code=1)
    await said("partner", "set", "p.example", "--connection-security", "required", "--comment", "ours")
    await said("partner", "set", "jo@p.example", "--display-name", "Jo")
    held = await said("partner", "show", "p.example")
    assert held["effective"]["settings"]["connection_security"] == {"value": "required", "origin": "domain"}
    assert [one["address"] for one in held["addresses"]] == ["jo@p.example"]
    await said("partner", "set", "default", "--connection-security", "opportunistic")
    assert len((await said("partner", "list"))["partners"]) == 1
    for words in (f"remove jo@{LIST}", "partner remove p.example", "partner remove default", "field remove floor"):
        assert (await said(*words.split()))["outcome"] == "removed"
