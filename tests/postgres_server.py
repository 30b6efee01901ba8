# SPDX-License-Identifier: Apache-2.0
"""One PostgreSQL for all tests of a run; who wants to stop or kill one starts his own."""

import functools

from gatepost.testing.postgres import PostgresServer
from run_end import OF_RUN


@functools.cache
def postgres_server() -> PostgresServer:
    """Give the server, started when the first test asks for it and stopped when the run ends."""
    # Its workers would look like a site that is at work: an outbox shows nothing beyond the oldest transaction of the whole server.
    server = PostgresServer(settings={"autovacuum": "off"})
    server.start()
    OF_RUN.callback(server.stop)
    return server
