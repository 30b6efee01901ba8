# SPDX-License-Identifier: Apache-2.0
"""Mail reaches a next hop over a real socket, and connections are used again."""

import asyncio

import pytest

from waiting import PATIENCE_S


async def test_a_mail_arrives_byte_for_byte(bench):
    """The next hop gets trace and body, dots doubled, in two writes after the greeting."""
    hop = await bench.hop(offers=("PIPELINING", "SIZE 1000000"))
    result = await bench.sender().send(bench.claim(inline=b"a\r\n.b\r\nc"), bench.route(hop))
    (session,) = hop.sessions
    assert session.reads == [
        b"EHLO mx.example.net\r\n",
        b"MAIL FROM:<s@example.org> SIZE=14\r\nRCPT TO:<r@example.com>\r\nDATA\r\n",
        b"T: 1\r\na\r\n..b\r\nc\r\n.\r\n",
    ]
    (one,) = result.recipients
    assert (one.status, one.reply, one.enhanced, one.host, one.code) == (
        "accepted",
        "250 2.0.0 taken",
        "2.0.0",
        "hop.example.com",
        250,
    )
    assert (result.host, result.tls, result.dsn_supported, result.host_failed) == ("hop.example.com", "", False, False)


async def test_one_command_at_a_time_without_pipelining(bench):
    """A next hop without PIPELINING never sees two commands at once."""
    hop = await bench.hop(offers=())
    result = await bench.sender().send(bench.claim("a@example.com", "b@example.com"), bench.route(hop))
    assert [one.status for one in result.recipients] == ["accepted", "accepted"]
    assert all(read.count(b"\r\n") == 1 for read in hop.sessions[0].reads[:-1])
    assert len(hop.sessions[0].commands) == 5


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
async def test_replies_may_come_byte_by_byte(bench, offers):
    """The segmentation of replies makes no difference."""
    hop = await bench.hop(offers=offers, segment=1, answers={"RCPT": [b"550-5.1.1 no\r\n550 5.1.1 such user\r\n"]})
    result = await bench.sender().send(bench.claim("a@example.com", "b@example.com"), bench.route(hop))
    assert [one.status for one in result.recipients] == ["permanent", "accepted"]
    assert result.recipients[0].reply == "550 5.1.1 no such user"


async def test_a_connection_serves_mail_after_mail(bench):
    """The next mail of a route takes the connection that is open, and no EHLO is said again."""
    hop, sender = await bench.hop(), bench.sender()
    for _ in range(3):
        await sender.send(bench.claim(), bench.route(hop))
    assert len(hop.sessions) == 1
    assert len(hop.mails) == 3
    assert sum(command.startswith(b"EHLO") for command in hop.commands) == 1


async def test_mails_at_one_time_have_connections_of_their_own(bench):
    """No dialogue is shared by two mails at once, and none gets the other's content."""
    hop, sender = await bench.hop(), bench.sender()
    bodies = [f"mail {number}\r\n".encode() for number in range(5)]
    results = await asyncio.gather(*[sender.send(bench.claim(inline=body), bench.route(hop)) for body in bodies])
    assert all(result.recipients[0].status == "accepted" for result in results)
    assert len(hop.sessions) == 5
    assert sorted(hop.mails) == sorted(b"T: 1\r\n" + body + b".\r\n" for body in bodies)


async def test_routes_do_not_share_connections(bench):
    """Another key is another policy, even when the host is the same."""
    hop, sender = await bench.hop(), bench.sender()
    await sender.send(bench.claim(), bench.route(hop))
    await sender.send(bench.claim(), bench.route(hop)._replace(key="other"))
    assert len(hop.sessions) == 2


async def test_a_connection_is_renewed_after_its_number_of_mails(bench):
    """After `mails_per_connection` QUIT is said and the next mail opens another."""
    hop, sender = await bench.hop(), bench.sender(mails_per_connection=2)
    for _ in range(3):
        await sender.send(bench.claim(), bench.route(hop))
    await hop.sessions[0].ended
    assert hop.sessions[0].commands[-1] == b"QUIT\r\n"
    assert [len(session.mails) for session in hop.sessions] == [2, 1]


async def test_an_idle_connection_says_quit(bench):
    """A connection that nobody needs ends in order after `connection_idle_s`."""
    hop = await bench.hop()
    await bench.sender(connection_idle_s=0.05).send(bench.claim(), bench.route(hop))
    await hop.sessions[0].ended
    assert hop.sessions[0].commands[-1] == b"QUIT\r\n"


async def test_an_ended_connection_leaves_nothing(bench):
    """A route that is used once costs no memory after its connection ended, whoever ended it."""
    hop, sender, patient = await bench.hop(), bench.sender(connection_idle_s=0.05), bench.sender(connection_idle_s=PATIENCE_S)
    kept = await bench.hop()
    for number in range(3):
        await sender.send(bench.claim(), bench.route(hop)._replace(key=str(number)))
        await patient.send(bench.claim(), bench.route(kept)._replace(key=str(number)))
    assert patient.idle_connections == 3
    await asyncio.gather(*[session.ended for session in hop.sessions])
    while sender.idle_connections:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert all(session.commands[-1] == b"QUIT\r\n" for session in hop.sessions)


async def test_idle_connections_are_not_kept_when_idle_is_zero(bench):
    """`connection_idle_s = 0` means one mail a connection."""
    hop, sender = await bench.hop(), bench.sender(connection_idle_s=0)
    await sender.send(bench.claim(), bench.route(hop))
    await sender.send(bench.claim(), bench.route(hop))
    assert [len(session.mails) for session in hop.sessions] == [1, 1]


async def test_closing_says_quit_to_all(bench):
    """`close` ends every idle connection with QUIT."""
    hop, sender = await bench.hop(), bench.sender()
    await asyncio.gather(*[sender.send(bench.claim(), bench.route(hop)) for _ in range(3)])
    await sender.close()
    await asyncio.gather(*[session.ended for session in hop.sessions])
    assert [session.commands[-1] for session in hop.sessions] == [b"QUIT\r\n"] * 3


async def test_dsn_support_is_told(bench):
    """Whether the next hop takes over the duty to report is part of the result."""
    hop = await bench.hop(offers=("PIPELINING", "DSN"))
    result = await bench.sender().send(bench.claim(envid="E1", ret="HDRS"), bench.route(hop))
    assert result.dsn_supported
    assert b"MAIL FROM:<s@example.org> RET=HDRS ENVID=E1\r\n" in hop.commands


async def test_login_comes_before_the_first_mail_only(bench):
    """A route with a user authenticates each connection once."""
    hop, sender = await bench.hop(offers=("PIPELINING", "AUTH PLAIN"), answers={"AUTH": b"235 2.7.0 in\r\n"}), bench.sender()
    for _ in range(2):
        result = await sender.send(bench.claim(), bench.route(hop, user="user", password="pass"))
        assert result.recipients[0].status == "accepted"
    assert [command for command in hop.commands if command.startswith(b"AUTH")] == [b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n"]


async def test_a_huge_mail_is_streamed_in_bounded_memory(bench):
    """A blob is read no faster than the next hop takes it, and arrives whole."""
    hop, sender = await bench.hop(), bench.sender()
    content = b".dot and line\r\n" * (24 * 2**20 // 15)  # pieces end anywhere in a line
    ahead = []

    async def paced(name):
        for start in range(0, len(content), 65536):
            ahead.append(start - (hop.sessions[0].taken if hop.sessions else 0))
            yield content[start : start + 65536]

    sender._open_blob = paced
    result = await sender.send(bench.claim(blob="big", size=len(content)), bench.route(hop))
    assert result.recipients[0].status == "accepted"
    wire = hop.mails[0].removeprefix(b"T: 1\r\n").removesuffix(b".\r\n")
    assert wire == content.replace(b".dot", b"..dot")
    assert len(ahead) > 300
    assert max(ahead) < 8 * 2**20, "the socket's buffers take some, we hold no more than a piece"
