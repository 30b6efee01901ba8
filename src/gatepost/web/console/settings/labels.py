# SPDX-License-Identifier: Apache-2.0
"""What people call the configuration's fields and choices: one label for each field of each section that pages show."""

from collections.abc import Mapping
from typing import Final

from gatepost.web.frame.words import _

_NOTICE_SENDER, _TIMEOUT = _("Sender of notices"), _("Wait for an answer to a command (seconds)")
_TENANT: Final = _("Tenant")
_NAME: Final = _("Name")
_POINTS: Final = _("Points")
_ADMINISTRATIVE: Final = _("Administrative address")

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"different_rules": _("Recipients with different rules"), "corporate_users": _("Further corporate addresses")},
    "owned_domains": {
        "name": _("Domain name"),
        "tenant": _TENANT,
        "recipients": _("Recipients that exist"),
        "administrative_address": _ADMINISTRATIVE,
        "notice_sender": _NOTICE_SENDER,
    },
    "corporate_servers": {
        "name": _NAME,
        "networks": _("IP addresses or networks"),
        "certificate_sha256": _("TLS client certificate (SHA-256)"),
        "provider_networks": _("Networks of the provider"),
        "provider_header": _("Header field of the provider"),
        "tenant": _TENANT,
    },
    "corporate_users": {"value": _("Email address")},
    "submission_users": {"name": _("User name"), "password": _("Password"), "tenant": _TENANT},
    "send_connectors": {
        "name": _NAME,
        "direction": _("Direction"),
        "domains": _("Recipient domains"),
        "cost": _("Cost"),
        "enabled": _("Enabled"),
        "smart_hosts": _("Dedicated servers (smart hosts)"),
        "port": _("Port"),
        "security": _("Connection security"),
        "user": _("User name"),
        "password": _("Where the password is"),
        "tenant": _TENANT,
    },
    "rules": {
        "name": _NAME,
        "enabled": _("Enabled"),
        "direction": _("Direction"),
        "mode": _("Mode"),
        "mail_from": _("Sender (MAIL FROM)"),
        "header_from": _("Author (From)"),
        "recipients": _("Recipients"),
        "recipient_scope": _("Scope of the recipients"),
        "clients": _("Client addresses"),
        "listeners": _("Receive connectors"),
        "filters": _("Filters"),
        "threshold": _("Threshold"),
        "verdict_reply": _("Text of a refusal"),
        "rejection": _("Rejection behaviour"),
    },
    "filters.word_groups": {
        "name": _NAME,
        "words": _("Words"),
        "search": _("Search"),
        "area": _("Where"),
        "match": _("When points are given"),
        "points": _POINTS,
    },
    "filters.character_sets": {
        "allowed": _("Allowed scripts"),
        "share": _("Share of foreign letters"),
        "points": _POINTS,
    },
    "filters.realtime_blocklists.lists": {"zone": _("Zone"), "name": _NAME, "points": _POINTS, "answers": _("Answers")},
    "filters.reputation": {
        "unsecured_connection": _("Unsecured connection"),
        "missing_ptr": _("Missing PTR record"),
        "dynamic_name": _("Suspected dynamic address"),
        "reverse_lookup_failed": _("Reverse lookup failed"),
        "sender_without_address": _("Sender's domain takes no mail"),
        "spf_fail": _("SPF: fail"),
        "spf_softfail": _("SPF: softfail"),
        "dkim_broken": _("DKIM: broken signature"),
        "dmarc_fail_none": _("DMARC: fail, policy none"),
        "dmarc_fail_quarantine": _("DMARC: fail, policy quarantine"),
        "dmarc_fail_reject": _("DMARC: fail, policy reject"),
        "unreadable_author": _("Author that cannot be read"),
        "own_domain_from_outside": _("Own domain from outside"),
    },
    "notices": {"administrative_address": _ADMINISTRATIVE, "notice_sender": _NOTICE_SENDER},
    "dns": {"servers": _("Name servers"), "zone_file": _("Zone file")},
    "receive": {
        "size_bytes": _("Largest mail (bytes)"),
        "recipients": _("Recipients of one mail"),
        "connections": _("Open sessions"),
        "connections_per_client": _("Open sessions of one client"),
        "line_bytes": _("Longest command line (bytes)"),
        "errors": _("Wrong commands"),
        "idle_commands": _("Commands without a mail"),
        "refused_recipients": _("Refused recipients"),
        "chunks": _("BDAT commands of one mail"),
        "command_timeout_s": _("Wait for a command (seconds)"),
        "data_timeout_s": _("Wait for the next block of a mail (seconds)"),
        "data_total_s": _("Time for one mail's content (seconds)"),
        "tls_timeout_s": _("Time for a TLS handshake (seconds)"),
        "verdict_timeout_s": _("Time for the verdict (seconds)"),
        "drain_s": _("Time to finish at the end (seconds)"),
        "tar_pit": _("Tar-pitting level"),
        "block_suspicious_clients": _("Block suspicious IP addresses"),
        "block_minutes": _("Duration of the block (minutes)"),
        "auth_failures": _("Failed logins"),
        "auth_parallel": _("Password checks at one time"),
    },
    "message": {
        "depth": _("Nesting of parts"),
        "message_depth": _("Nesting of mails in mails"),
        "parts": _("Parts of one mail"),
        "headers": _("Header fields"),
        "header_bytes": _("Header (bytes)"),
        "parameters": _("Parameters of one header field"),
        "continuations": _("Continuations of one parameter"),
        "comment_depth": _("Nesting of comments"),
        "addresses": _("Addresses of one header field"),
        "received": _("Received fields of a looping mail"),
    },
    "delivery": {
        "connections_per_route": _("Connections to one route"),
        "mails_per_connection": _("Mails over one connection"),
        "connection_idle_s": _("Unused connection (seconds)"),
        "connect_timeout_s": _("Time for a connection (seconds)"),
        "greeting_timeout_s": _("Wait for a greeting (seconds)"),
        "command_timeout_s": _TIMEOUT,
        "data_start_timeout_s": _("Wait for the answer to DATA (seconds)"),
        "data_block_timeout_s": _("Wait until a block is taken (seconds)"),
        "data_end_timeout_s": _("Wait for the answer to the final dot (seconds)"),
        "expire_outbound_h": _("Outbound mail is given up (hours)"),
        "expire_inbound_h": _("Inbound mail is given up (hours)"),
        "lease_s": _("Claim of the queue (seconds)"),
        "memory_mails": _("Mails in memory"),
        "memory_bytes": _("Mails in memory (bytes)"),
    },
    "retention": {
        "summaries_days": _("Message tracking: store summaries (days)"),
        "details_days": _("Message tracking: store details (days)"),
        "events_days": _("Store events (days)"),
        "statistics_days": _("Store statistics (days)"),
        "audit_days": _("Store the audit (days)"),
        "incidents_days": _("Store incidents (days)"),
    },
    "console": {"trusted_proxies": _("Trusted reverse proxies"), "public_address": _("Public address")},
}
"""By section and field."""

_INBOUND: Final = _("Inbound")
_OUTBOUND: Final = _("Outbound")
CHOICES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("", "different_rules"): {
        "split": _("Split: the others are sent anew"),
        "strictest": _("Strictest: one refusal is for all"),
    },
    ("owned_domains", "recipients"): {
        "callout": _("Callout: ask the corporate mail server"),
        "list": _("List: corporate users only"),
        "any": _("Any: everybody exists"),
    },
    ("send_connectors", "direction"): {"inbound": _INBOUND, "outbound": _OUTBOUND},
    ("send_connectors", "security"): {
        "none": _("None: never encrypted"),
        "opportunistic": _("Opportunistic: where offered"),
        "required": _("Required: always, with a fitting certificate"),
    },
    ("rules", "direction"): {"inbound": _INBOUND, "outbound": _OUTBOUND, "any": _("Any: both")},
    ("rules", "mode"): {"accept": _("Accept"), "reject": _("Reject"), "check": _("Check")},
    ("rules", "recipient_scope"): {
        "any": _("Any recipient"),
        "owned_domains": _("Owned domains"),
        "corporate_addresses": _("Corporate email addresses"),
    },
    ("rules", "rejection"): {
        "reject_inbound_report_outbound": _("Reject inbound, discard outbound and report to the sender"),
        "discard_report_outbound": _("Discard, and report outbound ones to the sender"),
        "reject_report_all": _("Reject, and report all to the sender"),
        "reject_report_none": _("Reject all without a report"),
    },
    ("filters.word_groups", "search"): {
        "simple": _("Simple: whole words"),
        "wildcard": _("Wildcard: with * and ?"),
        "regex": _("Regex: regular expressions"),
    },
    ("filters.word_groups", "area"): {"subject": _("Subject"), "body": _("Body"), "both": _("Both")},
    ("filters.word_groups", "match"): {
        "match": _("Match: for each appearance"),
        "non_match": _("Non-match: once when no word appears"),
    },
    ("receive", "tar_pit"): {
        "off": _("Off"),
        "low": _("Low (2 seconds)"),
        "medium": _("Medium (5 seconds)"),
        "high": _("High (10 seconds)"),
    },
}
"""By section and field, for each value of a choice."""

_ADVANCED: Final = "/configuration/advanced-settings"
PAGES: Final[Mapping[str, str]] = {
    "corporate_users": "/people/owned-domains/-/further-addresses",
    "notices": f"{_ADVANCED}/notices",
    "dns": f"{_ADVANCED}/dns",
    "receive": f"{_ADVANCED}/receiving",
    "delivery": f"{_ADVANCED}/delivery",
}
"""The page of each section whose fields a manual of another one names."""

MANUALS: Final[Mapping[tuple[str, str], str]] = {
    ("", "different_rules"): _(
        "What holds when rules judge recipients of one mail differently. Split: the others are answered 452, so that the client sends to "
        "them anew. Strictest: one refusal is for all."
    ),
    ("owned_domains", "recipients"): _(
        "How rules for corporate email addresses know who exists. List: only the `corporate_users` and the corporate users. Callout: who "
        "is neither is asked for at the inbound next hop, once. Any: everybody exists."
    ),
    ("submission_users", "password"): _("At least 12 characters. Only its argon2id hash is kept; left empty, the password stays as it is."),
    ("send_connectors", "direction"): _("Inbound: to owned domains. Outbound: to the world."),
    ("rules", "direction"): _("Outbound: from corporate servers and users. Inbound: from all others."),
    ("rules", "mode"): _("Accept, Reject: every mail, without asking filters. Check: filters give points."),
    ("rules", "header_from"): _(
        "Addresses in the From field, written as for `mail_from`; of several authors all must match, or one where the mode is Reject."
    ),
    ("rules", "recipient_scope"): _(
        "Owned domains: whatever stands before the @. Corporate email addresses: owned domains too, but who is unknown there is refused."
    ),
    ("filters.word_groups", "search"): _(
        "Simple: whole words, in capitals or not. Wildcard: the same, * is any run of characters without a blank and ? one of them. "
        "Regex: RE2 syntax, in capitals or not, anywhere."
    ),
    ("filters.word_groups", "match"): _("Match: each appearance gives the points. Non-match: they are given once when no word appears."),
    ("corporate_users", "value"): _("An address of an owned domain."),
}
"""By section and field, what pages say in place of the model's manual, which is written for a file."""


def label_of(section: str, field: str, *, missing: str = "") -> str:
    """Give the label of a field; `missing` is said where there is none. Raises KeyError when nothing is to be said then."""
    known = LABELS[section]
    return known.get(field, missing) if missing else known[field]
