# SPDX-License-Identifier: Apache-2.0
"""The demo's DNS is a file made of its mails, and nobody else is asked."""

import ipaddress
import re
from pathlib import Path

import pytest

from gatepost.dns.network import NetworkResolver
from gatepost.dns.twin import Twin
from gatepost.mailflow.identify import Identities
from gatepost.roles.demo.attempt import FILTERS, Attempt
from gatepost.roles.demo.attempts import attempts
from gatepost.roles.demo.foretelling import acting, differs, foretell
from gatepost.roles.demo.mails import own_mails
from gatepost.roles.demo.settings import BLOCKLISTS, DOMAIN, configuration
from gatepost.roles.demo.zone import zone_of
from gatepost.roles.judge_file import FileVerdict, FilterLine
from gatepost.roles.judgement import make_judging
from gatepost.roles.resolution import make_resolver
from gatepost.testing.conversation import Reply


def twin(*made: Attempt) -> Twin:
    return Twin(zone_of(made, ()))


def attempt(**settings: object) -> Attempt:
    return Attempt(name="x", content=b"", **{"client": "192.0.2.7", "sender": "a@b.example", **settings})  # type: ignore[arg-type]


async def test_a_client_has_the_name_that_its_mail_tells() -> None:
    """Address and name lead to each other; a name that may be forged does not lead back; without a name there is none."""
    dns = twin(attempt(host="mx.b.example"), attempt(client="2001:db8::7", host="mx6.b.example"), attempt(client="192.0.2.9"))
    assert (await dns.names("192.0.2.7")).values == ("mx.b.example",)
    assert (await dns.a("mx.b.example")).values == ("192.0.2.7",)
    assert (await dns.aaaa("mx6.b.example")).values == ("2001:db8::7",)
    assert (await dns.names("192.0.2.9")).status == "nxdomain"
    dns = twin(attempt(host="mx.b.example", leads_back=False))
    assert (await dns.names("192.0.2.7")).values == ("mx.b.example",)
    assert (await dns.a("mx.b.example")).values == ()


async def test_a_senders_domain_takes_mail_and_lets_its_clients_send() -> None:
    """MX, and one SPF record with each client that sends for it; nobody outside may send for our own domain."""
    dns = twin(attempt(), attempt(client="2001:db8::7", sender="c@B.example"), attempt(sender=f"user@{DOMAIN}"), attempt(sender=""))
    assert (await dns.mx("b.example")).status == "found"
    assert (await dns.txt("b.example")).values == (b"v=spf1 ip4:192.0.2.7 ip6:2001:db8::7 -all",)
    assert (await dns.txt(DOMAIN)).values == (b"v=spf1 -all",)


async def test_lists_and_gaps_are_our_own_mails() -> None:
    """A listed client is on the lists it should be on; who shall not be known is not, and label and verdict play no part."""
    dns = twin(attempt(listed=BLOCKLISTS[:1]), attempt(client="192.0.2.8", host="h.d.example", sender="e@d.example", in_dns=False))
    assert (await dns.a(f"7.2.0.192.{BLOCKLISTS[0]}")).values == ("127.0.0.2",)
    assert (await dns.a(f"7.2.0.192.{BLOCKLISTS[1]}")).status == "nxdomain"
    assert {(await dns.names("192.0.2.8")).status, (await dns.mx("d.example")).status} == {"nxdomain"}
    labelled = [zone_of([attempt(label=label, expected=None)], ()) for label in ("ham", "spam", "")]
    assert len(set(labelled)) == 1


def test_the_file_says_what_it_is() -> None:
    """Who opens it reads first that it is the whole DNS of the demo and true nowhere else."""
    assert re.match(r"; The DNS of the demo\. .* nothing else", zone_of([], ()))


def test_nothing_of_the_gateway_can_ask_the_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the demo's configuration no network resolver is made, and every way for mail is an address of loopback."""

    def refuse(*_: object) -> None:
        raise AssertionError("a network resolver was made")

    monkeypatch.setattr(NetworkResolver, "__init__", refuse)
    zone = tmp_path / "zone"
    zone.write_text(zone_of([], ()))
    settings = configuration(2500, "secret", zone)
    resolver = make_resolver(settings)
    assert isinstance(resolver, Twin)
    make_judging(settings, Identities(settings), resolver, "gateway.example")
    assert {connector.direction for connector in settings.send_connectors} == {"inbound", "outbound"}
    for connector in settings.send_connectors:
        (host,) = connector.smart_hosts
        assert ipaddress.ip_address(host.partition("]")[0].removeprefix("[")).is_loopback
    assert settings.rules == ()
    assert [one.recipients for one in settings.owned_domains] == ["list"]


async def test_our_own_mails_are_judged_as_they_should_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each filter has a mail that it refuses, alone or with another; everyday mail passes with at most 2 points."""
    monkeypatch.setattr("gatepost.telemetry.log._silent", False)
    tries = attempts([], own_mails())
    zone = tmp_path / "zone"
    zone.write_text(zone_of(tries.all, tries.records))
    await foretell(tries.all, configuration(2500, "secret", zone))
    for one in tries.all:
        told = one.foretold
        if told is None:
            continue
        assert (told.verdict == "accepted") == (one.expected != "refused"), one.name
        if told.verdict == "accepted":
            assert told.scl <= 2, one.name
        if one.filters:
            given = {line.name: line.points for line in told.filters if line.points > 0}
            assert sorted(given, key=lambda name: -given[name]) == one.filters.split(), one.name
    refusing = {name for one in tries.all if one.check == FILTERS for name in one.filters.split()}
    assert refusing == {"realtime_blocklists", "reputation", "words", "character_sets"}


def told(**points: float) -> FileVerdict:
    lines = tuple(FilterLine(name, value, value, 1, value, "", (), "", 0.0) for name, value in points.items())
    refused = sum(points.values()) >= 4
    reply = "550 5.7.1 Message refused as spam" if refused else "250 2.0.0 Ok"
    return FileVerdict("refused" if refused else "accepted", reply, "inbound", "the rule", 4, sum(points.values()), lines)


REFUSED = Reply(550, "5.7.1 Message refused as spam (06H1881HJ5UUMT5OU22V060Q)")
TAKEN = Reply(250, "2.0.0 Ok: queued as 06H1881HJ5UUMT5OU22V060Q")


@pytest.mark.parametrize(
    ("reply", "rule", "points", "different"),
    [
        (REFUSED, "the rule", {"words": 4, "reputation": 1}, False),
        (REFUSED, "another", {"words": 4, "reputation": 1}, True),
        (REFUSED, "the rule", {"words": 4, "reputation": 0}, True),
        (REFUSED, "the rule", {"words": 4}, True),
        (TAKEN, "the rule", {"words": 4, "reputation": 1}, True),
        (Reply(550, "5.7.1 Unable to relay"), "the rule", {"words": 4, "reputation": 1}, True),
    ],
)
def test_a_gateway_that_judges_otherwise_is_found_out(reply: Reply, rule: str, points: dict[str, float], different: bool) -> None:
    """Another reply, another rule, or another number of points from one filter is a surprise."""
    made = attempt(foretold=told(words=4, reputation=1), reply=reply, track="06H1881HJ5UUMT5OU22V060Q")
    made.logged = {"rule": rule, "points": points}
    assert differs(made) is different
    assert acting(made).split() == [name for name in ("words", "reputation") if points.get(name)]


def test_a_verdict_without_its_event_is_found_out() -> None:
    """Where filters judged, the gateway must have said so in its log."""
    made = attempt(foretold=told(words=4), reply=REFUSED, track="06H1881HJ5UUMT5OU22V060Q")
    assert differs(made)
