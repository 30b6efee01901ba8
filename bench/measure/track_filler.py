# SPDX-License-Identifier: Apache-2.0
"""Fill an intranet's store with tracks of the last 30 days, by the rooms that apply them; nobody else may have it open.

Mails of 2,000 domains and 5,000 people, nine in ten delivered: as much as a track of everyday mail holds.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gatepost.config.bootstrap import Bootstrap
from gatepost.replication.artefact import BATCH, Artefact
from gatepost.storage.driver import Driver
from gatepost.storage.opening import find_target
from gatepost.storage.sqlite import SqliteDriver
from gatepost.tracking.apply import TrackApplier
from gatepost.tracking.codec import KIND, encode_change
from gatepost.tracking.partitions import DAY_S, track_of
from gatepost.tracking.record import FORM, Attempt, FilterEntry, OperationEntry, Status, TrackChange, TrackHead, TrackOutcome

DAYS = 30
_DOMAINS, _PEOPLE = 2_000, 5_000
_TOLD_EVERY = 500_000
_FILTERS = tuple(
    FilterEntry(name, 0.0, 0.0, 1, 0.4, "nothing of note was found in this mail") for name in ("words", "reputation", "realtime_blocklists")
)
_DMARC = b'{"result":"pass","author_domain":"%b","policy":"none","spf_aligned":true,"dkim_aligned":true,"spf":{"result":"pass"}}'


def fill(bootstrap: Bootstrap, count: int, tell: Callable[[str], None]) -> None:
    """Add so many tracks, the oldest first. Raises: StoreError."""
    driver = _driver(bootstrap)
    with closing(driver.connect()) as connection:
        sqlite = isinstance(driver, SqliteDriver)
        # Nothing of this needs to outlive a loss of power.
        connection.execute("PRAGMA synchronous = OFF" if sqlite else "SET synchronous_commit = off")
        applier = TrackApplier("sqlite" if sqlite else "postgresql")
        today = int(time.time()) // DAY_S
        driver.begin(connection)
        applier.statements.open_days(connection, range(today - DAYS, today + 1))
        driver.commit(connection)
        for done, artefacts in enumerate(_batches(count)):
            driver.begin(connection)
            applier.apply(connection, artefacts)
            driver.commit(connection)
            if (done + 1) * BATCH % _TOLD_EVERY == 0:
                tell(f"{(done + 1) * BATCH:,} tracks are in the store")


def _driver(bootstrap: Bootstrap) -> Driver:
    target = find_target(bootstrap.stores.intranet, "stores.intranet")
    if target is None:
        return SqliteDriver(Path(bootstrap.data) / "intranet.sqlite")
    from gatepost.storage.postgres import PostgresDriver

    return PostgresDriver(target)


def _batches(count: int) -> Iterator[list[Artefact]]:
    chance = random.Random(1)
    end = time.time() - 60.0
    step = DAYS * DAY_S / max(count, 1)
    for first in range(0, count, BATCH):
        numbers = range(first, min(count, first + BATCH))
        yield [_artefact(number, end - (count - number) * step, chance) for number in numbers]


def _artefact(number: int, at: float, chance: random.Random) -> Artefact:
    track = track_of(int(at * 1000).to_bytes(6, "big") + os.urandom(9))
    # A few domains write most of all mail.
    domain = f"domain-{int(_DOMAINS * chance.random() ** 4)}.example"
    sender, recipient = f"person-{chance.randrange(500)}@{domain}", f"user-{int(_PEOPLE * chance.random() ** 2)}@example.com"
    head = TrackHead(
        track=track,
        tenant_id=0,
        sent_at=at,
        direction="inbound",
        status=Status.DELIVERY_PENDING,
        message_id=f"<{os.urandom(12).hex()}@{domain}>",
        subject=f"Mail number {number} about an order, an invoice or a meeting",
        size=chance.randrange(1_000, 90_000),
        sender=sender,
        header_from=(sender,),
        recipients=(recipient,),
        rule="All other inbound mails",
        threshold=4.0,
        gateway="gateway.example",
        connector="0.0.0.0:25",
        client=f"198.51.100.{number % 250}",
        helo=f"mail.{domain}",
        milliseconds=4.2,
        configuration_version=1,
        filters=_FILTERS,
        operations=(OperationEntry("DmarcValidationEntry", _DMARC % domain.encode()),),
    )
    state = "delivered" if chance.random() < 0.9 else "bounced"
    outcome = TrackOutcome(track, 0, (Attempt(at + 0.1, (0,), state, "2.0.0 Ok: queued as 4Z1bQ", "192.0.2.1", "TLSv1.3", "inwards"),))
    return Artefact(number + 1, KIND, FORM, 0, at, encode_change(TrackChange(head, (outcome,))))
