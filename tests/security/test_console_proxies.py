# SPDX-License-Identifier: Apache-2.0
"""The console behind a reverse proxy: visitors are told apart, and nobody can say himself that he is another one."""

import re
from collections.abc import Iterator
from itertools import count

import pyotp
import pytest

from console_site import PASSWORD
from gatepost.access.audit import AuditSearch
from gatepost.web.api import door
from gatepost.web.frame.forwarded import Proxies
from gatepost.web.frame.gate import Limits
from security.console_attack import FORM, Answer, Target, attacked, request
from waiting import until

PROXY = "127.0.0.77"
OTHER = "127.0.0.78"
"""Not trusted."""
PAGE = "/sign-in"
_visitors = (f"203.0.113.{number}" for number in count(1))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A console that trusts one address; a bucket of the API's door that is empty stays so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "PER_MINUTE", 0.01)
        with attacked(tmp_path_factory.mktemp("proxied"), proxies=Proxies((PROXY,))) as target:
            yield target


def send(target: Target, peer: str, content: bytes) -> Answer:
    """Send from an address of this machine."""
    return target.send(content, peer=peer)


def tried(target: Target, peer: str, *headers: str) -> int:
    """Call the API without a token; gives the status: 401, or 429 once the client's bucket is empty."""
    return send(target, peer, request("GET", "/api/v1/incidents", *headers)).status


def until_refused(target: Target, peer: str, *headers: str) -> int:
    """Call until the client is told to wait; gives how often that took."""
    return next(number for number in range(200) if tried(target, peer, *headers) == 429)


def named(visitor: str) -> str:
    """Write the header as the proxy does."""
    return f"X-Forwarded-For: {visitor}"


def test_each_visitor_has_limits_of_his_own(target):
    """Who is refused at the proxy's address keeps out nobody else who comes by it, nor the proxy itself; an IPv6 visitor is his /64."""
    first, other = next(_visitors), next(_visitors)
    assert until_refused(target, PROXY, named(first)) >= 20
    assert [tried(target, PROXY, named(one)) for one in (first, other, "2001:db8:9::1")] == [429, 401, 401]
    assert tried(target, PROXY) == 401
    assert until_refused(target, PROXY, named("2001:db8:9::2")) >= 20
    assert [tried(target, PROXY, named(one)) for one in ("2001:db8:9::ff", "2001:db8:8::1")] == [429, 401]


def test_who_is_no_proxy_gains_nothing_by_the_header(target):
    """However often he changes it, it is his own bucket that empties; who he says he is goes on."""
    victim = next(_visitors)
    numbers = count(1)
    assert next(n for n in range(200) if tried(target, OTHER, named(f"198.51.100.{next(numbers)}"), named(victim)) == 429) >= 20
    assert tried(target, OTHER, named(next(_visitors))) == 429
    assert tried(target, PROXY, named(victim)) == 401


def test_what_a_visitor_sends_through_the_proxy_does_not_hide_him(target):
    """The proxy appends his address to what he wrote, one address, many, garbage or a long text: it is the same visitor."""
    visitor = next(_visitors)
    written = ("198.51.100.1", "unknown", "1.1.1.1, " * 50 + "x", "a" * 20_000, PROXY, "", "%s%n")
    assert until_refused(target, PROXY, named(visitor)) >= 20
    for one in written:
        assert tried(target, PROXY, named(f"{one}, {visitor}")) == 429, one[:20]
        assert tried(target, PROXY, named(one), named(visitor)) == 429, one[:20]


def test_a_head_that_is_too_large_is_refused_as_ever(target):
    """A proxy's header has no room of its own."""
    answer = send(target, PROXY, request("GET", PAGE, named("1.1.1.1, " * 20_000)))
    assert answer.status in (0, 400)
    assert send(target, PROXY, request("GET", PAGE, named(next(_visitors)))).status == 200


def test_the_audit_says_where_somebody_came_from(target):
    """By the API and by the console: the visitor's address where the proxy tells it, the peer's where anybody else does."""
    bearer = f"Authorization: Bearer {_token(target)}"
    body = b'{"name": "chat", "url": "https://chat.example/hook"}'
    visitor = next(_visitors)
    for peer, said in ((PROXY, f"198.51.100.1, {visitor}"), (PROXY, "2001:DB8::1"), (OTHER, "198.51.100.1"), (PROXY, "<b>x</b>")):
        made = send(target, peer, request("POST", "/api/v1/webhooks", bearer, "Content-Type: application/json", named(said), body=body))
        assert made.status == 200, made.raw
    assert _clients(target, "monitoring.webhook.") == [PROXY, OTHER, "2001:db8::1", visitor]
    _sign_in(target, "bert", visitor)
    assert set(_clients(target, "access.sign_in")[:1]) == {visitor}


def _token(target: Target) -> str:
    target.run(target.site.administrator("anna"))
    return str(target.run(target.site.token("anna")))


def _clients(target: Target, operation: str) -> list[str]:
    """Give where entries of the audit came from, the newest first."""
    found = target.run(target.site.rooms.access.audit.search(AuditSearch(operation=operation)))
    return [one.client for one in found.entries]


def _sign_in(target: Target, name: str, visitor: str, *headers: str) -> Answer:
    """Go through the door for the first time by the proxy; gives the last answer."""
    fields = {"name": name, "password": target.run(target.site.administrator(name))}
    for _ in range(3):
        body = "&".join(f"{key}={value.replace(' ', '+')}" for key, value in fields.items()).encode()
        answer = send(target, PROXY, request("POST", PAGE, FORM, named(visitor), *headers, body=body))
        ticket = re.search(r'name="ticket" value="([^"]+)"', answer.body)
        if ticket is None:
            break
        secret = re.search(r'id="secret">([A-Z2-7]+)<', answer.body)
        proof = {"code": pyotp.TOTP(secret[1]).now()} if secret else {"new_password": PASSWORD, "again": PASSWORD}
        fields = {"ticket": ticket[1], **proof}
    assert answer.status == 303, answer.body
    return answer


def test_a_visitor_who_came_by_tls_has_a_secure_cookie(target):
    """The proxy says so: the cookie is bound to the host and to TLS, and opens the door again; a browser is told to come by TLS only."""
    answer = _sign_in(target, "carl", next(_visitors), "X-Forwarded-Proto: https")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-gatepost-session=") and "secure" in cookie.lower()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    shown = f"Cookie: {cookie.partition(';')[0]}"
    by_tls = send(target, PROXY, request("GET", "/account", shown, named("192.0.2.3"), "X-Forwarded-Proto: https"))
    assert (by_tls.status, "strict-transport-security" in by_tls.headers) == (200, True)


@pytest.mark.parametrize(("peer", "said"), [(OTHER, "https"), (PROXY, "http"), (PROXY, "nonsense"), (PROXY, "")])
def test_without_a_trusted_word_there_is_no_tls(target, peer, said):
    """Whoever else says it, and whatever else is said: a plain connection stays one."""
    answer = send(target, peer, request("GET", PAGE, named("192.0.2.3"), f"X-Forwarded-Proto: {said}"))
    assert (answer.status, "strict-transport-security" in answer.headers) == (200, False)


def test_a_proxy_may_hold_more_connections_than_one_client(tmp_path):
    """All that the console has; who is none is held to his own number, as ever. Networks that are trusted later count from then on."""
    proxies, limits = Proxies(), Limits(connections=12, of_one_client=3)
    with attacked(tmp_path, limits=limits, proxies=proxies) as target:
        for trusted, held in (((), 3), ((PROXY,), 9)):
            proxies.trust(trusted)
            assert _held(target, PROXY, 9) == held
        assert _held(target, OTHER, 9) == 3


def _held(target: Target, peer: str, wanted: int) -> int:
    """Open connections, ask for a page on each, and tell how many were served while all were held."""
    held, served = [], 0
    try:
        for _ in range(wanted):
            held.append(one := target.connect(peer=peer))
            try:
                one.sendall(request("GET", PAGE, keep=True))
                served += one.recv(12) == b"HTTP/1.1 200"
            except (ConnectionResetError, BrokenPipeError):
                continue
        return served
    finally:
        for one in held:
            one.close()


async def test_one_visitor_has_so_many_requests_in_hand(tmp_path):
    """Through a proxy as without one; others who come by it are served meanwhile."""
    limits = Limits(connections=40, of_one_client=2)
    with attacked(tmp_path, limits=limits, proxies=Proxies((PROXY,))) as target:
        visitor, other = next(_visitors), next(_visitors)
        waiting = []
        try:
            for _ in range(2):
                waiting.append(one := target.connect(peer=PROXY))
                one.sendall(request("POST", PAGE, FORM, named(visitor), body=b"name=a")[:-1])  # its body is not whole yet
            await until(lambda: send(target, PROXY, request("GET", PAGE, named(visitor))).status == 503, "both are in hand")
            assert send(target, PROXY, request("GET", PAGE, named(other))).status == 200
        finally:
            for one in waiting:
                one.close()
