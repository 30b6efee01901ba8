# SPDX-License-Identifier: Apache-2.0
"""The settings of the filter `realtime_blocklists`: which lists are asked, and what their answers are worth."""

from typing import Annotated

import msgspec
from msgspec import Meta


class Blocklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One list in the DNS that says which addresses send spam (RFC 5782)."""

    zone: Annotated[str, Meta(min_length=1, description="The list's domain, as `bl.example.org`.")]
    name: Annotated[str, Meta(max_length=100, description="How people and tracks call it; empty: its zone.")] = ""
    points: Annotated[
        float, Meta(ge=-10, le=10, description="Points of a client that is on the list; negative ones speak for the mail; 0: not asked.")
    ] = 2.0
    answers: Annotated[
        tuple[str, ...],
        Meta(
            description="The answers that count as a hit: addresses, networks or ranges within 127.0.0.0/8; empty: each but 127.0.0.1. "
            "127.255.255.0 to 127.255.255.255 never do.",
            examples=[["127.0.0.2", "127.0.0.4-127.0.0.7"]],
        ),
    ] = ()


class RealtimeBlocklistSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lists that are asked about the client's address, all at once."""

    lists: tuple[Blocklist, ...] = ()
