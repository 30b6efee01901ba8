# SPDX-License-Identifier: Apache-2.0
"""The generator and the sink against each other: what one says was taken, the other has."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gatepost.testing.ledger import Ledger, LedgerLine, read_ledger
from gatepost.testing.load import Plan, Result, generate
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.ports import free_port
from gatepost.testing.sink import Sink
from gatepost.testing.syntax import Offer
from gatepost.testing.tls import CertificateFiles, self_signed
from waiting import PATIENCE_S


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return self_signed(tmp_path_factory.mktemp("tls"))


def _books(result: Result, sink: Sink) -> tuple[set[tuple[str, str, str, tuple[str, ...]]], set[tuple[str, str, str, tuple[str, ...]]]]:
    sent = {(line.id, line.sha256, line.sender, line.recipients) for line in result.lines if line.accepted}
    return sent, {(mail.id, mail.sha256, mail.sender, mail.recipients) for mail in sink.mails}


@pytest.mark.parametrize("pipelines", [True, False])
@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
@pytest.mark.parametrize("mails_per_connection", [1, 7])
async def test_both_books_agree(certificate: CertificateFiles, pipelines: bool, tls: str, mails_per_connection: int) -> None:
    """Every accepted mail is in the sink with its own addresses and bytes, over plain and TLS, and none is sent wrongly."""
    async with Sink(tls=certificate if tls != "none" else None, implicit_tls=tls == "implicit") as sink:
        plan = Plan(
            port=sink.port,
            sessions=3,
            mails=30,
            tls=tls,  # type: ignore[arg-type]
            pipelines=pipelines,
            mails_per_connection=mails_per_connection,
            sender="s{n}@example.org",
            recipients=("a{n}@example.com", "b@example.com"),
            content=b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend\r\n",
        )
        result = await generate(plan)
    assert (result.accepted, result.refused, result.lost, len(result.latencies)) == (30, 0, 0, 30)
    sent, arrived = _books(result, sink)
    assert (len(sent), sent) == (30, arrived)
    assert sink.errors == []
    assert {mail.tls != "" for mail in sink.mails} == {tls != "none"}
    assert (sink.sessions == 30) == (mails_per_connection == 1)


async def test_a_large_mail_arrives_whole() -> None:
    """A mail of 3 MB arrives byte for byte."""
    async with Sink() as sink:
        result = await generate(Plan(port=sink.port, mails=1, size_bytes=3_000_000))
        assert 2_900_000 < sink.mails[0].size < 3_100_000
    assert _books(result, sink)[0] == _books(result, sink)[1]


async def test_refusals_and_losses_are_not_accepted() -> None:
    """A refused recipient, a refused content and a dropped connection are counted as what they are, and the rest goes on."""
    async with Sink() as sink:
        sink.fail("rcpt", reply="450 4.2.1 Later", match="u1@example.com")
        sink.fail("dot", reply="554 5.6.0 No", match="u2@example.com")
        sink.fail("dot", action="take_and_drop", match="u3@example.com")
        sink.fail("connect", action="drop", times=1)
        result = await generate(Plan(port=sink.port, mails=6, recipients=("u{n}@example.com",), mails_per_connection=10))
    fates = {line.recipients[0]: (line.accepted, line.reply) for line in result.lines}
    assert fates == {
        "u0@example.com": (False, "connection lost"),
        "u1@example.com": (False, "450 4.2.1 Later"),
        "u2@example.com": (False, "554 5.6.0 No"),
        "u3@example.com": (False, "connection lost"),
        "u4@example.com": (True, "250 2.0.0 Taken"),
        "u5@example.com": (True, "250 2.0.0 Taken"),
    }
    assert (result.accepted, result.refused, result.lost) == (2, 2, 2)
    assert [mail.recipients for mail in sink.mails] == [("u3@example.com",), ("u4@example.com",), ("u5@example.com",)]
    assert sink.errors == []


async def test_one_refused_recipient_of_two_makes_a_mail_not_accepted() -> None:
    """A mail that one of two recipients was refused for is not accepted, though the other got it."""
    async with Sink() as sink:
        sink.fail("rcpt", reply="550 5.1.1 No", match="b@example.com")
        result = await generate(Plan(port=sink.port, mails=1, recipients=("a@example.com", "b@example.com")))
    assert (result.accepted, result.refused, sink.count) == (0, 1, 1)


async def test_nobody_listening_is_survived() -> None:
    """With nobody on the port every mail is lost and the generator ends."""
    result = await generate(Plan(port=free_port(), mails=3))
    assert (result.accepted, result.lost) == (0, 3)
    assert list(result.replies) == ["not connected: Connection refused"]


async def test_a_stalled_server_is_given_up() -> None:
    """A server that stops answering costs one mail and not the run."""
    async with Sink() as sink:
        sink.fail("data", action="stall", match="u0@example.com")
        result = await generate(Plan(port=sink.port, mails=2, recipients=("u{n}@example.com",), give_up_s=3.0))
    assert (result.accepted, result.lost) == (1, 1)


async def test_without_pipelining_commands_go_one_by_one() -> None:
    """A sink that does not offer PIPELINING is not sent two commands at once."""
    async with Sink(offer=Offer(pipelining=False)) as sink:
        result = await generate(Plan(port=sink.port, mails=3))
    assert (result.accepted, sink.errors) == (3, [])


async def test_a_steady_rate_is_kept_and_waiting_counts() -> None:
    """At a rate, mails are due by the clock; one that waits for a free session has its wait in its latency."""
    async with Sink() as sink:
        sink.fail("connect", action="stall", times=1)
        result = await generate(Plan(port=sink.port, mails=5, rate_per_s=1000, give_up_s=3.0))
    assert (result.accepted, result.lost) == (4, 1)
    assert min(result.latencies) > 2.9


async def test_waiting_in_vain_says_what_came() -> None:
    """A wait that is not fulfilled says how many mails came."""
    async with Sink() as sink:
        await generate(Plan(port=sink.port, mails=1))
        with pytest.raises(TimeoutError, match="1 of 2 mails"):
            await sink.wait(2, timeout_s=0.05)


async def test_drained_waits_for_the_last_client() -> None:
    """`drained` returns once the last client has gone."""
    async with Sink() as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        await reader.readline()
        waiting = asyncio.create_task(sink.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        writer.close()
        await asyncio.wait_for(waiting, PATIENCE_S)
        assert sink.most_sessions == 1


def test_processes_share_the_work_and_the_ledgers_agree(tmp_path: Path) -> None:
    """Two generator processes and a sink process keep ledgers that hold the same mails, and the sink ends with its summary."""
    port, sent, arrived = free_port(), tmp_path / "sent", tmp_path / "arrived"
    command = [sys.executable, "-m", "gatepost.testing.sink", "--port", str(port), "--ledger", str(arrived), "--hash-only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sink:
        assert sink.stdout is not None
        assert msgspec.json.decode(sink.stdout.readline()) == {"port": port}
        with LoadProcesses(Plan(port=port, sessions=4, mails=21), 2, sent) as load:
            load.go()
            result = load.result()
        sink.send_signal(signal.SIGTERM)
        summary = msgspec.json.decode(sink.stdout.readline())
    assert (result.accepted, result.lost, result.lines, len(result.latencies)) == (21, 0, [], 21)
    assert summary == {"mails": 21, "sessions": 21, "errors": []}
    assert {(line.id, line.sha256) for line in read_ledger(sent)} == {(line.id, line.sha256) for line in read_ledger(arrived)}


def test_a_generator_process_ends_orderly_when_told(tmp_path: Path) -> None:
    """A generator without an end finishes its mails and reports when it is stopped."""
    with LoadProcesses(Plan(port=free_port(), sessions=1)) as load:
        load.go()
        load.stop()
        result = load.result()
    assert (result.accepted, result.lost) == (0, len(result.lines))


def test_an_unfinished_last_line_is_left_out(tmp_path: Path) -> None:
    """A ledger whose writer was killed inside a line is whole up to the line before."""
    line = LedgerLine(id="1", sha256="x", size=1, sender="a", recipients=("b",), at=1.0)
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.add(line)
    with (tmp_path / "ledger").open("ab") as file:
        file.write(b'{"id":"2","sh')
    assert read_ledger(tmp_path / "ledger") == [line]
