# SPDX-License-Identifier: Apache-2.0
"""The pages of the content filters say what their settings say."""

import pytest

from gatepost.config.rules import CharacterSets, WordGroup
from unit.filters.test_filter_pages import PAGES, rows


@pytest.mark.parametrize(("page", "model"), [("words", WordGroup), ("character_sets", CharacterSets)])
def test_a_content_filters_page_has_each_key_with_its_default_and_manual(page, model):
    """The table is the model, key by key, and nothing else."""
    shown = [line for line in (PAGES / f"{page}.md").read_text().splitlines() if line.startswith("| `")]
    assert shown == rows(model)
