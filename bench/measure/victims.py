# SPDX-License-Identifier: Apache-2.0
"""Who is killed, and when all is well again: the gateway's processes by name, and PostgreSQL's."""

import os
import random
import signal
import time
from collections import Counter

from gatepost.testing.gateway import CONSOLE, SUPERVISOR, Gateway
from gatepost.testing.ports import answers
from gatepost.testing.postgres import PostgresServer
from gatepost.testing.processes import alive
from measure.engines import POSTGRESQL

EVERYTHING = "all"
BACKEND, SERVER = "backend", "server"
RECOVERY_S = 60.0
_ROUND = ["receive"] * 4 + ["deliver"] * 4 + [CONSOLE] * 3 + [SUPERVISOR, EVERYTHING]
_ON_POSTGRESQL = [BACKEND] * 2 + [SERVER] * 2
_DOUBLING = ("deliver", EVERYTHING, BACKEND, SERVER)
"""Whose death may come between the next hop's 250 and its COMMIT."""


def series(store: str, kills: int, chance: random.Random) -> list[str]:
    """Give so many victims in shuffled rounds; 0: one of each kind."""
    one_round = _ROUND + (_ON_POSTGRESQL if store == POSTGRESQL else [])
    if not kills:
        one_round = sorted(set(one_round))
        kills = len(one_round)
    victims: list[str] = []
    while len(victims) < kills:
        chance.shuffle(one_round)
        victims += one_round
    return victims[:kills]


def doubling(done: Counter[str], stragglers: int) -> int:
    """Count the kills that may each have doubled what was in flight."""
    return sum(done[name] for name in _DOUBLING) + stragglers


class Victims:
    """One gateway and its database; `stragglers` counts processes that outlived their supervisor and had to be killed."""

    def __init__(self, gateway: Gateway, server: PostgresServer | None, chance: random.Random) -> None:
        self.stragglers = 0
        self._gateway, self._server, self._chance = gateway, server, chance

    def kill(self, victim: str) -> None:
        """Kill and wait for the recovery. Raises: TimeoutError."""
        if victim == EVERYTHING:
            self._gateway.kill_all()
            self._gateway.start(RECOVERY_S)
            self._wait_for(CONSOLE)
        elif victim == SUPERVISOR:
            self._kill_supervisor()
        elif victim in (BACKEND, SERVER):
            self._kill_database(victim)
        else:
            end = time.monotonic() + RECOVERY_S
            while not self._gateway.sigkill(victim):
                self._pause(end, f"no process {victim} runs")
            self._wait_for(victim)

    def _kill_supervisor(self) -> None:
        gateway = self._gateway
        orphans = [pid for pid in gateway.pids() if pid != gateway.supervisor_pid]  # those that are still starting too
        gateway.sigkill(SUPERVISOR)
        stragglers = _outlive(orphans)
        if stragglers:
            gateway.kill_all()
        self.stragglers += stragglers
        gateway.start(RECOVERY_S)
        self._wait_for(CONSOLE)

    def _kill_database(self, victim: str) -> None:
        """Kill all of the server, or one backend, upon which the server ends all others and recovers."""
        assert self._server is not None
        end = time.monotonic() + RECOVERY_S
        if victim == SERVER:
            self._server.kill()
            time.sleep(self._chance.uniform(0.0, 2.0))
            self._server.start()
        else:
            while not (pids := self._server.psql(_BACKENDS).split()):
                self._pause(end, "nobody connected to the database")
            os.kill(int(self._chance.choice(pids)), signal.SIGKILL)
        while not self._takes_mail():
            self._pause(end, f"after the death of a {victim} mail was not taken")

    def _takes_mail(self) -> bool:
        """Whether a group is committed again: the gateway's own health needs its store, and so does a claim."""
        return self._gateway.command("queue", "list", "--json").returncode == 0 and answers(self._gateway.port, 5.0)

    def _wait_for(self, name: str) -> None:
        end = time.monotonic() + RECOVERY_S
        while not self._gateway.running().get(name) or not answers(self._gateway.port, 5.0):
            self._pause(end, f"{name} did not come back")

    def _pause(self, end: float, complaint: str) -> None:
        if time.monotonic() > end:
            raise TimeoutError(f"{complaint} within {RECOVERY_S} s: {self._gateway.last_words()}")
        time.sleep(0.02)


_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def _outlive(pids: list[int], timeout_s: float = 45.0) -> int:
    """Wait for processes whose supervisor is gone to end by themselves; gives how many did not."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if not any(map(alive, pids)):
            return 0
        time.sleep(0.02)
    return sum(map(alive, pids))
