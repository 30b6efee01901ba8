# SPDX-License-Identifier: Apache-2.0
"""Create who may administer: the SQL stands beside this file, once for each engine."""

from gatepost.storage.step import run_step

revision = "intranet_0004"
down_revision = "intranet_0003"


def upgrade() -> None:
    """Make the step."""
    run_step(__file__)
