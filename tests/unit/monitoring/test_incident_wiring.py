# SPDX-License-Identifier: Apache-2.0
"""What the checks of an intranet see of its gateways, and how a mail of ours finds one that takes it."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from gatepost.config.configuration import Configuration, Console, Notices, OwnedDomain, SendConnector
from gatepost.delivery.breaker import Breakers
from gatepost.errors import ControlError
from gatepost.monitoring.checks import Owner, QueueState, RouteState
from gatepost.monitoring.checks_certificates import Certificates
from gatepost.monitoring.notice_mail import Letter
from gatepost.monitoring.record import Address
from gatepost.monitoring.sending import Submitted
from gatepost.roles.gateway_watch import watch_operations
from gatepost.roles.incident_checks import Rooms, Watch
from gatepost.smtp.certificate import CertificateState
from gatepost.storage.contract import Store
from gatepost.storage.usage import Usage, told

LETTER = Letter(0, "", "admin@ours.example", b"x")
USAGE = Usage("here", "sqlite", 5, 6, 50.0, "disk", (), 1.0)
SILENT = ControlError("it hung up")
REFUSES = ControlError("it says no")
REFUSES.exit_code = 1
CONFIGURATION = Configuration(
    owned_domains=(
        OwnedDomain(name="*.ours.example", tenant=2),
        OwnedDomain(name="ours.example", tenant=1, administrative_address="admin@ours.example"),
    ),
    send_connectors=(SendConnector(name="to/mail", direction="inbound", smart_hosts=("mail.example",)),),
    notices=Notices(administrative_address="all@house.example"),
)


class Gateways:
    """Gateways that answer as a test says: by name, by operation."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self.answers = answers
        self.listed: list[dict[str, Any]] = [{"name": name, "trouble": "", "store": f"store of {name}"} for name in answers]
        self.asked: list[tuple[str, str, str]] = []
        self.looks = 0

    @property
    def names(self) -> tuple[str, ...]:
        """All."""
        return tuple(self.answers)

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell."""
        self.looks += 1
        return self.listed

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = 10.0, identity: str = "") -> Any:
        """Answer."""
        self.asked.append((name, do, identity))
        answer = self.answers[name].get(do, SILENT)
        if isinstance(answer, Exception):
            raise answer
        return answer


def watch(gateways: Gateways, configuration: Configuration = CONFIGURATION) -> Watch:
    """Give what looks."""

    async def newest() -> Configuration:
        return configuration

    async def none() -> int:
        return 0

    looking = Watch(_NoStore(), gateways, Rooms(newest, none), "intranet.example")  # type: ignore[arg-type]
    looking._own.usage = _usage  # type: ignore[method-assign]
    return looking


class _NoStore:
    engine, where = "sqlite", "nowhere"


async def _usage() -> Usage:
    return USAGE


async def test_a_gateway_whose_store_is_away_is_not_away_itself() -> None:
    """Its own answer about its store tells the two apart; looks that come together are one."""
    gateways = Gateways(
        {"berlin": {"store.usage": told(msgspec.structs.replace(USAGE, trouble="the disk is gone"))}, "rome": {}, "oslo": {}}
    )
    gateways.listed[0]["trouble"] = "the store: away"
    gateways.listed[1]["trouble"] = "nobody answers"
    looking = watch(gateways)
    berlin, rome, oslo = await looking.links()
    assert (berlin.trouble, berlin.store_trouble) == ("", "the disk is gone")
    assert (rome.trouble, rome.store_trouble) == ("nobody answers", "")
    assert oslo.works
    await looking.links()
    assert gateways.looks == 1


async def test_certificates_are_those_of_gateways_that_answer_and_the_consoles_own() -> None:
    """What a gateway of another version tells, or does not, is passed over."""
    berlin = {"file": "/tls/cert.pem", "begins_at": 1.0, "ends_at": 2.0, "kept": "", "new": 1}
    gateways = Gateways({"berlin": {}, "rome": {}})
    processes = [{"process": "deliver", "certificate": None}, {"process": "receive", "certificate": berlin}, {"process": "receive"}]
    gateways.listed[0]["processes"] = [*processes, {"process": "receive", "certificate": {"file": 7}}]
    gateways.listed[1] |= {"processes": processes, "trouble": "no answer"}
    looking = watch(gateways)
    expected = CertificateState("/tls/cert.pem", 1.0, 2.0)
    assert await looking.certificates() == Certificates([("berlin/receive", expected)], ("rome",))
    looking._rooms = looking._rooms._replace(certificate=lambda: expected)
    assert (await looking.certificates()).shown[1:] == [("intranet/console", expected)]


async def test_queues_and_routes_of_a_silent_gateway_are_unknown() -> None:
    """Not empty: nothing may heal by its silence."""
    lines = [{"domain": "x.example", "waiting": 2, "oldest_at": 5.0, "sending": 0}]
    down = [
        {"route": "inbound/to/mail/opportunistic/mail.example:25", "reason": "451 no"},
        {"route": "outbound/out/none/mx:far.example:25", "reason": "451 no"},
    ]
    looking = watch(Gateways({"berlin": {"queue.list": lines, "queue.routes": down}, "rome": {}}))
    assert await looking.queues() == {"berlin": [QueueState("x.example", 2, 5.0)], "rome": None}
    assert await looking.routes() == {
        "berlin": [
            RouteState("to/mail", "inbound", "mail.example:25", True, "451 no"),
            RouteState("out", "outbound", "mx:far.example:25", False, "451 no"),
        ],
        "rome": None,
    }
    assert looking.owner("ours.example") == Owner(1, "ours.example")
    assert looking.owner("a.b.ours.example") == Owner(2, "*.ours.example")
    assert looking.owner("world.example") is None


async def test_a_store_that_gateways_share_is_told_once() -> None:
    """Under the first one's name, by whichever of them answers."""
    gateways = Gateways({"a": {}, "b": {"store.usage": told(USAGE)}, "c": {"store.usage": told(USAGE)}, "d": {"store.usage": {"odd": 1}}})
    for one in gateways.listed[:2]:
        one["store"] = "shared"
    looking = watch(gateways)
    await looking.links()
    found = await looking.usages()
    assert {name: usage is not None for name, usage in found.items()} == {"intranet": True, "a": True, "c": True, "d": False}


async def test_who_is_told_stands_in_the_newest_configuration() -> None:
    """Notices come from the first owned domain's postmaster where no sender is named."""
    addressees = await watch(Gateways({})).addressees()
    assert addressees.house == Address("all@house.example", "postmaster@ours.example")
    assert addressees.of("ours.example") == Address("admin@ours.example", "postmaster@ours.example")
    named = msgspec.structs.replace(CONFIGURATION, notices=Notices(notice_sender="gp@x.example"))
    assert (await watch(Gateways({}), named).addressees()).house == Address("", "gp@x.example")


@pytest.mark.parametrize(
    ("named", "link"),
    [
        ("", "http://127.0.0.1:6060/incidents/7"),
        ("https://console.example.com", "https://console.example.com/incidents/7"),
        ("https://console.example.com:8443/", "https://console.example.com:8443/incidents/7"),
    ],
)
async def test_links_lead_where_the_newest_configuration_says(named: str, link: str) -> None:
    """To the console's own listener where it says nothing."""
    configuration = msgspec.structs.replace(CONFIGURATION, console=Console(public_address=named))
    looking = watch(Gateways({}), configuration)
    looking._base_url = "http://127.0.0.1:6060/"
    house = await looking.house()
    assert (house.hostname, house.link(7)) == ("intranet.example", link)


async def test_a_mail_goes_to_the_first_gateway_that_takes_it() -> None:
    """One that is away or refuses is passed over; the id is the same for each."""
    ok = {"replication.health": {}, "notice.submit": "track"}
    gateways = Gateways({"a": {}, "b": {"replication.health": {}, "notice.submit": REFUSES}, "c": ok, "d": ok})
    assert await watch(gateways).submit(LETTER, "id7") == Submitted()
    assert [one for one in gateways.asked if one[1] == "notice.submit"] == [("b", "notice.submit", "id7"), ("c", "notice.submit", "id7")]


async def test_a_gateway_that_hangs_up_may_have_taken_it() -> None:
    """No other is asked then, or the mail would come twice."""
    gateways = Gateways({"a": {"replication.health": {}}, "b": {"replication.health": {}, "notice.submit": "track"}})
    assert await watch(gateways).submit(LETTER, "id7") == Submitted("a: it hung up", doubt=True)
    assert ("b", "notice.submit", "id7") not in gateways.asked


async def test_without_a_gateway_there_is_a_sentence_not_a_doubt() -> None:
    """It says what to do, and so does one whose gateways are all away."""
    assert (await watch(Gateways({})).submit(LETTER, "x")).trouble.endswith("join one with `gatepost role join`")
    assert await watch(Gateways({"a": {}, "b": {}})).submit(LETTER, "x") == Submitted("a: it hung up; b: it hung up")


async def test_a_route_that_nobody_tries_any_more_is_not_told_as_down() -> None:
    """Its circuit stays open in memory, but without mail nobody knows whether the next hop is back."""
    breakers = Breakers(failures=1)
    breakers.failed("inbound/a/none/x:25", "451 no", time.time())
    breakers.failed("inbound/b/none/y:25", "451 no", time.time() - 600)
    store: Store = _NoStore()  # type: ignore[assignment]
    routes: Any = watch_operations(store, breakers)["queue.routes"]
    assert await routes() == [{"route": "inbound/a/none/x:25", "reason": "451 no"}]
