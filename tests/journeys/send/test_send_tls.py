# SPDX-License-Identifier: Apache-2.0
"""TLS towards a next hop: never, where it can be had, or always and checked."""

import ssl

import pytest


def trusting(certified):
    """Give contexts whose required one trusts the test's certificate."""
    return {"required": certified.trusting}


async def test_none_ignores_starttls(bench, certified):
    """A route that says `none` stays in the clear."""
    hop = await bench.hop(tls=certified.server)
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    assert (result.recipients[0].status, result.tls) == ("accepted", "")
    assert b"STARTTLS\r\n" not in hop.commands


@pytest.mark.parametrize("segment", [0, 1])
async def test_opportunistic_encrypts_with_any_certificate(bench, certified, segment):
    """Where STARTTLS is offered it is used, though nobody vouches for the certificate (RFC 7435)."""
    hop, sender = await bench.hop(tls=certified.server, segment=segment), bench.sender()
    for _ in range(2):
        result = await sender.send(bench.claim(), bench.route(hop, security="opportunistic"))
        assert (result.recipients[0].status, result.tls[:8]) == ("accepted", "TLSv1.3 ")
    assert hop.commands[:3] == [b"EHLO mx.example.net\r\n", b"STARTTLS\r\n", b"EHLO mx.example.net\r\n"]
    assert (len(hop.sessions), len(hop.mails)) == (1, 2)


async def test_opportunistic_goes_in_the_clear_where_tls_is_not_offered(bench):
    """A next hop without STARTTLS gets the mail all the same."""
    hop = await bench.hop()
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic"))
    assert (result.recipients[0].status, result.tls) == ("accepted", "")


def unusable():
    """Give a server context that no handshake succeeds with: it has no certificate."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


async def test_opportunistic_tries_once_without_tls_when_the_handshake_fails(bench):
    """A broken TLS at the next hop costs a second connection, not the mail."""
    hop = await bench.hop(tls=unusable())
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic"))
    assert (result.recipients[0].status, result.tls) == ("accepted", "")
    assert [b"STARTTLS\r\n" in session.commands for session in hop.sessions] == [True, False]


async def test_a_handshake_that_is_dropped_counts_as_failed(bench):
    """A next hop that hangs up at the first byte of TLS is talked to in the clear as well."""
    hop = await bench.hop(answers={"STARTTLS": b"220 go\r\n421 changed my mind\r\n"}, tls=unusable())
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic"))
    assert (result.recipients[0].status, len(hop.sessions)) == ("accepted", 2)


async def test_a_failing_handshake_does_not_reveal_the_password(bench):
    """A route with AUTH is not retried in the clear."""
    hop = await bench.hop(offers=("AUTH PLAIN",), tls=unusable())
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic", user="u", password="p"))
    assert (result.recipients[0].status, result.host_failed, len(hop.sessions)) == ("temporary", True, 1)


async def test_required_takes_a_certificate_that_fits(bench, certified):
    """With a trusted certificate for the host's name the mail goes, encrypted."""
    hop = await bench.hop(tls=certified.server)
    result = await bench.sender(contexts=trusting(certified)).send(bench.claim(), bench.route(hop, security="required"))
    assert (result.recipients[0].status, result.tls[:8]) == ("accepted", "TLSv1.3 ")


async def test_required_refuses_a_name_that_does_not_fit(bench, certified):
    """A certificate for another name is temporary, tells why, and nothing is sent."""
    hop = await bench.hop(tls=certified.server)
    result = await bench.sender(contexts=trusting(certified)).send(
        bench.claim(), bench.route(hop.at("other.example.com"), security="required")
    )
    (one,) = result.recipients
    assert (one.status, one.enhanced, result.host_failed, hop.mails) == ("temporary", "4.7.5", True, [])
    assert "Hostname mismatch" in one.reply and "other.example.com" in one.reply


async def test_required_refuses_a_certificate_nobody_vouches_for(bench, certified):
    """A self-signed certificate is no proof, and plaintext no way out."""
    hop = await bench.hop(tls=certified.server)
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="required"))
    assert result.recipients[0].reply.startswith("4.7.5 TLS failed: self")
    assert (result.recipients[0].status, len(hop.sessions), hop.mails) == ("temporary", 1, [])


@pytest.mark.parametrize("answers", [{}, {"STARTTLS": b"454 4.7.0 not now\r\n"}])
async def test_required_never_goes_in_the_clear(bench, certified, answers):
    """Neither a missing nor a refused STARTTLS gets the mail out."""
    hop = await bench.hop(tls=certified.server if answers else None, answers=answers)
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="required"))
    assert (result.recipients[0].status, result.recipients[0].enhanced[:4], hop.mails) == ("temporary", "4.7.", [])
    assert not any(command.startswith(b"MAIL") for command in hop.commands)


async def test_replies_before_the_handshake_do_not_count(bench, certified):
    """What an attacker puts behind the reply to STARTTLS is not taken for the next hop's (CVE-2011-0411)."""
    hop = await bench.hop(tls=certified.server, offers=("PIPELINING",), answers={"STARTTLS": b"220 go\r\n250-evil\r\n250 DSN\r\n"})
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic"))
    assert (result.recipients[0].status, result.tls[:8], result.dsn_supported) == ("accepted", "TLSv1.3 ", False)


async def test_login_over_tls(bench, certified):
    """On a route with TLS the password travels encrypted only."""
    hop = await bench.hop(tls=certified.server, offers=("AUTH PLAIN",), answers={"AUTH": b"235 in\r\n"})
    result = await bench.sender(contexts=trusting(certified)).send(
        bench.claim(), bench.route(hop, security="required", user="user", password="pass")
    )
    assert result.recipients[0].status == "accepted"
    assert hop.commands.index(b"STARTTLS\r\n") < hop.commands.index(b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n")


async def test_a_huge_mail_over_tls_arrives_whole(bench, certified):
    """Streaming and TLS together change nothing of the content."""
    hop = await bench.hop(tls=certified.server)
    bench.blobs["big"] = [b".dot\r\n" * 10922 + b"abcd"] * 64
    size = 64 * 65536
    result = await bench.sender().send(bench.claim(blob="big", size=size), bench.route(hop, security="opportunistic"))
    assert result.recipients[0].status == "accepted"
    assert hop.mails[0].count(b"\r\n..dot") == 64 * 10922 - 63
    assert len(hop.mails[0]) == len(b"T: 1\r\n") + size + hop.mails[0].count(b"\r\n..dot") + len(b"\r\n.\r\n")


async def test_a_connection_lost_in_tls_is_temporary(bench, certified):
    """A truncated TLS stream is a lost connection."""
    hop = await bench.hop(tls=certified.server, answers={"CONTENT": bench.DROP})
    result = await bench.sender().send(bench.claim(), bench.route(hop, security="opportunistic"))
    assert (result.recipients[0].status, result.recipients[0].enhanced, result.host_failed) == ("temporary", "4.4.2", True)
