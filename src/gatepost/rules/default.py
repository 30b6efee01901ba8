# SPDX-License-Identifier: Apache-2.0
"""The rules of a gateway whose configuration has none of its own, as a table."""

from gatepost.config.rules import FilterUse, Mode, RecipientScope, Rule, RuleDirection

_JUDGES = ("realtime_blocklists", "reputation", "words", "character_sets")

# fmt: off
_TABLE: tuple[tuple[str, RuleDirection, RecipientScope, Mode, float, tuple[str, ...]], ...] = (
    # name                      direction   recipients             mode      threshold  filters, each x1
    ("Internal communication",  "outbound", "owned_domains",       "accept", 4,         ()),
    ("All outbound mails",      "outbound", "any",                 "accept", 4,         ()),
    ("All other inbound mails", "inbound",  "corporate_addresses", "check",  4,         _JUDGES),
)
# fmt: on

DEFAULT_RULES: tuple[Rule, ...] = tuple(
    Rule(
        name=name,
        direction=direction,
        recipient_scope=recipients,
        mode=mode,
        threshold=threshold,
        filters=tuple(FilterUse(name=judge) for judge in filters),
    )
    for name, direction, recipients, mode, threshold, filters in _TABLE
)
