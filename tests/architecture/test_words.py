# SPDX-License-Identifier: Apache-2.0
"""What every file begins with, and the words that no name may be."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LICENCE_LINE = "# SPDX-License-Identifier: Apache-2.0"
BANNED = {"utils", "util", "common", "helpers", "helper", "misc", "manager"}
BANNED_CLASS = re.compile(r"(Manager|Helper|Utils?|Misc)$")
FOLDERS = ("src", "tests", "bench")


def python_files(*folders: str) -> list[Path]:
    """Give each Python file below these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def scripts() -> list[Path]:
    """Give the programs without a suffix."""
    return [path for folder in ("bin", "bench", ".ci") for path in sorted((ROOT / folder).iterdir()) if path.is_file() and not path.suffix]


def own_files() -> list[Path]:
    """Give each text file that belongs to the project, as git sees it; the usual ones where there is no git."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"]
    if shutil.which("git") and (ROOT / ".git").exists():
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return [ROOT / name for name in answer.stdout.splitlines() if (ROOT / name).is_file()]
    return [*python_files(*FOLDERS), *scripts(), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("*.toml")]


def test_each_file_names_its_licence_first():
    """Python files have the SPDX line first, programs right below their interpreter."""
    wrong = [path for path in python_files(*FOLDERS) if path.read_text().partition("\n")[0] not in (LICENCE_LINE, "#!/usr/bin/env python3")]
    wrong += [path for path in scripts() if path.read_text().splitlines()[1:2] != [LICENCE_LINE]]
    assert [str(path.relative_to(ROOT)) for path in wrong] == []


def test_each_module_says_what_it_is():
    """Every module of the package has a docstring."""
    silent = [path for path in python_files("src") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_each_test_says_what_it_promises():
    """The docstring of a test is the promise in one sentence."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in python_files("tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_name_is_a_drawer_for_everything():
    """No module, package or class is called by a word that says nothing."""
    paths = [path.relative_to(ROOT) for path in python_files("src")]
    assert [str(path) for path in paths if BANNED & set(path.with_suffix("").parts)] == []
    classes = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in python_files("src")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and BANNED_CLASS.search(node.name)
    ]
    assert classes == []


def test_test_files_have_names_of_their_own():
    """Two test files of one name would be hard to tell apart in a report."""
    names = [path.name for path in python_files("tests") if path.name.startswith("test_")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("word", ["/" + "work/", "fix" + "me", "xx" + "x:"])
def test_the_project_speaks_of_itself_alone(word):
    """No file names a place on somebody's machine, or leaves a note for later."""
    found = []
    for path in own_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if word in text.lower():
            found.append(str(path.relative_to(ROOT)))
    assert found == []
