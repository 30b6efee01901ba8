# SPDX-License-Identifier: Apache-2.0
"""Browsers and programs that visit a console on a port, each from an address of its own."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest

from console_site import PASSWORD
from gatepost.smtp.certificate import Identity
from gatepost.testing.tls import self_signed, unchecked_client_context
from security.console_attack import Target, attacked
from waiting import PATIENCE_S

COOKIE = "gatepost-session"
_addresses = (f"127.0.{third}.{fourth}" for third in range(2, 250) for fourth in range(2, 250))


@contextmanager
def client(target: Target, *, tls: bool = False, **headers: str) -> Iterator[httpx2.Client]:
    """Give an HTTP client with an address of its own, so that nobody pays for what another one guessed."""
    url = target.url.replace("http", "https") if tls else target.url
    transport = httpx2.HTTPTransport(verify=unchecked_client_context() if tls else True, local_address=next(_addresses))
    with httpx2.Client(base_url=url, transport=transport, headers=headers, timeout=PATIENCE_S) as http:
        yield http


class Browser:
    """A browser of one person, which keeps its cookies itself."""

    open = ExitStack()

    def __init__(self, target: Target, *, tls: bool = False) -> None:
        self._target = target
        self.http = self.open.enter_context(client(target, tls=tls))
        self.name = ""

    def sign_in(self, name: str, *roles: str) -> httpx2.Response:
        """Add an administrator and take him through his first sign-in; gives the last answer."""
        self.name = name
        one_time = self._target.run(self._target.site.administrator(name, *roles))
        page = self.http.post("/sign-in", data={"name": name, "password": one_time})
        page = self.http.post("/sign-in", data={"ticket": hidden(page, "ticket"), "new_password": PASSWORD, "again": PASSWORD})
        secret = re.search(r'id="secret">([A-Z2-7]+)<', page.text)[1]  # type: ignore[index]
        return self.http.post("/sign-in", data={"ticket": hidden(page, "ticket"), "code": pyotp.TOTP(secret).now()})

    def post(self, path: str, **fields: str) -> httpx2.Response:
        """Send a form with the session's token."""
        return self.http.post(path, data={"form_token": hidden(self.http.get("/account"), "form_token"), **fields})

    @property
    def is_in(self) -> bool:
        """Whether its session opens a page."""
        return self.http.get("/account").status_code == 200

    @property
    def cookie(self) -> str:
        """What it holds."""
        return next(one.value or "" for one in self.http.cookies.jar if one.name.endswith(COOKIE))


def ask(target: Target, method: str, path: str, *, bearer: str = "", **more: Any) -> httpx2.Response:
    """Ask once, as a stranger or with a token."""
    with client(target, **({"Authorization": f"Bearer {bearer}"} if bearer else {})) as http:
        return http.request(method, path, **more)


def hidden(page: httpx2.Response, name: str) -> str:
    """Give the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found, page.text[-2000:]
    return found[1]


# --- fixtures, to be imported -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="identity")
def an_identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A certificate for the console."""
    files = self_signed(tmp_path_factory.mktemp("identity"), "console.example")
    return Identity(Path(files.certificate), Path(files.key))


@pytest.fixture(scope="module", name="target")
def a_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A console without TLS."""
    with attacked(tmp_path_factory.mktemp("plain")) as target:
        yield target


@pytest.fixture(scope="module", name="secure")
def a_secure_target(tmp_path_factory: pytest.TempPathFactory, identity: Identity) -> Iterator[Target]:
    """A console on TLS."""
    with attacked(tmp_path_factory.mktemp("secure"), identity=identity) as target:
        yield target


@pytest.fixture(autouse=True)
def closed_browsers() -> Iterator[None]:
    """Close what a test opened."""
    with ExitStack() as Browser.open:
        yield
