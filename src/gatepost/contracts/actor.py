# SPDX-License-Identifier: Apache-2.0
"""Who changes something, and the trace that every change leaves.

A room that people change gets an `Audit` and calls it inside the transaction of the change, so that there is no change
without its entry and no entry without its change.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from gatepost.errors import UsageError

Via = Literal["console", "api", "cli"]
_LONGEST_NAME = 100


class Actor(NamedTuple):
    """The administrator, or the user of this machine, who asks for a change."""

    name: str
    via: Via
    client: str = ""
    """Where he calls from: an IP address; '' on this machine."""
    tenant_id: int = 0


class Entry(NamedTuple):
    """One change: what was done to whom, and how it was before and after. Secrets are left out by who makes the entry."""

    actor: Actor
    operation: str
    """`people.user.change`, `access.administrator.lock`."""
    subject: str
    """What was changed, as people know it: an address, a domain, a name."""
    before: Any = None
    """Plain values for JSON; None where there was nothing."""
    after: Any = None


def local_actor(untrusted_author: str, tenant_id: int) -> Actor:
    """Give whoever asks on this machine, his name on one line. Raises: UsageError without one."""
    name = " ".join(untrusted_author.split())[:_LONGEST_NAME]
    if not name:
        raise UsageError("a change needs an author; say who with --author")
    return Actor(name, "cli", "", tenant_id)


Audit = Callable[[Any, Entry], None]
"""connection, entry; runs on the store's writing thread, in the transaction of the change."""
