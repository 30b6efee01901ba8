# SPDX-License-Identifier: Apache-2.0
"""A whole gateway verifies recipients at RCPT, and remembers them over its processes' ends."""

import smtplib
from asyncio import to_thread
from pathlib import Path

import msgspec

from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.config.rules import Rule
from gatepost.storage.sqlite import connect_reader
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import LOOPBACK
from next_hops import DOMAIN, NextHop
from waiting import until

REAL, GHOST, NEW = f"real@{DOMAIN}", f"ghost@{DOMAIN}", f"new@{DOMAIN}"


def verifying(port: int) -> Configuration:
    """Give a configuration with one rule, for corporate addresses, that asks the next hop for every recipient."""
    return msgspec.structs.replace(
        relay_all_to(port),
        owned_domains=(OwnedDomain(name=DOMAIN, recipients="callout"),),
        rules=(Rule(name="Inbound", mode="accept", recipient_scope="corporate_addresses"),),
    )


def replies(port: int, *recipients: str) -> list[str]:
    """Give what a client hears at RCPT: the code and the enhanced code."""
    with smtplib.SMTP(LOOPBACK, port, timeout=60) as client:
        client.ehlo("client.example")
        client.mail("sender@example.org")
        return [f"{code} {text.split()[0].decode()}" for code, text in (client.rcpt(recipient) for recipient in recipients)]


def stored(path: Path) -> int:
    """Count what the store remembers."""
    connection = connect_reader(path)
    try:
        return connection.execute("SELECT count(*) FROM recipient_answer").fetchone()[0]
    finally:
        connection.close()


async def test_a_client_hears_who_exists_while_it_waits(tmp_path: Path) -> None:
    """250, 550 and 451 at RCPT; a mail only to who is known; the answers outlive `deliver`, `receive` and the next hop."""
    async with NextHop(REAL) as hop, Gateway(tmp_path, verifying(hop.port)) as gateway:
        assert await to_thread(replies, gateway.port, REAL, GHOST, REAL) == ["250 2.1.5", "550 5.1.1", "250 2.1.5"]
        assert hop.asked == [f"*@{DOMAIN}", REAL, GHOST]
        assert (hop.errors, hop.count, "DATA" in hop.commands) == ([], 0, False)
        await until(lambda: stored(tmp_path / "data" / "gateway.sqlite") == 3, "the answers are written")
        await hop.stop()
        for name in ("deliver", "receive"):
            assert await to_thread(gateway.sigkill, name)
            await until(lambda name=name: gateway.running().get(name), f"{name} is started again")
        assert await to_thread(replies, gateway.port, REAL, GHOST, NEW) == ["250 2.1.5", "550 5.1.1", "451 4.4.1"]
