# SPDX-License-Identifier: Apache-2.0
"""The remembered answers on each engine."""

from pathlib import Path

import pytest

from contracts.store_engines import StoreEngine, engine, make_engine  # noqa: F401 - a fixture
from gatepost.delivery.verification import answers
from gatepost.delivery.verification.answers import Answers, Recalled
from gatepost.delivery.verification.contract import DOMAIN_S, KNOWN_S, UNKNOWN_S, Judgement
from gatepost.message.addresses import Address

A, B = Address("a", "example.com"), Address("b", "example.com")
KNOWN, UNKNOWN = Judgement("known", KNOWN_S), Judgement("unknown", UNKNOWN_S)
ANYTHING, STRICT = Judgement("known", DOMAIN_S, True), Judgement("unknown", DOMAIN_S, True)


class Clock:
    """A wall clock that stands until it is moved."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A store that can be closed and opened again."""

    def __init__(self, stores: StoreEngine) -> None:
        self.stores, self.clock = stores, Clock()
        self.open()

    def open(self) -> None:
        self.store = self.stores.open()
        self.answers = Answers(self.store, self.clock)

    async def reopen(self) -> None:
        await self.answers.settled()
        await self.store.close()
        self.open()

    async def kept(self, *said: tuple[int, Address, Judgement]) -> None:
        for one in said:
            self.answers.remember(*one)
        await self.answers.settled()

    async def rows(self) -> int:
        return await self.store.ask(lambda connection: connection.execute("SELECT count(*) FROM recipient_answer").fetchone()[0])


@pytest.fixture
async def house(engine: StoreEngine) -> House:  # noqa: F811
    return House(engine)


async def test_answers_survive_the_process(house: House) -> None:
    """What was written is there after a restart, with what is left of its time."""
    await house.kept((0, A, KNOWN), (0, B, UNKNOWN), (0, A, STRICT))
    await house.reopen()
    house.clock.now += 3600.0
    assert await house.answers.recall(0, A) == Recalled(STRICT._replace(lifetime_s=DOMAIN_S - 3600), Judgement("known", KNOWN_S - 3600))
    assert (await house.answers.recall(0, B)).address == Judgement("unknown", UNKNOWN_S - 3600)


async def test_each_kind_has_its_time(house: House) -> None:
    """Unknown holds 2 hours, a domain's next hop a day, known 7 days; not a second longer."""
    await house.kept((0, A, KNOWN), (0, B, UNKNOWN), (0, A, ANYTHING))
    began = house.clock.now
    for after_s, domain, known, unknown in ((7200, True, True, False), (86_400, False, True, False), (7 * 86_400, False, False, False)):
        house.clock.now = began + after_s - 1
        before = await house.answers.recall(0, A), await house.answers.recall(0, B)
        assert before[1].address or after_s > 7200
        assert before[0].domain or after_s > 86_400
        assert before[0].address
        house.clock.now = began + after_s
        found = await house.answers.recall(0, A)
        assert (found.domain is not None, found.address is not None) == (domain, known)
        assert ((await house.answers.recall(0, B)).address is not None) == unknown


async def test_no_answer_is_not_kept(house: House) -> None:
    """A failure of the moment must not outlive it."""
    await house.kept((0, A, Judgement("no_answer", 30.0)))
    assert await house.rows() == 0


async def test_the_last_answer_counts(house: House) -> None:
    """A later answer replaces an earlier one."""
    await house.kept((0, A, UNKNOWN), (0, A, KNOWN))
    assert (await house.answers.recall(0, A)).address == KNOWN
    assert await house.rows() == 1


async def test_two_tenants_share_nothing(house: House) -> None:
    """The same address of two tenants is two rows, and neither sees the other's."""
    await house.kept((1, A, KNOWN), (1, A, ANYTHING), (2, A, UNKNOWN))
    assert await house.answers.recall(1, A) == Recalled(ANYTHING, KNOWN)
    assert await house.answers.recall(2, A) == Recalled(None, UNKNOWN)
    assert await house.answers.recall(3, A) == Recalled(None, None)


async def test_a_clock_that_was_set_back_prolongs_nothing(house: House) -> None:
    """An answer never holds longer from now than it did when it was new."""
    await house.kept((0, A, KNOWN), (0, B, UNKNOWN), (0, A, ANYTHING))
    house.clock.now -= 10 * 86_400.0
    assert await house.answers.recall(0, A) == Recalled(ANYTHING, KNOWN)
    assert (await house.answers.recall(0, B)).address == UNKNOWN


async def test_expired_rows_are_deleted_in_slices(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that hold no longer go, of every tenant; the others stay."""
    monkeypatch.setattr(answers, "SLICE", 3)
    await house.kept(*((number % 2, Address(f"n{number}", "example.com"), UNKNOWN) for number in range(10)), (0, A, KNOWN))
    assert await house.answers.expire() == 0
    house.clock.now += UNKNOWN_S
    assert await house.answers.expire() == 10
    assert await house.rows() == 1


async def test_too_many_rows_lose_what_would_expire_first(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of unknown names is cut to the bound; real recipients are not touched."""
    monkeypatch.setattr(answers, "SLICE", 3)
    await house.kept((0, A, KNOWN), *((0, Address(f"n{number}", "example.com"), UNKNOWN) for number in range(20)))
    assert await house.answers.expire(keep=5) == 16
    assert await house.rows() == 5
    assert (await house.answers.recall(0, A)).address == KNOWN


async def test_many_answers_of_one_address_at_once(house: House) -> None:
    """In one group the last one counts, as in several."""
    await house.kept((0, A, UNKNOWN), (0, B, KNOWN), (0, A, KNOWN), (0, A, UNKNOWN), (0, B, UNKNOWN), (0, A, KNOWN))
    assert ((await house.answers.recall(0, A)).address, (await house.answers.recall(0, B)).address) == (KNOWN, UNKNOWN)
    assert await house.rows() == 2


async def test_the_last_of_a_disk_is_left_for_mail(tmp_path: Path) -> None:
    """Below the floor nothing is written, and no trouble is told: memory has the answer."""
    stores = make_engine("sqlite", tmp_path)  # PostgreSQL's disk is the server's
    house = House(stores)
    house.store.floor.floor_bytes = 1 << 62  # type: ignore[attr-defined]
    await house.kept((0, A, KNOWN))
    assert await house.rows() == 0
    await stores.close()


async def test_a_store_that_cannot_is_told_once(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    """Writes and reads that fail raise nothing, cost one event, and heal."""
    await house.store.perform(lambda connection, _: [connection.execute("ALTER TABLE recipient_answer RENAME TO gone")], None)
    await house.kept((0, A, KNOWN))
    await house.kept((0, B, KNOWN))
    assert await house.answers.recall(0, A) == Recalled(None, None)
    assert capfd.readouterr().err.count('"event":"store.trouble"') == 1
    await house.store.perform(lambda connection, _: [connection.execute("ALTER TABLE gone RENAME TO recipient_answer")], None)
    await house.kept((0, A, KNOWN))
    assert (await house.answers.recall(0, A)).address == KNOWN
