# SPDX-License-Identifier: Apache-2.0
"""A real Postfix between our generator and our sink."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.testing import postfix as postfix_peer
from gatepost.testing.load import Plan, generate
from gatepost.testing.postfix import Postfix
from gatepost.testing.processes import alive
from gatepost.testing.sink import Sink
from gatepost.testing.tls import self_signed
from waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(bool(postfix_peer.why_not()), reason=postfix_peer.why_not() or "Postfix can run")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that the user postfix may enter; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="gatepost-postfix-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def test_postfix_relays_to_the_sink_and_ends(open_folder: Path) -> None:
    """Postfix takes mails plain and over STARTTLS, relays them unchanged, is not blamed by the sink, and is gone afterwards."""
    async with Sink() as sink:
        postfix = Postfix(open_folder / "relay", relay_to=sink.port, tls=self_signed(open_folder / "tls"))
        await asyncio.to_thread(postfix.start)
        try:
            master = postfix.master_pid
            plain = await generate(Plan(port=postfix.port, sessions=2, mails=5))
            encrypted = await generate(Plan(port=postfix.port, sessions=2, mails=5, tls="starttls"))
            await sink.wait(10, PATIENCE_S)
            assert postfix.wait_until_empty()
        finally:
            await asyncio.to_thread(postfix.stop)
    sent = {(line.id, line.sha256) for line in (*plain.lines, *encrypted.lines)}
    assert (len(sent), sent) == (10, {(mail.id, mail.sha256) for mail in sink.mails})
    assert sink.errors == []
    assert (alive(master), postfix.master_pid) == (False, 0)


async def test_postfix_discards_without_a_next_hop(open_folder: Path) -> None:
    """Without a next hop Postfix takes mail and throws it away."""
    postfix = Postfix(open_folder / "discard")
    await asyncio.to_thread(postfix.start)
    try:
        result = await generate(Plan(port=postfix.port, mails=2))
        assert (result.accepted, postfix.wait_until_empty()) == (2, True)
        assert "relay=none" in postfix.log.read_text()
    finally:
        await asyncio.to_thread(postfix.stop)


def test_a_closed_folder_is_named(open_folder: Path) -> None:
    """A folder that the user postfix cannot enter is named at the start."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(OSError, match="closed is closed to the user postfix"):
        Postfix(closed / "postfix").start()
