# SPDX-License-Identifier: Apache-2.0
"""The filters that look at the content keep the promises of every filter."""

import pytest

from contracts.filter_contract import FilterContract, MakeFilter
from gatepost.config.rules import CharacterSets as CharacterSetSettings
from gatepost.config.rules import WordGroup
from gatepost.filters.character_sets import CharacterSets
from gatepost.filters.words import Words

GROUPS = (
    WordGroup(name="simple", words=("word", "мир", "casino")),
    WordGroup(name="wildcard", words=("ca?ino*", "*y" * 3), search="wildcard"),
    WordGroup(name="regex", words=(r"x{5}", r"\x00+", r"[^a-zA-Z\s:.?@<>=]{3}"), search="regex"),
    WordGroup(name="subject", words=("привет",), area="subject", points=-1),
    WordGroup(name="no word", words=("noon",), match="non_match", points=1),
)


class TestWords(FilterContract):
    """Words, with a group of each kind."""

    @pytest.fixture
    def make_filter(self) -> MakeFilter:
        return lambda resolver: Words(GROUPS)


class TestCharacterSets(FilterContract):
    """Allowed character sets."""

    @pytest.fixture
    def make_filter(self) -> MakeFilter:
        return lambda resolver: CharacterSets(CharacterSetSettings())
