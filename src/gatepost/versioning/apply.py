# SPDX-License-Identifier: Apache-2.0
"""Take versions of the configuration that the intranet sent into the gateway's store, then into its file.

Two steps, because a file is not part of a transaction: `handler` stores them with the batch that brought them, `publish`
writes the newest that is stored into the file, after the COMMIT, at each start, and where several gateways share one store
whenever it is called. What a crash leaves between the two, the next `publish` mends.
"""

import time
from pathlib import Path
from typing import Any

import msgspec

from gatepost.errors import StoreError
from gatepost.replication.artefact import Artefact
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine, Store
from gatepost.versioning import current
from gatepost.versioning.record import HOUSE, Shipped, checksum

KEPT = 20
"""Versions that a gateway keeps."""

_decode = msgspec.msgpack.Decoder(Shipped).decode
_INSERT = (
    "INSERT INTO configuration (tenant_id, number, document, received_at) VALUES (?, ?, ?, ?) ON CONFLICT (tenant_id, number) DO NOTHING"
)
_FORGET = "DELETE FROM configuration WHERE tenant_id = ? AND number <= (SELECT max(number) FROM configuration WHERE tenant_id = ?) - ?"
_NEWEST = "SELECT number, document FROM configuration WHERE tenant_id = ? ORDER BY number DESC LIMIT 1"


def handler(connection: Any, artefacts: list[Artefact]) -> None:
    """Store the versions of a batch; one that is stored already changes nothing. Raises: StoreError for what was damaged on its way."""
    engine: Engine = "postgresql" if hasattr(connection, "pgconn") else "sqlite"
    for artefact in artefacts:
        shipped = _opened(artefact)
        connection.execute(spoken(_INSERT, engine), (HOUSE, shipped.number, shipped.document, time.time()))
    connection.execute(spoken(_FORGET, engine), (HOUSE, HOUSE, KEPT))


async def publish(store: Store, data: Path) -> int:
    """Write the newest stored version into the gateway's file where that holds another; gives its number, 0 when none is stored.

    Raises: StoreFull, StoreAway.
    """
    question = spoken(_NEWEST, store.engine)

    def newest(connection: Any) -> int:
        row = connection.execute(question, (HOUSE,)).fetchone()
        if row is None:
            return 0
        number, document = int(row[0]), str(row[1])
        if current.number_of(data) != number:
            current.write(data, number, document)
        return number

    return await store.ask(newest)  # in the thread of questions: the file's fsync holds up no event loop


def _opened(artefact: Artefact) -> Shipped:
    try:
        shipped = _decode(artefact.payload)
    except msgspec.MsgspecError as fault:
        raise StoreError(f"artefact {artefact.sequence} holds no configuration ({fault}); the intranet must send it again") from None
    if checksum(shipped.document) != shipped.checksum:
        raise StoreError(f"version {shipped.number} of the configuration was damaged on its way; the intranet must send it again")
    return shipped
