# SPDX-License-Identifier: Apache-2.0
"""What a replay says of a mail is what the gateway then does with it: mails go through one under rules A, then under rules B."""

import asyncio
import json
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.configuration import Configuration, CorporateServer, Dns, OwnedDomain, SendConnector
from gatepost.config.reputation import ReputationSettings
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.delivery.queue.record import NewMail
from gatepost.mailflow.directory import Directory, Existence
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.message.addresses import Address
from gatepost.roles.judgement import configuration_refusals, make_judging
from gatepost.roles.replaying_ground import ground, tried_ground
from gatepost.roles.resolution import make_resolver
from gatepost.rules.replay import rejudge
from gatepost.rules.replay_ground import Listed, folded
from gatepost.rules.replay_record import Judged, why
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from gatepost.tracking.codec import decode_head
from gatepost.tracking.record import Status, TrackHead
from waiting import until
from wire_client import WireClient

NAME, LISTENER = "gateway.example", "192.0.2.200:25"
CLIENTS = ("192.0.2.1", "192.0.2.9", "198.51.100.7", "203.0.113.5")
ZONE = """
good.example.     MX  10 mx.good.example.
good.example.     TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.good.example. TXT "v=DMARC1; p=reject"
mx.good.example.  A   192.0.2.1
1.2.0.192.in-addr.arpa. PTR mx.good.example.
9.2.0.192.bl.example. A 127.0.0.2
9.2.0.192.other.example. A 127.0.0.2
5.113.0.203.other.example. A 127.0.0.2
"""
SENDERS = ("a@good.example", "", "boss@partner.example", "x@deep.partner.example")
AUTHORS = ("a@good.example", "Boss <boss@partner.example>", "us@example.com", "a@good.example, boss@partner.example", "")
KNOWN = (
    "user@example.com",
    "other@example.com",
    "data@example.com",
    "asked@callout.example",
    "anybody@any.example",
    "postmaster@any.example",
)
RECIPIENTS = (*KNOWN, "nobody@example.com", "ghost@callout.example", "someone@elsewhere.example", "user%x@example.com")
SUBJECTS = ("hello", "cheap pills", "an invoice for cheap pills, pills, pills", "\u0441\u043f\u0430\u043c \u0441\u043f\u0430\u043c")
FILTERS = ("words", "realtime_blocklists", "reputation", "character_sets")
OBSERVING = (
    Rule(name="observed", recipient_scope="corporate_addresses", filters=tuple(FilterUse(name=name) for name in FILTERS), threshold=500),
    Rule(name="sent", direction="outbound", filters=(FilterUse(name="words"),), threshold=500),
)
"""Takes nearly everything and asks every filter: then a track holds all that other rules may want."""
DATA = {"data@example.com": True, "gone@any.example": False}
PAIRS, MAILS = 45, 8


class Mail(NamedTuple):
    """What a client hands over."""

    client: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


class Committed:
    """A commit that is always there at once."""

    async def committed(self) -> bool:
        return True

    def cancel(self) -> None:
        raise AssertionError("nothing is withdrawn here")


class Stage:
    """A receiving gateway whose store is a list of heads: real sockets, dialogue, rules and filters."""

    is_away = False

    def __init__(self) -> None:
        self.heads: list[TrackHead] = []

    async def open(self) -> None:
        """Take connections."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        configuration = Configuration()
        self._reception = Reception(
            name=LISTENER,
            terms=Terms(NAME, configuration.receive),
            service=self._desk(configuration, 0),
            gate=Gate(configuration.receive),
            proxy_from=("127.0.0.1",),
        )
        await self._reception.open(listening)

    async def close(self) -> None:
        """Take no more."""
        await self._reception.drain()

    def configure(self, configuration: Configuration, version: int) -> None:
        """Work with another version from the next MAIL on."""
        self._reception.renew(Terms(NAME, configuration.receive), self._desk(configuration, version))

    def _desk(self, configuration: Configuration, version: int) -> ReceptionDesk:
        identities = Identities(configuration)
        house = Receiving(
            configuration,
            identities=identities,
            judging=make_judging(configuration, identities, make_resolver(configuration), NAME),
            reporting=Reporting(configuration.delivery, identities, NAME, lambda blob, size: b""),
            hostname=NAME,
            handover=self,
            blobs=None,  # type: ignore[arg-type]
            tell_refused=lambda tenant, key, head: self.heads.append(decode_head(head)),
            configuration_version=version,
        )
        return ReceptionDesk(house, Logins(configuration), Directory(configuration, self))

    def commit(self, mail: NewMail) -> Committed:
        """Keep the head of a mail that was taken."""
        self.heads.append(decode_head(mail.head))
        return Committed()

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        """Answer as the data and the next hop would."""
        if (listed := DATA.get(folded(address))) is not None:
            return "known" if listed else "unknown"
        return "unknown" if address.local == "ghost" else "known"

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        """Never needed: all is recalled."""
        raise AssertionError

    def listed(self, tenant_id: int, address: Address) -> Existence:
        """Answer as the data would."""
        return "known" if DATA.get(folded(address)) else "unknown"

    def send(self, mail: Mail) -> list[TrackHead]:
        """Hand one mail over as a mail server does, those who are put off anew; gives the tracks that it left."""
        self.heads = []
        waiting = list(mail.recipients)
        with WireClient(self.port, greet=False) as wire:
            wire.raw(f"PROXY TCP4 {mail.client} 192.0.2.200 4711 25\r\n".encode())
            assert wire.reply().startswith("220")
            wire.say("EHLO mx.good.example")
            while waiting:
                wire.say(f"MAIL FROM:<{mail.sender}>")
                replies = {to: wire.say(f"RCPT TO:<{to}>") for to in waiting}
                waiting = [to for to, reply in replies.items() if reply.startswith("452")]
                if any(reply.startswith("250") for reply in replies.values()) and wire.say("DATA").startswith("354"):
                    wire.raw(mail.content + b".\r\n")
                    wire.reply()
                wire.say("RSET")
        return [head for head in self.heads if head.client]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Give a gateway that takes connections."""
    made = Stage()
    await made.open()
    yield made
    await made.close()


def some(draw: random.Random, values: Sequence[str], chance: float = 0.25) -> tuple[str, ...]:
    """Give none of these most of the time, else one or two."""
    return tuple(draw.sample(values, draw.randint(1, 2))) if draw.random() < chance else ()


def drawn_rules(draw: random.Random) -> tuple[Rule, ...]:
    """Draw rules that can work, with one below for all that is left, mostly."""
    rules = []
    for number in range(draw.randint(1, 5)):
        mode = draw.choice(("check", "check", "check", "accept", "reject"))
        direction = draw.choice(("inbound", "inbound", "any", "outbound"))
        possible = FILTERS if direction == "inbound" else ("words",)
        uses = tuple(FilterUse(name=name, multiplier=draw.randint(0, 3)) for name in draw.sample(possible, draw.randint(1, len(possible))))
        rules.append(
            Rule(
                name=f"rule {number}",
                enabled=draw.random() < 0.9,
                direction=direction,
                mode=mode,
                mail_from=some(draw, ("*@good.example", "*.partner.example", "<>", "boss@partner.example")),
                header_from=some(draw, ("*@good.example", "boss@partner.example", "*@example.com")),
                recipients=some(draw, ("*@example.com", "user@example.com", "*@callout.example")),
                recipient_scope=draw.choice(("any", "owned_domains", "corporate_addresses")),
                clients=some(draw, ("192.0.2.0/24", "203.0.113.5"), 0.15),
                listeners=some(draw, (LISTENER, "192.0.2.200:26"), 0.1),
                filters=uses if mode == "check" else (),
                threshold=draw.choice((1, 2, 3, 4, 6, 8)),
                verdict_reply=draw.choice(("", "No thank you")),
                rejection=draw.choice(("reject_inbound_report_outbound", "discard_report_outbound", "reject_report_none")),
            )
        )
    if draw.random() < 0.8:
        uses = tuple(FilterUse(name=name, multiplier=draw.randint(1, 2)) for name in FILTERS)
        rules.append(Rule(name="the rest", recipient_scope=draw.choice(("any", "corporate_addresses")), filters=uses))
        rules.append(Rule(name="outwards", direction="outbound", mode="accept"))
    return tuple(rules)


def base(zone: Path) -> Configuration:
    """Give what all configurations here have alike."""
    checks = (("example.com", "list"), ("callout.example", "callout"), ("any.example", "any"))
    return Configuration(
        owned_domains=tuple(OwnedDomain(name=name, recipients=check) for name, check in checks),
        corporate_servers=(CorporateServer(name="ours", networks=("198.51.100.7",)),),
        corporate_users=("user@example.com", "other@example.com"),
        send_connectors=(SendConnector(name="in", direction="inbound", smart_hosts=("[192.0.2.25]",)),),
        filters=FilterSettings(
            word_groups=(WordGroup(name="pills", words=("pills",), points=1.5), WordGroup(name="kind", words=("hello",), points=-1)),
            reputation=ReputationSettings(
                missing_ptr=0.5, spf_fail=0.5, dmarc_fail_reject=1, sender_without_address=0.5, own_domain_from_outside=1
            ),
            realtime_blocklists=RealtimeBlocklistSettings(lists=(Blocklist(zone="bl.example"), Blocklist(zone="other.example"))),
        ),
        dns=Dns(zone_file=str(zone)),
    )


def other_settings(draw: random.Random, one: Configuration) -> Configuration:
    """Change something besides the rules."""
    replace = msgspec.structs.replace
    match draw.randrange(8):
        case 0:
            return replace(one, filters=replace(one.filters, word_groups=(WordGroup(name="pills", words=("cheap",), points=5),)))
        case 1:
            return replace(one, filters=replace(one.filters, reputation=ReputationSettings(missing_ptr=4)))
        case 2:
            return replace(one, owned_domains=one.owned_domains[1:])
        case 3:
            return replace(one, owned_domains=(*one.owned_domains, OwnedDomain(name="elsewhere.example", recipients="any")))
        case 4:
            return replace(one, corporate_servers=())
        case 5:
            return replace(one, corporate_servers=(CorporateServer(name="more", networks=("198.51.100.7", "192.0.2.1")),))
        case 6:
            return replace(one, corporate_users=("nobody@example.com",))
        case _:
            return replace(one, different_rules="strictest")


def drawn_mail(draw: random.Random, recipients: Sequence[str]) -> Mail:
    """Draw a mail to some of these."""
    author = draw.choice(AUTHORS)
    subject = f"=?utf-8?q?{draw.choice(SUBJECTS).encode().hex('=', 1).upper().join(('=', ''))}?="
    lines = [f"From: {author}" if author else "X-From: nobody", f"Subject: {subject}", "Message-ID: <1@good.example>"]
    lines += ["Received: by a"] * draw.choice((0, 0, 0, 0, 0, 120))
    content = "\r\n".join([*lines, "", draw.choice(("text", "cheap pills")), ""]).encode()
    return Mail(draw.choice(CLIENTS), draw.choice(SENDERS), tuple(draw.sample(recipients, draw.choice((1, 1, 2, 3)))), content)


def verdicts(heads: Sequence[TrackHead]) -> dict[str, tuple[str, str, float, float | None]]:
    """Give what the gateway did with each recipient: outcome, rule, threshold and, where points were added up, their sum."""
    told = {}
    for head in heads:
        outcome = {Status.DELIVERY_PENDING: "accept", Status.SUPPRESSED: "discard"}.get(Status(head.status), "refuse")
        for recipient in head.recipients:
            told[recipient] = (outcome, head.rule, head.threshold, head.scl if head.filters else None)
    return told


def foretold(after: Sequence[Judged]) -> dict[str, tuple[str, str, float, float | None]]:
    """Give what a replay says of each recipient, in the same form."""
    return {to: (one.outcome, one.rule, one.threshold, one.scl) for one in after for to in one.recipients}


class Score:
    """What came of many mails."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()

    def note(self, track: TrackHead, mail: Mail, grounds: tuple, listed: Listed | None, send: Callable[[Mail], list[TrackHead]]) -> None:
        """Compare what a replay of a track says with what the gateway does with the same mail."""
        rejudged = rejudge(track, *grounds, listed)
        self.kinds[rejudged.kind] += 1
        if rejudged.unclear is not None:
            self.gaps[f"{rejudged.unclear.gap} {rejudged.unclear.what}".strip()] += 1
            return
        did = verdicts(send(mail._replace(recipients=track.recipients)))
        before = rejudged.before.outcome
        assert rejudged.kind == ("same" if {one[0] for one in did.values()} == {before} else "otherwise"), (rejudged, did)
        assert bool(why(rejudged)) == (rejudged.kind == "otherwise")
        if rejudged.after:
            said = foretold(rejudged.after)
            assert said.keys() == did.keys()
            for recipient, (outcome, rule, threshold, scl) in said.items():
                assert did[recipient][0] == outcome, (rejudged, did)
                if not track.size and not did[recipient][1]:
                    continue  # its content was seen for the first time, and refused for itself
                assert did[recipient][1:3] == (rule, threshold), (rejudged, did)
                assert scl is None or did[recipient][3] == scl, (rejudged, did)


async def compared(
    stage: Stage,
    pairs: Sequence[tuple[Configuration, Configuration]],
    draw: random.Random,
    listed: Listed | None,
    recipients: Sequence[str] = RECIPIENTS,
) -> Score:
    """Send mails under the first of each pair, and what each track tells of under the second."""
    score = Score()
    for first, second in pairs:
        assert not [*configuration_refusals(first, "A"), *configuration_refusals(second, "B")]
        grounds = ground(first), tried_ground(second)
        mails = [drawn_mail(draw, recipients) for _ in range(MAILS)]
        stage.configure(first, 1)
        tracks = [await asyncio.to_thread(stage.send, mail) for mail in mails]
        stage.configure(second, 2)
        for mail, heads in zip(mails, tracks, strict=True):
            for head in heads:
                await asyncio.to_thread(score.note, head, mail, grounds, listed, stage.send)
    return score


@pytest.mark.parametrize("listed", [DATA, None], ids=["with-data", "tracks-alone"])
async def test_a_replay_says_what_the_gateway_then_does(stage: Stage, tmp_path: Path, listed: Listed | None) -> None:
    """Drawn rules, other settings too: every verdict that is told, with its rule and its sum, is the gateway's; most are told."""
    draw = random.Random(5)
    (tmp_path / "zone").write_text(ZONE)
    settings = base(tmp_path / "zone")
    pairs = []
    for number in range(PAIRS):
        rules = OBSERVING if number % 2 else drawn_rules(draw)
        first = msgspec.structs.replace(settings, rules=rules, different_rules=draw.choice(("split", "split", "strictest")))
        second = msgspec.structs.replace(first, rules=drawn_rules(draw) if number % 5 else first.rules)
        pairs.append((first, other_settings(draw, second) if number % 3 == 0 else second))
    score = await compared(stage, pairs, draw, listed)
    assert score.kinds["same"] + score.kinds["otherwise"] >= 300
    assert score.kinds["otherwise"] >= 45
    assert score.kinds["undetermined"] < score.kinds.total() / 2
    assert {"points realtime_blocklists", "points words"} <= score.gaps.keys()


async def test_other_weights_are_always_told(stage: Stage, tmp_path: Path) -> None:
    """When a rule keeps its scopes and filters, only a mail that was refused before its content can be undetermined."""
    draw = random.Random(6)
    (tmp_path / "zone").write_text(ZONE)
    settings = msgspec.structs.replace(base(tmp_path / "zone"), owned_domains=(OwnedDomain(name="example.com", recipients="list"),))
    pairs = []
    for _ in range(16):
        rules = [
            Rule(
                name="all",
                recipient_scope="corporate_addresses",
                threshold=draw.choice((1, 3, 5, 8)),
                filters=tuple(FilterUse(name=name, multiplier=draw.randint(0, 4)) for name in draw.sample(FILTERS, len(FILTERS))),
            )
            for _ in range(2)
        ]
        pairs.append(
            tuple(msgspec.structs.replace(settings, rules=(rule, Rule(name="out", direction="outbound", mode="accept"))) for rule in rules)
        )
    score = await compared(stage, pairs, draw, None, ("user@example.com", "other@example.com", "data@example.com"))
    assert score.kinds["otherwise"] >= 12
    assert score.kinds["undetermined"] <= 5 and score.gaps.keys() <= {"points words", "points reputation", "points character_sets"}


async def test_an_administrator_tries_a_change_on_the_last_days_mail(tmp_path: Path) -> None:
    """`gatepost config apply --plan --replay` names the mail that the new rules would refuse, and why; nothing is changed."""
    (tmp_path / "zone").write_text(ZONE)
    async with Sink() as sink:
        words = (WordGroup(name="pills", words=("pills",), points=2),)
        settings = msgspec.structs.replace(
            relay_all_to(sink.port),
            rules=(Rule(name="all", direction="any", filters=(FilterUse(name="words"),)),),
            filters=FilterSettings(word_groups=words),
            dns=Dns(zone_file=str(tmp_path / "zone")),
        )
        async with Gateway(tmp_path / "gw", settings) as gateway:
            await until(lambda: works_with(gateway) == [1, 1], "version 1, in both processes")
            for subject in ("pills", "hello"):
                assert (await asyncio.to_thread(handed_over, gateway.port, subject)).startswith("250")
            document = tmp_path / "new.toml"
            exported = await asyncio.to_thread(gateway.command, "config", "export", "-o", str(document))
            assert exported.returncode == 0, exported.stderr
            document.write_text(document.read_text().replace('name = "all"', 'name = "strict"\nthreshold = 2.0'))
            planned = "config", "apply", str(document), "--plan", "--replay"
            found = (await asyncio.to_thread(gateway.answer, *planned))["replay"]
            while found["looked_at"] < 2:  # the tracks are on their way
                found = (await asyncio.to_thread(gateway.answer, *planned))["replay"]
            assert (found["same"], found["refused_now"], found["undetermined"]) == (1, 1, 0)
            said = (await asyncio.to_thread(gateway.command, *planned)).stdout
            assert "Of 2 mails of the last day 1 would be judged the same, 1 otherwise (1 refused, 0 taken); 0 cannot be told." in said
            assert 'a@good.example: refused by rule "strict" instead of "all": 2 points reach the threshold of 2' in " ".join(said.split())
            assert len(await asyncio.to_thread(gateway.answer, "config", "history")) == 1
            alone = await asyncio.to_thread(gateway.command, "config", "apply", str(document), "--replay", "--reason", "x")
            assert alone.returncode == 2 and "say --plan too" in alone.stderr


def works_with(gateway: Gateway) -> list[int]:
    """Give the version of each process."""
    done = gateway.command("config", "status", "--json")
    return [one["version"] for one in json.loads(done.stdout or "{}").get("processes", [])]


def handed_over(port: int, subject: str) -> str:
    """Hand one mail over; gives the reply to its end."""
    with WireClient(port) as wire:
        wire.say("EHLO mx.good.example")
        content = f"From: a@good.example\r\nSubject: {subject}\r\n\r\ntext\r\n".encode()
        return wire.send("a@good.example", ["user@example.com"], content)
