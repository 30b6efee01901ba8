# SPDX-License-Identifier: Apache-2.0
"""How long the intranet keeps what it was told: each with its unit, its default and what it costs."""

from typing import Annotated

import msgspec
from msgspec import Meta

LONGEST_DAYS = 3650
STATISTICS_DAYS = 1096
"""The counters never reach further back."""


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the intranet keeps what gateways and administrators tell it; what is older is dropped within the hour."""

    summaries_days: Annotated[
        int, Meta(ge=1, le=LONGEST_DAYS, description="Message tracking: when a mail came, from whom, to whom, and what became of it.")
    ] = 60
    details_days: Annotated[
        int,
        Meta(
            ge=1,
            le=LONGEST_DAYS,
            description="Message tracking: each filter's points and each delivery attempt, the bulk of the data; "
            "never longer than the summaries.",
        ),
    ] = 14
    events_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS, description="What the event viewer shows.")] = 30
    statistics_days: Annotated[
        int, Meta(ge=1, le=STATISTICS_DAYS, description="Counters of mail flow and refusals; a year or more is recommended.")
    ] = STATISTICS_DAYS
    audit_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS, description="Who changed what.")] = 365
    incidents_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS, description="Incidents that have healed, and who was told of them.")] = 365
