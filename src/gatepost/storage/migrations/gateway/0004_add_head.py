# SPDX-License-Identifier: Apache-2.0
"""Give each mail the head of its track: the SQL stands beside this file, once for each engine."""

from gatepost.storage.step import run_step

revision = "gateway_0004"
down_revision = "gateway_0003"


def upgrade() -> None:
    """Make the step."""
    run_step(__file__)
