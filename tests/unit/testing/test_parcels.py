# SPDX-License-Identifier: Apache-2.0
"""Load from a folder of different mails: each with its own envelope, client name and client address."""

import asyncio
from pathlib import Path

import pytest

from gatepost.testing.load import Plan, generate
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.parcels import Parcel, load, wire_form, write_index
from gatepost.testing.sink import Sink
from waiting import PATIENCE_S


def _folder(folder: Path, count: int) -> Path:
    parcels = []
    for number in range(count):
        (folder / f"{number}.eml").write_bytes(b"Subject: mail %d\r\n\r\n.dot\r\n" % number)
        parcels.append(
            Parcel(
                file=f"{number}.eml",
                sender=f"sender-{number}@example.org",
                recipients=(f"user-{number}@example.com",),
                helo=f"client-{number}.example.org",
                source=f"127.0.0.{number + 2}",
            )
        )
    write_index(folder, parcels)
    return folder


async def test_each_mail_comes_from_its_own_client(tmp_path: Path) -> None:
    """Content, envelope, client name and address are the parcel's, round and round."""
    clients: list[str] = []
    async with Sink() as sink:
        server = sink._server
        assert server is not None
        joined = sink._joined

        def seen(connection):  # type: ignore[no-untyped-def]
            clients.append(connection._transport.get_extra_info("peername")[0])
            return joined(connection)

        sink._joined = seen  # type: ignore[method-assign]
        result = await generate(Plan(port=sink.port, mails=5, parcels=str(_folder(tmp_path, 3))))
        mails = await sink.wait(5)
    assert (result.accepted, sink.errors) == (5, [])
    assert [mail.sender for mail in mails] == [f"sender-{number}@example.org" for number in (0, 1, 2, 0, 1)]
    assert [mail.recipients for mail in mails] == [(f"user-{number}@example.com",) for number in (0, 1, 2, 0, 1)]
    assert [mail.hello for mail in mails] == [f"client-{number}.example.org" for number in (0, 1, 2, 0, 1)]
    assert [mail.content.partition(b"\r\n")[2] for mail in mails][:2] == [b"Subject: mail %d\r\n\r\n.dot\r\n" % n for n in (0, 1)]
    assert clients == [f"127.0.0.{number + 2}" for number in (0, 1, 2, 0, 1)]
    assert [line.sha256 for line in result.lines] == [mail.sha256 for mail in mails]


async def test_processes_share_the_parcels(tmp_path: Path) -> None:
    """Two generators send different mails, and without hashes the ledger has none."""
    async with Sink() as sink:
        plan = Plan(port=sink.port, sessions=2, mails=4, parcels=str(_folder(tmp_path, 4)), hashes=False)
        with LoadProcesses(plan, 2, prefix=["env"]) as processes:
            processes.go()
            mails = await sink.wait(4, PATIENCE_S)
            result = await asyncio.to_thread(processes.result)
    assert sorted(mail.sender for mail in mails) == [f"sender-{number}@example.org" for number in range(4)]
    assert {line.sha256 for line in result.lines} == {""}


def test_a_share_without_mails_is_refused(tmp_path: Path) -> None:
    """More processes than mails are told at once, not by silence."""
    assert [one.helo for one in load(_folder(tmp_path, 3), (1, 2))] == ["client-1.example.org"]
    with pytest.raises(OSError, match="no mail for share"):
        load(tmp_path, (3, 4))


def test_the_wire_form_is_stuffed_and_ended() -> None:
    """A line that begins with a dot gets another, the first one too, and the last line gets its end."""
    assert wire_form(b".a\r\n..b") == (b".a\r\n..b\r\n", b"..a\r\n...b\r\n.\r\n")
