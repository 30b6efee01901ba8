# SPDX-License-Identifier: Apache-2.0
"""The gateway that is shown: the default rules with all their filters, on unprivileged ports of loopback.

Its DNS is a zone file alone, and all its mail goes to one next hop on loopback: no name of a mail leaves the machine.
"""

from pathlib import Path
from typing import NamedTuple

from argon2 import PasswordHasher

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import Configuration, Dns, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.limits import ReceiveLimits
from gatepost.config.rules import FilterSettings, WordGroup

HOST = "127.0.0.1"
PROXY = "127.0.0.2"
"""Who connects from here must speak the PROXY protocol; so 127.0.0.1 stays free for tries by hand."""
HOSTNAME = "gateway.example"
DOMAIN = "company.example"
"""Ours; not example.com, which the authors of real mails write for anybody's."""
USER = f"user@{DOMAIN}"
MAILBOXES = tuple(f"{name}@{DOMAIN}" for name in ("anna", "bert", "carl", "dora", "emil"))
UMLAUT = f"jörg@{DOMAIN}"

ADMINISTRATOR = "admin"

SIZE_BYTES = 10_485_760
BLOCKLISTS = ("one.blocklist.example", "two.blocklist.example")

_WORDS = (
    ("medicine", 2.0, ("viagra", "cialis", "diet pills", "cheap pills", "weight loss", "lose weight", "growth hormone")),
    ("money", 2.0, ("refinance", "mortgage", "lenders", "life insurance", "debt free", "no obligation", "next of kin", "work from home")),
    ("bulk mail", 1.5, ("to be removed", "removed from our", "remove in the subject", "this is not spam", "fill out the form")),
)
"""Word groups as an administrator might write them: name, points of one appearance, words."""


class Ports(NamedTuple):
    """Where the demo's gateway receives, each by the name of its service."""

    smtp: int = 2525
    """STARTTLS offered."""
    submission: int = 2587
    """STARTTLS and a login required."""
    submissions: int = 2465
    """TLS from the first byte, a login required."""
    console: int = 6060
    """The administrators' pages."""


class Failing(NamedTuple):
    """An address that the next hop refuses, and how it says so."""

    address: str
    reply: str


BUSY = Failing(f"later@{DOMAIN}", "451 4.2.1 Mailbox busy, try again later")
UNKNOWN = Failing("nobody@example.net", "550 5.1.1 There is no such mailbox")


def listeners(ports: Ports) -> tuple[Listener, ...]:
    """Give the listeners, all on loopback."""
    return (
        Listener(address=HOST, port=ports.smtp, tls="offered", proxy_from=(PROXY,)),
        Listener(address=HOST, port=ports.submission, tls="required", serves="submission"),
        Listener(address=HOST, port=ports.submissions, tls="implicit", serves="submission"),
        Listener(address=HOST, port=ports.console, tls="none", serves="console"),
    )


def configuration(next_hop_port: int, password: str, zone_file: Path) -> Configuration:
    """Give the demo's configuration: own mail and the world's both go to the one next hop, names are looked up in the zone file."""
    hops = (f"[{HOST}]:{next_hop_port}",)
    return Configuration(
        owned_domains=(OwnedDomain(name=DOMAIN, recipients="list"),),
        corporate_users=(*MAILBOXES, UMLAUT, USER, BUSY.address),
        submission_users=(SubmissionUser(name=USER, password=PasswordHasher().hash(password)),),
        send_connectors=(
            SendConnector(name="mailboxes", direction="inbound", smart_hosts=hops),
            SendConnector(name="world", direction="outbound", smart_hosts=hops),
        ),
        filters=FilterSettings(
            word_groups=tuple(WordGroup(name=name, points=points, words=words) for name, points, words in _WORDS),
            realtime_blocklists=RealtimeBlocklistSettings(lists=tuple(Blocklist(zone=zone) for zone in BLOCKLISTS)),
        ),
        dns=Dns(zone_file=str(zone_file)),
        receive=ReceiveLimits(size_bytes=SIZE_BYTES),
    )
