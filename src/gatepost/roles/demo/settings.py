# SPDX-License-Identifier: Apache-2.0
"""The gateway that is shown: as shipped, on unprivileged ports of loopback, with a limit of size that is soon reached."""

from typing import NamedTuple

from argon2 import PasswordHasher

from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.limits import ReceiveLimits

HOST = "127.0.0.1"
PROXY = "127.0.0.2"
"""Who connects from here must speak the PROXY protocol; so 127.0.0.1 stays free for tries by hand."""
HOSTNAME = "gateway.example"
DOMAIN = "example.com"
USER = f"user@{DOMAIN}"

SIZE_BYTES = 10_485_760


class Ports(NamedTuple):
    """Where the demo's gateway receives, each by the name of its service."""

    smtp: int = 2525
    """STARTTLS offered."""
    submission: int = 2587
    """STARTTLS and a login required."""
    submissions: int = 2465
    """TLS from the first byte, a login required."""


class Failing(NamedTuple):
    """An address that the next hop refuses, and how it says so."""

    address: str
    reply: str


BUSY = Failing(f"later@{DOMAIN}", "451 4.2.1 Mailbox busy, try again later")
UNKNOWN = Failing("nobody@example.net", "550 5.1.1 There is no such mailbox")


def listeners(ports: Ports) -> tuple[Listener, ...]:
    """Give the three listeners, all on loopback."""
    return (
        Listener(address=HOST, port=ports.smtp, tls="offered", proxy_from=(PROXY,)),
        Listener(address=HOST, port=ports.submission, tls="required", submission=True),
        Listener(address=HOST, port=ports.submissions, tls="implicit", submission=True),
    )


def configuration(next_hop_port: int, password: str) -> Configuration:
    """Give the demo's configuration: own mail and the world's both go to the one next hop."""
    hops = (f"[{HOST}]:{next_hop_port}",)
    return Configuration(
        owned_domains=(OwnedDomain(name=DOMAIN),),
        submission_users=(SubmissionUser(name=USER, password=PasswordHasher().hash(password)),),
        send_connectors=(
            SendConnector(name="mailboxes", direction="inbound", smart_hosts=hops),
            SendConnector(name="world", direction="outbound", smart_hosts=hops),
        ),
        receive=ReceiveLimits(size_bytes=SIZE_BYTES),
    )
