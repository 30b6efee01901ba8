# SPDX-License-Identifier: Apache-2.0
"""From a recipient domain to the hosts that take its mail."""

from pathlib import Path
from typing import Any

import pytest

from gatepost.config.configuration import SendConnector
from gatepost.delivery.queue.record import Body, ClaimedMail, Direction, NewMail
from gatepost.delivery.route import NextHop, Route
from gatepost.delivery.routing import Routing, SmartHost, Unroutable, smart_host
from gatepost.dns.exchangers import Ourselves
from gatepost.dns.twin import Twin
from gatepost.errors import ConfigError
from gatepost.smtp.envelope import Envelope

ZONE = """\
example.com   60 MX 10 mx.example
example.net   600 MX 10 mx.example
mx.example    120 A 192.0.2.1
smart.example 30 A 192.0.2.7
smart.example 30 AAAA 2001:db8::7
null.example  MX 0 .
broken.example FAIL
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def claim(direction: Direction = "outbound", tenant: int = 0) -> ClaimedMail:
    return ClaimedMail(1, 1, NewMail("t", tenant, direction, 0.0, 9e9, "", "", Envelope(None), b"", Body(0)), ())


def connector(**settings: Any) -> SendConnector:
    return SendConnector(**({"name": "out", "direction": "outbound"} | settings))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail.example.com", SmartHost("mail.example.com", 25, False)),
        ("Mail.Example.com:2525", SmartHost("mail.example.com", 2525, False)),
        ("192.0.2.1", SmartHost("192.0.2.1", 25, True)),
        ("192.0.2.1:26", SmartHost("192.0.2.1", 26, True)),
        ("[192.0.2.1]:26", SmartHost("192.0.2.1", 26, True)),
        ("[2001:db8::1]", SmartHost("2001:db8::1", 25, True)),
        ("[2001:db8::1]:26", SmartHost("2001:db8::1", 26, True)),
        ("2001:db8::1", SmartHost("2001:db8::1", 25, True)),
    ],
)
def test_ways_to_write_a_smart_host(text: str, expected: SmartHost) -> None:
    """Each form that the configuration allows gives host and port."""
    assert smart_host(text, 25) == expected


async def test_smart_hosts_by_address_ask_nobody() -> None:
    """Literal smart hosts need no DNS, keep their order, and serve every domain with one and the same route."""
    twin = Twin("")
    routing = Routing([connector(smart_hosts=("192.0.2.1", "[2001:db8::1]:26"), port=24, security="required")], twin)
    route = await routing.route(claim(), "example.com")
    assert route == Route(
        "outbound/out/required/192.0.2.1:24,[2001:db8::1]:26",
        "out",
        (NextHop("192.0.2.1", "192.0.2.1", 24), NextHop("2001:db8::1", "2001:db8::1", 26)),
        "required",
    )
    assert await routing.route(claim(), "example.org") is route
    assert routing.known(claim(), "example.org") is route
    assert twin.asked == []


async def test_smart_hosts_by_name() -> None:
    """A smart host's name is looked up as an address, not as an MX, and again when its time is over."""
    twin, clock = Twin(ZONE), Clock()
    routing = Routing([connector(smart_hosts=("smart.example:26",))], twin, clock=clock)
    route = await routing.route(claim(), "example.com")
    assert isinstance(route, Route)
    assert route.hosts == (NextHop("smart.example", "2001:db8::7", 26), NextHop("smart.example", "192.0.2.7", 26))
    clock.now = 29.0
    assert routing.known(claim(), "example.com") is route
    clock.now = 30.0
    assert routing.known(claim(), "example.com") is None
    assert await routing.route(claim(), "example.com") == route
    assert twin.asked == [("ADDRESS", "smart.example")] * 2


async def test_a_smart_host_that_cannot_be_looked_up() -> None:
    """One missing name leaves the others, for a short time; with none left the mail waits, whatever the DNS said."""
    clock = Clock()
    routing = Routing([connector(smart_hosts=("absent.example", "192.0.2.1"))], Twin(ZONE), clock=clock)
    route = await routing.route(claim(), "example.com")
    assert isinstance(route, Route)
    assert [hop.address for hop in route.hosts] == ["192.0.2.1"]
    clock.now = 11.0
    assert routing.known(claim(), "example.com") is None
    nothing = await Routing([connector(smart_hosts=("absent.example",))], Twin(ZONE)).route(claim(), "example.com")
    assert nothing == Unroutable(True, "451 4.4.3 The smart hosts of connector out cannot be looked up")


async def test_mail_exchangers() -> None:
    """Without smart hosts the domain's MX is used; domains with the same MX share a route's key."""
    clock = Clock()
    routing = Routing([connector(port=2525)], Twin(ZONE), clock=clock)
    first, second = [await routing.route(claim(), domain) for domain in ("example.com", "example.net")]
    assert isinstance(first, Route)
    assert isinstance(second, Route)
    assert first.hosts == (NextHop("mx.example", "192.0.2.1", 2525),)
    assert first.key == second.key == "outbound/out/opportunistic/mx:mx.example:2525"
    clock.now = 60.0
    assert routing.known(claim(), "example.com") is None
    assert routing.known(claim(), "example.net") is second
    clock.now = 120.0
    assert routing.known(claim(), "example.net") is None


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("null.example", Unroutable(False, "556 5.1.10 The domain null.example takes no mail (null MX)")),
        ("absent.example", Unroutable(False, "550 5.1.2 The domain absent.example does not exist")),
        ("broken.example", Unroutable(True, "451 4.4.3 The name servers of broken.example give no answer")),
        ("", Unroutable(False, "550 5.1.2 The recipient address has no domain")),
        ("[192.0.2.99]", Unroutable(False, "554 5.4.6 Mail for [192.0.2.99] would loop back to this gateway")),
        ("[127.0.0.1]", Unroutable(False, "554 5.4.6 Mail for [127.0.0.1] would loop back to this gateway")),
    ],
)
async def test_no_way(domain: str, expected: Unroutable) -> None:
    """Each reason without a route is a value with the reply for the sender."""
    routing = Routing([connector()], Twin(ZONE), ourselves=Ourselves(addresses=frozenset({"192.0.2.99"})))
    assert await routing.route(claim(), domain) == expected


@pytest.mark.parametrize(("domain", "address"), [("[192.0.2.5]", "192.0.2.5"), ("[IPv6:2001:db8::5]", "2001:db8::5")])
async def test_address_literals(domain: str, address: str) -> None:
    """Mail to an address literal goes to that address."""
    route = await Routing([connector()], Twin(ZONE)).route(claim(), domain)
    assert isinstance(route, Route)
    assert route.hosts == (NextHop(domain, address, 25),)


async def test_without_a_connector_mail_waits() -> None:
    """What no connector serves is deferred, because an administrator can mend it; the other direction does not help."""
    routing = Routing([connector(direction="inbound")], Twin(ZONE))
    assert await routing.route(claim(), "example.com") == Unroutable(True, "451 4.3.5 No send connector serves example.com")


async def test_tenants_do_not_share_a_memory_and_owned_domains_go_inwards() -> None:
    """What was found for one tenant is not used for another, and an owned domain's mail goes inwards whoever sent it."""
    routing = Routing(
        [
            connector(name="one", tenant=1, smart_hosts=("192.0.2.1",)),
            connector(name="two", tenant=2, smart_hosts=("192.0.2.2",)),
            connector(name="in", direction="inbound", smart_hosts=("192.0.2.3",)),
        ],
        Twin(""),
        is_owned=lambda domain: domain == "owned.example",
    )
    for mail, domain, name in [
        (claim(tenant=1), "example.com", "one"),
        (claim(tenant=2), "example.com", "two"),
        (claim(tenant=2), "owned.example", "in"),
    ]:
        assert routing.known(mail, domain) is None
        route = await routing.route(mail, domain)
        assert isinstance(route, Route)
        assert route.connector == name


async def test_passwords_are_fetched_once(tmp_path: Path) -> None:
    """A password's reference is followed when the routing is made; a missing one stops it there, not at the first mail."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    wanted = connector(smart_hosts=("192.0.2.1",), user="gate", password=f"file:{file}", security="required")
    routing = Routing([wanted], Twin(""))
    file.unlink()
    route = await routing.route(claim(), "example.com")
    assert isinstance(route, Route)
    assert (route.user, route.password) == ("gate", "secret")
    assert "secret" not in route.key
    with pytest.raises(ConfigError, match=r"send_connectors\.out\.password"):
        Routing([wanted], Twin(""))
    Routing([connector(enabled=False, user="gate", password=f"file:{file}")], Twin(""))


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the oldest domain is forgotten."""
    monkeypatch.setattr("gatepost.delivery.routing.KEPT", 2)
    routing = Routing([connector(smart_hosts=("192.0.2.1",))], Twin(""))
    for domain in ("a.example", "b.example", "c.example"):
        await routing.route(claim(), domain)
    assert [routing.known(claim(), domain) is not None for domain in ("a.example", "b.example", "c.example")] == [False, True, True]
