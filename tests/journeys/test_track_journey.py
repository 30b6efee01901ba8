# SPDX-License-Identifier: Apache-2.0
"""A mail's track from the SMTP dialogue to the artefacts in the store: both processes' rooms, over real sockets and a real store."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.delivery.handover.client import Handover
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.queue import tracks as queue_tracks
from gatepost.delivery.queue.queue import close_queue, open_queue
from gatepost.delivery.verification.answers import Answers
from gatepost.dns.exchangers import Ourselves
from gatepost.errors import StoreFull
from gatepost.mailflow.directory import Directory
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.replication.outbox import Outbox
from gatepost.roles.deliver_house import DeliverHouse, Site
from gatepost.roles.judgement import make_judging
from gatepost.roles.resolution import make_resolver
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from gatepost.tracking import refused
from gatepost.tracking.codec import KIND, compose, decode_change
from gatepost.tracking.outcome import encoded_drop
from gatepost.tracking.record import FORM, Attempt, Status, TrackChange, TrackHead
from gatepost.tracking.refused import RefusedBuffer, RefusedHead
from waiting import PATIENCE_S
from wire_client import WireClient

NAME, CLIENT = "gateway.example", "127.0.0.1"
VERSION = 12
EVERYBODY = ("user", "slow", "gone", "other")


def configuration(hop: int, zone: Path) -> Configuration:
    zone.write_text("")
    return msgspec.structs.replace(
        relay_all_to(hop),
        rules=(Rule(name="Judge all", direction="inbound", recipient_scope="corporate_addresses", filters=(FilterUse(name="words"),)),),
        owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
        corporate_users=tuple(f"{one}@example.com" for one in EVERYBODY),
        filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=4.0),)),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=str(zone)),
    )


class TrackedGateway:
    """Both processes in one: what `receive` and `deliver` are made of, joined by the hand-over socket."""

    def __init__(self, folder: Path, settings: Configuration) -> None:
        self.folder, self.settings = folder, settings
        self.up_to = 0

    async def open(self) -> None:
        """Put it together and take connections."""
        self.queue = await open_queue(self.folder / "data", form=FORM, tell_drop=encoded_drop)
        self.outbox = Outbox(self.queue.store, clock=lambda: time.time() + 10)  # nothing is too young to be looked at
        self.buffer = RefusedBuffer(self._ship)
        self.buffer.start()
        site = Site(NAME, lambda settings: Ourselves(frozenset(), frozenset()), self._pieces, self.queue.blobs.beginning)
        self.house = DeliverHouse(site, self.queue, Answers(self.queue.store), self.settings, VERSION, wake=self.queue.wake)
        self.house.dispatcher.start()
        path = str(self.folder / "h.sock")
        self.server = HandoverServer(
            path,
            self.queue,
            self.house.dispatcher.offer,
            self.house.verification.judge,
            refused=lambda told: self.buffer.add(told.head, told.key, told.tenant_id),
        )
        await self.server.start()
        self.handover = Handover(path)
        await self.handover.start()
        listening = socket.create_server((CLIENT, 0))
        self.port = listening.getsockname()[1]
        self.reception = Reception(
            name=f"{CLIENT}:{self.port}",
            terms=Terms(NAME, self.settings.receive),
            service=self._desk(),
            gate=Gate(self.settings.receive),
            tls=None,
            implicit_tls=False,
            proxy_from=(),
        )
        await self.reception.open(listening)

    def _desk(self) -> ReceptionDesk:
        settings, identities, blobs = self.settings, Identities(self.settings), self.queue.blobs
        house = Receiving(
            settings,
            identities=identities,
            judging=make_judging(settings, identities, make_resolver(settings), NAME),
            reporting=Reporting(settings.delivery, identities, NAME, blobs.beginning, configuration_version=VERSION),
            hostname=NAME,
            handover=self.handover,
            blobs=blobs,  # type: ignore[arg-type]
            tell_refused=self.handover.note_refused,
            configuration_version=VERSION,
        )
        return ReceptionDesk(house, Logins(settings), Directory(settings, self.handover))

    async def _pieces(self, blob: str) -> AsyncIterator[bytes]:
        raise AssertionError("no mail here is large")
        yield b""

    async def _ship(self, heads: list[RefusedHead]) -> None:
        now = time.time()
        await self.outbox.append(*((KIND, FORM, one.tenant_id, now, compose(one.head, ())) for one in heads))

    async def close(self) -> None:
        """End, in the order in which the processes end."""
        await self.reception.drain()
        await self.handover.close()
        await self.server.close()
        await self.buffer.close()
        await self.house.close(5.0)
        await close_queue(self.queue)

    async def say(self, recipients: list[str], content: bytes, sender: str = "ann@partner.example") -> str:
        """Hand over one mail; gives the reply to its end."""

        def talk() -> str:
            with WireClient(self.port) as wire:
                wire.say("EHLO mx.partner.example")
                return wire.send(sender, recipients, content)

        return await asyncio.to_thread(talk)

    async def changes(self, enough: Callable[["Tracks"], object]) -> "Tracks":
        """Fetch and acknowledge what is told until it is enough."""
        tracks = Tracks()
        async with asyncio.timeout(PATIENCE_S):
            while not enough(tracks):
                batch = await self.outbox.fetch(acknowledged_to=self.up_to)
                for artefact in batch.artefacts:
                    assert (artefact.kind, artefact.version) == (KIND, FORM)
                    tracks.apply(artefact.tenant_id, decode_change(artefact.payload))
                    self.up_to = artefact.sequence
                if not batch.artefacts:
                    await self.outbox.stirred(0.05)
        return tracks


class Tracks:
    """What the other side would know: heads and attempts by track."""

    def __init__(self) -> None:
        self.heads: dict[str, TrackHead] = {}
        self.attempts: dict[str, list[Attempt]] = {}
        self.artefacts = 0

    def apply(self, tenant_id: int, change: TrackChange) -> None:
        """Add a change; a head comes once."""
        self.artefacts += 1
        if change.head is not None:
            assert change.head.track not in self.heads and change.head.tenant_id == tenant_id
            self.heads[change.head.track] = change.head
        for outcome in change.outcomes:
            assert outcome.tenant_id == tenant_id
            self.attempts.setdefault(outcome.track, []).extend(outcome.attempts)

    def states(self, track: str) -> dict[str, str]:
        """Give the last state of each recipient of a mail."""
        recipients = self.heads[track].recipients
        return {recipients[place]: one.state for one in self.attempts.get(track, ()) for place in one.recipients}


def mail(subject: str) -> bytes:
    return f"From: Ann <ann@partner.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@partner.example>\r\n\r\ntext\r\n".encode()


def track_in(reply: str) -> str:
    return next(word for word in reply.replace("(", " ").replace(")", " ").split() if len(word) == 24 and word.isalnum())


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[TrackedGateway, Sink]]:
    monkeypatch.setattr(refused, "FLUSH_S", 0.05)
    monkeypatch.setattr(queue_tracks, "GATHER_S", PATIENCE_S)  # no head leaves before what became of its mail
    async with Sink() as sink:
        gateway = TrackedGateway(tmp_path, configuration(sink.port, tmp_path / "zone"))
        await gateway.open()
        yield gateway, sink
        await gateway.close()


async def test_a_delivered_mail_is_one_artefact(stage: tuple[TrackedGateway, Sink]) -> None:
    """What was told when it came and what became of it leave the gateway in one row."""
    gateway, sink = stage
    reply = await gateway.say(["user@example.com", "other@example.com"], mail("hello"))
    await sink.wait(1)
    track = track_in(reply)
    tracks = await gateway.changes(lambda told: track in told.attempts)
    head = tracks.heads[track]
    assert (tracks.artefacts, head.status, head.configuration_version) == (1, Status.DELIVERY_PENDING, VERSION)
    assert (head.subject, head.client, head.helo, head.rule) == ("hello", CLIENT, "mx.partner.example", "Judge all")
    assert tracks.states(track) == {"user@example.com": "delivered", "other@example.com": "delivered"}
    (attempt,) = tracks.attempts[track]
    assert (attempt.host, attempt.connector) == (CLIENT, "inwards") and attempt.reply.startswith("250")


async def test_a_mail_with_three_fates_tells_each(stage: tuple[TrackedGateway, Sink]) -> None:
    """One is delivered, one deferred with its next attempt, one given up; its report has a track of its own that is delivered too."""
    gateway, sink = stage
    sink.fail("rcpt", reply="451 4.2.1 Mailbox busy", match="slow@example.com")
    sink.fail("rcpt", reply="550 5.1.1 No longer here", match="gone@example.com")
    reply = await gateway.say(["slow@example.com", "user@example.com", "gone@example.com"], mail("three"), "other@example.com")
    await sink.wait(2)
    track = track_in(reply)
    tracks = await gateway.changes(lambda told: len(told.heads) == 2 and len(told.attempts) == 2)
    assert tracks.states(track) == {"slow@example.com": "deferred", "user@example.com": "delivered", "gone@example.com": "bounced"}
    deferred = next(one for one in tracks.attempts[track] if one.state == "deferred")
    assert deferred.reply == "451 4.2.1 Mailbox busy" and 50 < deferred.due_at - deferred.at < 70
    (report,) = (head for head in tracks.heads.values() if head.track != track)
    assert (report.sender, report.recipients, report.reason) == ("", ("other@example.com",), f"a report about {track}")
    assert tracks.states(report.track) == {"other@example.com": "delivered"}


async def test_a_later_attempt_names_the_same_recipient(stage: tuple[TrackedGateway, Sink]) -> None:
    """A recipient that is tried again alone, from the queue, is told under its place in the whole mail."""
    gateway, sink = stage
    sink.fail("rcpt", reply="451 4.2.1 Mailbox busy", match="slow@example.com", times=1)
    track = track_in(await gateway.say(["user@example.com", "slow@example.com"], mail("again")))
    await sink.wait(1)
    await gateway.changes(lambda told: "deferred" in {one.state for one in told.attempts.get(track, ())})
    assert await gateway.queue.retry(track) == 1
    await sink.wait(2)
    tracks = await gateway.changes(lambda told: track in told.attempts)
    assert [(one.recipients, one.state) for one in tracks.attempts[track]] == [((1,), "delivered")]
    assert track not in tracks.heads  # it has left with the first attempt


async def test_what_is_dropped_is_told(stage: tuple[TrackedGateway, Sink]) -> None:
    """A recipient that an administrator removes is told as dropped."""
    gateway, sink = stage
    sink.fail("rcpt", reply="451 4.2.1 Mailbox busy")
    track = track_in(await gateway.say(["user@example.com", "slow@example.com"], mail("away with it")))
    await gateway.changes(lambda told: track in told.attempts)
    assert await gateway.queue.drop(track) == 2
    tracks = await gateway.changes(lambda told: track in told.attempts)
    assert [(one.recipients, one.state) for one in tracks.attempts[track]] == [((0, 1), "dropped")]


async def test_what_is_refused_is_told(stage: tuple[TrackedGateway, Sink]) -> None:
    """A mail refused by a filter, an unknown recipient and a denied relay each have a track, with the reply that the client saw."""
    gateway, sink = stage
    spam = await gateway.say(["user@example.com"], mail("cheap pills"))
    assert spam.startswith("550 5.7.1 Message refused as spam")
    await gateway.say(["nobody@example.com"], mail("x"))
    await gateway.say(["user@elsewhere.example"], mail("x"))
    tracks = await gateway.changes(lambda told: len(told.heads) == 3)
    head = tracks.heads[track_in(spam)]
    assert (head.reply, head.status, head.scl) == (spam, Status.PERMANENTLY_BLOCKED, 4.0)
    assert {one.name: one.points for one in head.filters}["words"] == 4.0
    others = {head.recipients: head.reply for head in tracks.heads.values()}
    assert others["nobody@example.com",].startswith("550 5.1.1") and others["user@elsewhere.example",].startswith("550 5.7.1")
    assert not sink.mails and not tracks.attempts


async def test_what_is_put_off_is_told(stage: tuple[TrackedGateway, Sink], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail for which the store has no room is told as refused for now, with the reason that the client does not see."""
    gateway, _ = stage

    def no_room() -> None:
        raise StoreFull("the disk is full")

    monkeypatch.setattr(gateway.queue.store, "check_room", no_room)
    reply = await gateway.say(["user@example.com"], mail("later"))
    assert reply.startswith("452")
    tracks = await gateway.changes(lambda told: told.heads)
    (head,) = tracks.heads.values()
    assert (head.status, head.reply, head.recipients) == (Status.TEMPORARILY_BLOCKED, reply, ("user@example.com",))
    assert head.reason == "the store is full"
