# SPDX-License-Identifier: Apache-2.0
"""The configuration of judgement: rules, what their filters look for, and who our people are.

Rules are tried from the top; the first that matches owns a mail. The text of each field is its manual;
what no single key can show (unknown filters, patterns that cannot match) is checked by `rules.ruleset`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.config.blocklists import RealtimeBlocklistSettings
from gatepost.config.reputation import ReputationSettings

RuleDirection = Literal["inbound", "outbound", "any"]
Mode = Literal["accept", "reject", "check"]
RecipientScope = Literal["any", "owned_domains", "corporate_addresses"]
Rejection = Literal["reject_inbound_report_outbound", "discard_report_outbound", "reject_report_all", "reject_report_none"]
DifferentRules = Literal["split", "strictest"]
"""What happens to one mail whose recipients have different rules: the value of `Configuration.different_rules`."""
RecipientCheck = Literal["callout", "list", "any"]
"""How the recipients of an owned domain are known: the value of `OwnedDomain.recipients`."""


class FilterUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A filter that a rule asks, and how much its answer weighs."""

    name: Annotated[str, Meta(min_length=1, description="The filter's name, as `realtime_blocklists`.")]
    multiplier: Annotated[
        int, Meta(ge=0, le=10, description="Its points, held within -10 to 10, are multiplied by this; 0 only shows them in the track.")
    ] = 1


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule: which mails it owns, and how they are judged. The first that matches owns a mail; those below are not looked at.

    Every scope that is given must match; in a list one entry is enough; a scope that is not given matches all.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100, description="How people and tracks call it; unique.")]
    enabled: Annotated[bool, Meta(description="A disabled rule is passed over.")] = True
    direction: Annotated[
        RuleDirection, Meta(description="outbound: from corporate servers and users; inbound: from all others; any: both.")
    ] = "inbound"
    mode: Annotated[Mode, Meta(description="accept or reject every mail without asking filters; check: filters give points.")] = "check"
    mail_from: Annotated[
        tuple[str, ...],
        Meta(
            description="Envelope senders: `user@example.com`, `*user@example.com`, `*@example.com`, `*.example.com` (all subdomains), "
            "`*`; `<>` is the null sender of reports.",
            examples=[["*@example.com", "*.example.com"]],
        ),
    ] = ()
    header_from: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses in the From field, written as for `mail_from`; of several authors all must match, or one "
            "where mode is reject."
        ),
    ] = ()
    recipients: Annotated[tuple[str, ...], Meta(description="Envelope recipients, written as for `mail_from`.")] = ()
    recipient_scope: Annotated[
        RecipientScope,
        Meta(
            description="any; owned_domains: whatever stands before the @; corporate_addresses: owned domains too, but who is unknown "
            "there is refused."
        ),
    ] = "any"
    clients: Annotated[
        tuple[str, ...], Meta(description="IP addresses or networks of the sending server.", examples=[["192.0.2.0/24", "2001:db8::1"]])
    ] = ()
    listeners: Annotated[
        tuple[str, ...], Meta(description="Listeners that took the connection, as `address:port`.", examples=[["0.0.0.0:25"]])
    ] = ()
    filters: Annotated[tuple[FilterUse, ...], Meta(description="The filters that a checking rule asks.")] = ()
    threshold: Annotated[float, Meta(gt=0, le=1000, description="A mail is refused when its points reach this.")] = 4.0
    verdict_reply: Annotated[
        str,
        Meta(
            max_length=200,
            pattern=r"\A[ -~]*\Z",
            description="Public text of a refusal by points, ASCII; the track's id follows it; empty: `Message refused as spam`.",
        ),
    ] = ""
    rejection: Annotated[
        Rejection,
        Meta(
            description="What becomes of mail that is rejected for another reason than spam or malware: refuse inbound, discard and report "
            "outbound; discard all and report outbound; refuse and report all; refuse all and report none."
        ),
    ] = "reject_inbound_report_outbound"


class WordGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list of words that give a mail points, or take them away."""

    name: Annotated[str, Meta(min_length=1, max_length=100, description="How people and tracks call it; unique.")]
    words: Annotated[tuple[str, ...], Meta(description="What is looked for.", examples=[["cheap watches", "lottery"]])]
    search: Annotated[
        Literal["simple", "wildcard", "regex"],
        Meta(
            description="simple: whole words, in capitals or not; wildcard: the same, * is any run of characters without a blank "
            "and ? one of them; regex: RE2 syntax, in capitals or not, anywhere."
        ),
    ] = "simple"
    area: Annotated[Literal["subject", "body", "both"], Meta(description="Where it is looked for; the body is its readable text.")] = "both"
    match: Annotated[
        Literal["match", "non_match"],
        Meta(description="match: each appearance gives the points; non_match: they are given once when no word appears."),
    ] = "match"
    points: Annotated[float, Meta(ge=-10, le=10, description="Points of one appearance; negative ones speak for the mail; not 0.")] = 2.0


class CharacterSets(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Scripts that people here read; mail in others gets points."""

    allowed: Annotated[
        tuple[str, ...],
        Meta(description="Scripts by their Unicode names; Common is what all of them share.", examples=[["Latin", "Common", "Greek"]]),
    ] = ("Latin", "Common")
    share: Annotated[float, Meta(ge=0, le=1, description="Part of the letters that may be foreign; above it the points are given.")] = 0.3
    points: Annotated[float, Meta(ge=0, le=10, description="Points of a mail with more foreign letters than that.")] = 2.0


class FilterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each filter looks for, the same for every rule; a rule chooses which filters it asks."""

    word_groups: tuple[WordGroup, ...] = ()
    character_sets: CharacterSets = CharacterSets()
    realtime_blocklists: RealtimeBlocklistSettings = RealtimeBlocklistSettings()
    reputation: ReputationSettings = ReputationSettings()
