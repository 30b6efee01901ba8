# SPDX-License-Identifier: Apache-2.0
"""Every mail of the corpora, from a client through receive, queue and deliver to the next hop."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from gatepost.config.limits import ReceiveLimits
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from shared_corpora import wire_mails
from wire_client import WireClient

TRACE = re.compile(rb"Received: from .*?;\r\n\t\w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}\r\n", re.DOTALL)


def _send_all(port: int, mails: list[tuple[str, bytes]]) -> dict[str, str]:
    """Send each mail, every third as a BDAT chunk; give the replies by name. A refused one may end its session."""
    replies = {}
    client = WireClient(port)
    client.say("EHLO corpus.example")
    for number, (name, wire) in enumerate(mails):
        reply = client.send(f"s{number}@sender.example", [f"r{number}@example.com"], wire, chunked=number % 3 == 0)
        replies[name] = reply
        if not reply.startswith("250"):
            client.close()
            client = WireClient(port)
            client.say("EHLO corpus.example")
    client.close()
    return replies


@pytest.mark.parametrize("topic", ["mime", "mail-real", "dsn"])
async def test_every_mail_arrives_identical_or_is_refused_by_name(topic: str, tmp_path: Path) -> None:
    """A corpus mail is the same after the journey but for our trace header; only a bare CR is refused."""
    mails = list(wire_mails(topic))
    receive = ReceiveLimits(block_suspicious_clients=False)
    async with Sink() as sink:
        async with Gateway(tmp_path, relay_all_to(sink.port, receive=receive)) as gateway:
            replies = await asyncio.to_thread(_send_all, gateway.port, mails)
            accepted = [name for name, reply in replies.items() if reply.startswith("250")]
            arrived = await sink.wait(len(accepted), 60)
            unexpected = gateway.events("process.unexpected")
        by_sender = {mail.sender.split("@")[0]: mail for mail in arrived}
        identical, wrong = 0, []
        for number, (name, wire) in enumerate(mails):
            if not replies[name].startswith("250"):
                continue
            content = by_sender[f"s{number}"].content
            trace = TRACE.match(content)
            sent = wire if wire.endswith(b"\r\n") else wire + b"\r\n"
            if trace and content[trace.end() :] == sent:
                identical += 1
            else:
                wrong.append(name)
    refused = Counter(reply for reply in replies.values() if not reply.startswith("250"))
    print(f"\n{topic}: {len(mails)} sent, {identical} identical, {sum(refused.values())} refused {dict(refused)}")
    assert wrong == []
    assert unexpected == []
    assert sink.errors == []
    for name, wire in mails:
        is_bare = wire.count(b"\r") != wire.count(b"\r\n")
        assert replies[name].startswith("550 5.6.11" if is_bare else "250"), (name, replies[name])
