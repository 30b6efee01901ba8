# SPDX-License-Identifier: Apache-2.0
"""The bootstrap file: what a process must know before it can ask anybody anything.

At most 20 keys; changing one is a restart. The text of each field is its manual.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Listener(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One address that somebody may connect to: for mail (a receive connector's binding), or for the console."""

    address: Annotated[str, Meta(description="IP address to listen on.", examples=["0.0.0.0", "::", "127.0.0.1"])] = "0.0.0.0"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port.", examples=[25, 465, 587])] = 25
    tls: Annotated[
        Literal["none", "offered", "required", "implicit"],
        Meta(description="none; STARTTLS offered; STARTTLS required before MAIL; TLS from the first byte."),
    ] = "offered"
    serves: Annotated[
        Literal["mail", "submission", "console"],
        Meta(
            description="mail; submission: offers AUTH and takes mail only from clients that have authenticated (RFC 6409); console: "
            "the administrators' pages and the REST API by HTTP, where `tls` is implicit, or none on a loopback address."
        ),
    ] = "mail"
    proxy_from: Annotated[
        tuple[str, ...],
        Meta(description="Networks whose connections must begin with a PROXY header, v1 or v2.", examples=[["127.0.0.0/8"]]),
    ] = ()
    client_ca: Annotated[str, Meta(description="PEM file of the authorities whose client certificates are asked for; empty: none are.")] = (
        ""
    )


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The machine's own TLS identity. Files that were renewed are taken without a restart."""

    certificate: Annotated[str, Meta(description="PEM file: certificate, then its chain.")] = ""
    key: Annotated[str, Meta(description="PEM file of the private key. P-256 costs least per connection.")] = ""


class Processes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many processes of each kind run on this machine."""

    receive: Annotated[int, Meta(ge=1, le=64, description="Processes that receive mail; each takes up to one core.")] = 1


class Stores(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where each store lies. A URL may also be given by reference, `file:/PATH` or `env:NAME`; one with a password should be."""

    gateway: Annotated[
        str,
        Meta(
            description="sqlite: a file in `data`; or the URL of a PostgreSQL database, which several gateways of one site may share.",
            examples=["sqlite", "postgresql://gatepost@db.example.com/gateway"],
        ),
    ] = "sqlite"
    intranet: Annotated[
        str,
        Meta(
            description="sqlite: a file in `data`; or the URL of a PostgreSQL database.",
            examples=["sqlite", "postgresql://gatepost@db.example.com/intranet"],
        ),
    ] = "sqlite"
    blobs: Annotated[
        str,
        Meta(
            description="files: a folder in `data`; or the URL of an S3 bucket, as gateways with one PostgreSQL need it.",
            examples=["files", "s3://mails/gatepost?endpoint=https://s3.example.com"],
        ),
    ] = "files"
    blobs_login: Annotated[
        str,
        Meta(
            description="Where access key and secret of the S3 bucket stand, with a colon between: `file:/PATH` or `env:NAME`.",
            examples=["file:/etc/gatepost/blobs.secret"],
        ),
    ] = ""


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How roles on other machines reach this one."""

    listen: Annotated[
        str,
        Meta(
            description="Address and port where an intranet that was paired may call this gateway; empty: nobody calls.",
            examples=["192.0.2.1:6061", "[2001:db8::1]:6061"],
        ),
    ] = ""


class Bootstrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`/etc/gatepost/gatepost.toml`; each key may be set by `GATEPOST_KEY` or `GATEPOST_TABLE__KEY` instead."""

    role: Annotated[
        Literal["single", "gateway", "intranet"],
        Meta(description="What this machine is: a gateway; the intranet, which tells gateways what to do and keeps their tracks; or both."),
    ] = "single"
    hostname: Annotated[
        str, Meta(description="Fully qualified name in the greeting, EHLO and trace headers; empty: the machine's own.")
    ] = ""
    data: Annotated[str, Meta(description="Folder of the stores: queue, blobs, locks.")] = "/var/lib/gatepost"
    run: Annotated[str, Meta(description="Folder of the sockets between processes; empty: `run` below `data`.")] = ""
    configuration: Annotated[str, Meta(description="TOML file of the configuration: owned domains, connectors, limits.")] = (
        "/etc/gatepost/configuration.toml"
    )
    user: Annotated[str, Meta(description="User to become once the ports are bound, when started as root.")] = ""
    listeners: Annotated[tuple[Listener, ...], Meta(description="Where mail is received, and where the console is.")] = (
        Listener(),
        Listener(address="127.0.0.1", port=6060, tls="none", serves="console"),
    )
    tls: Tls = Tls()
    processes: Processes = Processes()
    stores: Stores = Stores()
    link: Link = Link()

    @property
    def mail_listeners(self) -> dict[int, Listener]:
        """The listeners that take mail, by their place."""
        return {place: one for place, one in enumerate(self.listeners) if one.serves != "console"}

    @property
    def console_listeners(self) -> dict[int, Listener]:
        """The listeners of the console, by their place."""
        return {place: one for place, one in enumerate(self.listeners) if one.serves == "console"}

    @property
    def listeners_of_role(self) -> dict[int, Listener]:
        """The listeners that this role opens, by their place: an intranet takes no mail, a gateway has no console."""
        if self.role == "single":
            return dict(enumerate(self.listeners))
        return self.console_listeners if self.role == "intranet" else self.mail_listeners
