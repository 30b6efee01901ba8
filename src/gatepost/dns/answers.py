# SPDX-License-Identifier: Apache-2.0
"""What the DNS answers, as values: found, no such name, no such data, or no answer at all (RFC 2308 §2).

An answer never is an exception: a domain that does not exist is as ordinary as one that does.
"""

from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")

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
