# SPDX-License-Identifier: Apache-2.0
"""A renewed certificate of the console is shown without a restart, and nothing that is half there takes the old one's place."""

import hashlib
import json
import shutil
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from gatepost.smtp import certificate
from gatepost.telemetry.log import emit
from gatepost.testing.tls import unchecked_client_context
from renewed_pair import Pair, fingerprint_in
from security.console_attack import Target, attacked, request
from waiting import until

PAGE = request("GET", "/sign-in")
KEPT = request("GET", "/sign-in", keep=True)


def shown(connection: socket.socket) -> str:
    """Give the SHA-256 of the certificate that a connection was shown."""
    assert isinstance(connection, ssl.SSLSocket)
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def shown_by(target: Target) -> str:
    """Connect anew, be served a page, and give what was shown."""
    assert target.send(PAGE, context=unchecked_client_context()).status == 200
    with target.connect(unchecked_client_context()) as connection:
        return shown(connection)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A pair in its place."""
    return Pair(tmp_path / "tls")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the console look at once."""
    monkeypatch.setattr(certificate, "LOOK_S", 0.02)


async def test_a_renewed_pair_is_shown_to_who_connects_from_then_on(pair, tmp_path, soon, capfd):
    """The connection that stands goes on with its own; it is told once, with the certificate's fingerprint."""
    first = fingerprint_in(pair.identity.certificate)
    with attacked(tmp_path, identity=pair.identity) as target, target.connect(unchecked_client_context()) as standing:
        assert shown(standing) == shown_by(target) == first
        second = pair.lay(pair.make())
        await until(lambda: shown_by(target) == second, "the new certificate is shown")
        standing.sendall(KEPT)
        assert standing.recv(100).startswith(b"HTTP/1.1 200 ") and shown(standing) == first
        third = pair.lay(pair.make())
        await until(lambda: shown_by(target) == third, "it is renewed once more")
    told = events(capfd.readouterr().err)
    assert [event["sha256"] for name, event in told if name == "tls.certificate_taken"] == [second, third]


def _key_of_another(pair: Pair) -> None:
    shutil.copy(pair.make().certificate, pair.identity.certificate)


def _half(pair: Pair) -> None:
    whole = pair.make().certificate.read_bytes()
    pair.identity.certificate.write_bytes(whole[: len(whole) // 2])


def _no_key(pair: Pair) -> None:
    pair.identity.key.unlink()


def _empty(pair: Pair) -> None:
    pair.identity.certificate.write_bytes(b"")


def _sealed(pair: Pair) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pair.identity.key.read_bytes(), None)
    seal = serialization.BestAvailableEncryption(b"a password")
    pair.identity.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal))


@pytest.mark.parametrize("spoil", [_key_of_another, _half, _no_key, _empty, _sealed], ids=lambda one: one.__name__.strip("_"))
async def test_a_pair_that_is_no_good_is_told_and_the_old_one_is_shown_on(
    pair, tmp_path, soon, capfd, monkeypatch, spoil: Callable[[Pair], None]
):
    """Once, with the reason and the file; when the pair is whole at last it is taken."""
    first, told = fingerprint_in(pair.identity.certificate), []
    # The log is read when nobody writes it any more: what is written while it is taken would be lost.
    monkeypatch.setattr(certificate, "emit", lambda event: (emit(event), told.append(event)))
    with attacked(tmp_path, identity=pair.identity) as target:
        spoil(pair)
        await until(lambda: told, "it is told")
        assert shown_by(target) == first
        second = pair.lay(pair.make())
        await until(lambda: shown_by(target) == second, "the whole pair is shown")
    (name, kept), *_, (last, taken) = events(capfd.readouterr().err)
    assert (name, kept["level"]) == ("tls.certificate_kept", "warning")
    assert (last, taken["sha256"]) == ("tls.certificate_taken", second)
    assert kept["certificate"] == str(pair.identity.certificate)
    assert "set `tls` to PEM files that belong together" in kept["reason"] and "PRIVATE" not in kept["reason"]


def events(log: str) -> list[tuple[str, dict[str, str]]]:
    """Give what a log tells of certificates."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [(one["event"], one) for one in lines if one["event"].startswith("tls.certificate")]
