# SPDX-License-Identifier: Apache-2.0
"""Questions take turns."""

import asyncio

from gatepost.delivery.verification.turns import Turns


class Crowd:
    """Questions that stay until they are let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside: list[str] = []
        self.leave = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, key: str, count: int) -> None:
        async def one() -> None:
            async with self.turns.turn(key):
                self.inside.append(key)
                await self.leave.wait()

        self.tasks += [asyncio.create_task(one()) for _ in range(count)]
        for _ in range(3):
            await asyncio.sleep(0)

    async def go(self) -> None:
        self.leave.set()
        await asyncio.gather(*self.tasks)


async def test_a_route_has_so_many_places() -> None:
    """The others wait, and come in when places are free."""
    crowd = Crowd(Turns(of_route=2, of_all=10, waiting=3))
    await crowd.come("a", 5)
    assert crowd.inside == ["a", "a"]
    assert crowd.turns.is_full("a")
    assert not crowd.turns.is_full("b")
    await crowd.go()
    assert len(crowd.inside) == 5
    assert not crowd.turns.is_full("a")


async def test_a_slow_route_keeps_no_place_from_the_others() -> None:
    """Whoever waits for a place of a route has none of those for all."""
    crowd = Crowd(Turns(of_route=2, of_all=3, waiting=100))
    await crowd.come("slow", 50)
    await crowd.come("b", 2)
    assert crowd.inside == ["slow", "slow", "b"]
    await crowd.go()


async def test_who_gives_up_leaves_his_place() -> None:
    """Cancelled while they wait or while they ask: nothing is left of a route that nobody asks."""
    turns = Turns(of_route=1, of_all=1)
    crowd = Crowd(turns)
    await crowd.come("a", 3)
    for task in crowd.tasks:
        task.cancel()
    await asyncio.gather(*crowd.tasks, return_exceptions=True)
    assert turns._rows == {}
    again = Crowd(turns)
    await again.come("b", 1)
    assert again.inside == ["b"]
    await again.go()
