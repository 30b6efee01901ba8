# SPDX-License-Identifier: Apache-2.0
"""The console's TLS: what it speaks, what it refuses, and who comes to its port with something else."""

import ssl
from typing import Any

import pytest

from gatepost.smtp.certificate import Identity
from gatepost.testing.tls import unchecked_client_context
from security.console_attack import attacked, request
from security.console_visitors import a_secure_target, an_identity  # noqa: F401 - fixtures
from waiting import PATIENCE_S


def test_tls_is_new_enough(secure):
    """TLS 1.3 and 1.2 are spoken, older ones are not."""
    for version, spoken in ((ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        context = unchecked_client_context()
        with_old = "DEFAULT:@SECLEVEL=0"
        context.set_ciphers(with_old)
        # What is old is deprecated in Python too, and set as what it is: a number of the protocol.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        _only(context, version)
        if spoken:
            assert secure.send(request("GET", "/sign-in"), context=context).status == 200
        else:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                secure.send(request("GET", "/sign-in"), context=context)


def _only(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = version
        context.minimum_version = version


@pytest.mark.parametrize(
    "cipher",
    [
        "AES128-SHA",
        "AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384",
        "ECDHE-ECDSA-AES128-CCM",
        "DHE-RSA-AES256-GCM-SHA384",
    ],
)
def test_no_weak_cipher_is_spoken(secure, cipher):
    """Neither without forward secrecy nor in a mode without authentication."""
    context = unchecked_client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        secure.send(request("GET", "/sign-in"), context=context)


def test_tls_is_only_http(secure):
    """Who would speak another protocol on this certificate is refused in the handshake, so no other service can be taken for it."""
    context = unchecked_client_context()
    context.set_alpn_protocols(["smtp", "ftp"])
    try:
        answer = secure.send(request("GET", "/sign-in"), context=context)
    except (ssl.SSLError, ConnectionResetError):
        return
    assert answer.status in (0, 200)


def test_a_browser_is_told_to_come_by_tls_only(secure):
    """For a year, on every answer."""
    for path in ("/sign-in", "/nothing", "/static/x/y.css", "/api/v1/incidents"):
        answer = secure.send(request("GET", path), context=unchecked_client_context())
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_plain_text_on_the_port_of_tls_is_closed(secure, capfd):
    """Nothing is answered, nothing is logged that a stranger could fill the log with, and the next browser is served."""
    for noise in (request("GET", "/sign-in"), b"\x16\x03\x01" + b"\xff" * 1000, b"\x00" * 70_000):
        answer = secure.send(noise)
        assert (answer.status, answer.closed) == (0, True)
    assert secure.send(request("GET", "/sign-in"), context=unchecked_client_context()).status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_handshake_that_never_ends_takes_only_its_place(tmp_path, identity):
    """Who begins TLS and says no more is gone after a while, and others are served meanwhile."""
    from gatepost.web.frame.gate import Limits

    with attacked(tmp_path, identity=identity, limits=Limits(of_one_client=3, handshake_s=6.0)) as target:  # the visitor's own has it, too
        held = [target.connect() for _ in range(2)]
        for one in held:
            one.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert target.send(request("GET", "/sign-in"), context=unchecked_client_context()).status == 200
        for one in held:
            one.settimeout(PATIENCE_S)
            assert _until_closed(one)
            one.close()


def _until_closed(connection: Any) -> bool:
    try:
        while connection.recv(1_000):
            pass
    except ConnectionResetError:
        pass
    return True


def test_a_certificate_that_is_none_is_told_at_the_start(tmp_path):
    """One sentence that names the files, before anything is served."""
    from gatepost.errors import GatepostError
    from gatepost.web.frame.certificate import tls_context

    (tmp_path / "cert.pem").write_text("no certificate")
    for missing in (tmp_path / "cert.pem", tmp_path / "none.pem"):
        with pytest.raises(GatepostError, match=str(missing)):
            tls_context(Identity(missing, missing))
