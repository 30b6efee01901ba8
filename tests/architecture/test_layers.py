# SPDX-License-Identifier: Apache-2.0
"""The arrows between the rooms, as the contracts in pyproject.toml draw them."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def contracts() -> list[dict[str, object]]:
    """Give the contracts as they are written."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["importlinter"]["contracts"]


def test_every_contract_is_kept():
    """No import goes where a contract forbids it."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{len(contracts())} kept, 0 broken" in answer.stdout


def test_there_are_contracts_enough_and_none_has_a_hole():
    """At least eight contracts, and no import is excused from any."""
    assert len(contracts()) >= 8
    assert not [contract["name"] for contract in contracts() if "ignore_imports" in contract]


def test_every_room_has_its_floor():
    """The layers name each room of the house, so that a new one must be placed."""
    layers = next(contract for contract in contracts() if contract["type"] == "layers")
    named = {room.strip() for layer in layers["layers"] for room in layer.split("|")} | set(layers["exhaustive_ignores"])
    house = ROOT / "src" / "gatepost"
    rooms = {
        path.stem if path.is_file() else path.name for path in house.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named == rooms - {"__init__"}
    assert layers["exhaustive"] is True
