# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks with filters stand on: made-up senders that are in order, a slow name server, rspamd's log."""

import asyncio
import sys
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.check import check, check_helo
from measure.mailbag import MAILS, is_signed, sender_of
from measure.rspamd import Rspamd, Scanned
from measure.senders import BLOCKLISTS, DOMAINS, records, senders, zone
from measure.slow_names import TTL_S, SlowNames


@pytest.fixture(scope="module")
def written_zone() -> str:
    """Every domain has the same key here: two hundred take long to make."""
    keys: list[RSAPrivateKey] = [generate_private_key(65537, 2048)] * DOMAINS
    return zone(records(keys))


async def test_every_sender_is_in_order(written_zone: str) -> None:
    """SPF passes for MAIL FROM and HELO, and the address has the client's name, which leads back."""
    twin = Twin(written_zone)
    for sender in senders():
        asked = {"client": sender.address, "helo": sender.host, "hostname": "gateway.example", "now": 0.0}
        assert (await check(twin, mail_from=Address("a", sender.domain), **asked)).result == "pass"  # type: ignore[arg-type]
        assert (await check_helo(twin, **asked)).result == "pass"  # type: ignore[arg-type]
        assert (await twin.names(sender.address)).values == (sender.host,)
        assert (await twin.a(sender.host)).values == (sender.address,)
        reverse = ".".join(reversed(sender.address.split(".")))
        assert bool((await twin.a(f"{reverse}.{BLOCKLISTS[0]}")).values) == sender.listed


def test_half_of_the_mails_are_signed() -> None:
    """Every domain sends signed and unsigned mails, and half of all are signed."""
    signed = [number for number in range(MAILS) if is_signed(number)]
    assert len(signed) == MAILS // 2
    assert {sender_of(number).domain for number in signed} == {sender.domain for sender in senders()}


async def test_slow_names_answer_late_and_truly(written_zone: str) -> None:
    """An answer comes after the delay, with the zone's records; what lies above a name exists, other names do not."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: SlowNames(written_zone, 0.05), local_addr=("127.0.0.1", 0))

    async def ask(name: str, kind: str) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        got: asyncio.Future[bytes] = loop.create_future()

        class Client(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                got.set_result(data)

        asking, _ = await loop.create_datagram_endpoint(Client, remote_addr=transport.get_extra_info("sockname"))
        began = loop.time()
        asking.sendto(query.to_wire())
        answer = dns.message.from_wire(await got)
        asking.close()
        assert loop.time() - began >= 0.045
        assert query.is_response(answer) and answer.flags & dns.flags.AA
        return answer

    text = await ask("Sender-000.example", "TXT")
    assert [str(one) for one in text.answer[0]] == ['"v=spf1 ip4:203.0.113.1 -all"'] and text.answer[0].ttl == TTL_S
    key = (await ask("s2026._domainkey.sender-000.example", "TXT")).answer[0][0]
    assert b"".join(key.strings).startswith(b"v=DKIM1; k=rsa; p=MII")
    assert (await ask("_domainkey.sender-000.example", "TXT")).rcode() == dns.rcode.NOERROR
    nothing = await ask("elsewhere.example", "A")
    assert nothing.rcode() == dns.rcode.NXDOMAIN and nothing.authority
    assert server.asked == 4
    transport.close()


def test_what_rspamd_logged_is_read(tmp_path: Path) -> None:
    """Of each mail: the action, the score and the symbols with their points; the last scan counts."""
    rspamd = Rspamd(tmp_path)
    rspamd.log.parent.mkdir()
    line = (
        "2026-11-25 19:00:37 #39(normal) <b6bd8a>; task; rspamd_task_write_log: id: <%s@mail.example>, qid: <4X>, ip: 203.0.113.1, "
        "from: <a@sender.example>, (default: F (%s): [%s/15.00] [DMARC_POLICY_ALLOW(-0.50){sender.example;none;},"
        "R_DKIM_ALLOW(-0.20){sender.example:s=s2026;},ARC_NA(0.00){}]), len: 4722, time: 232.109ms, dns req: 27"
    )
    rspamd.log.write_text("\n".join([line % ("one", "add header", "7.00"), line % ("one", "no action", "-0.70"), "something else"]))
    symbols = {"DMARC_POLICY_ALLOW": -0.5, "R_DKIM_ALLOW": -0.2, "ARC_NA": 0.0}
    assert rspamd.scanned() == {"one@mail.example": Scanned("no action", -0.7, symbols)}
