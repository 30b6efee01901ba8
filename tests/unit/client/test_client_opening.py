# SPDX-License-Identifier: Apache-2.0
"""From the greeting to the first mail: hello, STARTTLS, AUTH, and what fails there."""

import pytest

from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.terms import Signal

BARE = b"250 hop\r\n"


def test_helo_follows_when_ehlo_is_not_known():
    """A server from before ESMTP is greeted with HELO (RFC 5321 §3.2) and offers nothing."""
    machine = ClientMachine("mx.example.net")
    machine.receive(b"220 old\r\n")
    assert machine.receive(b"502 what?\r\n") == [b"HELO mx.example.net\r\n"]
    assert machine.receive(b"250 old\r\n") == [Signal.READY]
    assert not any(machine.capabilities)


@pytest.mark.parametrize("greeting", [b"421 4.3.2 busy\r\n", b"450 later\r\n", b"554 no mail here\r\n", b"250 odd\r\n"])
def test_a_refusing_greeting_is_a_temporary_failure(greeting):
    """Any greeting but 220 fails the connection for now, not the mail for good."""
    machine = ClientMachine("mx.example.net")
    assert machine.receive(greeting) == [Signal.CLOSE]
    assert machine.failure.status == "temporary"
    assert machine.failure.reply.code == int(greeting[:3])


def test_starttls_begins_the_dialogue_anew():
    """After the handshake EHLO is said again, and only its answer counts (RFC 3207 §4.2)."""
    machine = ClientMachine("mx.example.net", "opportunistic")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(b"250-hop\r\n250-PIPELINING\r\n250 STARTTLS\r\n") == [b"STARTTLS\r\n"]
    assert machine.receive(b"220 go\r\n") == [Signal.START_TLS]
    assert machine.secured() == [b"EHLO mx.example.net\r\n"]
    assert machine.receive(b"250 hop\r\n") == [Signal.READY]
    assert not machine.capabilities.pipelining


def test_what_came_before_the_handshake_is_discarded():
    """Replies injected behind STARTTLS's own are not taken for the server's (CVE-2011-0411)."""
    machine = ClientMachine("mx.example.net", "required")
    machine.receive(b"220 hop\r\n")
    machine.receive(b"250-hop\r\n250 STARTTLS\r\n")
    assert machine.receive(b"220 go\r\n250-hop\r\n250 AUTH PLAIN\r\n554 unfin") == [Signal.START_TLS]
    assert machine.secured() == [b"EHLO mx.example.net\r\n"]
    assert machine.receive(b"250 hop\r\n") == [Signal.READY]
    assert not machine.capabilities.auth


def test_required_tls_is_never_gone_without():
    """Neither a missing nor a refused STARTTLS leads to plaintext on a route that requires TLS."""
    machine = ClientMachine("mx.example.net", "required")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(BARE) == [Signal.CLOSE]
    assert machine.failure.reply.enhanced == "4.7.4"
    machine = ClientMachine("mx.example.net", "required")
    machine.receive(b"220 hop\r\n")
    machine.receive(b"250-hop\r\n250 STARTTLS\r\n")
    assert machine.receive(b"454 4.7.0 not now\r\n") == [Signal.CLOSE]
    assert machine.failure.status == "temporary"


def test_opportunistic_goes_on_when_starttls_is_refused():
    """A next hop that offers STARTTLS and then refuses it gets the mail in the clear."""
    machine = ClientMachine("mx.example.net", "opportunistic")
    machine.receive(b"220 hop\r\n")
    machine.receive(b"250-hop\r\n250 STARTTLS\r\n")
    assert machine.receive(b"454 4.7.0 not now\r\n") == [Signal.READY]


def test_auth_plain_sends_one_response():
    """PLAIN is preferred and sent with its initial response (RFC 4616 §2)."""
    machine = ClientMachine("mx.example.net", "none", "user", "päss")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(b"250-hop\r\n250 AUTH LOGIN PLAIN\r\n") == [b"AUTH PLAIN AHVzZXIAcMOkc3M=\r\n"]
    assert machine.receive(b"235 2.7.0 in\r\n") == [Signal.READY]


def test_auth_login_where_there_is_no_plain():
    """LOGIN answers both questions."""
    machine = ClientMachine("mx.example.net", "none", "user", "pass")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(b"250-hop\r\n250 AUTH=LOGIN\r\n") == [b"AUTH LOGIN\r\n"]
    assert machine.receive(b"334 VXNlcm5hbWU6\r\n") == [b"dXNlcg==\r\n"]
    assert machine.receive(b"334 UGFzc3dvcmQ6\r\n") == [b"cGFzcw==\r\n"]
    assert machine.receive(b"235 in\r\n") == [Signal.READY]


@pytest.mark.parametrize("offer", [b"250 hop\r\n", b"250-hop\r\n250 AUTH GSSAPI\r\n"])
def test_a_route_with_auth_does_not_go_without(offer):
    """Where a user is set, a next hop that offers no way to log in is a failure."""
    machine = ClientMachine("mx.example.net", "none", "user", "pass")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(offer) == [Signal.CLOSE]
    assert machine.failure.status == "temporary"


def test_refused_credentials_are_temporary():
    """A wrong password is an error of ours to mend, and no reason to bounce mail."""
    machine = ClientMachine("mx.example.net", "none", "user", "pass")
    machine.receive(b"220 hop\r\n")
    machine.receive(b"250-hop\r\n250 AUTH PLAIN\r\n")
    assert machine.receive(b"535 5.7.8 no\r\n") == [Signal.CLOSE]
    assert (machine.failure.status, machine.failure.reply.code) == ("temporary", 535)


def test_a_stripped_starttls_does_not_reveal_the_password():
    """On an opportunistic route no password is sent in the clear."""
    machine = ClientMachine("mx.example.net", "opportunistic", "user", "pass")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(b"250-hop\r\n250 AUTH PLAIN\r\n") == [Signal.CLOSE]
    assert machine.failure.reply.enhanced == "4.7.4"
