# SPDX-License-Identifier: Apache-2.0
"""What `receive` remembers of users between the two ends of a real hand-over socket, and when it forgets."""

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.handover.client import Handover
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.routing import Routing
from gatepost.delivery.verification.answers import Answers
from gatepost.delivery.verification.contract import Existence, Judgement
from gatepost.delivery.verification.question import Asker
from gatepost.delivery.verification.verification import Verification
from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from waiting import until

JO = Address("Jo", "a.example")


class List:
    """A list of users that counts what it is asked."""

    def __init__(self) -> None:
        self.users: dict[tuple[int, str], bool] = {}
        self.asked = 0

    def listed(self, tenant_id: int, address: Address) -> bool | None:
        """Tell whether an address is enabled."""
        self.asked += 1
        return self.users.get((tenant_id, str(address).casefold()))

    def has_users(self, tenant_id: int) -> bool:
        """Tell whether a tenant has any."""
        return any(tenant == tenant_id for tenant, _ in self.users)


class Ends:
    """Both ends of the socket, with a list of users behind the far one."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "h.sock")
        self.list = List()
        self.next_hop: Judgement = Judgement("unknown", 7200.0)
        self.handover = Handover(self.path)
        self.server = self.make()

    def make(self) -> HandoverServer:
        """Make the far end."""
        routing = Routing((), Twin(""))
        verification = Verification(
            routing,
            Asker(DeliveryLimits(), "g.example"),
            Answers(SimpleNamespace(engine="sqlite")),
            lambda _: 0,
            listing=self.list,  # type: ignore[arg-type]
        )
        verification._find = self._find  # type: ignore[method-assign]
        return HandoverServer(self.path, None, None, verification.judge, listed=verification.judge_listed)  # type: ignore[arg-type]

    async def _find(self, tenant_id: int, address: Address) -> Judgement:
        return self.next_hop

    def users(self, mark: int, **users: bool) -> None:
        """Let these be the users, and say so."""
        self.list.users = {(0, f"{name}@a.example"): enabled for name, enabled in users.items()}
        self.server.announce_people(mark)

    async def listed(self, address: Address = JO) -> tuple[Existence, bool]:
        """Ask for a user; tells besides whether it had to be asked over the socket."""
        answer = self.handover.listed(0, address)
        if inspect.isawaitable(answer):
            return await answer, True
        return answer, False

    async def exists(self, address: Address = JO) -> Existence:
        """Ask for a recipient, as where the next hop decides in the end."""
        return await self.handover.recipient_known(0, address)


@pytest.fixture
async def ends(tmp_path: Path) -> AsyncIterator[Ends]:
    """Give both ends, connected, with the first announcement heard."""
    both = Ends(tmp_path)
    await both.server.start()
    await both.handover.start()
    await until(lambda: both.handover._recalled.has_no_users, "the first announcement has come")
    yield both
    await both.handover.close()
    await both.server.close()


async def test_without_any_user_nobody_is_asked(ends: Ends) -> None:
    """Whoever is on no list of the configuration is unknown at once, and costs no frame."""
    assert await ends.listed() == ("unknown", False)
    assert ends.list.asked == 0


async def test_a_user_is_asked_for_once_and_known_from_then_on(ends: Ends) -> None:
    """Enabled is known, disabled and absent are unknown; each is asked for once."""
    ends.users(1, jo=True, al=False)
    await until(lambda: not ends.handover._recalled.has_no_users, "the users are announced")
    for address, existence in ((JO, "known"), (Address("al", "a.example"), "unknown"), (Address("x", "a.example"), "unknown")):
        assert await ends.listed(address) == (existence, True)
        assert await ends.listed(address) == (existence, False)


async def test_a_change_is_known_with_the_answer_that_follows_it(ends: Ends) -> None:
    """What was answered before is forgotten, of lists as of next hops; nothing older comes after."""
    assert await ends.exists() == "unknown"
    for mark, users, listed, exists in (
        (1, {"jo": True}, "known", "known"),
        (2, {"jo": False}, "unknown", "unknown"),
        (3, {"jo": True, "al": True}, "known", "known"),
        (4, {"al": True}, "unknown", "unknown"),
    ):
        ends.users(mark, **users)
        await until(lambda mark=mark: ends.handover._recalled._mark == mark, "the change is announced")
        assert ((await ends.listed())[0], await ends.exists()) == (listed, exists)
    ends.next_hop = Judgement("known", 60.0)
    ends.server.announce_people(5)
    await until(lambda: ends.handover._recalled._mark == 5, "the change is announced")
    assert ((await ends.listed())[0], await ends.exists()) == ("unknown", "known")


async def test_a_disabled_user_is_unknown_where_the_next_hop_takes_anybody(ends: Ends) -> None:
    """The word for the whole domain does not hide that one of its addresses is switched off."""
    ends.next_hop = Judgement("known", 3600.0, whole_domain=True)
    assert await ends.exists(Address("x", "a.example")) == "known"
    assert await ends.exists() == "known"
    ends.users(1, jo=False)
    await until(lambda: ends.handover._recalled._mark == 1, "the change is announced")
    assert await ends.exists(Address("x", "a.example")) == "known"
    assert await ends.exists() == "unknown"


async def test_a_new_connection_is_not_taken_for_one_without_users(ends: Ends) -> None:
    """Until the far end has said so again, users may have come; who is asked for then is asked for over there."""
    await ends.server.close()
    await until(lambda: ends.handover.is_away, "the connection has ended")
    assert await ends.listed() == ("no_answer", True)
    ends.server = ends.make()
    ends.users(7, jo=True)
    await ends.server.start()
    await until(lambda: not ends.handover.is_away, "there is a connection again")
    assert await ends.listed() == ("known", True)


async def test_who_is_entered_while_the_next_hop_is_asked_is_known(ends: Ends) -> None:
    """The list wins over an answer that was on its way, and the answer is not what is remembered."""

    async def slowly(tenant_id: int, address: Address) -> Judgement:
        ends.users(1, jo=True)
        return Judgement("unknown", 7200.0)

    ends.server.verify.__self__._find = slowly  # type: ignore[attr-defined]
    assert await ends.exists() == "known"
    assert await ends.exists() == "known"
