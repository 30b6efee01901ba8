# SPDX-License-Identifier: Apache-2.0
"""The engines on which answers are remembered."""

from gatepost.delivery.verification.statements import Statements
from gatepost.storage.contract import Engine


def statements_of(engine: Engine) -> Statements:
    """Load an engine's SQL: a driver is loaded only where it is used."""
    if engine == "sqlite":
        from gatepost.delivery.verification import answers_sqlite

        return answers_sqlite
    from gatepost.delivery.verification import answers_postgres

    return answers_postgres
