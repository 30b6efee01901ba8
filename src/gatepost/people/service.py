# SPDX-License-Identifier: Apache-2.0
"""The people of one intranet, as its console serves them."""

from collections.abc import Callable
from typing import Any

from gatepost.contracts.actor import Audit
from gatepost.people.fields import Fields
from gatepost.people.greeting import Greeting
from gatepost.people.ledger import Gateways, Ledger
from gatepost.people.partners import Partners
from gatepost.people.users import OwnedDomains, Users
from gatepost.storage.contract import Store


def _nobody(*_: Any) -> None:
    """Hear nothing."""


class People:
    """Users, partners and additional fields of one store.

    `gateways` names who must be told, `owned_domains` gives who owns a domain now, `audit` leaves the entry of a change in its
    transaction, `changed` is called after each COMMIT that gateways must hear of.
    """

    def __init__(
        self, store: Store, gateways: Gateways, owned_domains: OwnedDomains, audit: Audit, changed: Callable[[], object] = _nobody
    ) -> None:
        ledger = Ledger(store, gateways, audit)
        self.fields = Fields(ledger)
        self.users = Users(ledger, self.fields, owned_domains, changed)
        self.partners = Partners(ledger, self.fields, owned_domains, changed)
        self.greet = Greeting(ledger).greet
        """Puts all into the outbox of a gateway that is met for the first time."""
