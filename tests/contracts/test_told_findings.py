# SPDX-License-Identifier: Apache-2.0
"""Whatever filters, authentication and the decision say of real and of hostile mails, a German page says it in German."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from contracts.judged_mails import ZONE, AwayResolver, LyingResolver, hostile, judged
from contracts.test_content_filters import GROUPS
from contracts.test_sender_filters import LISTS
from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.config.reputation import ReputationSettings
from gatepost.config.rules import FilterSettings, FilterUse, Rule
from gatepost.contracts.authentication import Authentication
from gatepost.contracts.filter import Finding
from gatepost.contracts.judged import Judged
from gatepost.contracts.sentence import AUTHENTICATION, DECISION
from gatepost.dns.resolver import Resolver
from gatepost.dns.twin import Twin
from gatepost.mailflow.heads import why
from gatepost.mailflow.identify import Identities
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.authenticate import authenticate
from gatepost.roles.judgement import make_filters
from gatepost.rules.decide import decide
from gatepost.rules.rule import CompiledRule
from gatepost.web.frame.words import load
from recorded_dns import RecordedDns
from shared_corpora import corpus, wire_mails

NOW = 1_700_000_000.0
CONFIGURATION = msgspec.structs.replace(
    Configuration(),
    owned_domains=(OwnedDomain(name="owned.example"),),
    filters=FilterSettings(
        word_groups=(*GROUPS, *(msgspec.structs.replace(group, name=f"{group.name}; more: {group.name}") for group in GROUPS)),
        realtime_blocklists=LISTS,
        reputation=ReputationSettings(unsecured_connection=1, dmarc_fail_none=1, unreadable_author=1),
    ),
)
LISTED = "\n".join(
    [
        ZONE,
        "66.2.0.192.bl.example. A 127.0.0.2",
        "66.2.0.192.second.example. A 127.255.255.254",
        "66.2.0.192.in-addr.arpa. PTR 192-0-2-66.dsl.example.",
        'partner.example. TXT "v=spf1 -all"',
        '_dmarc.partner.example. TXT "v=DMARC1; p=reject; t=y"',
        "nowhere.example. MX 0 .",
    ]
)
SENDERS = (Address("ann", "partner.example"), Address("a", "nowhere.example"), Address("a", "absent.example"), None)

told = load()["de"].told


class Heard:
    """What was said, and what of it no page could say in German."""

    def __init__(self) -> None:
        self.texts: set[tuple[str, str]] = set()
        self.said: Counter[str] = Counter()
        self.cut = 0
        self.unknown: set[tuple[str, str]] = set()

    def hear(self, text: str, scope: str) -> None:
        """Note a text; one that was cut has lost its end, and is only counted."""
        self.said[scope] += bool(text)
        if not text or (scope, text) in self.texts:
            return
        self.texts.add((scope, text))
        if told.recognised(text, scope) is None:
            if "…" in text:
                self.cut += 1
            else:
                self.unknown.add((scope, text))

    def finding(self, finding: Finding) -> None:
        """Note all that a filter says."""
        for text in (finding.message, finding.failed, *finding.details):
            self.hear(text, finding.filter)

    def authentication(self, found: Authentication) -> None:
        """Note the reasons of each method."""
        for one in (found.spf, found.helo_spf, *found.dkim, found.arc, found.dmarc):
            self.hear(one.reason, AUTHENTICATION)

    def told(self, what: str) -> None:
        """Print the count, and fail for whatever is not known."""
        print(f"{what}: {dict(self.said)}, {len(self.texts)} different, {self.cut} cut")
        assert self.unknown == set()


async def judge(mail: Judged, resolver: Resolver, heard: Heard) -> None:
    """Authenticate a mail where it is not, ask every filter, and decide."""
    if mail.message is not None and mail.authentication is None:
        asked: dict[str, Any] = {"peer": mail.peer, "envelope": mail.envelope, "message": mail.message}
        found = await authenticate(resolver, **asked, hostname="mx.owned.example", now=NOW)
        mail = msgspec.structs.replace(mail, authentication=found)
    if mail.authentication is not None:
        heard.authentication(mail.authentication)
    findings = [await one.judge(mail) for one in make_filters(CONFIGURATION, Identities(CONFIGURATION), resolver)]
    for finding in findings:
        heard.finding(finding)
    for threshold in (-100.0, 4.0):
        rule = CompiledRule(Rule(name="all", threshold=threshold, filters=(*map(_use, findings), FilterUse(name="other"))))
        decision = decide(findings, rule)
        heard.hear(why(decision), DECISION)
        for reason in decision.reasons:
            heard.hear(reason.failed, reason.name)


def _use(finding: Finding) -> FilterUse:
    return FilterUse(name=finding.filter)


def resolvers() -> Sequence[Resolver]:
    """Give a DNS that knows, one that lists and fails, one that lies and one that is away."""
    return Twin(ZONE), Twin(LISTED), LyingResolver(), AwayResolver()


def mails(raw: bytes) -> Iterator[Judged]:
    """Give a mail as several clients bring it."""
    for number, sender in enumerate(SENDERS):
        client = ("192.0.2.66", "192.0.2.25", "10.0.0.1", "2001:db8::25")[number]
        yield judged(raw, client=client, sender=sender, authentication=None, tls="TLSv1.3" * (number % 2))


async def test_what_is_said_of_hostile_mails_is_known():
    """Each mail that tries to break a filter, with each kind of DNS; findings made up by hand have domains that no check gives."""
    heard = Heard()
    for name, mail in [("clean", judged()), *hostile()]:
        if name != "hostile findings":
            for resolver in resolvers():
                await judge(mail, resolver, heard)
                await judge(msgspec.structs.replace(mail, authentication=None), resolver, heard)
    await judge(judged(content=False), Twin(ZONE), heard)
    heard.told("hostile mails")
    assert sum(heard.said.values()) > 1000


@pytest.mark.parametrize("topic", ["mail-real", "auth", "mime", "dsn"])
async def test_what_is_said_of_the_corpora_is_known(topic: str):
    """Real mails and those of other programs' tests; every third of many, each from one of several clients."""
    heard, known, every = Heard(), resolvers(), list(wire_mails(topic))
    for number, (_, raw) in enumerate(every[:: 3 if len(every) > 600 else 1]):
        mail = list(mails(raw))[number % len(SENDERS)]
        await judge(mail, known[(number // len(SENDERS)) % len(known)], heard)
    heard.told(f"{topic}, {len(every)} mails")
    assert sum(heard.said.values()) > len(every)


async def test_what_is_said_of_recorded_answers_is_known():
    """The cases of rspamd, whose signatures and records are right, broken, missing and away."""
    heard, folder = Heard(), corpus("auth") / "rspamd"
    book = json.loads((folder / "cases.json").read_text())
    for case in book["cases"]:
        local, _, domain = case["envelope"].get("From", "").rpartition("@")
        raw = (folder / "messages" / case["message"]).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        sender = Address(local, domain) if domain else None
        mail = judged(raw, client=case["envelope"].get("IP", "127.0.0.1"), sender=sender, authentication=None)
        await judge(mail, RecordedDns(book["dns_records"]), heard)
    heard.told("rspamd cases")
