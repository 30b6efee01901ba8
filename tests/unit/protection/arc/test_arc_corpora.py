# SPDX-License-Identifier: Apache-2.0
"""The community's ARC test suite, and a real mail that came through a list."""

import pytest
import yaml

from gatepost.message.parse import parse
from gatepost.protection.mailauth.arc.validate import validate
from shared_corpora import corpus, wire_form
from signing_keys import KeyZone


async def test_the_arc_suite_agrees(capsys: pytest.CaptureFixture[str]):
    """Every validation test gives the expected cv; an empty one stands for a chain that its newest seal ended."""
    counts: dict[str, int] = {}
    with (corpus("auth") / "arc" / "arc-validation-tests.yml").open() as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    for document in documents:
        for name, test in document["tests"].items():
            found = await validate(KeyZone(document.get("txt-records") or {}), parse(wire_form(test["message"].encode())), 1_500_000_000.0)
            assert found.result == (str(test["cv"]).lower() or "fail"), (name, found)
            counts[found.result] = counts.get(found.result, 0) + 1
    with capsys.disabled():
        print(f"\narc-validation-tests: {sum(counts.values())} agree {counts}")
    assert sum(counts.values()) >= 86


async def test_a_real_chain_passes():
    """Sealed by a large provider over a list's mail."""
    records, _, mail = (corpus("auth") / "arc" / "stalwart" / "001.txt").read_bytes().partition(b"\n\n")
    zone = KeyZone(dict(line.split(" ", 1) for line in records.decode().splitlines()))
    found = await validate(zone, parse(wire_form(mail)), 1_667_893_878.0)
    assert (found.result, found.instances, found.sealers) == ("pass", 1, ("google.com",))
