# SPDX-License-Identifier: Apache-2.0
"""What the DNS answers, as values: found, no such name, no such data, or no answer at all (RFC 2308 §2).

An answer never is an exception: a domain that does not exist is as ordinary as one that does.
"""

from collections.abc import Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Text = TypeVar("Text", str, bytes)

VALUES = 256
"""Records kept of one answer. Large domains have some sixty TXT records; a thousand are an attack or a mistake."""
OCTETS = 64 * 1024
"""Length of all values of one answer together; what a DNS message over TCP can carry (RFC 1035 §4.2.2)."""

Status = Literal["found", "nxdomain", "no_data", "failed"]
"""found: `values` has at least one. nxdomain: the name does not exist, for no type. no_data: the name exists
without records of this type. failed: no server gave a usable answer in time; ask again later."""


class Answer(NamedTuple, Generic[T]):
    """One question's answer; `ttl_s` is how long it may be kept."""

    status: Status
    values: tuple[T, ...] = ()
    ttl_s: float = 0.0

    @property
    def temporary(self) -> bool:
        """Whether another try may answer otherwise."""
        return self.status == "failed"


class MxRecord(NamedTuple):
    """One mail exchanger; `host` is in lower case without the last dot, '' is the root (RFC 7505 §3)."""

    preference: int
    host: str


def bounded(values: Sequence[Text]) -> tuple[Text, ...]:
    """Keep the first `VALUES` values, and of these as many as `OCTETS` hold."""
    kept = tuple(values[:VALUES])
    while sum(map(len, kept)) > OCTETS:
        kept = kept[: len(kept) // 2]
    return kept
