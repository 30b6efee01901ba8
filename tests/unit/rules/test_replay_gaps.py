# SPDX-License-Identifier: Apache-2.0
"""What a track does not hold is never guessed: each gap is named, and where it decides nothing the verdict is told all the same."""

from typing import Any

import msgspec
import pytest

from gatepost.config.configuration import Configuration, CorporateServer, OwnedDomain, SubmissionUser
from gatepost.config.limits import MessageLimits, ReceiveLimits
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.dns.twin import Twin
from gatepost.mailflow.identify import Identities
from gatepost.roles.judgement import make_filters
from gatepost.roles.replaying_ground import ground, tried_ground
from gatepost.rules.decide import decide
from gatepost.rules.replay import rejudge
from gatepost.rules.replay_ground import RESTS_ON
from gatepost.rules.replay_points import NOT_ASKED
from gatepost.rules.replay_record import Rejudged, Unclear, sentence, why
from gatepost.rules.replay_tally import Tally
from gatepost.rules.rule import CompiledRule
from gatepost.tracking.record import FilterEntry, Status, TrackHead

replace = msgspec.structs.replace


def uses(**multipliers: int) -> tuple[FilterUse, ...]:
    return tuple(FilterUse(name=name, multiplier=multiplier) for name, multiplier in multipliers.items())


RULE = Rule(name="judge", filters=uses(words=1, reputation=1))
BASE = Configuration(owned_domains=(OwnedDomain(name="example.com", recipients="any"),), rules=(RULE,))
HEAD = TrackHead(
    track="0" * 24,
    tenant_id=0,
    sent_at=1.0,
    direction="inbound",
    status=Status.DELIVERY_PENDING,
    size=100,
    sender="a@partner.example",
    header_from=("a@partner.example",),
    recipients=("user@example.com",),
    rule="judge",
    threshold=4.0,
    scl=2.0,
    connector="0.0.0.0:25",
    client="192.0.2.1",
    configuration_version=1,
    filters=(FilterEntry("words", 2.0, 2.0, 1, 0.1), FilterEntry("reputation", 0.0, 0.0, 1, 0.1)),
)


def judged(now: Configuration | Rule, head: TrackHead = HEAD, then: Configuration = BASE, **listed: Any) -> Rejudged:
    """Judge a head anew, by a configuration or by one rule."""
    if isinstance(now, Rule):
        now = replace(then, rules=(now,))
    return rejudge(head, ground(then), tried_ground(now), **listed)


def gap(now: Configuration | Rule, head: TrackHead = HEAD, then: Configuration = BASE) -> str:
    """Give the gap that leaves a mail undetermined, with its filter."""
    found = judged(now, head, then)
    assert found.kind == "undetermined" and found.after == () and found.unclear is not None
    assert sentence(found.unclear)
    return f"{found.unclear.gap} {found.unclear.what}".strip()


def test_points_are_weighed_anew():
    """The raw points, held within ten, times the new multipliers, against the new threshold; both sums are told."""
    assert judged(RULE).kind == "same"
    found = judged(replace(RULE, filters=uses(words=2)))
    assert (found.kind, found.after[0].outcome, found.after[0].scl) == ("otherwise", "refuse", 4.0)
    assert why(found) == 'refused by rule "judge": 4 points reach the threshold of 4 (were 2 of 4)'
    assert judged(replace(RULE, threshold=2)).after[0].scl == 2.0
    strong = replace(HEAD, filters=(FilterEntry("words", 10.0, 25.0, 1, 0.1),))
    assert judged(replace(RULE, filters=uses(words=3), threshold=31), strong).after[0].scl == 30.0


def test_a_filter_that_was_not_asked_counts_as_its_whole_range():
    """Undetermined only where its points would decide: not at weight 0, not where others decide alone."""
    assert gap(replace(RULE, filters=uses(words=1, realtime_blocklists=1))) == "points realtime_blocklists"
    assert judged(replace(RULE, filters=uses(words=1, realtime_blocklists=0))).after[0].scl == 2.0
    assert judged(replace(RULE, filters=uses(words=1, realtime_blocklists=1), threshold=13)).kind == "same"
    certain = judged(replace(RULE, filters=uses(words=2, realtime_blocklists=1)))
    assert (certain.kind, certain.after[0].scl) == ("otherwise", None)  # its lists take nothing away
    early = replace(HEAD, filters=(*HEAD.filters, FilterEntry("character_sets", 0.0, 0.0, 1, 0.0, "", NOT_ASKED)))
    assert gap(replace(RULE, filters=uses(words=1, character_sets=1)), early) == "points character_sets"
    assert decide((), CompiledRule(RULE)).reasons[0].failed == NOT_ASKED


def test_points_by_other_settings_are_not_used():
    """Words look for other words, reputation asks for other domains: what was found then tells nothing; other filters' points do."""
    words = replace(BASE, filters=FilterSettings(word_groups=(WordGroup(name="x", words=("y",)),)))
    assert gap(words) == "settings words"
    assert judged(replace(words, rules=(replace(RULE, filters=uses(reputation=1)),))).kind == "same"
    assert gap(replace(BASE, owned_domains=(*BASE.owned_domains, OwnedDomain(name="b.example", recipients="any")))) == "settings reputation"
    assert gap(replace(BASE, dns=replace(BASE.dns, servers=("192.0.2.53",)))) == "settings reputation"


def test_every_filter_says_what_it_rests_on():
    """A filter that is added to the gateway must be added to the table of settings, or all settings count as its own."""
    assert {one.name for one in make_filters(BASE, Identities(BASE), Twin(""))} == set(RESTS_ON)


def test_from_decides_only_where_it_is_known():
    """A mail without its content has no author; rules that judge alike whoever he is need none."""
    unseen = replace(HEAD, size=0, header_from=(), status=Status.PERMANENTLY_BLOCKED, reply="550 5.7.1 Message refused as spam")
    kind = Rule(name="kind", header_from=("*@partner.example",), mode="accept")
    assert gap(replace(BASE, rules=(kind, RULE)), unseen) == "author"
    alike = replace(RULE, name="alike", header_from=("*@partner.example",), threshold=1)
    assert judged(replace(BASE, rules=(alike, replace(RULE, threshold=1))), unseen).after[0].outcome == "refuse"
    assert judged(replace(BASE, rules=(kind, RULE))).after[0].rule == "kind"
    assert gap(replace(BASE, rules=(kind, RULE)), replace(HEAD, header_from=("a@partner.example", "…"))) == "cut"
    assert gap(Rule(name="open", mode="accept"), unseen) == "content"


def test_who_exists_is_known_from_the_configuration_the_data_or_what_happened():
    """By list and by callout; an answer of then holds only for the same question."""
    asks = replace(RULE, recipient_scope="corporate_addresses")
    house = {check: replace(BASE, owned_domains=(OwnedDomain(name="example.com", recipients=check),)) for check in ("list", "callout")}
    for configuration in house.values():
        assert gap(asks, then=configuration) == "recipient"
        asked = replace(configuration, rules=(asks,))
        assert judged(replace(asks, threshold=5), then=asked).kind == "same"
        assert judged(asks, then=configuration, listed={"user@example.com": True}).kind == "same"
        assert judged(asks, then=configuration, listed={"user@example.com": False}).after[0].reply.startswith("550 5.1.1")
    assert judged(asks, then=house["list"], listed={}).after[0].outcome == "refuse"
    assert judged(asks, then=replace(house["list"], corporate_users=("user@example.com",))).kind == "same"
    unknown = replace(HEAD, status=Status.PERMANENTLY_BLOCKED, reply="550 5.1.1 Recipient unknown", rule="", size=0, filters=())
    assert judged(replace(asks, threshold=1), unknown, then=replace(house["callout"], rules=(asks,))).kind == "same"
    callout_now = replace(house["callout"], rules=(asks,))
    assert gap(callout_now, then=replace(house["callout"], rules=(asks,), corporate_users=("user@example.com",))) == "recipient"


def test_the_direction_rests_on_what_a_track_holds():
    """A client's address is there; its certificate, its login and a provider's mark are not."""
    sent = replace(HEAD, direction="outbound", recipients=("x@elsewhere.example",), rule="out")
    out = Rule(name="out", direction="outbound", filters=uses(words=1))
    ours = CorporateServer(name="ours", networks=("192.0.2.1",))
    then = replace(BASE, rules=(RULE, out), corporate_servers=(ours,))
    assert judged(then, sent, then).kind == "same"
    (relayed,) = judged(replace(then, corporate_servers=()), sent, then).after
    assert (relayed.outcome, relayed.reply) == ("refuse", "550 5.7.1 Unable to relay")
    login = replace(then, submission_users=(SubmissionUser(name="jo", password="$argon2id$"),))
    assert gap(replace(login, corporate_servers=()), sent, login) == "direction"
    proven = replace(then, corporate_servers=(CorporateServer(name="c", certificate_sha256="a" * 64),))
    assert (
        gap(replace(proven, corporate_servers=(ours, *proven.corporate_servers[:0])), replace(sent, client="192.0.2.2"), proven)
        == "direction"
    )
    assert judged(replace(then, corporate_servers=(ours,)), then=BASE).after[0].rule == "out"
    assert gap(replace(BASE, corporate_servers=proven.corporate_servers), replace(HEAD, tls_protocol="TLSv1.3")) == "direction"
    assert judged(replace(BASE, corporate_servers=proven.corporate_servers)).kind == "same"
    cloud = CorporateServer(name="cloud", provider_networks=("192.0.2.0/24",), provider_header="X-Ours: yes")
    assert gap(replace(BASE, corporate_servers=(cloud,))) == "direction"
    assert judged(replace(RULE, threshold=9), then=replace(BASE, corporate_servers=(cloud,))).kind == "same"
    assert gap(replace(RULE, threshold=9), replace(sent, rule="judge"), replace(BASE, corporate_servers=(cloud,))) == "direction"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"count": 12}, "counted"),
        ({"status": Status.TEMPORARILY_BLOCKED}, "put_off"),
        ({"status": Status.PUT_ON_HOLD}, "status"),
        ({"recipients": ("user@example.c…",)}, "cut"),
    ],
)
def test_mails_that_were_not_judged_or_not_kept_whole(changed, told):
    """Each is told apart."""
    assert gap(RULE, replace(HEAD, **changed)) == told


def test_an_unknown_version_and_other_limits():
    """A mail of a version that is not there is not judged; one that new limits of its structure or size concern neither."""
    assert rejudge(HEAD, None, tried_ground(BASE)).unclear == Unclear("version")
    assert gap(replace(BASE, message=MessageLimits(parts=2))) == "limits"
    small = ReceiveLimits(size_bytes=65536)
    assert judged(replace(BASE, receive=small)).kind == "same"
    assert gap(replace(BASE, receive=small), replace(HEAD, size=70_000)) == "limits"


def test_what_no_rule_decides_stays_as_it_was():
    """A report of the gateway's own, and a mail refused for its content."""
    report = replace(HEAD, client="", sender="", rule="", filters=())
    assert judged(Rule(name="no", mode="reject"), report) == Rejudged("same", judged(RULE, report).before)
    loop = replace(
        HEAD, status=Status.PERMANENTLY_BLOCKED, rule="", filters=(), reply="554 5.4.6 Too many hops, this looks like a mail loop"
    )
    assert judged(Rule(name="yes", mode="accept"), loop).kind == "same"


def test_recipients_that_are_judged_apart_are_told_apart():
    """One is refused at RCPT, two come in transactions of their own; the reasons name whom they are about."""
    head = replace(HEAD, recipients=("user@example.com", "other@example.com", "third@example.com"))
    rules = (
        Rule(name="no", recipients=("third@example.com",), mode="reject"),
        Rule(name="kind", recipients=("other@example.com",), mode="accept"),
        replace(RULE, threshold=1),
    )
    found = judged(replace(BASE, rules=rules), head)
    assert [(one.recipients, one.outcome, one.rule) for one in found.after] == [
        (("user@example.com",), "refuse", "judge"),
        (("other@example.com",), "accept", "kind"),
        (("third@example.com",), "refuse", ""),
    ]
    assert "for user@example.com" in why(found) and "for third@example.com" in why(found) and "other@" not in why(found)


def test_a_tally_adds_up():
    """Mails told as one count as what they are; each reason has its number; the newest changed ones are told with why."""
    tally = Tally(0.0, 10.0, tried_ground(replace(BASE, rules=(replace(RULE, name="anew", threshold=3),))))
    tally.grounds = {1: ground(BASE), 2: None}
    refusing = replace(HEAD, filters=(FilterEntry("words", 3.5, 3.5, 1, 0.1), FilterEntry("reputation", 0.0, 0.0, 1, 0.1)), scl=3.5)
    tally.add([HEAD, HEAD, refusing, replace(HEAD, count=7), replace(HEAD, configuration_version=2), None], None)
    told = tally.told(1.25, "whole")
    assert (told.looked_at, told.same, told.other_rule, told.otherwise, told.undetermined, told.damaged) == (11, 2, 2, 1, 8, 1)
    assert [(one.gap, one.mails) for one in told.reasons] == [("counted", 7), ("version", 1)]
    assert (told.refused_now, told.taken_now, told.ended, told.seconds) == (1, 0, "whole", 1.25)
    assert told.mails[0].why == 'refused by rule "anew" instead of "judge": 3.5 points reach the threshold of 3 (were 3.5 of 4)'
