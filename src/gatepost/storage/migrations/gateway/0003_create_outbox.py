# SPDX-License-Identifier: Apache-2.0
"""Create the outbox: the SQL stands beside this file, once for each engine."""

from gatepost.storage.step import run_step

revision = "gateway_0003"
down_revision = "gateway_0002"


def upgrade() -> None:
    """Make the step."""
    run_step(__file__)
