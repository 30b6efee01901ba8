# SPDX-License-Identifier: Apache-2.0
"""The lock files: complete, with hashes, and without the name of any host."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PINNED = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


def wanted(*extras: str) -> set[str]:
    """Give the names that pyproject.toml asks for."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    asked = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in asked}


@pytest.mark.parametrize(("name", "extras"), [("requirements.lock", ()), ("requirements-test.lock", ("lint", "test", "peer", "s3"))])
def test_a_lock_pins_all_with_hashes_and_names_no_host(name, extras):
    """Each package has its version and its hashes; where they come from is the machine's own choice."""
    text = (ROOT / name).read_text()
    pinned = dict(PINNED.findall(text))
    assert wanted(*extras) <= set(pinned)
    assert "://" not in text
    assert "--index-url" not in text and "--find-links" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_both_locks_agree():
    """What runs in the tests is what is installed."""
    shipped, tested = (dict(PINNED.findall((ROOT / name).read_text())) for name in ("requirements.lock", "requirements-test.lock"))
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}
