# SPDX-License-Identifier: Apache-2.0
"""All that is wrong with a configuration that somebody wrote as text."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError
from gatepost.roles.judgement import configuration_refusals
from gatepost.testing import toml
from gatepost.testing.gateway import relay_all_to
from gatepost.versioning.text_faults import MOST, text_faults


def told(text: str) -> list[tuple[str, str]]:
    """Give place and cause of each fault."""
    return [(one.path, one.cause) for one in text_faults(text, "it", configuration_refusals)]


def test_what_cannot_be_read_hides_nothing_else():
    """Keys, types, ranges and what no single key shows are told in one round, each once."""
    text = """
colour = "red"
different_rules = "maybe"

[retention]
details_days = 0

[[rules]]
threshold = "many"
mail_from = ["nobody"]
filters = [{ name = "words", multiplier = 11 }]

[[rules]]
name = "B"
mode = "accept"
clients = ["everywhere"]
enabled = "yes"

[[rules]]
name = "C"
mode = "accept"
clients = ["everywhere"]

[[submission_users]]
name = "jo"
"""
    assert sorted(told(text)) == [
        ("it: colour", "unknown key"),
        ("it: different_rules", "'maybe' is not one of the choices"),
        ("it: retention.details_days", "expected int >= 1"),
        ("it: rules[0].filters[0].multiplier", "expected int <= 10"),
        ("it: rules[0].mail_from[0]", "'nobody' is no address"),
        ("it: rules[0].name", "missing"),
        ("it: rules[0].threshold", "expected float, got str"),
        ("it: rules[1].enabled", "expected bool, got str"),
        ("it: rules[2].clients[0]", "'everywhere' is no IP address or network"),
        ("it: submission_users[0].password", "missing"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("rules = 5", [("it: rules", "expected list, got int")]),
        ("rules = [5]", [("it: rules[0]", "expected table, got int")]),
        ("dns = 'x'", [("it: dns", "expected table, got str")]),
        (
            "corporate_users = [1, 'x']",
            [("it: corporate_users[0]", "expected str, got int"), ("it: corporate_users[1]", "'x' is no mail address")],
        ),
        ("x = \ny = 1", [("it: line 1, column 5", "is not TOML (invalid value)")]),
        ("[[rules]]\nname = 'A'\nmode = 'accept'\n" * 2, [("it: rules[1].name", "'A' is rules[0] already")]),
    ],
)
def test_each_kind_of_fault(text: str, wanted: list[tuple[str, str]]):
    """Also where a whole table or list is something else, or nothing is wrong."""
    assert told(text) == wanted


def test_faults_have_an_end():
    """A text in which everything is wrong is told of as far as anybody reads."""
    text = "\n".join(f"key{number} = 1" for number in range(MOST + 50))
    assert len(told(text)) == MOST


def places(value: Any) -> list[tuple[Any, ...]]:
    """Give the way to each value of a document."""
    found: list[tuple[Any, ...]] = [()]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [(step, *rest) for step, below in pairs for rest in places(below)]


@given(st.data())
def test_whatever_is_written_is_told_or_taken(data: st.DataObject):
    """Any values anywhere in a document give faults with a place, or a configuration that a start would take."""
    import tomllib

    document = copy.deepcopy(tomllib.loads(toml.dump(relay_all_to(25))))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([one for one in places(document) if one]))
        here = document
        for step in way:
            here = here[step]
        here[last] = data.draw(st.sampled_from([1, -1, 2.5, "x", "", True, [], ["x"], {}, {"name": "x"}]))
    text = "\n".join(f"{key} = {_inline(value)}" for key, value in document.items())
    faults = text_faults(text, "it", configuration_refusals)
    assert len({(one.path, one.cause) for one in faults}) == len(faults)
    if not faults:
        from gatepost.config.loader import read_configuration_text

        assert isinstance(read_configuration_text(text, "it"), Configuration)
    assert all(isinstance(one, ConfigError) and one.path.startswith("it") and one.mend for one in faults)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
