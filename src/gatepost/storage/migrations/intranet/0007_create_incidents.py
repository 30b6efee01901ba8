# SPDX-License-Identifier: Apache-2.0
"""Create incidents: the SQL stands beside this file, once for each engine."""

from gatepost.storage.step import run_step

revision = "intranet_0007"
down_revision = "intranet_0006"


def upgrade() -> None:
    """Make the step."""
    run_step(__file__)
