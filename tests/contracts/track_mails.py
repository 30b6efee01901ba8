# SPDX-License-Identifier: Apache-2.0
"""Tracks for tests of their store: mails of a chosen time, and the artefacts that tell of them."""

import os
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any

import msgspec
import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import Artefact, Batch
from gatepost.storage.contract import Store
from gatepost.tracking.codec import encode_change
from gatepost.tracking.partitions import key_of, track_of
from gatepost.tracking.record import (
    FORM,
    ActionEntry,
    AttachmentEntry,
    Attempt,
    FilterEntry,
    OperationEntry,
    Status,
    TrackChange,
    TrackHead,
    TrackOutcome,
)
from gatepost.tracking.search_show import Track, Tracks
from gatepost.tracking.service import TrackService

NOON = 1_795_608_000.0
"""2026-11-25 12:00 UTC."""
DAY = 86_400.0
HOUR = 3600.0


def name(at: float, tail: bytes | None = None) -> str:
    """Give a track's name of this time."""
    return track_of(int(at * 1000).to_bytes(6, "big") + (os.urandom(9) if tail is None else tail.rjust(9, b"\0")))


def head(at: float = NOON, **changes: Any) -> TrackHead:
    """Give the head of a mail that was taken."""
    given = TrackHead(
        track=name(at),
        tenant_id=0,
        sent_at=at,
        direction="inbound",
        status=Status.DELIVERY_PENDING,
        message_id="<4711@mail.partner.example>",
        subject="An offer",
        size=4711,
        sender="Alice@partner.example",
        header_from=("alice@partner.example",),
        recipients=("bob@example.com",),
        rule="All other inbound mails",
        threshold=4.0,
        scl=1.5,
        gateway="gateway.example",
        connector="192.0.2.25:25",
        client="192.0.2.1",
        helo="mail.partner.example",
        tls_protocol="TLSv1.3",
        tls_cipher="TLS_AES_256_GCM_SHA384",
        milliseconds=12.5,
        configuration_version=7,
        filters=(FilterEntry("reputation", 1.5, 0.75, 2, 0.25, "no name for its address", "", ("192.0.2.1",)),),
        actions=(ActionEntry("disclaimer", 0, 0.5, "appended"),),
        operations=(OperationEntry("DmarcValidationEntry", b'{"result":"pass","policy":"reject"}'),),
        attachments=(AttachmentEntry("offer.pdf", "application/pdf", 4000),),
    )
    return msgspec.structs.replace(given, **changes)


def outcome(of: TrackHead, state: str = "delivered", *places: int, after: float = 1.0, reply: str = "250 2.0.0 Ok") -> TrackOutcome:
    """Give the outcome of one attempt, for all recipients unless places are named."""
    attempt = Attempt(of.sent_at + after, places, state, reply, "mx.example.com:25", "TLSv1.3", "smart host")
    return TrackOutcome(of.track, of.tenant_id, (attempt,))


def change(of: TrackHead | None, *outcomes: TrackOutcome) -> tuple[int, bytes]:
    """Give what an artefact says of a mail, and whose it is."""
    tenant_id = of.tenant_id if of is not None else outcomes[0].tenant_id
    return tenant_id, encode_change(TrackChange(of, outcomes))


class Console:
    """The tracks of one open store, fed as links feed them."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.store = store
        self.service = TrackService(store, **options)
        self.applier = Applier(store)
        self.service.register(self.applier)
        self._tracks = Tracks(store)
        self._numbers = count(1)

    async def tell(self, *changes: tuple[int, bytes], form: int = FORM) -> None:
        """Apply changes, one artefact each, in one batch."""
        artefacts = [Artefact(next(self._numbers), "track", form, tenant_id, NOON, payload) for tenant_id, payload in changes]
        await self.applier.apply(Batch("a" * 32, tuple(artefacts)))

    async def track(self, of: TrackHead) -> Track:
        """Give a track that must be there."""
        return await self._tracks.expect(of.tenant_id, key_of(of.track))

    async def status(self, of: TrackHead) -> str:
        """Give a track's status."""
        return (await self.track(of)).status.name.lower()

    async def found(self, **asked: Any) -> list[str]:
        """Give the names that a search gives, in its order."""
        page = await self.service.search(**asked)
        return [line.track for line in page.tracks]


def names(heads: Sequence[TrackHead]) -> list[str]:
    """Give the names of some mails."""
    return [one.track for one in heads]


@pytest.fixture
async def console(engine: StoreEngine) -> AsyncIterator[Console]:  # noqa: F811
    """Give the tracks of an empty intranet, on each engine in turn, with tables for the week until NOON."""
    made = Console(engine.open("intranet"))
    await open_days(made, range(int(NOON // DAY) - 6, int(NOON // DAY) + 1))
    yield made
    await made.service.close()


async def open_days(console: Console, days: Sequence[int]) -> None:
    """Make the tables of days where the engine wants them beforehand."""
    if console.store.engine == "postgresql":
        await console.store.perform(lambda connection, _: [console.service.applier.statements.open_days(connection, days)], None)
