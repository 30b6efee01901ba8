# SPDX-License-Identifier: Apache-2.0
"""`notice.submit`: a mail of our own goes into the queue of a gateway once, durable and tracked, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.queue_engines import QueueEngine
from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.delivery.breaker import Breakers
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.message.addresses import Address
from gatepost.replication.commands import Commands
from gatepost.replication.service import Peer, Service
from gatepost.replication.wire import Reply, Request, new_request
from gatepost.roles.gateway_watch import watch_operations
from gatepost.roles.notice import notice_operations
from gatepost.tracking.codec import decode_head

PEER = Peer("intranet", ("*",))
MAIL = b"From: Gatepost <gp@ours.example>\r\nSubject: news\r\nMessage-ID: <1@h>\r\n\r\ntext\r\n"
CONFIGURATION = Configuration(owned_domains=(OwnedDomain(name="ours.example"),))


class Gateway:
    """A queue with the operation, and the mails that were offered for delivery."""

    def __init__(self, engine: QueueEngine) -> None:
        self.engine = engine
        self.offered: list[ClaimedMail] = []
        self.service = Service({})

    async def open(self) -> "Gateway":
        """Serve it."""
        queue = await self.engine.open()
        operations = {
            **notice_operations(queue, self.offered.append, lambda: (CONFIGURATION, 3), "gw.example"),
            **watch_operations(self.engine.store, Breakers()),
        }
        self.service = Service(operations, Commands(self.engine.store))
        return self

    async def submit(
        self, sender: str = "gp@ours.example", recipient: str = "admin@ours.example", content: object = MAIL, id: str = ""
    ) -> Reply:
        """Submit a mail."""
        args = {"sender": sender, "recipient": recipient, "content": content, "tenant_id": 4}
        return await self.service.carry_out(PEER, new_request("notice.submit", args, id))


@pytest.fixture(params=["sqlite", "postgresql"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Gateway]:
    """Give a gateway on each engine in turn."""
    engine = QueueEngine(request.param, tmp_path)
    yield await Gateway(engine).open()
    await engine.close()


async def test_a_notice_is_queued_and_offered_with_its_track(gateway: Gateway) -> None:
    """Its direction is by the recipient's domain, its track says what it is."""
    assert not (await gateway.submit()).refused
    assert not (await gateway.submit("", "jürgen@world.example", MAIL + b"\xc3\xa4\r\n")).refused
    ours, world = (one.mail for one in gateway.offered)
    assert (ours.direction, ours.tenant_id, ours.envelope.sender) == ("inbound", 4, Address("gp", "ours.example"))
    assert ours.body.inline == MAIL and not ours.body.eight_bit
    head = decode_head(ours.head)
    assert (head.subject, head.recipients, head.reason, head.configuration_version) == (
        "news",
        ("admin@ours.example",),
        "a notice to an administrator",
        3,
    )
    assert (world.direction, world.envelope.sender, world.envelope.smtputf8) == ("outbound", None, True)
    assert world.envelope.recipients[0].notify == "NEVER" and world.envelope.body == "8BITMIME"
    assert ours.expires_at - ours.received_at == CONFIGURATION.delivery.expire_inbound_h * 3600


async def test_the_same_command_queues_one_mail(gateway: Gateway) -> None:
    """Whoever did not hear the answer asks again with the same id and hears it then."""
    first = await gateway.submit(id="abc123")
    again = await gateway.submit(id="abc123")
    assert first == again and not first.refused
    assert len(gateway.offered) == 1


@pytest.mark.parametrize(
    ("sender", "recipient", "content"),
    [
        ("gp@ours.example", "nobody", MAIL),
        ("gp@ours.example", "", MAIL),
        ("gp@ours.example", "postmaster", MAIL),
        ("not an address", "a@b.example", MAIL),
        ("a@b.example>\r\nRCPT TO:<x@y.example", "a@b.example", MAIL),
        ("gp@ours.example", "a@b.example", b"no header"),
        ("gp@ours.example", "a@b.example", MAIL + b"bare\nline\r\n"),
        ("gp@ours.example", "a@b.example", MAIL + b"\0"),
        ("gp@ours.example", "a@b.example", MAIL + b"x" * 262_144),
        ("gp@ours.example", "a@b.example", "text"),
    ],
)
async def test_what_is_no_mail_or_no_address_is_refused(gateway: Gateway, sender: str, recipient: str, content: object) -> None:
    """Nothing of it reaches the queue."""
    assert (await gateway.submit(sender, recipient, content)).refused
    assert gateway.offered == []


async def test_a_gateway_tells_how_full_its_store_is_and_which_routes_are_down(gateway: Gateway) -> None:
    """Both are plain values that any peer can read."""
    usage = await gateway.service.carry_out(PEER, Request("a1", "store.usage"))
    routes = await gateway.service.carry_out(PEER, Request("a2", "queue.routes"))
    assert not usage.refused and not routes.refused and bytes(routes.answer) == b"\x90"
