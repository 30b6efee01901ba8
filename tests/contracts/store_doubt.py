# SPDX-License-Identifier: Apache-2.0
"""Ways to lose the answer to a COMMIT: before the server has it, while it is at it, and after it is done."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from gatepost.storage.contract import Store
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.postgres import PostgresServer

SLOW_COMMIT = """
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id >= 1000) EXECUTE FUNCTION linger();
"""
"""Numbers from 1000 on take half a minute to be committed."""

_COMMITTING = "FROM pg_stat_activity WHERE state = 'active' AND query = 'COMMIT'"


def is_committing(server: PostgresServer) -> bool:
    """Tell whether a COMMIT is on its way in the server."""
    return server.psql(f"SELECT count(*) {_COMMITTING}") == "1"


def terminate_committing(server: PostgresServer) -> None:
    """End the server's process that is committing."""
    server.psql(f"SELECT pg_terminate_backend(pid) {_COMMITTING}")


class Wire:
    """A proxy before a server that can swallow the answer to a COMMIT and hang up."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port = self._listening.getsockname()[1]
        self.cut_next = False
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        for connection in self._connections:
            _end(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection((LOOPBACK, self._server_port))
            self._connections += [client, server]
            state = {"cut": False}
            threading.Thread(target=self._to_server, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self._to_client, args=(client, server, state), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket, state: dict[str, bool]) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                state["cut"] = self.cut_next and data == b"Q\0\0\0\x0bCOMMIT\0"
                server.sendall(data)
        _end(server)

    def _to_client(self, client: socket.socket, server: socket.socket, state: dict[str, bool]) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if state["cut"]:  # The server has committed and said so; nobody will hear it.
                    self.cut_next = False
                    break
                client.sendall(data)
        _end(client)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextlib.contextmanager
def wire(port: int) -> Iterator[Wire]:
    """Put a proxy before a server."""
    proxy = Wire(port)
    try:
        yield proxy
    finally:
        proxy.close()


def backend(store: Store) -> Any:
    """Give a handler's result for the pid of the server's process behind the writer."""
    return store.perform(lambda connection, arguments: [connection.info.backend_pid for _ in arguments], None)
