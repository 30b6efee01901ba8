# SPDX-License-Identifier: Apache-2.0
"""A renewed certificate is taken whole or not at all, for all listeners of a process in one step."""

import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gatepost.errors import GatepostError
from gatepost.smtp import certificate
from gatepost.smtp.certificate import Certificate, Identity
from gatepost.smtp.leaf import read_leaf
from gatepost.smtp.tls import server_context
from gatepost.telemetry.events import CertificateKept, CertificateTaken
from renewed_pair import Pair, fingerprint_in
from waiting import until


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A pair in its place."""
    return Pair(tmp_path / "tls")


def context(identity: Identity) -> ssl.SSLContext:
    """Make what one listener shows."""
    return server_context(*identity)


def test_what_somebody_is_still_writing_is_left_alone(pair: Pair) -> None:
    """It is taken at the second look that finds it the same, so that a chain of which only the first certificate is there yet is not."""
    held = Certificate("receive", pair.identity, context)
    first = held.shown
    assert [held.look(), held.look()] == [None, None]
    whole = pair.identity.certificate.read_text()
    pair.lay(pair.make())
    for count in range(1, 4):
        with pair.identity.certificate.open("a") as file:
            file.write(whole)
        assert (held.look(), held.shown) == (None, first), count
    assert isinstance(held.look(), CertificateTaken)
    assert held.shown is not first
    assert [held.look(), held.look()] == [None, None]


def test_what_changes_while_it_is_read_is_read_again(pair: Pair) -> None:
    """A pair of which one file was exchanged in between is not taken on the word of the look before."""
    meanwhile: list[Identity] = []

    def make(identity: Identity) -> ssl.SSLContext:
        made = context(identity)
        if meanwhile:
            pair.lay(meanwhile.pop())
        return made

    held = Certificate("receive", pair.identity, make)
    first = held.shown
    pair.lay(pair.make())
    assert held.look() is None
    meanwhile.append(pair.make())
    assert (held.look(), held.shown) == (None, first)
    assert held.look() is None
    told = held.look()
    assert isinstance(told, CertificateTaken) and told.sha256 == fingerprint_in(pair.identity.certificate)


def test_each_state_of_the_files_is_told_once(pair: Pair) -> None:
    """A broken pair is no news at the next look; what is back as it was is none either, until it breaks anew."""
    held = Certificate("receive", pair.identity, context)
    aside = pair.identity.key.with_suffix(".aside")
    for _ in range(2):
        pair.identity.key.rename(aside)
        assert [type(held.look()) for _ in range(4)] == [type(None), CertificateKept, type(None), type(None)]
        assert "are no certificate and its key (No such file or directory)" in held.state.kept
        aside.rename(pair.identity.key)
        assert [held.look() for _ in range(3)] == [None, None, None]
        assert held.state.kept == ""


def test_the_state_is_that_of_what_is_shown(pair: Pair) -> None:
    """Not of the files: while a new pair cannot be taken the old one's time runs on, and why is told beside it."""
    held = Certificate("receive", pair.identity, context)
    first, old = held.state, read_leaf(pair.identity.certificate)
    assert (first.file, first.begins_at, first.ends_at, first.kept) == (str(pair.identity.certificate), old.begins_at, old.ends_at, "")
    new = pair.make(days=80)
    shutil.copy(new.certificate, pair.identity.certificate)
    assert [type(held.look()), type(held.look())] == [type(None), CertificateKept]
    assert (held.state.ends_at, "belong together" in held.state.kept) == (first.ends_at, True)
    shutil.copy(new.key, pair.identity.key)
    assert [type(held.look()), type(held.look())] == [type(None), CertificateTaken]
    assert held.state.ends_at - first.ends_at == pytest.approx(70 * 86_400, abs=60) and held.state.kept == ""


def test_all_listeners_get_theirs_or_none_does(pair: Pair, tmp_path: Path) -> None:
    """Authorities of client certificates are looked at too; while they cannot be read nobody is shown anything new."""
    authorities = tmp_path / "authorities.pem"
    shutil.copy(pair.identity.certificate, authorities)

    def contexts(identity: Identity) -> dict[int, ssl.SSLContext]:
        return {0: context(identity), 1: server_context(*identity, client_ca=str(authorities))}

    held = Certificate("receive", pair.identity, contexts, authorities)
    first = held.shown
    authorities.write_text("none")
    pair.lay(pair.make())
    assert [type(held.look()), type(held.look())] == [type(None), CertificateKept]
    assert held.shown is first and "authorities.pem holds no certificates of authorities" in held.state.kept
    shutil.copy(pair.identity.certificate, authorities)
    assert [type(held.look()), type(held.look())] == [type(None), CertificateTaken]
    assert all(held.shown[index] is not first[index] for index in first)


async def test_who_wants_to_know_is_told_of_each_change(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the files are back as they were, of which there is no event."""
    monkeypatch.setattr(certificate, "LOOK_S", 0.01)
    held = Certificate("receive", pair.identity, context)
    states: list[str] = []
    held.start(lambda: states.append(held.state.kept))
    aside = pair.identity.key.rename(pair.identity.key.with_suffix(".aside"))
    await until(lambda: len(states) == 1, "it is told that they are gone")
    aside.rename(pair.identity.key)
    await until(lambda: len(states) == 2, "it is told that they are back")
    await held.close()
    assert states[0] and not states[1]


def test_a_key_with_a_password_is_refused_and_asks_nobody(pair: Pair) -> None:
    """The process has no terminal; the sentence says what it wants."""
    key = serialization.load_pem_private_key(pair.identity.key.read_bytes(), None)
    seal = serialization.BestAvailableEncryption(b"a password")
    pair.identity.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal))
    with pytest.raises(GatepostError, match="the key without a password"):
        context(pair.identity)
