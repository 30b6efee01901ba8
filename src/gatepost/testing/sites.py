# SPDX-License-Identifier: Apache-2.0
"""Several gateways that belong together: those of one site, on one PostgreSQL and one S3 store, and an intranet elsewhere.

with Site(folder, configuration, gateways=2) as site:
    ... site.gateways[0].port ... site.gateways[1].kill_all() ...

joined(intranet, gateway, "site-a")
"""

import contextlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gatepost.config.bootstrap import Stores
from gatepost.config.configuration import Configuration
from gatepost.testing.gateway import Gateway, Role
from gatepost.testing.postgres import PostgresServer
from gatepost.testing.s3 import ACCESS_KEY, SECRET, S3Server

_LOGIN = "TESTING_BLOBS_LOGIN"
"""The variable that holds the login of the bucket; a name that begins with GATEPOST_ would be taken for a setting."""


def intranet(folder: Path, configuration: Configuration, *, store: str = "sqlite", hostname: str = "intranet.example") -> Gateway:
    """Give a machine that is only the intranet."""
    return Gateway(folder, configuration, role="intranet", hostname=hostname, stores=Stores(intranet=store))


def joined(console: Gateway, gateway: Gateway, name: str) -> dict[str, Any]:
    """Pair two running roles as two administrators would; gives what the intranet was told.

    Raises:
        GatewayFailed: One of the two commands was refused; holds its words.
    """
    invited = gateway.answer("role", "invite")
    made: dict[str, Any] = console.answer("role", "join", invited["listen"], "--token", invited["token"], "--name", name)
    return made


class Site:
    """Gateways that share a queue and its blobs; each has a data folder of its own for everything else."""

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        *,
        gateways: int = 2,
        role: Role = "gateway",
        linked: bool = False,
        postgres: PostgresServer | None = None,
        objects: S3Server | None = None,
        name: str = "gw",
    ) -> None:
        """Prepare the site; what is not given, it starts and stops itself."""
        self.postgres = postgres or PostgresServer()
        self.objects = objects or S3Server()
        self._own: list[PostgresServer | S3Server] = [*([] if postgres else [self.postgres]), *([] if objects else [self.objects])]
        self._folder, self._configuration = folder, configuration
        self._count, self._role, self._linked, self._name = gateways, role, linked, name
        self.gateways: list[Gateway] = []

    def start(self) -> None:
        """Start everything."""
        for server in self._own:
            server.start()
        stores = Stores(gateway=self.postgres.create_database(), blobs=self.objects.create_bucket(), blobs_login=f"env:{_LOGIN}")
        for number in range(1, self._count + 1):
            gateway = Gateway(
                self._folder / f"{self._name}-{number}",
                self._configuration,
                role=self._role,
                stores=stores,
                linked=self._linked,
                hostname=f"{self._name}-{number}.example",
                environment={_LOGIN: f"{ACCESS_KEY}:{SECRET}"},
            )
            self.gateways.append(gateway)
            gateway.start()

    def stop(self) -> None:
        """End the gateways that run, in order, then what they stand on."""
        with contextlib.ExitStack() as ends:
            for server in self._own:
                ends.callback(server.stop)
            for gateway in self.gateways:
                ends.callback(gateway.terminate)

    def kill(self) -> None:
        """End everything at once."""
        for gateway in self.gateways:
            gateway.kill_all()
        for server in self._own:
            server.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.stop()
        else:
            self.kill()
