# SPDX-License-Identifier: Apache-2.0
"""SQL has few rooms; what the import contracts cannot see is looked for in the text."""

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent / "src" / "gatepost"
STATEMENT = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA\s+\w)", re.DOTALL
)


def texts(path: Path) -> list[str]:
    """Give each text constant of a file, docstrings left out."""
    tree = ast.parse(path.read_text())
    said = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in said
    ]


def rooms_with(found) -> set[str]:
    """Give the rooms with a file in which a text is found."""
    return {str(path.parent.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if any(found(text) for text in texts(path))}


def belongs(room: str) -> bool:
    """Tell whether a room may speak SQL."""
    return (
        room in ("access", "delivery/queue", "delivery/verification", "monitoring", "people", "replication", "tracking", "versioning")
        or room.split("/", maxsplit=1)[0] == "storage"
    )


def test_statements_stand_in_the_stores():
    """No other room writes SQL."""
    rooms = rooms_with(STATEMENT.search)
    assert rooms
    assert {room for room in rooms if not belongs(room)} == set()


def test_the_engine_is_loaded_in_the_stores():
    """No other room loads the SQLite library by name."""
    assert {room for room in rooms_with(lambda text: text.startswith("pysqlite3")) if not belongs(room)} == set()
