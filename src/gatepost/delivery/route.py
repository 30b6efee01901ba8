# SPDX-License-Identifier: Apache-2.0
"""Where a mail goes next: hosts in the order they are tried, and how they are spoken to."""

from typing import Literal, NamedTuple

Security = Literal["none", "opportunistic", "required"]


class NextHop(NamedTuple):
    """One server to try; `host` is the name that TLS and reports use, `address` is what is connected to."""

    host: str
    address: str
    port: int = 25


class Route(NamedTuple):
    """A send connector's way for some recipients. Connections are shared by mails of the same `key`."""

    key: str
    """Stable; names connector, hosts and TLS policy."""
    connector: str
    hosts: tuple[NextHop, ...]
    security: Security = "opportunistic"
    user: str = ""
    password: str = ""
