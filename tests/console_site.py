# SPDX-License-Identifier: Apache-2.0
"""The console's site in this process, over a real store and gateways that answer from a dict: for tests of pages and of the API.

async with open_site(tmp_path) as site:                         # or url=postgres_server().create_database()
    await site.administrator("anna")                            # with all roles, or those that are named
    api = site.client(token=await site.token("anna"))           # an HTTP client; no server, no port
    browser = site.client(cookie=await site.cookie("anna"))     # signed in with password and code
    site.links.answers["berlin", "queue.list"] = [...]          # what a gateway says; a function gets the args
        await site.rooms.tracks.import_([...])                      # every room, and `await site.private("track.search")`

    with served_site(tmp_path) as served:                           # the same on a port of loopback, for clients that block
        token = served.run(served.site.token("anna"))
        ... served.url ...
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import httpx2
import pyotp

from gatepost.access.administrators import Changed
from gatepost.access.record import Came, Refusal
from gatepost.access.roles import RIGHTS, ROLES
from gatepost.access.sign_in import Done, Step
from gatepost.access.tokens import MadeToken
from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.contracts.actor import Actor
from gatepost.errors import ControlError
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import Artefact, Batch
from gatepost.replication.service import Operation
from gatepost.roles.console_rooms import ConsoleRooms
from gatepost.smtp.certificate import Certificate, Identity
from gatepost.storage.opening import open_store
from gatepost.testing import toml
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.ports import LOOPBACK
from gatepost.tracking.codec import KIND
from gatepost.tracking.record import FORM
from gatepost.web.frame.certificate import tls_context
from gatepost.web.frame.serving import WebServer
from gatepost.web.site import site as whole_site

URL: Final = "http://console.example"
CLIENT: Final = "192.0.2.7"
PASSWORD: Final = "a sentence that is easy to remember"
_LINK: Final = {
    "address": "",
    "fingerprint": "ab" * 32,
    "joined_at": 1_764_000_000.0,
    "contact_at": 1_764_000_100.0,
    "trouble": "",
    "store": "gateway-store",
    "waiting": 0,
    "oldest_age_s": 0.0,
    "to_send": 0,
    "to_send_oldest_age_s": 0.0,
    "program": "0.1.0",
}
_USUAL: Final[Mapping[str, Any]] = {"queue.list": [], "queue.show": [], "queue.retry": 0, "queue.drop": 0, "queue.routes": []}


class FakeLinks:
    """Gateways that answer from `answers` (gateway, operation), else as one where nothing is going on; one in `away` does not."""

    def __init__(self, names: Sequence[str], applier: Applier) -> None:
        self.names = tuple(names)
        self.applier = applier
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.away: set[str] = set()
        self.joined: list[dict[str, Any]] = []
        self.left: list[str] = []
        self.links = SimpleNamespace(greet=lambda put: None)

    def stir(self) -> None:
        """Hand over nothing."""

    async def health(self) -> dict[str, dict[str, Any]]:
        """Tell how each does."""
        return {name: {"trouble": "no answer"} if name in self.away else {"processes": self._processes(name)} for name in self.names}

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell how each does, as `gatepost role list` shows it."""
        return [
            {"name": name, **_LINK, "trouble": "no answer" * (name in self.away), "processes": self._processes(name)} for name in self.names
        ]

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = 10.0, identity: str = "") -> Any:
        """Give the answer that was laid down."""
        if name not in self.names:
            raise ControlError(f"there is no gateway {name!r}; `gatepost role list` shows those there are")
        self.asked.append((name, do, args))
        if name in self.away:
            raise ControlError(f"gateway {name} did not answer within {timeout_s:g} s; it may be busy or away")
        answer = self.answers.get((name, do), _USUAL.get(do))
        if answer is None:
            raise ControlError(f"this role does not know {do!r}")
        return answer(**args) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]

    def operations(self) -> dict[str, Any]:
        """Give what `gatepost role` may ask."""
        return {
            "role.list": self.gateways,
            "role.join": Operation(self.join, command=True),
            "role.leave": Operation(self.leave, command=True),
        }

    async def join(self, address: str, token: str, name: str = "") -> dict[str, Any]:
        """Win a gateway whose token is good."""
        self.joined.append({"address": address, "token": token, "name": name})
        if token != "good":
            raise ControlError(f"{address} does not know this token; make another one there with `gatepost role invite`")
        mark = "ab" * 32
        return {"name": name or "rome", "hostname": "rome.example", "fingerprint": mark, "own_fingerprint": mark, "store": "one"}

    async def leave(self, name: str) -> dict[str, Any]:
        """Part from one."""
        self.left.append(name)
        return {"name": name, "told": name not in self.away, "trouble": ""}

    def _processes(self, name: str) -> list[dict[str, Any]]:
        return self.answers.get((name, "processes"), [{"process": "deliver", "pid": 7, "version": 1, "error": ""}])


class Site:
    """The rooms, and the application over them."""

    def __init__(self, rooms: ConsoleRooms, links: FakeLinks) -> None:
        self.rooms, self.links = rooms, links
        self.house = rooms.house()
        self.application = whole_site(self.house)
        self.operations = rooms.operations()
        self._numbers = count(1)

    def client(self, *, token: str = "", cookie: Mapping[str, str] | None = None, client: str = CLIENT) -> httpx2.AsyncClient:
        """Give an HTTP client that follows no redirect."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.ASGITransport(self.application, raise_app_exceptions=True, client=(client, 40_000))
        return httpx2.AsyncClient(transport=transport, base_url=URL, headers=headers, cookies=dict(cookie or {}))

    async def private(self, do: str, **args: Any) -> Any:
        """Ask the private API, as the command line on this machine does."""
        operation = self.operations[do]
        return await (operation.handler if isinstance(operation, Operation) else operation)(**args)

    async def tell(self, *changes: tuple[int, bytes]) -> None:
        """Have a gateway tell of mails (tenant, encoded `TrackChange`; `contracts.track_mails.change` makes them)."""
        artefacts = [Artefact(next(self._numbers), KIND, FORM, tenant_id, 0.0, payload) for tenant_id, payload in changes]
        await self.links.applier.apply(Batch("a" * 32, tuple(artefacts)))

    async def administrator(self, name: str = "anna", *roles: str, tenant_id: int = 0) -> str:
        """Add an administrator; gives the one-time password."""
        added = await self.rooms.access.administrators.add(Actor("root", "cli", tenant_id=tenant_id), name, roles or ROLES)
        assert isinstance(added, Changed), added
        return added.one_time_password

    async def token(self, owner: str = "anna", *scopes: str, days: int = 1, tenant_id: int = 0) -> str:
        """Make a token for who exists, with all rights or those that are named; one's owner must have the roles for them."""
        made = await self.rooms.access.tokens.make(Actor(owner, "console", CLIENT, tenant_id), "test", scopes or RIGHTS, days)
        assert not isinstance(made, Refusal), made
        assert isinstance(made, MadeToken)
        return made.secret

    async def cookie(self, name: str = "anna", *roles: str) -> dict[str, str]:
        """Add an administrator and take him through his first sign-in; gives his cookie."""
        came, sign_in = Came(CLIENT, "test"), self.rooms.access.sign_in
        step = await sign_in.begin(name, await self.administrator(name, *roles), came)
        assert isinstance(step, Step), step
        step = await sign_in.give_password(step.ticket, PASSWORD, came)
        assert isinstance(step, Step), step
        enrolment = sign_in.enrolment(step.ticket)
        assert enrolment is not None
        done = await sign_in.give_code(step.ticket, pyotp.TOTP(enrolment.secret).now(), came)
        assert isinstance(done, Done), done
        return {"gatepost-session": done.cookie}


@asynccontextmanager
async def open_site(
    folder: Path, *, url: str = "sqlite", configuration: Configuration | None = None, gateways: Sequence[str] = ("berlin", "local")
) -> AsyncIterator[Site]:
    """Open the site over a fresh store; its configuration, version 1, owns example.com unless another is given."""
    seed = folder / "configuration.toml"
    await asyncio.to_thread(seed.write_text, toml.dump(configuration or relay_all_to(25)))
    bootstrap = Bootstrap(hostname="console.example", data=str(folder / "data"), configuration=str(seed))
    store = open_store(url, "intranet", folder / "data")
    links = FakeLinks(gateways, Applier(store))
    rooms = ConsoleRooms(bootstrap, store, links)  # type: ignore[arg-type]
    try:
        await rooms.begin(bootstrap.configuration)
        await rooms.tracks.start()
        site = Site(rooms, links)
        yield site
        await site.house.watch.close()
    finally:
        await rooms.close()
        await store.close()


class Served(NamedTuple):
    """A site on a port; `run` carries out a coroutine in its loop."""

    site: Site
    url: str
    folder: Path
    run: Callable[[Coroutine[Any, Any, Any]], Any]


@contextmanager
def served_site(folder: Path, *, identity: Identity | None = None, **options: Any) -> Iterator[Served]:
    """Open a site in a thread of its own and serve it on loopback, by TLS where there is an identity."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    stack = AsyncExitStack()

    async def open_() -> tuple[Site, int]:
        site = await stack.enter_async_context(open_site(folder, **options))
        listening = socket.create_server((LOOPBACK, 0))
        server = WebServer(site.application, [listening], Certificate("console", identity, tls_context) if identity else None)
        server.start()
        stack.push_async_callback(server.close)
        return site, listening.getsockname()[1]

    try:
        site, port = run(open_())
        yield Served(site, f"{'https' if identity else 'http'}://{LOOPBACK}:{port}", folder, run)
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
