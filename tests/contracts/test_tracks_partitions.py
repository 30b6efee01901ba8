# SPDX-License-Identifier: Apache-2.0
"""Daily partitions on PostgreSQL: made ahead, strays taken home, a day gone by a DROP."""

import pytest

from contracts.store_engines import StoreEngine, make_engine
from contracts.track_mails import DAY, NOON, Console, change, head, open_days, outcome
from gatepost.tracking.partitions import suffix


@pytest.fixture
async def postgres(tmp_path):
    """Give an empty PostgreSQL database."""
    made = make_engine("postgresql", tmp_path)
    yield made
    await made.close()


async def partitions(console: Console, parent: str = "message_track") -> set[str]:
    """Name the partitions of a table."""
    text = f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{parent}'::regclass"
    return {row[0] for row in await console.store.ask(lambda connection: connection.execute(text).fetchall())}


async def test_partitions_are_made_a_week_ahead(postgres: StoreEngine) -> None:
    """And the same ones are not made twice."""
    console = Console(postgres.open("intranet"))
    console.service.upkeep._today = lambda: int(NOON // DAY)
    await console.service.upkeep.look_after()
    await console.service.upkeep.look_after()
    wanted = {f"message_track_{suffix(int(NOON // DAY) + ahead)}" for ahead in range(-1, 8)}
    assert await partitions(console) == wanted | {"message_track_default"}
    assert len(await partitions(console, "message_track_details")) == len(await partitions(console, "message_address")) == 10


async def test_strays_are_found_at_once_and_taken_home(postgres: StoreEngine, capfd: pytest.CaptureFixture[str]) -> None:
    """A day without partitions loses nothing: its tracks lie in the default one, with an alarm, until they are moved."""
    console = Console(postgres.open("intranet"))
    mail, other = head(NOON), head(NOON - 3 * DAY)
    await console.tell(change(mail, outcome(mail)), change(other))
    assert await console.found() == [mail.track, other.track]
    assert await console.found(between=["bob@example.com"]) == [mail.track, other.track]
    console.service.upkeep._today = lambda: int(NOON // DAY) - 20
    await console.service.upkeep.look_after()
    assert f"message_track_{suffix(int(NOON // DAY))}" in await partitions(console)
    assert await console.store.ask(lambda connection: connection.execute("SELECT count(*) FROM message_track_default").fetchone()[0]) == 0
    assert await console.found() == [mail.track, other.track]
    assert (await console.track(mail)).head == mail
    told = [line for line in capfd.readouterr().err.splitlines() if '"tracking.stray"' in line]
    assert len(told) == 1 and suffix(int(NOON // DAY)) in told[0]


async def test_a_day_goes_by_dropping_its_partitions(postgres: StoreEngine) -> None:
    """Not by deleting rows."""
    console = Console(postgres.open("intranet"))
    day = int(NOON // DAY)
    await open_days(console, [day - 1, day])
    await console.tell(change(head(NOON - DAY)), change(head(NOON)))
    await console.service.upkeep.drop_before(day)
    for parent in ("message_track", "message_address", "message_track_details"):
        assert await partitions(console, parent) == {f"{parent}_default", f"{parent}_{suffix(day)}"}


async def test_an_old_day_is_not_looked_at_when_the_period_leaves_it_out(postgres: StoreEngine) -> None:
    """The planner leaves out other days' partitions, so that a search costs what its period costs."""
    console = Console(postgres.open("intranet"))
    day = int(NOON // DAY)
    await open_days(console, range(day - 10, day + 1))
    await console.tell(*(change(head(NOON - number * DAY)) for number in range(10)))
    for asked in ({"between": ["bob@example.com"]}, {"between": ["example.com", "partner.example"]}, {"statuses": ["delivery_pending"]}):
        plan = await explained(console, **asked)
        named = {
            line.split(" on ")[1].split()[0].removesuffix(f"_{suffix(day)}")
            for line in plan
            if " on " in line and "Bitmap Index" not in line
        }
        assert all(f"_{suffix(day - ago)}" not in line for line in plan for ago in range(1, 10)), plan
        assert named


async def explained(console: Console, **asked: object) -> list[str]:
    """Give the plans of a search for the last day."""
    from gatepost.tracking.partitions import first_of
    from gatepost.tracking.search_sql import DaySql
    from gatepost.tracking.search_terms import read

    search, day = read(asked), int(NOON // DAY)
    sql = DaySql("postgresql", day, first_of(day), first_of(day + 1))
    lead = next((term for term in search.terms if term.kind in ("address", "domain")), None)
    lines: list[str] = []
    for one in sql.searches(search, lead):
        explain = one._replace(text="EXPLAIN " + one.text)
        lines += [row[0] for row in await console.store.ask(lambda connection, explain=explain: sql.rows(connection, explain))]
    return lines
