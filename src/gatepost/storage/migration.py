# SPDX-License-Identifier: Apache-2.0
"""Have a store migrated, by a process of its own: what serves mail never loads Alembic, and no password stands in a command line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gatepost.errors import StoreError
from gatepost.storage.postgres_url import PostgresUrl


class Step(NamedTuple):
    """One step of the schema, by its number and name."""

    version: int
    name: str


class Migrated(NamedTuple):
    """What a migration found, what it was to do and what schema the store has now (with `only_plan`: as before)."""

    found: int
    steps: tuple[Step, ...]
    version: int


def migrate(
    target: Path | PostgresUrl, database: str, *, only_plan: bool = False, progress: Callable[[Step], None] = lambda step: None
) -> Migrated:
    """Bring a store to this program's schema; its owner is the caller.

    `target` is SQLite's file or the server's URL. `progress` is called for each step that was made. Raises: StoreError.
    """
    path, where, keywords = (str(target), str(target), {}) if isinstance(target, Path) else ("", target.shown, target.keywords)
    order = {"path": path, "where": where, "keywords": keywords, "database": database, "only_plan": only_plan}
    with subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-m", "gatepost.storage.migrate"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        child.stdin.write(json.dumps(order))
        child.stdin.close()
        said: dict[str, Any] = {}
        for line in child.stdout:
            news = json.loads(line)
            said.update(news)
            if "step" in news:
                progress(Step(news["step"], news["name"]))
        last_words = child.stderr.read().strip().rpartition("\n")[2]
    if "error" in said:
        raise StoreError(said["error"])
    if child.returncode or "found" not in said:
        raise StoreError(f"{where}: the migration ended with status {child.returncode} ({last_words}); run `gatepost db migrate` again")
    return Migrated(said["found"], tuple(Step(step["version"], step["name"]) for step in said["steps"]), said.get("version", said["found"]))
