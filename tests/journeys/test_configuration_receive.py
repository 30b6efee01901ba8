# SPDX-License-Identifier: Apache-2.0
"""`receive` takes over versions of the configuration while clients talk to it, over real sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.config.limits import ReceiveLimits
from gatepost.config.rules import Rule
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.queue.record import ClaimedMail, NewMail
from gatepost.mailflow.receiving import Receiving
from gatepost.roles import receive
from gatepost.roles.processes import Paths
from gatepost.telemetry import log
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.ports import free_port
from gatepost.tracking.record import TrackHead
from gatepost.versioning import current
from waiting import until
from wire_client import WireClient

MAIL = b"From: jo@elsewhere.example\r\nSubject: x\r\n\r\ntext\r\n"
replace = msgspec.structs.replace
FIRST = relay_all_to(1)
SECOND = replace(FIRST, rules=(Rule(name="Nobody", direction="any", mode="reject"),))


class _Ticket:
    def __init__(self, mail: NewMail) -> None:
        self.future: asyncio.Future[ClaimedMail] = asyncio.get_running_loop().create_future()
        self.future.set_result(ClaimedMail(0, 0, mail, ()))

    def cancel(self) -> None:
        """Too late."""


class Site:
    """A `receive` process's code at work, and the store's end of its socket, which takes every mail."""

    def __init__(self, folder: Path, configuration: Configuration) -> None:
        self.data = folder
        self.listener = Listener(address="127.0.0.1", port=free_port(), tls="none")
        self.bootstrap = Bootstrap(hostname="gateway.example", data=str(folder), listeners=(self.listener,))
        self.configuration = configuration
        self.heads: list[TrackHead] = []

    async def start(self) -> None:
        """Start both ends with version 1."""
        paths = Paths(self.bootstrap)
        paths.make()
        current.write(self.data, 1, canonical(self.configuration))
        self.server = HandoverServer(paths.handover, self, lambda claimed: None, None)  # type: ignore[arg-type]
        await self.server.start()
        held = current.read(self.data)
        self._drain = await receive.start(self.bootstrap, held.configuration, {}, version=held.number)

    async def close(self) -> None:
        """End both."""
        await self._drain()
        await self.server.close()

    def commit(self, mail: NewMail) -> _Ticket:
        """Take a mail, as the queue does."""
        self.heads.append(msgspec.msgpack.decode(mail.head, type=TrackHead))
        return _Ticket(mail)

    def client(self) -> WireClient:
        """Connect."""
        return WireClient(self.listener.port)

    async def announce(self, version: int, configuration: Configuration | None = None) -> None:
        """Announce a version, written before unless there is none, and wait until the process has said how it does."""
        if configuration is not None:
            current.write(self.data, version, canonical(configuration))
        self.server.announce(version)
        await until(self._says(lambda state: state.version >= version or state.error), f"a word on version {version}")

    def _says(self, truth: Callable[[Any], object]) -> Callable[[], object]:
        return lambda: [state for state in self.server.states() if truth(state)]

    @property
    def state(self) -> tuple[int, str]:
        """What the process said of itself last."""
        (state,) = self.server.states()
        return state.version, state.error


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a running site whose version 1 accepts all mail."""
    made = Site(tmp_path, FIRST)
    await made.start()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect what is told of versions, and keep all else out of the tests' output."""
    told: list[Any] = []
    monkeypatch.setattr("gatepost.versioning.following.emit", told.append)
    monkeypatch.setattr(log, "_silent", True)
    return told


def begin(client: WireClient) -> list[str]:
    """Open a transaction up to its recipient."""
    said = [client.say("MAIL FROM:<jo@elsewhere.example>"), client.say("RCPT TO:<li@example.com>")]
    return [reply[:3] for reply in said]


def finish(client: WireClient) -> str:
    """Send the content."""
    assert client.say("DATA").startswith("354")
    client.raw(MAIL + b".\r\n")
    return client.reply()[:3]


async def test_a_new_version_holds_from_the_next_mail_from(site: Site) -> None:
    """A client held between MAIL and DATA ends under the version it began with; its next mail and other clients' have the new one."""
    held, idle = await asyncio.to_thread(site.client), await asyncio.to_thread(site.client)
    with held, idle:
        assert await asyncio.to_thread(held.say, "EHLO held") and await asyncio.to_thread(idle.say, "EHLO idle")
        assert await asyncio.to_thread(begin, held) == ["250", "250"]
        await site.announce(2, SECOND)
        assert site.state == (2, "")
        assert await asyncio.to_thread(begin, idle) == ["250", "550"]
        assert (await asyncio.to_thread(held.say, "RCPT TO:<another@example.com>")).startswith("250")
        assert await asyncio.to_thread(finish, held) == "250"
        assert [(head.configuration_version, head.rule) for head in site.heads] == [(1, "All mails")]
        assert await asyncio.to_thread(begin, held) == ["250", "550"]
        await site.announce(3, FIRST)
        assert await asyncio.to_thread(held.say, "RSET") and await asyncio.to_thread(begin, held) == ["250", "250"]
        assert await asyncio.to_thread(finish, held) == "250"
    assert [head.configuration_version for head in site.heads] == [1, 3]


async def test_a_connection_keeps_the_limits_it_began_with(site: Site) -> None:
    """SIZE and the others are a matter of the connection: who is connected keeps them, who comes gets the new ones."""
    with await asyncio.to_thread(site.client) as first:
        assert "SIZE 104857600" in await asyncio.to_thread(first.say, "EHLO first")
        await site.announce(2, replace(FIRST, receive=ReceiveLimits(size_bytes=70_000, connections_per_client=2)))
        assert "SIZE 104857600" in await asyncio.to_thread(first.say, "EHLO first")
        with await asyncio.to_thread(site.client) as second:
            assert "SIZE 70000" in await asyncio.to_thread(second.say, "EHLO second")
            with await asyncio.to_thread(site.client) as third:
                assert third.greeting.startswith("421")


async def test_a_broken_file_keeps_the_old_version(site: Site, events: list[Any]) -> None:
    """The process says why, works on, and takes the version once it is mended."""
    place = current.folder(site.data) / "current"
    whole = place.read_text()
    for broken in ("", whole.replace("accept", "reject"), "\0" * 100, whole.encode().decode("latin-1")[: len(whole) // 2]):
        place.write_text(broken)
        await site.announce(2)
        version, error = site.state
        assert version == 1 and error.startswith(f"{place}: is damaged, or was edited; ")
    place.write_text(whole)
    site.server.announce(3)
    await until(lambda: "holds version 1, but 3 was announced" in site.state[1], "the older file")
    unknown = "surprise = true\n"
    current.write(site.data, 4, unknown)
    site.server.announce(4)
    await until(lambda: "(version 4): surprise: unknown key" in site.state[1], "the unknown key")
    assert {event.name for event in events} == {"configuration.kept"}
    with await asyncio.to_thread(site.client) as client:
        await asyncio.to_thread(client.say, "EHLO x")
        assert await asyncio.to_thread(begin, client) == ["250", "250"]
        assert await asyncio.to_thread(finish, client) == "250"
    assert site.heads[0].configuration_version == 1
    current.write(site.data, 5, canonical(SECOND))
    site.server.announce(5)
    await until(lambda: site.state == (5, ""), "the mended version")
    assert [(event.name, event.version) for event in events[-1:]] == [("configuration.taken", 5)]


async def test_of_many_versions_at_once_the_newest_is_taken(site: Site) -> None:
    """Announcements that come while one is being taken are not worked off one by one, and the last is not lost."""
    for number in range(2, 30):
        current.write(site.data, number, canonical(SECOND if number % 2 else FIRST))
        site.server.announce(number)
    await until(lambda: site.state == (29, ""), "the last version")
    with await asyncio.to_thread(site.client) as client:
        await asyncio.to_thread(client.say, "EHLO x")
        assert await asyncio.to_thread(begin, client) == ["250", "550"]


async def test_an_old_version_goes_with_its_last_mail(site: Site) -> None:
    """A process that has taken over many versions holds the newest, and those that somebody has begun with."""

    def houses() -> int:
        gc.collect()
        return len([one for one in gc.get_objects() if type(one) is Receiving])

    before = houses()
    with await asyncio.to_thread(site.client) as client:
        await asyncio.to_thread(client.say, "EHLO x")
        assert await asyncio.to_thread(begin, client) == ["250", "250"]
        for number in range(2, 6):
            await site.announce(number, SECOND if number % 2 else FIRST)
        assert houses() == before + 1
        assert await asyncio.to_thread(finish, client) == "250"
        assert await asyncio.to_thread(begin, client) == ["250", "550"]
        assert houses() == before
