# SPDX-License-Identifier: Apache-2.0
"""What a partner demands of the way to him: the stricter of his word and the send connector's."""

import asyncio

import pytest

from gatepost.config.configuration import SendConnector
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Routing
from gatepost.dns.twin import Twin

ZONE = "p.example. IN MX 10 mx.p.example.\nq.example. IN MX 10 mx.p.example.\nmx.p.example. IN A 192.0.2.7\n"
ORDER = ("none", "opportunistic", "required")


def routing(security: str, demands: dict[tuple[int, str], str], **connector: object) -> Routing:
    """Give the ways of one outbound and one inbound connector."""
    connectors = [
        SendConnector(name="out", direction="outbound", security=security, **connector),  # type: ignore[arg-type]
        SendConnector(name="in", direction="inbound", security=security, smart_hosts=("192.0.2.1",)),  # type: ignore[arg-type]
    ]
    return Routing(
        connectors,
        Twin(ZONE),
        is_owned=lambda domain: domain == "ours.example",
        demands=lambda tenant_id, domain: demands.get((tenant_id, domain), "default"),  # type: ignore[arg-type, return-value]
    )


async def security_of(ways: Routing, domain: str, tenant_id: int = 0) -> str:
    """Tell how mail to a domain is sent."""
    way = await ways.way(tenant_id, domain)
    assert isinstance(way, Route)
    return way.security


@pytest.mark.parametrize("connector", ORDER)
@pytest.mark.parametrize("demand", ["default", "opportunistic", "required"])
@pytest.mark.parametrize("hosts", [(), ("192.0.2.9",), ("mx.p.example",)])
async def test_the_stricter_wins(connector: str, demand: str, hosts: tuple[str, ...]) -> None:
    """By MX, by a smart host's address and by its name; another domain, another tenant and our own domains keep the connector's."""
    ways = routing(connector, {(0, "p.example"): demand, (0, "ours.example"): demand}, smart_hosts=hosts)
    assert await security_of(ways, "p.example") == max((connector, demand if demand != "default" else "none"), key=ORDER.index)
    assert [await security_of(ways, *other) for other in (("q.example",), ("p.example", 1), ("ours.example",))] == [connector] * 3


async def test_ways_of_different_security_share_no_connection() -> None:
    """Two partners behind the same host have routes of different keys."""
    ways = routing("opportunistic", {(0, "p.example"): "required"})
    first, second = [await ways.way(0, domain) for domain in ("p.example", "q.example")]
    assert isinstance(first, Route) and isinstance(second, Route)
    assert (first.hosts, first.security, second.security) == (second.hosts, "required", "opportunistic")
    assert first.key != second.key


async def test_a_changed_demand_holds_from_the_next_way_on() -> None:
    """Also where the old way was still being looked for when it changed."""
    demands: dict[tuple[int, str], str] = {}
    ways = routing("opportunistic", demands)
    assert await security_of(ways, "p.example") == "opportunistic"
    demands[0, "p.example"] = "required"
    assert await security_of(ways, "p.example") == "opportunistic"
    ways.forget()
    assert await security_of(ways, "p.example") == "required"
    looking = asyncio.create_task(ways.way(0, "q.example"))
    await asyncio.sleep(0)
    demands[0, "q.example"] = "required"
    ways.forget()
    await looking
    assert await security_of(ways, "q.example") == "required"
