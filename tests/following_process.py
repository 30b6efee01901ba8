# SPDX-License-Identifier: Apache-2.0
"""An intranet that only keeps what it is told, as a process of its own that a test may kill: `python following_process.py CONFIG`.

Its store has the table `told`: one row for each artefact it has applied, with nothing that would forbid two for one.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from gatepost.config.loader import load_bootstrap
from gatepost.replication.artefact import Artefact
from gatepost.roles.link_intranet import IntranetLinks
from gatepost.storage.opening import open_store


def keep(connection: Any, artefacts: list[Artefact]) -> None:
    """Write a row for each."""
    for one in artefacts:
        connection.execute("INSERT INTO told VALUES (?, ?)", (one.sequence, one.payload))


async def main() -> None:
    bootstrap = msgspec.structs.replace(load_bootstrap(sys.argv[1]), role="single")
    store = open_store("sqlite", "intranet", Path(bootstrap.data))
    text = "CREATE TABLE IF NOT EXISTS told (sequence INTEGER, payload BLOB)"
    await store.perform(lambda connection, _: [connection.execute(text) and None], None)
    links = IntranetLinks(bootstrap, store)
    links.applier.register("track", (1,), keep)
    links.applier.register("event", (1,), lambda connection, artefacts: None)  # what processes say of themselves is not counted
    await links.prepare()
    links.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
