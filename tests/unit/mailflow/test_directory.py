# SPDX-License-Identifier: Apache-2.0
"""Who exists: by the configuration, by the list of users, by the next hop."""

import inspect

from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.mailflow.directory import Directory, Existence
from gatepost.message.addresses import Address


class Asked:
    """A verifier that counts what it is asked."""

    def __init__(self, remembered: dict[Address, Existence] | None = None) -> None:
        self.remembered, self.asked, self.lists = remembered or {}, [], []
        self.list_says: Existence = "unknown"

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        return self.remembered.get(address)

    def listed(self, tenant_id: int, address: Address) -> Existence:
        self.lists.append((tenant_id, address))
        return self.list_says

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        self.asked.append(address)
        return "no_answer"


SETTINGS = Configuration(
    owned_domains=(
        OwnedDomain(name="list.example", recipients="list"),
        OwnedDomain(name="any.example", recipients="any"),
        OwnedDomain(name="ask.example"),
        OwnedDomain(name="*.below.example", recipients="list"),
    ),
    corporate_users=("Jo@list.example", "jo@BÜCHER.example"),
)


def existence(directory: Directory, address: str) -> object:
    local, _, domain = address.rpartition("@")
    return directory.existence(0, Address(local, domain))


def test_users_entered_by_hand_are_known_in_any_case() -> None:
    """Capitals do not matter, nor how an international domain was written."""
    directory = Directory(SETTINGS, Asked())
    assert existence(directory, "JO@list.example") == "known"
    assert existence(directory, "jo@xn--bcher-kva.example") == "known"
    assert existence(directory, "nobody@list.example") == "unknown"
    assert existence(directory, "nobody@x.below.example") == "unknown"
    assert existence(directory, "nobody@any.example") == "known"


def test_postmaster_always_exists() -> None:
    """RFC 5321 §4.5.1."""
    assert existence(Directory(SETTINGS, Asked()), "PostMaster@list.example") == "known"


async def test_the_next_hop_is_asked_for_others_once_nothing_is_remembered() -> None:
    """A remembered answer costs nothing; without one there is something to wait for."""
    known = Address("known", "ask.example")
    verifier = Asked({known: "known"})
    directory = Directory(SETTINGS, verifier)
    assert directory.existence(0, known) == "known"
    answer = existence(directory, "new@ask.example")
    assert inspect.isawaitable(answer)
    assert await answer == "no_answer"
    assert verifier.asked == [Address("new", "ask.example")]


def test_the_list_of_users_is_asked_where_it_decides() -> None:
    """Only in mode `list`, and only for whom the configuration does not name; its word is the last."""
    verifier = Asked()
    directory = Directory(SETTINGS, verifier)
    for said in ("unknown", "known"):
        verifier.list_says = said
        assert existence(directory, "new@list.example") == said
    for address in ("jo@list.example", "postmaster@list.example", "new@any.example"):
        assert existence(directory, address) == "known"
    assert verifier.lists == [(0, Address("new", "list.example"))] * 2
    assert verifier.asked == []
