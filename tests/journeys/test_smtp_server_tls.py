# SPDX-License-Identifier: Apache-2.0
"""TLS on real sockets: STARTTLS and implicit, what may be said before and after, and what must not cross the border."""

import asyncio
import hashlib
import socket
import ssl
from base64 import b64encode

import pytest

from gatepost.smtp.tls import server_context
from gatepost.testing.tls import CertificateFiles, self_signed, unchecked_client_context
from security.receiving_server import Client, on_both_loops, receiving
from waiting import PATIENCE_S, until

LOGIN = b"AUTH PLAIN " + b64encode(b"\0user\0good")


@pytest.fixture
def identity(tmp_path):
    """A certificate of our own, as a listener's context."""
    files = self_signed(tmp_path)
    return lambda: server_context(str(files.certificate), str(files.key))


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@pytest.mark.parametrize("implicit", [True, False])
@on_both_loops
async def test_a_mail_goes_through_tls(identity, implicit, cut):
    """With STARTTLS or from the first byte on, the mail arrives and the peer is noted as encrypted."""
    async with receiving(tls=identity(), implicit=implicit) as server:
        client = await Client.connect(server.address, tls=implicit)
        if not implicit:
            assert "STARTTLS" in await client.say(b"EHLO c", cut)
            await client.starttls()
        await client.envelope()
        await client.say(b"DATA", cut)
        await client.send(b"body\r\n.\r\n", cut)
        assert (await client.reply())[:3] == "250"
        assert (await client.say(b"QUIT"))[:3] == "221"
        assert await client.rest() == []
        await client.close()
    (mail,) = server.house.mails
    assert mail.content == b"body\r\n"
    assert mail.peer.tls.startswith("TLSv1.3 TLS_")
    assert mail.peer.certificate_sha256 == ""


@on_both_loops
async def test_a_login_counts_only_after_tls(identity):
    """On a submission listener: no AUTH in plain, none that survives, and mail only after it."""
    async with receiving(tls=identity(), submission=True) as server:
        client = await Client.connect(server.address)
        assert "AUTH" not in await client.say(b"EHLO c")
        assert (await client.say(LOGIN))[:10] == "538 5.7.11"
        assert (await client.say(b"MAIL FROM:<a@example.org>"))[:3] == "530"
        await client.starttls()
        assert "AUTH PLAIN LOGIN" in await client.say(b"EHLO c")
        assert (await client.say(b"MAIL FROM:<a@example.org>"))[:3] == "530"
        assert (await client.say(b"AUTH LOGIN"))[:3] == "334"
        assert (await client.say(b64encode(b"user")))[:3] == "334"
        assert (await client.say(b64encode(b"bad")))[:3] == "535"
        assert (await client.say(LOGIN))[:3] == "235"
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\nx")
        assert (await client.reply())[:3] == "250"
        await client.close()
    assert server.house.mails[0].peer.user == "user"


@pytest.mark.parametrize("later", [False, True])
@on_both_loops
async def test_what_is_said_in_plain_behind_starttls_is_never_obeyed(identity, later):
    """In the same segment it is refused; in a later one it is no TLS, and the connection ends."""
    async with receiving(tls=identity()) as server:
        client = await Client.connect(server.address)
        await client.say(b"EHLO c")
        if later:
            assert (await client.say(b"STARTTLS"))[:3] == "220"
            await client.send(b"MAIL FROM:<evil@example.net>\r\n", "bytes")
            assert all("250" not in reply for reply in await client.rest())
        else:
            await client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n")
            assert [reply[:9] for reply in await client.rest()] == ["554 5.7.0"]
        await client.close()
    assert server.house.said == []


@on_both_loops
async def test_what_comes_in_plain_while_the_tar_pit_holds_the_220_ends_the_session(identity):
    """Also then nothing said in plain can be taken as said under TLS."""
    async with receiving(tls=identity(), tar_pit="low") as server:
        server.reception.tar_pit_s = 0.1
        client = await Client.connect(server.address)
        await client.say(b"WRONG")
        await client.say(b"EHLO c")
        (taken,) = server.reception.connections
        taken._tar_pit_s = PATIENCE_S
        await client.send(b"STARTTLS\r\n")
        await until(lambda: taken._held, "the 220 is held")
        await client.send(b"MAIL FROM:<evil@example.net>\r\n")
        await until(lambda: taken.session.buffered, "something waits")
        taken._held.cancel()
        taken._leave_tar_pit()
        assert [reply[:9] for reply in await client.rest()] == ["220 2.0.0", "554 5.7.0"]
        await client.close()
    assert server.house.said == []


@on_both_loops
async def test_the_tar_pit_holds_the_220_and_then_tls_begins(identity):
    """A client that erred before can still turn to TLS."""
    async with receiving(tls=identity(), tar_pit="low") as server:
        server.reception.tar_pit_s = 0.05
        client = await Client.connect(server.address)
        await client.say(b"WRONG")
        await client.say(b"EHLO c")
        began = asyncio.get_running_loop().time()
        await client.starttls()
        assert asyncio.get_running_loop().time() - began >= 0.045
        await client.envelope()
        await client.close()


@pytest.mark.parametrize("implicit", [True, False])
@on_both_loops
async def test_garbage_in_place_of_a_handshake_ends_the_connection(identity, implicit):
    """Not a word in plain; the slot is free again."""
    async with receiving(tls=identity(), implicit=implicit, connections=1) as server:
        for garbage in (b"EHLO c\r\n", b"\x16\x03\x01\x00\x04\xff\x00\x00\x00", b"\x80" * 600):
            client = await Client.connect(server.address, greet=not implicit)
            if not implicit:
                await client.say(b"EHLO c")
                assert (await client.say(b"STARTTLS"))[:3] == "220"
            await client.send(garbage)
            assert all(not reply[:3].isdigit() for reply in await client.rest())
            await client.close()
        assert server.reception.connections == set()


@pytest.mark.parametrize("implicit", [True, False])
@on_both_loops
async def test_tls_timeout_s_bounds_the_handshake(identity, implicit):
    """A client that begins no handshake, or drips it, is hung up on."""
    async with receiving(tls=identity(), implicit=implicit, tls_timeout_s=0.2) as server:
        began = asyncio.get_running_loop().time()
        client = await Client.connect(server.address, greet=not implicit)
        if not implicit:
            await client.say(b"EHLO c")
            await client.say(b"STARTTLS")
        ended = asyncio.ensure_future(client.rest())
        for byte in (b"\x16", b"\x03", b"\x01", b"\x02", b"\x00", b"\x01", b"\x00") * 70:  # one record, for longer than the bound
            if ended.done():
                break
            await client.send(byte)
            await asyncio.wait([ended], timeout=0.05)
        assert await ended == []
        assert 0.2 <= asyncio.get_running_loop().time() - began < 20
        await client.close()


@on_both_loops
async def test_a_ticket_of_one_listener_is_none_at_another(identity):
    """A session resumes at the listener that gave its ticket and nowhere else, in TLS 1.2 and 1.3."""
    async with receiving(tls=identity(), implicit=True) as first, receiving(tls=identity(), implicit=True) as second:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = unchecked_client_context()
            context.minimum_version = context.maximum_version = version
            session, reused = await asyncio.to_thread(_handshake, context, first.address, None)
            assert session is not None and not reused
            assert (await asyncio.to_thread(_handshake, context, first.address, session))[1]
            assert not (await asyncio.to_thread(_handshake, context, second.address, session))[1]


def _handshake(context: ssl.SSLContext, address: tuple[str, int], session: ssl.SSLSession | None) -> tuple[ssl.SSLSession | None, bool]:
    with socket.create_connection(address, PATIENCE_S) as raw, context.wrap_socket(raw, session=session) as wrapped:
        assert wrapped.recv(3) == b"220"
        wrapped.sendall(b"QUIT\r\n")
        wrapped.recv(1000)
        return wrapped.session, bool(wrapped.session_reused)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@on_both_loops
async def test_old_versions_are_not_spoken(identity, version):
    """TLS 1.2 is the least (RFC 8997)."""
    async with receiving(tls=identity(), implicit=True) as server:
        context = unchecked_client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(_handshake, context, server.address, None)


@on_both_loops
async def test_a_client_certificate_is_noted_when_it_chains(tmp_path):
    """Its fingerprint is the peer's; one that does not chain ends the handshake."""
    ours, theirs, stranger = (self_signed(tmp_path / name, name) for name in ("gate.example", "client.example", "stranger.example"))
    async with receiving(
        tls=server_context(str(ours.certificate), str(ours.key), client_ca=str(theirs.certificate)), implicit=True
    ) as server:
        await asyncio.to_thread(_mail_with_certificate, server.address, theirs)
        await asyncio.to_thread(_mail_with_certificate, server.address, None)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.to_thread(_mail_with_certificate, server.address, stranger)
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(theirs.certificate.read_text())).hexdigest()
    assert [mail.peer.certificate_sha256 for mail in server.house.mails] == [fingerprint, ""]


def _mail_with_certificate(address: tuple[str, int], certificate: CertificateFiles | None) -> None:
    context = unchecked_client_context()
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    with socket.create_connection(address, PATIENCE_S) as raw, context.wrap_socket(raw) as wrapped:
        wrapped.sendall(b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nBDAT 0 LAST\r\nQUIT\r\n")
        said = b""
        while b"221 " not in said:
            piece = wrapped.recv(65536)
            if not piece:
                raise ConnectionError("hung up")
            said += piece


@pytest.mark.parametrize("implicit", [True, False])
@on_both_loops
async def test_a_handshake_asks_for_what_is_shown_when_it_begins(tmp_path, implicit):
    """What was renewed since the listener opened, or since the session began, is shown; a session under TLS keeps its own."""
    old, new = (server_context(*self_signed(tmp_path / name, "gate.example")) for name in ("old", "new"))
    asked = []
    async with receiving(tls=lambda: asked.append(old if len(asked) < 1 else new) or asked[-1], implicit=implicit) as server:
        clients = [await Client.connect(server.address, tls=implicit) for _ in range(2)]
        assert len(asked) == 2 * implicit
        for client in clients:
            await client.say(b"EHLO c")
            if not implicit:
                await client.starttls()
        assert asked == [old, new]
        for client in clients:
            await client.envelope()
            await client.send(b"BDAT 1 LAST\r\nx")
            assert (await client.reply())[:3] == "250"
            await client.close()
        assert asked == [old, new]
    assert [mail.peer.tls[:7] for mail in server.house.mails] == ["TLSv1.3"] * 2
