# SPDX-License-Identifier: Apache-2.0
"""The configuration: who we receive for, who may send, where mail goes, which limits hold.

One immutable snapshot serves a mail from MAIL FROM to its end. The text of each field is its manual.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.config.limits import DeliveryLimits, MessageLimits, ReceiveLimits
from gatepost.config.retention import Retention
from gatepost.config.rules import DifferentRules, FilterSettings, RecipientCheck, Rule
from gatepost.config.secret_marks import HASHED, SECRET


class OwnedDomain(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A domain that this organisation receives mail for."""

    name: Annotated[str, Meta(min_length=1, description="The domain; `*.example.com` adds all its subdomains.")]
    tenant: Annotated[int, Meta(ge=0, description="The tenant that owns it; 0 where there is only one.")] = 0
    recipients: Annotated[
        RecipientCheck,
        Meta(
            description="How rules for corporate addresses know who exists: list: only `corporate_users` and the corporate users "
            "in the data; callout: who is neither is asked for at the inbound next hop, once; any: everybody does."
        ),
    ] = "callout"
    administrative_address: Annotated[
        str, Meta(description="Who is told of incidents of this domain; empty: `notices.administrative_address`.")
    ] = ""
    notice_sender: Annotated[
        str, Meta(description="Address that notices to people of this domain come from; empty: `notices.notice_sender`.")
    ] = ""


class CorporateServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A corporate mail server: who matches it may send to the world. One of the ways must be given."""

    name: Annotated[str, Meta(min_length=1, description="How people call it.")]
    networks: Annotated[
        tuple[str, ...], Meta(description="IP addresses or networks it sends from.", examples=[["192.0.2.10", "2001:db8::/64"]])
    ] = ()
    certificate_sha256: Annotated[
        str, Meta(description="SHA-256 of its TLS client certificate, in hex; needs a listener with `client_ca`.")
    ] = ""
    provider_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks that many customers of one provider send from; then `provider_header` decides whose mail it is."),
    ] = ()
    provider_header: Annotated[
        str,
        Meta(
            description="Header field, with its value, that the provider puts on this customer's mail only.",
            examples=["X-OriginatorOrg: example.com"],
        ),
    ] = ""
    tenant: Annotated[int, Meta(ge=0, description="The tenant it sends for.")] = 0


class SubmissionUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A name that may authenticate on a submission listener, and so send to the world."""

    name: Annotated[str, Meta(min_length=1, description="The user name, often a mail address.")]
    password: Annotated[str, Meta(pattern=r"^\$argon2id\$", description="The password's argon2id hash.", extra=HASHED)]
    tenant: Annotated[int, Meta(ge=0, description="The tenant the user sends for.")] = 0


class SendConnector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where mail of one direction goes. Of those that fit, the cheapest enabled one is used."""

    name: Annotated[str, Meta(min_length=1, description="How people call it; unique within its direction.")]
    direction: Annotated[Literal["inbound", "outbound"], Meta(description="inbound: to owned domains; outbound: to the world.")]
    domains: Annotated[tuple[str, ...], Meta(description="Recipient domains it serves: names, `*.example.com`, or `*` for all.")] = ("*",)
    cost: Annotated[int, Meta(ge=0, le=1000, description="The lower wins.")] = 10
    enabled: Annotated[bool, Meta(description="A disabled connector is passed over.")] = True
    smart_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Next hops, tried in this order: `host`, `host:port` or `[address]:port`; empty: the domain's MX."),
    ] = ()
    port: Annotated[int, Meta(ge=1, le=65535, description="Port where a next hop names none.")] = 25
    security: Annotated[
        Literal["none", "opportunistic", "required"],
        Meta(description="STARTTLS: never; where offered, without checking the name; always, and the certificate must fit."),
    ] = "opportunistic"
    user: Annotated[str, Meta(description="User name for AUTH at the next hop; empty: no AUTH.")] = ""
    password: Annotated[str, Meta(description="Its password, by reference: `file:PATH` or `env:NAME`.", extra=SECRET)] = ""
    tenant: Annotated[int | None, Meta(description="Serve this tenant only; absent: all.")] = None


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mails of the gateway itself to administrators and users; each owned domain may have addresses of its own."""

    administrative_address: Annotated[
        str, Meta(description="Who is told of incidents; empty: nobody is, by mail.", examples=["postmaster@example.com"])
    ] = ""
    notice_sender: Annotated[str, Meta(description="Address that notices come from; empty: `postmaster` of the first owned domain.")] = ""


class Dns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom the gateway asks about names."""

    servers: Annotated[
        tuple[str, ...], Meta(description="Name servers: `address`, `address:port` or `[address]:port`; empty: those of the machine.")
    ] = ()
    zone_file: Annotated[
        str, Meta(description="Answer from this zone file alone and ask no server: for trials on a machine without a network.")
    ] = ""


class Console(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How administrators reach the console and the REST API."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="IP addresses or networks of reverse proxies; only from there X-Forwarded-For and X-Forwarded-Proto are believed.",
            examples=[["127.0.0.1"], ["192.0.2.10", "2001:db8::/64"]],
        ),
    ] = ()
    public_address: Annotated[
        str,
        Meta(
            description="Where browsers reach the console, for links in notices: scheme, host and, unless it is the usual one, port; "
            "empty: the address of its own listener.",
            examples=["https://console.example.com"],
        ),
    ] = ""


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`configuration.toml` as a whole."""

    owned_domains: tuple[OwnedDomain, ...] = ()
    corporate_servers: tuple[CorporateServer, ...] = ()
    corporate_users: Annotated[
        tuple[str, ...], Meta(description="Addresses that exist in owned domains whatever the corporate users in the data say.")
    ] = ()
    submission_users: tuple[SubmissionUser, ...] = ()
    send_connectors: tuple[SendConnector, ...] = ()
    rules: Annotated[
        tuple[Rule, ...], Meta(description="The rules in their order; the first that matches owns a mail. Absent: the default rules.")
    ] = ()
    different_rules: Annotated[
        DifferentRules,
        Meta(
            description="When recipients of one mail have rules that judge differently: split: the others are answered 452, so that "
            "the client sends to them anew; strictest: one refusal is for all."
        ),
    ] = "split"
    filters: FilterSettings = FilterSettings()
    notices: Notices = Notices()
    dns: Dns = Dns()
    receive: ReceiveLimits = ReceiveLimits()
    message: MessageLimits = MessageLimits()
    delivery: DeliveryLimits = DeliveryLimits()
    retention: Retention = Retention()
    console: Console = Console()
