# SPDX-License-Identifier: Apache-2.0
"""Each filter's page says what its settings say."""

from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.complaint import description, wanted
from gatepost.config.reputation import ReputationSettings

PAGES = Path(__file__).parents[3] / "docs" / "reference" / "filters"


def rows(model: type) -> list[str]:
    """Give the table rows of a model's keys: key, what it takes, default, manual."""
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    lines = []
    for field in info.fields:
        bare = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
        default = "none; must be given" if field.required else f"`{msgspec.json.encode(field.default).decode()}`"
        lines.append(f"| `{field.encode_name}` | {wanted(bare)} | {default} | {description(field.type)} |")
    return lines


@pytest.mark.parametrize(("page", "models"), [("realtime_blocklists", [Blocklist]), ("reputation", [ReputationSettings])])
def test_a_page_has_each_key_with_its_default_and_manual(page, models):
    """The table is the model, key by key, and nothing else."""
    text = (PAGES / f"{page}.md").read_text()
    shown = [line for line in text.splitlines() if line.startswith("| `")]
    assert shown == [line for model in models for line in rows(model)]


def test_the_list_of_lists_is_the_only_other_key():
    """The page of the blocklists names it in its example."""
    assert RealtimeBlocklistSettings.__struct_fields__ == ("lists",)
    assert "realtime_blocklists.lists]]" in (PAGES / "realtime_blocklists.md").read_text()
