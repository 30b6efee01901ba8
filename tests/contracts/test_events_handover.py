# SPDX-License-Identifier: Apache-2.0
"""Events of `receive` go over the hand-over socket, beside its mail, and stay with it while nobody hears them."""

from pathlib import Path
from typing import Any, cast

from gatepost.delivery.handover.client import Handover
from gatepost.delivery.handover.server import HandoverServer
from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_record import EventEntry, decode_entries, encode_entries
from gatepost.telemetry import log
from gatepost.telemetry.events import PeerRefused
from waiting import until


async def test_what_nobody_hears_now_is_told_later(tmp_path: Path) -> None:
    """Nothing is lost by the other process being away, and it comes in its order."""
    heard: list[EventEntry] = []
    path = str(tmp_path / "h.sock")
    link = Handover(path)

    async def tell(entries: Any) -> None:
        link.tell_events(encode_entries(entries))

    log.forward(None)
    buffer = EventBuffer(tell, "gateway.example", "receive")
    buffer.open()
    server = HandoverServer(
        path, cast(Any, None), cast(Any, None), cast(Any, None), events=lambda payload: heard.extend(decode_entries(payload))
    )
    try:
        log.emit(PeerRefused(client="192.0.2.1", reason="first"))
        await buffer.flush()
        await server.start()
        await link.start()
        log.emit(PeerRefused(client="192.0.2.1", reason="second"))
        await buffer.close()
        await until(lambda: len(heard) == 2, "both events")
    finally:
        log.forward(None)
        await link.close()
        await server.close()
    assert [("first" in one.fields, "second" in one.fields) for one in heard] == [(True, False), (False, True)]
    assert {(one.gateway, one.process, one.level) for one in heard} == {("gateway.example", "receive", 2)}


async def test_a_payload_is_handed_on_unread(tmp_path: Path) -> None:
    """The hand-over does not look into it; whoever takes it must."""
    heard: list[bytes] = []
    path = str(tmp_path / "h.sock")
    server = HandoverServer(path, cast(Any, None), cast(Any, None), cast(Any, None), events=heard.append)
    await server.start()
    link = Handover(path)
    try:
        await link.start()
        link.tell_events(b"\xff\xff")
        await until(lambda: heard, "the payload")
    finally:
        await link.close()
        await server.close()
    assert heard == [b"\xff\xff"]
