# SPDX-License-Identifier: Apache-2.0
"""A whole machine whose certificate is renewed while it works: two `receive` processes and the console, over real sockets.

Its processes look at their files, and at these incidents, more often than usual; nothing else about them is another.
"""

import asyncio
import hashlib
import json
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.config.bootstrap import Listener
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import LOOPBACK, free_port
from gatepost.testing.sink import Sink
from renewed_pair import Pair, fingerprint_in
from waiting import until
from wire_client import WireClient

MAIL = b"From: jo@elsewhere.example\r\nSubject: x\r\n\r\ntext\r\n"
OFTEN = """
from gatepost.monitoring.kinds import KINDS
from gatepost.smtp import certificate
certificate.LOOK_S = 0.05
for kind in ("certificate.expiring", "certificate.kept"):
    KINDS[kind] = KINDS[kind]._replace(every_s=0.2, patience_s=0.0)
"""
SHOWING = 3
"""Processes that show the certificate: two that receive, and the console."""
WHOSE = ["intranet/console", "local/receive"]


class Machine:
    """A running gateway with a listener for STARTTLS, one for TLS from the first byte, and one of the console."""

    def __init__(self, folder: Path, hop: int) -> None:
        self.pair = Pair(folder / "tls", "gateway.example")
        (folder / "often").mkdir()
        (folder / "often" / "sitecustomize.py").write_text(OFTEN)
        listeners = [
            Listener(address=LOOPBACK, port=free_port(), tls="offered"),
            Listener(address=LOOPBACK, port=free_port(), tls="implicit"),
            Listener(address=LOOPBACK, port=free_port(), tls="implicit", serves="console"),
        ]
        path = os.pathsep.join([str(folder / "often"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self.gateway = Gateway(
            folder, relay_all_to(hop), listeners=listeners, tls=self.pair.files, receive=2, environment={"PYTHONPATH": path}
        )

    def connect(self, listener: int = 0) -> WireClient:
        """Connect, and shake hands where a handshake comes first."""
        client = WireClient(self.gateway.ports[listener], greet=listener == 0)
        if listener:
            client.wrap()
        return client

    def shown(self) -> set[str]:
        """Connect to each listener several times, so that each process of it has its turn, and give what was shown."""
        found = set()
        for listener in (0, 1, 2) * 12:
            with self.connect(listener) as client:
                if not listener:
                    client.say("EHLO x")
                    client.starttls()
                found.add(presented(client))
        return found

    def certificates(self) -> list[dict[str, Any]]:
        """Give what the `receive` processes tell of theirs."""
        (link,) = self.gateway.answer("role", "list")
        return [one["certificate"] for one in link["processes"] if one["process"] == "receive"]

    def incidents(self, kind: str) -> list[dict[str, Any]]:
        """Give the open incidents of a kind, by subject."""
        answer = json.loads(self.gateway.command("incident", "list", "--json").stdout)
        return sorted((one for one in answer["incidents"] if one["kind"] == kind), key=lambda one: str(one["subject"]))


def presented(client: WireClient) -> str:
    """Give the SHA-256 of the certificate that a connection was shown."""
    assert isinstance(client.socket, ssl.SSLSocket)
    return hashlib.sha256(client.socket.getpeercert(binary_form=True) or b"").hexdigest()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """Give one at work."""
    async with Sink() as sink:
        made = Machine(tmp_path / "gw", sink.port)
        async with made.gateway:
            await asyncio.to_thread(made.gateway.wait_for_console)
            yield made


async def test_a_renewed_certificate_is_shown_at_the_next_handshake_by_every_process(machine: Machine) -> None:
    """STARTTLS in a session that began before shows the new one; a session under the old one goes on, and its mail is taken."""
    pair, gateway = machine.pair, machine.gateway
    first = fingerprint_in(pair.identity.certificate)
    assert await asyncio.to_thread(machine.shown) == {first}
    with machine.connect() as under_tls, machine.connect() as still_plain, machine.connect(1) as implicit:
        assert "STARTTLS" in under_tls.say("EHLO x")
        under_tls.starttls()
        still_plain.say("EHLO x")
        second = pair.lay(pair.make())
        taken = await asyncio.to_thread(gateway.wait_for, "tls.certificate_taken", SHOWING)
        assert sorted((one["process"], one["sha256"]) for one in taken) == [("console", second), ("receive", second), ("receive", second)]
        assert await asyncio.to_thread(machine.shown) == {second}
        still_plain.starttls()
        assert presented(still_plain) == second
        for standing in (under_tls, implicit):
            assert presented(standing) == first
            standing.say("EHLO x")
            assert standing.send("jo@elsewhere.example", ["li@example.com"], MAIL)[:3] == "250"
    third = pair.lay(pair.make())
    await asyncio.to_thread(gateway.wait_for, "tls.certificate_taken", 2 * SHOWING)
    assert await asyncio.to_thread(machine.shown) == {third}


async def test_a_pair_that_is_no_good_is_an_incident_until_it_is_mended(machine: Machine) -> None:
    """The old one is shown on by each process; each tells why, once, and the gateway tells it to who asks."""
    pair, gateway = machine.pair, machine.gateway
    first = fingerprint_in(pair.identity.certificate)
    right = shutil.copy(pair.identity.key, pair.identity.key.with_name("right.pem"))
    pair.make().key.replace(pair.identity.key)  # in one step: a key of which half is there would be told, too
    kept = await asyncio.to_thread(gateway.wait_for, "tls.certificate_kept", SHOWING)
    assert sorted((one["process"], one["level"]) for one in kept) == [
        ("console", "warning"),
        ("receive", "warning"),
        ("receive", "warning"),
    ]
    assert await asyncio.to_thread(machine.shown) == {first}
    await until(lambda: all("belong together" in one["kept"] for one in machine.certificates()), "the gateway tells it")
    await until(lambda: len(machine.incidents("certificate.kept")) == 2, "the incidents are open")
    ours = await asyncio.to_thread(machine.incidents, "certificate.kept")
    assert [one["subject"] for one in ours] == WHOSE
    assert all("belong together" in one["details"]["reason"] and "PRIVATE" not in json.dumps(one) for one in ours)
    right.replace(pair.identity.key)
    await until(lambda: not any(one["kept"] for one in machine.certificates()), "it is mended")
    taken = await asyncio.to_thread(gateway.wait_for, "tls.certificate_taken", SHOWING)
    assert {one["sha256"] for one in taken} == {first} and len(gateway.events("tls.certificate_kept")) == SHOWING
    assert await asyncio.to_thread(machine.shown) == {first}


async def test_a_certificate_that_runs_out_is_an_incident(machine: Machine) -> None:
    """Of what is shown, as soon as it is shown; one that holds for longer closes it."""
    pair = machine.pair
    assert await asyncio.to_thread(machine.incidents, "certificate.expiring") == []
    pair.lay(pair.make(days=0.003))
    await until(lambda: len(machine.incidents("certificate.expiring")) == 2, "the incidents are open")
    ours = await asyncio.to_thread(machine.incidents, "certificate.expiring")
    assert [(one["subject"], one["level"]) for one in ours] == [(whose, "error") for whose in WHOSE]
    (state, *_) = await asyncio.to_thread(machine.certificates)
    assert ours[1]["details"] == {"ends_at": round(state["ends_at"]), "certificate": str(pair.identity.certificate)}
    pair.lay(pair.make(days=30))
    await until(lambda: machine.incidents("certificate.expiring") == [], "they have healed")
