# SPDX-License-Identifier: Apache-2.0
"""What an Alembic revision of ours does: run the SQL text of its step on the engine that is being migrated."""

from collections.abc import Iterator
from pathlib import Path

from alembic import op

from gatepost.storage.sqlite import engine


def run_step(revision_file: str) -> None:
    """Run the SQL file that stands beside a revision, inside its transaction."""
    bind = op.get_bind()
    text = Path(revision_file).with_suffix(f".{bind.dialect.name}.sql").read_text("utf-8")
    driver = bind.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    # Past SQLAlchemy, which would take the SQL's % and : for its own; SQLite takes one statement at a time.
    for statement in statements(text) if bind.dialect.name == "sqlite" else (text,):
        cursor.execute(statement)
    cursor.close()


def statements(text: str) -> Iterator[str]:
    """Give the statements of an SQL text; each ends its line."""
    gathered = ""
    for line in text.splitlines(keepends=True):
        gathered += line
        if engine.complete_statement(gathered):
            yield gathered
            gathered = ""
