# SPDX-License-Identifier: Apache-2.0
"""The intranet's process is killed in the middle of changes: rows and what gateways are told of them stay one."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.people_house import House, Site, a_site, an_engine, url_on  # noqa: F401
from contracts.store_engines import killed_work_is_over
from gatepost.storage.opening import open_store

PROCESS = Path(__file__).with_name("people_process.py")
_ADDRESSES = """SELECT a.tenant_id, a.address, a.enabled * u.enabled FROM corporate_address a
    JOIN corporate_user u ON u.tenant_id = a.tenant_id AND u.id = a.user_id"""


def changed_until_killed(folder: Path, url: str, seed: int, changes: int) -> None:
    """Run a process that changes people; kill it after so many acknowledged changes, in the middle of others."""
    environment = {**os.environ, "PYTHONPATH": str(PROCESS.parent.parent)}
    command = [sys.executable, str(PROCESS), str(folder), url, str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(changes)]
        os.kill(process.pid, signal.SIGKILL)
    assert told == [b"changed\n"] * changes


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_gateway_ends_with_what_the_intranet_has(engine_name: str, site: Site, tmp_path: Path, seed: int) -> None:
    """Killed twice, with a gateway that is told everything twice: addresses and who is enabled are the same on both sides."""
    url = url_on(engine_name)
    for turn in range(2):
        await asyncio.to_thread(changed_until_killed, tmp_path / "house", url, 10 * seed + turn, 15 + 10 * turn)
        await killed_work_is_over(url)
    store = open_store(url, "intranet", tmp_path / "house")
    try:
        house = House(store)
        await site.fetch_from(house, "east")
        expected = await addresses(house)
        assert expected and (await site.tables())[0] == expected
        await site.fetch_from(house, "west")
        await house.people.greet("east")
        await site.fetch_from(house, "east")
        assert (await site.tables())[0] == expected
    finally:
        await store.close()


async def addresses(house: House) -> list[Any]:
    """Give each address of the intranet, and whether it and its user are enabled."""
    return await house.store.ask(lambda connection: sorted(tuple(row) for row in connection.execute(_ADDRESSES).fetchall()))
