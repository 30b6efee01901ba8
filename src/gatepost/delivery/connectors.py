# SPDX-License-Identifier: Apache-2.0
"""Choose the send connector of a recipient domain. Pure: the same question has the same answer, and can say why.

A connector fits when it is enabled, of the mail's direction, open to the mail's tenant and serves the domain:
`*` serves all, a name serves itself, `*.example.com` serves what is below example.com but not itself.
Of those that fit the cheapest is used; of the equally cheap the first in the configuration.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.config.configuration import SendConnector
from gatepost.delivery.queue.record import Direction


class Choice(NamedTuple):
    """The connector that is used, or None, and one sentence that explains it."""

    connector: SendConnector | None
    why: str


def serves(connector: SendConnector, domain: str) -> bool:
    """Whether one of a connector's patterns covers a domain (in lower case, A-labels)."""
    for pattern in connector.domains:
        wanted = pattern.lower()
        if wanted in ("*", domain) or (wanted.startswith("*.") and domain.endswith(wanted[1:])):
            return True
    return False


def candidates(connectors: Sequence[SendConnector], direction: Direction, domain: str, tenant: int) -> list[SendConnector]:
    """Give all connectors that fit, in the order of their use; those after the first are for a caller that fails over."""
    return sorted(
        (one for one in connectors if not _misfit(one, direction, domain, tenant)),
        key=lambda connector: connector.cost,  # sorting is stable, so the configuration's order decides between equals
    )


def choose(connectors: Sequence[SendConnector], direction: Direction, domain: str, tenant: int) -> Choice:
    """Give the connector that mail of this direction and tenant to this domain is sent through."""
    fitting = candidates(connectors, direction, domain, tenant)
    if not fitting:
        passed = "; ".join(f"{one.name} {_misfit(one, direction, domain, tenant)}" for one in connectors)
        return Choice(None, f"No send connector fits {direction} mail to {domain}: {passed or 'there is none at all'}.")
    first, *others = fitting
    if not others:
        return Choice(first, f"{first.name} is the only {direction} connector that serves {domain}.")
    equals = [one.name for one in others if one.cost == first.cost]
    reason = f"stands before {', '.join(equals)} at the same cost of {first.cost}" if equals else f"has the lowest cost, {first.cost}"
    return Choice(first, f"{first.name} {reason}, of {len(fitting)} {direction} connectors that serve {domain}.")


def _misfit(connector: SendConnector, direction: Direction, domain: str, tenant: int) -> str:
    """Tell why a connector does not fit; '' when it does."""
    if connector.direction != direction:
        return f"is for {connector.direction} mail"
    if not connector.enabled:
        return "is disabled"
    if connector.tenant not in (None, tenant):
        return "is another tenant's"
    if not serves(connector, domain):
        return f"serves {', '.join(connector.domains)}"
    return ""
