# SPDX-License-Identifier: Apache-2.0
"""Which SQL serves which engine."""

from gatepost.storage.contract import Engine
from gatepost.tracking.store import TrackStatements


def statements(engine: Engine) -> TrackStatements:
    """Give an engine's SQL."""
    if engine == "postgresql":
        from gatepost.tracking.store_postgres import PostgresTracks  # the driver is loaded only where it is used

        return PostgresTracks()
    from gatepost.tracking.store_sqlite import SqliteTracks

    return SqliteTracks()
