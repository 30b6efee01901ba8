# SPDX-License-Identifier: Apache-2.0
"""The console's process and what stands before it: its listeners, a renewed certificate, a proxy, and the address that people know."""

import asyncio
import hashlib
import json
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from gatepost.config.bootstrap import Bootstrap, Listener, Tls
from gatepost.roles import console
from gatepost.roles.control import ask, console_path
from gatepost.smtp import certificate
from gatepost.testing import toml
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.ports import LOOPBACK, free_port
from gatepost.testing.tls import CertificateFiles, self_signed, unchecked_client_context
from waiting import PATIENCE_S, until

VISITOR = "203.0.113.9"
TAKEN = '"event":"tls.certificate_taken"'


class Front(NamedTuple):
    """A console in this process: one plain listener, two with TLS."""

    bootstrap: Bootstrap
    files: CertificateFiles

    def ask(self, do: str, **args: Any) -> Any:
        """Ask on its socket, as the command line does."""
        return ask(console_path(self.bootstrap), do, **args)

    @property
    def ports(self) -> list[int]:
        """Of its listeners, the plain one first."""
        return [one.port for one in self.bootstrap.listeners]

    def shown(self) -> list[str]:
        """Give the SHA-256 of the certificate that each listener with TLS shows."""
        context = unchecked_client_context()
        found = []
        for port in self.ports[1:]:
            with socket.create_connection((LOOPBACK, port)) as plain, context.wrap_socket(plain, server_hostname="x") as secured:
                found.append(hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest())
        return found

    def call(self, port: int, scheme: str = "http") -> int:
        """Call the API without a token, by the proxy; gives the status."""
        verify: Any = unchecked_client_context() if scheme == "https" else True
        headers = {"X-Forwarded-For": f"1.2.3.4, {VISITOR}"}
        return httpx2.get(
            f"{scheme}://{LOOPBACK}:{port}/api/v1/incidents", verify=verify, headers=headers, trust_env=False, timeout=PATIENCE_S
        ).status_code

    def trust(self, *networks: str) -> None:
        """Make a version that trusts these."""
        self.apply(f"[console]\ntrusted_proxies = {json.dumps(networks)}\n")

    def apply(self, tail: str) -> None:
        """Make a version that ends so, in place of what the one before said of notices and the console."""
        now = self.ask("config.export")
        document = re.split(r"^\[(?:notices|console)\]$", now["document"], maxsplit=1, flags=re.MULTILINE)[0] + "\n" + tail
        made = self.ask("config.apply", document=document, source="test", author="ann", reason="a proxy", based_on=now["number"])
        assert made["outcome"] == "made", made


@pytest.fixture
async def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    """Start one that looks at its files often, without a gateway beside it."""
    monkeypatch.setattr(certificate, "LOOK_S", 0.02)
    files = self_signed(tmp_path / "tls", "console.example")
    (tmp_path / "configuration.toml").write_text(toml.dump(relay_all_to(25)))
    listeners = tuple(
        Listener(address=LOOPBACK, port=free_port(), tls=tls, serves="console")
        for tls in ("none", "implicit", "implicit")  # type: ignore[arg-type]
    )
    bootstrap = Bootstrap(
        role="intranet",
        hostname="console.example",
        data=str(tmp_path / "data"),
        configuration=str(tmp_path / "configuration.toml"),
        listeners=listeners,
        tls=Tls(certificate=str(files.certificate), key=str(files.key)),
    )
    (tmp_path / "data" / "run").mkdir(parents=True)
    drain = await console.start(bootstrap, {})
    yield Front(bootstrap, files)
    await drain()


async def test_a_renewed_certificate_is_shown_on_each_listener_and_told_once(
    front: Front, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One look at the files serves all listeners of the process."""
    first = await asyncio.to_thread(front.shown)
    assert len(set(first)) == 1
    new = self_signed(tmp_path / "new", "console.example")
    await asyncio.to_thread(shutil.copy, new.certificate, front.files.certificate)
    await asyncio.to_thread(shutil.copy, new.key, front.files.key)
    expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(new.certificate.read_text())).hexdigest()
    await until(lambda: front.shown() == [expected, expected], "both show the new one")
    told: list[str] = []
    await until(lambda: told.append(capfd.readouterr().err) or TAKEN in "".join(told), "it is told")
    assert await asyncio.to_thread(front.shown) == [expected, expected]
    assert ("".join(told) + capfd.readouterr().err).count(TAKEN) == 1


async def test_a_proxy_is_trusted_from_when_a_version_says_so_until_one_says_otherwise(
    front: Front, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a restart, on plain listeners and on those with TLS; who is refused is told by the visitor's address."""

    def told() -> set[str]:
        for port, scheme in zip(front.ports, ("http", "https", "https"), strict=True):
            assert front.call(port, scheme) == 401
        events = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"access.token_refused"' in line]
        return {one["client"] for one in events[-3:]}

    assert await asyncio.to_thread(told) == {LOOPBACK}
    await asyncio.to_thread(front.trust, "192.0.2.0/24", LOOPBACK)
    await until(lambda: told() == {VISITOR}, "the proxy is trusted")
    await asyncio.to_thread(front.trust)
    await until(lambda: told() == {LOOPBACK}, "it is trusted no more")


async def test_links_lead_to_the_public_address_of_the_version_in_force(front: Front) -> None:
    """Without a restart; to the console's own first listener where it names none."""
    told: list[dict[str, Any]] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None
            told.append(json.loads(await reader.readexactly(int(length[1]))))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it has hung up: it posts again
        finally:
            writer.close()

    async with await asyncio.start_server(hear, LOOPBACK, 0) as receiver:
        url = f"http://{LOOPBACK}:{receiver.sockets[0].getsockname()[1]}/"
        await asyncio.to_thread(front.ask, "webhook.create", name="chat", url=url, author="ann")
        own, public = f"http://{LOOPBACK}:{front.ports[0]}", "https://console.example.com"
        for address in ("", public, ""):
            # An incident opens anew with each: first somebody is named to whom notices go, then nobody.
            for recipient in ("ann@example.com", ""):
                tail = f'[notices]\nadministrative_address = "{recipient}"\n[console]\npublic_address = "{address}"\n'
                await asyncio.to_thread(front.apply, tail)
                found = await asyncio.to_thread(front.ask, "incident.recheck", kind="notices.nowhere", subject="mail")
            opened = {"event": "opened", "incident": found["id"], "link": f"{address or own}/incidents/{found['id']}"}
            await until(lambda opened=opened: [one for one in told if opened.items() <= one.items()], f"{opened} is told")
