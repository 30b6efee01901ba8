# SPDX-License-Identifier: Apache-2.0
"""Who may send to the world besides a listed network: who authenticates, and who shows the right certificate."""

import asyncio
import base64
import ssl
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher

from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import CorporateServer, SubmissionUser
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import free_port
from gatepost.testing.sink import Sink
from gatepost.testing.tls import CertificateFiles, self_signed
from wire_client import WireClient

MAIL = b"From: jo@example.com\r\nSubject: x\r\n\r\ntext\r\n"
HASH = PasswordHasher(time_cost=1, memory_cost=1024).hash("open sesame")


def _plain(user: str, password: str) -> str:
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


@pytest.fixture
def certificate(tmp_path: Path) -> CertificateFiles:
    return self_signed(tmp_path / "tls")


async def test_an_authenticated_user_sends_to_the_world(tmp_path: Path, certificate: CertificateFiles) -> None:
    """AUTH is offered only over TLS, a wrong password is refused, a good one opens the way outwards."""
    async with Sink() as sink:
        configuration = msgspec.structs.replace(
            relay_all_to(sink.port), submission_users=(SubmissionUser(name="jo@example.com", password=HASH),)
        )
        listener = Listener(address="127.0.0.1", port=free_port(), tls="required", serves="submission")
        async with Gateway(tmp_path / "gw", configuration, listeners=[listener], tls=certificate) as gateway:

            def talk() -> list[str]:
                replies = []
                with WireClient(gateway.port) as client:
                    replies.append("AUTH" if "AUTH" in client.say("EHLO jo") else "no AUTH")
                    replies.append(client.say(f"AUTH PLAIN {_plain('jo@example.com', 'open sesame')}")[:3])
                    replies.append(client.say("MAIL FROM:<jo@example.com>")[:3])
                    client.starttls()
                    replies.append("AUTH" if "AUTH PLAIN LOGIN" in client.say("EHLO jo") else "no AUTH")
                    replies.append(client.say("MAIL FROM:<jo@example.com>")[:3])
                    replies.append(client.say(f"AUTH PLAIN {_plain('jo@example.com', 'wrong')}")[:3])
                    replies.append(client.say(f"AUTH PLAIN {_plain('nobody@example.com', 'wrong')}")[:3])
                    replies.append(client.say(f"AUTH PLAIN {_plain('jo@example.com', 'open sesame')}")[:3])
                    replies.append(client.send("jo@example.com", ["you@elsewhere.example"], MAIL)[:3])
                return replies

            replies = await asyncio.to_thread(talk)
            (mail,) = await sink.wait(1)
    assert replies == ["no AUTH", "538", "530", "AUTH", "530", "535", "535", "235", "250"]
    assert mail.recipients == ("you@elsewhere.example",)
    assert b"with ESMTPSA id" in mail.content


async def test_a_client_certificate_makes_a_corporate_server(tmp_path: Path, certificate: CertificateFiles) -> None:
    """Only the listed certificate may relay; the same authority's other one, and none at all, may not."""
    listed, other = self_signed(tmp_path / "listed", "inner.example"), self_signed(tmp_path / "other", "other.example")
    authority = tmp_path / "authority.pem"
    authority.write_bytes(listed.certificate.read_bytes() + other.certificate.read_bytes())
    digest = _sha256(listed.certificate)
    async with Sink() as sink:
        configuration = msgspec.structs.replace(
            relay_all_to(sink.port), corporate_servers=(CorporateServer(name="inner", certificate_sha256=digest),)
        )
        listener = Listener(address="127.0.0.1", port=free_port(), tls="offered", client_ca=str(authority))
        async with Gateway(tmp_path / "gw", configuration, listeners=[listener], tls=certificate) as gateway:

            def relay(client_certificate: CertificateFiles | None) -> str:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                if client_certificate is not None:
                    context.load_cert_chain(client_certificate.certificate, client_certificate.key)
                with WireClient(gateway.port) as client:
                    client.say("EHLO inner")
                    assert client.say("STARTTLS").startswith("220")
                    client.socket = context.wrap_socket(client.socket)
                    client.say("EHLO inner")
                    return client.send("jo@example.com", ["you@elsewhere.example"], MAIL)[:9]

            answers = [await asyncio.to_thread(relay, one) for one in (listed, other, None)]
    assert answers[0].startswith("250 2.0.0")
    assert answers[1:] == ["550 5.7.1", "550 5.7.1"]


def _sha256(certificate: Path) -> str:
    import hashlib

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()


async def test_a_corporate_server_is_not_blocked_for_one_broken_mail(tmp_path: Path) -> None:
    """A bare line end is refused from anybody; only strangers are kept out afterwards."""
    async with Sink() as sink:
        configuration = msgspec.structs.replace(
            relay_all_to(sink.port), corporate_servers=(CorporateServer(name="inner", networks=("127.0.0.9",)),)
        )
        async with Gateway(tmp_path, configuration) as gateway:

            def talk(source: str) -> tuple[str, str]:
                with WireClient(gateway.port, source=source) as client:
                    client.say("EHLO x")
                    refused = client.send("jo@example.com", ["user@example.com"], MAIL + b"bare\nline\r\n")
                with WireClient(gateway.port, source=source) as client:
                    return refused[:10], client.greeting[:3]

            assert await asyncio.to_thread(talk, "127.0.0.9") == ("550 5.6.11", "220")
            assert await asyncio.to_thread(talk, "127.0.0.8") == ("550 5.6.11", "421")
