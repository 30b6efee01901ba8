# SPDX-License-Identifier: Apache-2.0
"""The budgets of size: files and functions stay small enough to be read at one sitting."""

import ast
import statistics
from pathlib import Path

SOURCE = Path(__file__).parent.parent.parent / "src"


def files() -> dict[str, int]:
    """Give each source file with its number of lines, empty packages left out."""
    sizes = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    return {name: lines for name, lines in sizes.items() if lines > 5}


def functions() -> list[tuple[int, str]]:
    """Give each function with its length, decorators left out, longest first."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(((node.end_lineno or 0) - node.lineno + 1, f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"))
    return sorted(found, reverse=True)


def test_files_are_small():
    """Median at most 150 lines, nine in ten at most 350, none above 500."""
    sizes = files()
    lengths = sorted(sizes.values())
    assert statistics.median(lengths) <= 150
    assert lengths[int(len(lengths) * 0.9)] <= 350
    assert {name: lines for name, lines in sizes.items() if lines > 500} == {}


def test_functions_are_short():
    """None is longer than 60 lines."""
    assert [(lines, name) for lines, name in functions() if lines > 60] == []
