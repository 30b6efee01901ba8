# SPDX-License-Identifier: Apache-2.0
"""One mail stays one mail: no sequence but the true end ends DATA, no bare CR or LF is taken (RFC 5321 §2.3.8, §4.1.1.4)."""

import json
import random

import pytest

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.session.events import ContentBegins, ContentEnds, ContentRefused, MailFrom
from gatepost.smtp.session.machine import Session
from gatepost.smtp.session.terms import Terms
from gatepost.testing.tls import self_signed
from security.receiving_server import Client, House, receiving, segments
from security.smuggling_vectors import FAKE_ENDS, VECTORS, Vector, wire_of
from shared_corpora import corpus

CUTS = ["bytes", "random 1", "random 2", "random 3", "whole"]


def _cuts(name: str) -> str | random.Random:
    return random.Random(name) if name.startswith("random") else name


@pytest.mark.parametrize("layer", ["plain", "TLS"])
async def test_every_vector_on_the_wire(layer, tmp_path, capsys):
    """Each vector, cut in each way, is taken as the one mail it is, or refused after its true end and hung up on."""
    tls = self_signed(tmp_path).server_context() if layer == "TLS" else None
    runs, wrong = 0, []
    async with receiving(tls=tls, implicit=tls is not None, errors=10_000) as server:
        for vector in VECTORS:
            for cut in CUTS:
                fault = await _run(vector, server.address, server.house, cut, tls=tls is not None)
                runs += 1
                if fault:
                    wrong.append(f"{vector.name}, {cut}: {fault}")
    with capsys.disabled():
        print(f"\n  {layer}: {len(VECTORS)} vectors, {runs} runs, {len(wrong)} wrong")
    assert wrong == []


async def _run(vector: Vector, address: tuple[str, int], house: House, cut: str, *, tls: bool) -> str:
    house.said.clear()
    house.mails.clear()
    client = await Client.connect(address, tls=tls)
    await client.envelope()
    if vector.way == "DATA":
        assert (await client.say(b"DATA"))[:3] == "354"
    await client.send(wire_of(vector), _cuts(cut))
    said = [await client.reply() for _ in vector.pieces]
    if vector.taken is not None:
        said.append(await client.say(b"QUIT"))
    said += await client.rest()
    await client.close()
    return _judge(vector, said, house)


def _judge(vector: Vector, said: list[str], house: House) -> str:
    codes = [reply.split(" ", 2)[:2] for reply in said]
    chunks = [["250", "2.0.0"]] * (len(vector.pieces) - 1)
    end = [["550", "5.6.11"]] if vector.taken is None else [["250", "2.0.0"], ["221", "2.0.0"]]
    if codes != chunks + end:
        return f"answered {said}"
    if [mail.content for mail in house.mails] != ([] if vector.taken is None else [vector.taken]):
        return f"took {house.mails}"
    asked = ["MAIL a@example.org", "RCPT b@example.com", "DATA", *(["CONTENT"] if vector.taken is not None else [])]
    return "" if house.said == asked else f"asked {house.said}"


def _pure(vector: Vector, parts: list[bytes]) -> tuple[bytes | None, list[str], bool]:
    """Give what a session without I/O takes, its senders, and whether it ended."""
    session = Session(Terms(hostname="gate.example", limits=ReceiveLimits()))
    taken: bytes | None = None
    senders: list[str] = []
    opening = b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\n" + (b"DATA\r\n" if vector.way == "DATA" else b"")
    for part in [opening, *parts]:
        if session.ended:
            break
        session.feed(part)
        while (event := session.advance()) is not None:
            if isinstance(event, MailFrom):
                senders.append(str(event.envelope.sender))
            if isinstance(event, ContentEnds):
                assert taken is None and session.content is not None
                taken = session.content.take()
            refused = isinstance(event, ContentRefused)
            session.answer(event.reply if refused else replies.SEND_CONTENT if isinstance(event, ContentBegins) else replies.OK)
    return taken, senders, session.ended


def test_every_vector_cut_at_every_place(capsys):
    """Wherever one cut or a cut between all bytes falls, what is taken and whether the session ends stay the same."""
    runs = 0
    for vector in VECTORS:
        wire = wire_of(vector)
        cuttings = [segments(wire, "whole"), segments(wire, "bytes"), *([wire[:at], wire[at:]] for at in range(1, len(wire)))]
        for parts in cuttings:
            assert _pure(vector, parts) == (vector.taken, ["a@example.org"], vector.taken is None), (vector, parts)
            runs += 1
    with capsys.disabled():
        print(f"\n  pure session: {len(VECTORS)} vectors, {runs} runs")


def test_the_table_is_what_was_asked_for():
    """At least 60 vectors with names of their own; both ways, and both outcomes of each."""
    assert len({vector.name for vector in VECTORS}) == len(VECTORS) >= 60
    kinds = [(vector.way, vector.taken is None) for vector in VECTORS]
    assert min(kinds.count((way, refused)) for way in ("DATA", "BDAT") for refused in (True, False)) >= 10
    assert all(vector.pieces[0].endswith(b"\r\n.\r\n") or vector.pieces[0] == b".\r\n" for vector in VECTORS if vector.way == "DATA")


def test_the_known_scanners_sequences_are_in_the_table():
    """What the first scanner for smuggling tries is tried here."""
    known = json.loads((corpus("smtp") / "smuggling-sequences.json").read_text())["hex"]
    assert {bytes.fromhex(sequence) for sequence in known} <= set(FAKE_ENDS.values())


async def test_one_byte_at_a_time_is_what_the_server_sees(monkeypatch, tmp_path):
    """The segmentation of these tests is real, in plain and under TLS."""
    seen: list[int] = []
    feed = Session.feed
    monkeypatch.setattr(Session, "feed", lambda session, wire: (seen.append(len(wire)), feed(session, wire))[1])
    for tls in (None, self_signed(tmp_path).server_context()):
        async with receiving(tls=tls, implicit=tls is not None) as server:
            client = await Client.connect(server.address, tls=tls is not None)
            for _ in range(10):  # a machine that is busy may hand over two at once
                seen.clear()
                assert (await client.say(b"NOOP of some length", "bytes"))[:3] == "250"
                assert sum(seen) == 21
                if seen == [1] * 21:
                    break
            assert seen == [1] * 21
            await client.close()
