# SPDX-License-Identifier: Apache-2.0
"""Tracks of refused mail: shipped within a second, counted where there are many, bounded while the store is away."""

import asyncio
import json

import pytest

from gatepost.errors import StoreAway
from gatepost.tracking import refused
from gatepost.tracking.codec import decode_head, encode_head
from gatepost.tracking.record import TrackHead
from gatepost.tracking.refused import ROWS_A_MINUTE, RefusedBuffer, RefusedHead
from waiting import PATIENCE_S


class Shipping:
    """A store that takes heads, when it is there, and what it was given."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.away = False
        self.shipped: list[RefusedHead] = []
        self.came = asyncio.Event()
        self.buffer = RefusedBuffer(self.ship, clock=lambda: self.now)

    async def ship(self, heads: list[RefusedHead]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise StoreAway("the store is away")
        self.shipped += heads
        self.came.set()

    def refuse(self, number: int, key: str = "client", tenant_id: int = 0) -> None:
        self.buffer.add(encode_head(TrackHead(f"t{number}", tenant_id, float(number), "inbound", 4)), key, tenant_id)

    @property
    def heads(self) -> list[TrackHead]:
        return [decode_head(one.head) for one in self.shipped]


@pytest.fixture
async def shipping() -> Shipping:
    return Shipping()


async def test_ten_refusals_a_minute_have_a_row_each(shipping: Shipping) -> None:
    """As many as are allowed are told one by one, as they were."""
    for number in range(ROWS_A_MINUTE):
        shipping.refuse(number)
    await shipping.buffer.flush()
    shipping.now += 60
    await shipping.buffer.flush()
    assert [(one.track, one.count) for one in shipping.heads] == [(f"t{number}", 1) for number in range(10)]


async def test_what_is_more_becomes_one_counted_row(shipping: Shipping) -> None:
    """Beyond ten a minute there is one row at the minute's end, with the number and the last one's values; then it begins anew."""
    for number in range(500):
        shipping.refuse(number)
    await shipping.buffer.flush()
    assert len(shipping.shipped) == ROWS_A_MINUTE
    shipping.now += 60
    shipping.refuse(1000)
    await shipping.buffer.flush()
    assert [(one.track, one.count) for one in shipping.heads[ROWS_A_MINUTE:]] == [("t499", 490), ("t1000", 1)]


async def test_only_what_is_alike_is_counted_together(shipping: Shipping) -> None:
    """Another key, and the same key of another tenant, are counted for themselves and stay the tenant's."""
    for number in range(11):
        for key, tenant_id in (("one", 0), ("one", 1), ("other", 0)):
            shipping.refuse(number, key, tenant_id)
    await shipping.buffer.close()
    assert len(shipping.shipped) == 33
    assert [(one.tenant_id, head.count) for one, head in zip(shipping.shipped, shipping.heads, strict=True)].count((1, 1)) == 11
    assert all(one.tenant_id == head.tenant_id for one, head in zip(shipping.shipped, shipping.heads, strict=True))


async def test_the_clock_ships_by_itself(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added is shipped without being asked for."""
    monkeypatch.setattr(refused, "FLUSH_S", 0.01)
    shipping.buffer.start()
    shipping.refuse(1)
    await asyncio.wait_for(shipping.came.wait(), PATIENCE_S)
    assert [one.track for one in shipping.heads] == ["t1"]
    await shipping.buffer.close()


async def test_a_store_that_is_away_loses_nothing_that_fits(shipping: Shipping) -> None:
    """What the store did not take comes again, in order, before what came later."""
    shipping.away = True
    shipping.refuse(1, "a")
    await shipping.buffer.flush()
    shipping.refuse(2, "b")
    await shipping.buffer.flush()
    shipping.away = False
    shipping.refuse(3, "c")
    await shipping.buffer.flush()
    assert [one.track for one in shipping.heads] == ["t1", "t2", "t3"]


async def test_what_finds_no_room_is_counted_and_told(shipping: Shipping, monkeypatch: pytest.MonkeyPatch, capsysbinary) -> None:
    """While the store is away the oldest go first; how many were given up is told once it is back."""
    monkeypatch.setattr(refused, "MOST_HEADS", 5)
    shipping.away = True
    for number in range(8):
        shipping.refuse(number, f"client {number}")
        await shipping.buffer.flush()
    assert capsysbinary.readouterr().err == b""
    shipping.away = False
    await shipping.buffer.flush()
    assert [one.track for one in shipping.heads] == ["t3", "t4", "t5", "t6", "t7"]
    event = json.loads(capsysbinary.readouterr().err)
    assert (event["event"], event["tracks"]) == ("tracking.lost", 3)


async def test_bytes_are_bounded_too(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large heads are given up by their size."""
    monkeypatch.setattr(refused, "MOST_BYTES", 250)
    for number in range(10):
        shipping.buffer.add(bytes(100), f"client {number}")
    await shipping.buffer.flush()
    assert len(shipping.shipped) == 2


async def test_a_flood_of_keys_costs_no_more_memory_than_its_rows(shipping: Shipping, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys beyond the bound are not counted: each of their refusals has a row of its own."""
    monkeypatch.setattr(refused, "MOST_KEYS", 3)
    for number in range(20):
        shipping.refuse(number, "late" if number > 2 else f"client {number}")
    await shipping.buffer.close()
    assert [(one.track, one.count) for one in shipping.heads] == [(f"t{number}", 1) for number in range(20)]


async def test_an_end_ships_the_count_that_has_begun(shipping: Shipping) -> None:
    """When the process ends its minute ends too."""
    shipping.buffer.start()
    for number in range(12):
        shipping.refuse(number)
    await shipping.buffer.close()
    assert [one.count for one in shipping.heads] == [1] * 10 + [2]


async def test_a_head_that_is_none_does_no_harm(shipping: Shipping) -> None:
    """Bytes that cannot be counted, because they are no head, are given up and the others shipped."""
    for _ in range(12):
        shipping.buffer.add(b"\xc1", "bad")
    for number in range(12):
        shipping.refuse(number, "good")
    await shipping.buffer.close()
    assert [one.head for one in shipping.shipped].count(b"\xc1") == ROWS_A_MINUTE
    assert decode_head(shipping.shipped[-1].head).count == 2
