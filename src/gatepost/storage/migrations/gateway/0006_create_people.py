# SPDX-License-Identifier: Apache-2.0
"""Create people: the SQL stands beside this file, once for each engine."""

from gatepost.storage.step import run_step

revision = "gateway_0006"
down_revision = "gateway_0005"


def upgrade() -> None:
    """Make the step."""
    run_step(__file__)
