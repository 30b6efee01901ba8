# SPDX-License-Identifier: Apache-2.0
"""Who may call a role over the network: pairing with a token, pinned certificates, and all that is turned away."""

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatepost.errors import ControlError, GatepostError, UsageError
from gatepost.replication import peers as peers_room
from gatepost.replication.certificate import LIFETIME, Identity, checked_certificate, fingerprint_of, own_identity
from gatepost.replication.commands import Commands
from gatepost.replication.dial import Remote, call_remote
from gatepost.replication.listening import TlsListener
from gatepost.replication.peers import VALID_S, Peers, read_token, write_token
from gatepost.replication.service import Operation, Peer, Service
from gatepost.replication.wire import STRANGER_BYTES
from gatepost.storage.store import SqliteStore
from gatepost.testing.ports import LOOPBACK, free_port
from waiting import PATIENCE_S

TOO_LATE = "this token is wrong, was used, or is older than 15 minutes; get a new one with `gatepost role invite`"


class House:
    """A role that listens, as a gateway does, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_800_000_000.0
        self.store = SqliteStore(folder)
        self.identity = own_identity(folder / "link", "gateway.example")
        self.peers = Peers(self.store, self.identity.fingerprint, clock=lambda: self.now)
        self.port = free_port()
        self.asked: list[str] = []
        self.operations = {
            "replication.health": Operation(self._health, with_peer=True),
            "role.pair": Operation(self._pair, with_peer=True),
            "role.invite": Operation(self._health, with_peer=True),
        }
        self.listener = TlsListener(LOOPBACK, self.port, self.identity, self.peers, Service(self.operations, Commands(self.store)))

    async def _health(self, peer: Peer) -> str:
        self.asked.append(peer.name)
        return peer.name

    async def _pair(self, peer: Peer, secret: bytes, certificate: str, name: str) -> str:
        return (await self.peers.pair(secret, certificate, name)).name

    def remote(self, certificate: str = "") -> Remote:
        return Remote(LOOPBACK, self.port, self.identity.fingerprint, certificate)

    async def pair(self, identity: Identity, token: str, name: str = "intranet.example", pem: str = "") -> Any:
        """Pair as the other role would."""
        call = await call_remote(self.remote(), identity)
        try:
            return await call.ask("role.pair", {"secret": read_token(token).secret, "certificate": pem or identity.pem, "name": name})
        finally:
            await call.close()

    async def call(self, identity: Identity, do: str = "replication.health") -> Any:
        """Call as a paired role would."""
        call = await call_remote(self.remote(self.identity.pem), identity)
        try:
            return await call.ask(do, {})
        finally:
            await call.close()

    async def close(self) -> None:
        await self.listener.close()
        await self.store.close()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Give a gateway that listens."""
    monkeypatch.setattr(peers_room, "REFUSAL_S", 0.05)
    made = House(tmp_path / "gateway")
    await made.listener.start()
    yield made
    await made.close()


@pytest.fixture
def ours(tmp_path: Path) -> Identity:
    """Give an intranet's certificate."""
    return own_identity(tmp_path / "intranet", "intranet.example")


def made_certificate(folder: Path, name: str, *, days_ago: int = 1, days: int = 10) -> Identity:
    """Make a certificate with a validity of our choice."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(pem)
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(encoded)
    return Identity(folder / "certificate.pem", folder / "key.pem", pem.decode(), fingerprint_of(ssl.PEM_cert_to_DER_cert(pem.decode())))


def refused_peers(capfd: pytest.CaptureFixture[str]) -> list[str]:
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    return [line["reason"] for line in lines if line["event"] == "link.peer_refused"]


# The certificate


def test_a_certificate_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """P-256, ten years, mode 0600, and the next process finds the same."""
    first = own_identity(tmp_path / "link", "gateway.example")
    assert own_identity(tmp_path / "link", "other.example") == first
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "link").iterdir()} == {0o600}
    assert (tmp_path / "link").stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [tmp_path / "link"]
    parsed = x509.load_pem_x509_certificate(first.pem.encode())
    assert isinstance(parsed.public_key(), ec.EllipticCurvePublicKey) and parsed.public_key().key_size == 256
    assert abs(parsed.not_valid_after_utc - datetime.datetime.now(datetime.UTC) - LIFETIME) < datetime.timedelta(minutes=5)
    assert checked_certificate(first.pem) == first.fingerprint


def test_a_damaged_certificate_says_how_to_mend_it(tmp_path: Path) -> None:
    """No traceback, but the folder's name and what to do."""
    own_identity(tmp_path / "link", "gateway.example")
    (tmp_path / "link" / "certificate.pem").write_text("nothing")
    with pytest.raises(GatepostError, match="remove the folder"):
        own_identity(tmp_path / "link", "gateway.example")


@pytest.mark.parametrize("text", ["", "x" * 10_000, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\x00"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Whatever its parser raises becomes one sentence."""
    with pytest.raises(GatepostError, match="the role's certificate cannot be taken"):
        checked_certificate(text)


# Pairing


async def test_a_token_pairs_one_role_once(house: House, ours: Identity) -> None:
    """Whoever has it is pinned under his name and may call; the token is used up."""
    token = await house.peers.invite()
    assert await house.pair(ours, token) == "intranet.example"
    assert await house.call(ours) == "intranet.example"
    (pinned,) = await house.peers.all()
    assert (pinned.fingerprint, pinned.certificate) == (ours.fingerprint, ours.pem)
    with pytest.raises(ControlError, match=TOO_LATE):
        await house.pair(ours, token)


@pytest.mark.parametrize("what", ["wrong", "used", "expired"])
async def test_a_token_that_is_no_good_is_told_alike_and_writes_nothing(house: House, ours: Identity, what: str, tmp_path: Path) -> None:
    """The answer does not tell a guesser how close he came."""
    token = await house.peers.invite()
    if what == "wrong":
        token = write_token(read_token(token)._replace(secret=b"\0" * 16))
    elif what == "used":
        await house.pair(own_identity(tmp_path / "first", "first.example"), token, "first.example")
    else:
        house.now += VALID_S + 1
    before = await house.peers.all()
    with pytest.raises(ControlError) as caught:
        await house.pair(ours, token)
    assert str(caught.value) == TOO_LATE and caught.value.exit_code == 1
    assert await house.peers.all() == before


async def test_of_two_who_use_one_token_at_once_one_is_paired(house: House, tmp_path: Path) -> None:
    """It is used up in the transaction that pins."""
    token = await house.peers.invite()
    roles = [own_identity(tmp_path / f"{number}", "x") for number in range(3)]
    results = await asyncio.gather(*(house.pair(one, token, f"r{number}") for number, one in enumerate(roles)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["ControlError", "ControlError", "str"]
    assert len(await house.peers.all()) == 1


async def test_the_store_does_not_know_a_token(house: House) -> None:
    """A copy of the store opens nothing."""
    secret = read_token(await house.peers.invite()).secret
    kept = await house.store.ask(lambda connection: connection.execute("SELECT digest FROM replication_invitation").fetchall())
    assert len(kept) == 1 and secret.hex() not in kept[0][0] and len(kept[0][0]) == 64


async def test_a_role_that_is_paired_anew_takes_its_old_place(house: House, ours: Identity, tmp_path: Path) -> None:
    """The certificate that it had before is no longer taken."""
    await house.pair(ours, await house.peers.invite())
    renewed = own_identity(tmp_path / "renewed", "intranet.example")
    await house.pair(renewed, await house.peers.invite())
    assert await house.call(renewed) == "intranet.example"
    with pytest.raises(ControlError, match="does not know our certificate"):
        await house.call(ours)


@pytest.mark.parametrize("name", ["", "-", "a b", "x" * 64, "ü", "a/b"])
async def test_a_name_that_cannot_be_is_refused(house: House, ours: Identity, name: str) -> None:
    """And the token still holds."""
    token = await house.peers.invite()
    with pytest.raises(ControlError, match="a role's name has"):
        await house.pair(ours, token, name)
    assert await house.pair(ours, token) == "intranet.example"


async def test_our_own_certificate_is_no_peer(house: House, ours: Identity) -> None:
    """A role is not paired with itself."""
    with pytest.raises(ControlError, match=TOO_LATE):
        await house.pair(ours, await house.peers.invite(), pem=house.identity.pem)


async def test_an_expired_certificate_is_not_pinned(house: House, tmp_path: Path) -> None:
    """It says from when to when it is valid, and the token still holds."""
    expired = made_certificate(tmp_path / "expired", "old.example", days_ago=20)
    token = await house.peers.invite()
    with pytest.raises(ControlError, match=r"it is valid from .* to "):
        await house.pair(expired, token)
    assert await house.peers.all() == []


def test_what_is_no_token_is_told() -> None:
    """A part of one is none."""
    token = write_token(read_token("gp1." + "A" * 64))
    for text in ("", "gp1.", token[:-4], token[4:], token + "AAAA", "gp1." + "!" * 64):
        with pytest.raises(UsageError, match="this is no token"):
            read_token(text)


# Who may call


async def test_another_certificate_than_the_tokens_is_told_before_anything_is_said(house: House, ours: Identity, tmp_path: Path) -> None:
    """Whoever stands in between learns no token."""
    other = own_identity(tmp_path / "other", "other.example")
    with pytest.raises(ControlError, match=r"shows the certificate .* somebody may be in between"):
        await call_remote(house.remote()._replace(fingerprint=other.fingerprint), ours)
    assert house.asked == []


async def test_a_gateway_with_another_certificate_is_not_talked_to(house: House, ours: Identity, tmp_path: Path) -> None:
    """The pin decides, not the address."""
    other = own_identity(tmp_path / "other", "other.example")
    with pytest.raises(ControlError, match="another certificate than the one it was paired with"):
        await call_remote(house.remote()._replace(fingerprint=other.fingerprint, certificate=other.pem), ours)


async def test_a_role_with_another_certificate_is_turned_away(house: House, ours: Identity, tmp_path: Path, capfd) -> None:
    """It is told why, and so is the log of who turned it away."""
    await house.pair(ours, await house.peers.invite())
    with pytest.raises(ControlError, match="does not know our certificate; pair the two anew"):
        await house.call(own_identity(tmp_path / "other", "intranet.example"))
    assert house.asked == []
    await _until_told(capfd, "its certificate is not one that was paired")


async def test_a_certificate_that_has_expired_is_turned_away(house: House, tmp_path: Path, capfd) -> None:
    """Also when it was pinned while it was valid."""
    expired = made_certificate(tmp_path / "expired", "old.example", days_ago=20)
    values = ("old.example", expired.fingerprint, expired.pem, "replication.", 0.0)
    text = "INSERT INTO replication_peer VALUES (?, ?, ?, ?, ?)"
    await house.store.perform(lambda connection, _: [connection.execute(text, values)], None)
    with pytest.raises(ControlError, match="says that our certificate has expired; remove the folder `link`"):
        await house.call(expired)
    await _until_told(capfd, "certificate has expired")


async def _until_told(capfd: pytest.CaptureFixture[str], what: str) -> None:
    told: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while not any(what in one for one in told):
            told += refused_peers(capfd)
            await asyncio.sleep(0.01)


async def test_a_stranger_may_pair_and_nothing_else(house: House, ours: Identity) -> None:
    """He is told so, and that he may not send much."""
    call = await call_remote(house.remote(), ours)
    for do in ("replication.health", "role.invite", "queue.list"):
        with pytest.raises(ControlError, match=r"may not call|does not know"):
            await call.ask(do, {})
    with pytest.raises(ControlError, match=f"a frame here has 1 to {STRANGER_BYTES} bytes"):
        await call.ask("role.pair", {"secret": b"x" * STRANGER_BYTES})
    await call.close()
    assert house.asked == []


async def test_a_paired_role_may_call_what_it_was_granted(house: House, ours: Identity) -> None:
    """An intranet makes no tokens on a gateway."""
    await house.pair(ours, await house.peers.invite())
    with pytest.raises(ControlError, match=r"intranet.example may not call 'role.invite' here; it may call replication.health"):
        await house.call(ours, "role.invite")


async def test_a_pin_that_was_taken_back_holds_no_longer(house: House, ours: Identity) -> None:
    """From the next connection on."""
    await house.pair(ours, await house.peers.invite())
    assert (await house.peers.remove("intranet.example")) is not None
    with pytest.raises(ControlError, match="does not know our certificate"):
        await house.call(ours)
    assert await house.peers.remove("intranet.example") is None


async def test_older_tls_is_not_spoken(house: House) -> None:
    """TLS 1.2 ends in the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match=r"ALERT_PROTOCOL_VERSION|alert protocol version"):
        await asyncio.open_connection(LOOPBACK, house.port, ssl=context)


async def test_whoever_speaks_no_tls_costs_nothing_and_is_told_of(house: House, ours: Identity, capfd) -> None:
    """The next caller is served as ever."""
    reader, writer = await asyncio.open_connection(LOOPBACK, house.port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert b"HTTP" not in await reader.read()
    writer.close()
    await _until_told(capfd, "the TLS handshake failed")
    await house.pair(ours, await house.peers.invite())
    assert await house.call(ours) == "intranet.example"


async def test_an_address_that_is_taken_is_told_with_its_setting(house: House) -> None:
    """The sentence names `link.listen`."""
    second = TlsListener(LOOPBACK, house.port, house.identity, house.peers, Service({}))
    with pytest.raises(GatepostError, match=f"link.listen {LOOPBACK}:{house.port}"):
        await second.start()


async def test_nobody_there_is_told_with_what_to_check(ours: Identity) -> None:
    """Exit code 3: it could not."""
    with pytest.raises(ControlError, match=r"cannot be reached .* check the address and its `link.listen`") as caught:
        await call_remote(Remote(LOOPBACK, free_port(), "0" * 64, ""), ours)
    assert caught.value.exit_code == 3
