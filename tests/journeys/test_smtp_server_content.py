# SPDX-License-Identifier: Apache-2.0
"""Content on its way to the house: small in memory, large by a spool, each mail's apart, and trouble on the way."""

import asyncio
import random
import threading

import pytest

from gatepost.errors import StoreAway, StoreFull
from gatepost.smtp import replies
from gatepost.smtp.server.intake import INLINE_BYTES
from gatepost.testing.tls import self_signed
from security.receiving_server import Client, House, on_both_loops, receiving
from waiting import PATIENCE_S, until

ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\n"


def text(size: int, seed: int = 1) -> bytes:
    """Make lines that are all different, some beginning with dots."""
    chance = random.Random(seed)
    lines, length = [], 0
    while length < size:
        line = b"." * (chance.random() < 0.05) + b"%x" % chance.getrandbits(280) + b"\r\n"
        lines.append(line)
        length += len(line)
    return b"".join(lines)[: size - 2] + b"\r\n" if size > 2 else b"\r\n"


def dotted(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def chunked(content: bytes, size: int, *, last: bool = True) -> bytes:
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(
        b"BDAT %d%s\r\n%s" % (len(piece), b" LAST" if last and number == len(pieces) else b"", piece)
        for number, piece in enumerate(pieces, 1)
    )


def two_pieces(content: bytes) -> list[bytes]:
    return [content[: len(content) // 3], content[len(content) // 3 :]]


@pytest.mark.parametrize("layer", ["plain", "TLS"])
@on_both_loops
async def test_large_mails_arrive_intact_and_in_order(layer, tmp_path):
    """By DATA and by BDAT, cut at random: what the spool holds is what was sent, in pieces of bounded size."""
    tls = self_signed(tmp_path).server_context() if layer == "TLS" else None
    async with receiving(tls=tls, implicit=tls is not None) as server:
        client = await Client.connect(server.address, tls=tls is not None)
        chance = random.Random(7)
        sent = [text(size, seed) for seed, size in enumerate((3_000_000, 100, 700_000, INLINE_BYTES + 1, 1_000_000))]
        for content in sent:
            await client.envelope()
            assert (await client.say(b"DATA"))[:3] == "354"
            await client.send(dotted(content), chance)
            assert (await client.reply())[:3] == "250"
            await client.envelope()
            await client.send(chunked(content, 200_000), chance)
            while "queued" not in (reply := await client.reply()):
                assert reply[:3] == "250"
        assert [mail.content for mail in server.house.mails] == [content for content in sent for _ in (1, 2)]
        assert len(server.house.spools) == 8
        assert all(len(piece) <= 4 * 65_536 for spool in server.house.spools for piece in spool.pieces)
        assert all(spool.finished and not spool.aborted for spool in server.house.spools)


@on_both_loops
async def test_a_mail_of_the_inline_limit_stays_in_memory():
    """One byte more and it goes to the spool."""
    async with receiving() as server:
        client = await Client.connect(server.address)
        for size in (INLINE_BYTES, INLINE_BYTES + 1):
            await client.envelope()
            await client.send(b"BDAT %d LAST\r\n" % size + b"x" * size)
            assert (await client.reply())[:3] == "250"
        assert [len(mail.content) for mail in server.house.mails] == [INLINE_BYTES, INLINE_BYTES + 1]
        assert len(server.house.spools) == 1


TROUBLE = [(StoreFull("full"), "452 4.3.1"), (StoreAway("away"), "451 4.3.0"), (OSError(5, "broken"), "451 4.3.0")]


@pytest.mark.parametrize(("error", "code"), TROUBLE, ids=["full", "away", "surprise"])
@pytest.mark.parametrize("when", ["open", "write", "finish"])
@on_both_loops
async def test_trouble_with_the_spool_is_that_mails_alone(when, error, code, capfd):
    """452 or 451 after the mail's end, never 250; the spool is thrown away; the next mails, small and large, go through."""
    async with receiving() as server:
        client = await Client.connect(server.address)
        content = text(600_000)
        server.house.spool_trouble = {when: error}
        for wire in (chunked(content, 600_000), b"DATA"):
            await client.envelope()
            await client.send(wire if wire != b"DATA" else b"DATA\r\n")
            if wire == b"DATA":
                assert (await client.reply())[:3] == "354"
                await client.send(dotted(content))
            assert (await client.reply())[:9] == code
        assert server.house.mails == []
        assert all(spool.aborted and not spool.finished for spool in server.house.spools)
        server.house.spool_trouble.clear()
        for good in (b"small\r\n", content):
            await client.envelope()
            await client.send(chunked(good, 10**7))
            assert (await client.reply())[:3] == "250"
        assert [mail.content for mail in server.house.mails] == [b"small\r\n", content]
    told = capfd.readouterr().err.count('"event":"process.unexpected"')
    assert told == (2 if isinstance(error, OSError) else 0)


@pytest.mark.parametrize("size", [20, 300_000])
@pytest.mark.parametrize("end", [b"RSET\r\n", b"EHLO c\r\n"])
@on_both_loops
async def test_what_was_spooled_for_one_mail_never_joins_another(end, size):
    """A BDAT series that is broken off with everything pipelined behind it: the next mail has its own content only."""
    async with receiving() as server:
        client = await Client.connect(server.address)
        first, second = text(300_000, 1), text(size, 2)
        await client.envelope()
        await client.send(chunked(first, 300_000, last=False) + end + ENVELOPE + chunked(second, 300_000) + b"QUIT\r\n")
        assert [reply[:3] for reply in await client.rest()] == ["250"] * 5 + ["221"]
        assert [mail.content for mail in server.house.mails] == [second]
        assert [(spool.aborted, spool.finished) for spool in server.house.spools] == [(True, False), (False, True)][: 1 + (size > 20)]


@on_both_loops
async def test_a_transaction_that_is_broken_off_leaves_no_spool():
    """Its file is gone with the answer to RSET, not only when the next mail comes."""
    async with receiving() as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(chunked(text(300_000), 300_000, last=False))
        assert (await client.reply())[:3] == "250"
        assert [spool.aborted for spool in server.house.spools] == [False]
        assert (await client.say(b"RSET"))[:3] == "250"
        assert [spool.aborted for spool in server.house.spools] == [True]


@on_both_loops
async def test_spooled_mail_that_is_refused_leaves_nothing():
    """Too big, or a bare LF at its very end: the spool is thrown away; a mail pipelined behind it has its own."""
    async with receiving(size_bytes=500_000) as server:
        client = await Client.connect(server.address)
        second = text(300_000, 2)
        await client.envelope()
        assert (await client.say(b"DATA"))[:3] == "354"
        await client.send(dotted(text(700_000)) + ENVELOPE + chunked(second, 300_000))
        assert [(await client.reply())[:3] for _ in range(4)] == ["552", "250", "250", "250"]
        await client.envelope()
        await client.say(b"DATA")
        await client.send(text(300_000) + b"a\nb\r\n.\r\n")
        assert [reply[:10] for reply in await client.rest()] == ["550 5.6.11"]
        assert [mail.content for mail in server.house.mails] == [second]
        assert [(spool.aborted, spool.finished) for spool in server.house.spools] == [(True, False), (False, True), (True, False)]
        assert server.house.refused == [replies.TOO_BIG, replies.BARE_LINE_END]


@pytest.mark.parametrize("when", ["between", "while"])
@on_both_loops
async def test_a_connection_that_ends_leaves_nothing_in_the_spool(when):
    """Between two pieces, or while one is written; the spool is never thrown away under the writing thread."""
    slow = threading.Event()
    house = House(slow=slow)
    async with receiving(house) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.say(b"DATA")
        if when == "between":
            slow.set()
        await client.send(text(300_000))
        await until(lambda: house.spools, "a spool is open")
        (spool,) = house.spools
        assert await asyncio.to_thread(spool.writing.wait, PATIENCE_S)
        if when == "between":
            client.abort()
        else:
            for connection in server.reception.connections:
                connection.abort()
        await until(lambda: not server.reception.connections, "no connection is left")
        if when == "while":
            assert not spool.aborted
        slow.set()
        await until(lambda: spool.aborted, "the spool is thrown away")
        assert not spool.aborted_while_writing and not spool.finished
    assert house.mails == []


@on_both_loops
async def test_a_slow_disk_holds_up_only_its_own_client():
    """While a piece is written nothing more is read from that client, others go on."""
    house = House(slow=threading.Event())
    async with receiving(house) as server:
        client, other = await Client.connect(server.address), await Client.connect(server.address)
        await client.envelope()
        await client.say(b"DATA")
        sending = asyncio.ensure_future(client.send(dotted(text(5_000_000)), random.Random(1)))
        await until(lambda: house.spools, "a spool is open")
        slow = next(connection for connection in server.reception.connections if connection.session.content is not None)
        for _ in range(100):
            assert (await other.say(b"NOOP"))[:3] in ("250", "421")
            assert slow.session.buffered == 0
        house.slow.set()
        await sending
        assert (await client.reply())[:3] == "250"


@pytest.mark.parametrize("answer", [replies.SEND_CONTENT, replies.MALFORMED_CONTENT, replies.STORE_AWAY])
@on_both_loops
async def test_a_house_may_think_before_content_begins(answer):
    """DATA and chunks wait for it; what a chunk brings meanwhile is content or read past, never a command."""
    house, thought = House(), asyncio.Event()

    async def content_begins(peer, envelope):
        await thought.wait()
        return answer

    house.content_begins = content_begins
    async with receiving(house) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "bytes")
        thought.set()
        assert [(await client.reply())[:3] for _ in range(2)] == [str(answer)[:3] if not answer.accepts else "250", "250"]
        thought.clear()
        await client.send(b"RSET\r\n" + ENVELOPE + b"DATA\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == ["250"] * 3
        thought.set()
        assert (await client.reply())[:3] == str(answer)[:3]
        if answer.accepts:
            await client.send(b"x\r\n.\r\n")
            assert (await client.reply())[:3] == "250"
    assert [mail.content for mail in house.mails] == ([b"QUIT\r\n", b"x\r\n"] if answer.accepts else [])


SURPRISE = RuntimeError("a defect of the house")


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("MAIL", ["451", "503", "503"]),
        ("RCPT", ["250", "451", "554"]),
        ("DATA", ["250", "250", "451"]),
        ("CONTENT", ["250", "250", "354", "451"]),
    ],
)
@on_both_loops
async def test_a_surprise_in_the_house_is_a_local_error(verb, expected, capfd):
    """The client hears 451 4.3.0 and may go on, the log tells what happened, and nothing was taken."""
    async with receiving(House(answers={verb: SURPRISE})) as server:
        client = await Client.connect(server.address)
        await client.say(b"EHLO c")
        said = [await client.say(line) for line in (b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.com>", b"DATA")]
        if said[-1][:3] == "354":
            await client.send(b"x\r\n.\r\n")
            said.append(await client.reply())
        assert [reply[:3] for reply in said] == expected
        assert [reply for reply in said if reply[:3] == "451"] == [str(replies.LOCAL_ERROR)]
        server.house.answers.clear()
        await client.say(b"RSET")
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\nx")
        assert (await client.reply())[:3] == "250"
        assert len(server.house.mails) == 1
    told = capfd.readouterr().err
    assert told.count('"event":"process.unexpected"') == 1
    assert "a defect of the house" in told and '"where":"smtp.service"' in told


@on_both_loops
async def test_a_login_that_fails_by_surprise_opens_nothing(tmp_path, capfd):
    """The client hears 451 and is not authenticated."""
    house = House(answers={"AUTH": SURPRISE})
    async with receiving(house, tls=self_signed(tmp_path).server_context(), implicit=True, submission=True) as server:
        client = await Client.connect(server.address, tls=True)
        await client.say(b"EHLO c")
        assert (await client.say(b"AUTH PLAIN AHVzZXIAZ29vZA=="))[:9] == "451 4.3.0"
        assert (await client.say(b"MAIL FROM:<a@example.org>"))[:3] == "530"
    assert "process.unexpected" in capfd.readouterr().err


@on_both_loops
async def test_a_surprise_while_a_refusal_is_noted_changes_nothing_of_it(capfd):
    """A mail with a bare line end is refused and hung up on, whatever the house does with the news."""
    house = House()
    house.content_refused = lambda peer, envelope, reply: 1 / 0
    async with receiving(house, block_suspicious_clients=True) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\n\n")
        assert [reply[:10] for reply in await client.rest()] == ["550 5.6.11"]
        assert server.gate.is_blocked("127.0.0.1")
    assert "ZeroDivisionError" in capfd.readouterr().err


@on_both_loops
async def test_an_answer_that_was_cancelled_is_a_local_error():
    """Work that the house itself gives up does not leave the client waiting."""
    house = House()

    async def message(peer, envelope, received):
        raise asyncio.CancelledError

    house.message = message
    async with receiving(house) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\nx")
        assert (await client.reply())[:9] == "451 4.3.0"
        assert (await client.say(b"NOOP"))[:3] == "250"


@on_both_loops
async def test_a_defect_of_ours_ends_the_session_with_a_word(monkeypatch, capfd):
    """A surprise inside the server is told, and the client is not left hanging."""
    async with receiving() as server:
        client = await Client.connect(server.address)
        (taken,) = server.reception.connections
        monkeypatch.setattr(type(taken.session), "advance", lambda session: 1 / 0)
        await client.send(b"NOOP\r\n")
        assert [reply[:9] for reply in await client.rest()] == ["451 4.3.0"]
    assert '"where":"smtp.server"' in capfd.readouterr().err
