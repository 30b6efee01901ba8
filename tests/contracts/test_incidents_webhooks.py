# SPDX-License-Identifier: Apache-2.0
"""Webhooks: managed with an audit, told over real HTTP, signed, and tried again, on SQLite and on PostgreSQL."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import pytest

from contracts.incidents_house import IncidentHouse, stuck
from contracts.store_engines import StoreEngine, engine
from gatepost.contracts.actor import Actor, Entry
from gatepost.errors import ControlError, UsageError
from gatepost.monitoring import webhook_post
from gatepost.monitoring.notice_rows import RETRY_S
from gatepost.monitoring.webhook_post import Target, post, signature
from gatepost.monitoring.webhook_url import checked_url
from waiting import PATIENCE_S

__all__ = ["engine"]
ANN = Actor("ann", "console", "192.0.2.7")
OTHER = Actor("bob", "api", "", 2)
SECRET = "s3cr3t"


@pytest.fixture
def entries() -> list[Entry]:
    """Give what the audit got."""
    return []


@pytest.fixture
async def house(engine: StoreEngine, entries: list[Entry]) -> IncidentHouse:
    """Give incidents whose posts the test looks at."""
    return IncidentHouse(engine.open("intranet"), audit=lambda connection, entry: entries.append(entry))


class Asked(NamedTuple):
    """One request as the receiver got it."""

    head: str
    fields: dict[str, str]
    body: bytes


class Receiver:
    """A small HTTP server on loopback that answers as it is told."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.asked: list[Asked] = []
        self.port = 0
        self._serving: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?of=me"

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin with one who has come."""
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def ended(self) -> None:
        """Wait until the other ends have gone; raises what went wrong here."""
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer, and hang up; whoever hangs up before his request is whole has asked nothing."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            await self._answer(reader, writer)
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.asked.append(Asked(head[0], fields, await reader.readexactly(int(fields["content-length"]))))
        if self.answer:
            writer.write(self.answer)
            await writer.drain()
        else:
            await reader.read()  # until the other end gives up


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Give a server that listens."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()
    async with asyncio.timeout(PATIENCE_S):
        await made.ended()


async def test_a_post_is_signed_json_that_its_receiver_can_check(house: IncidentHouse, receiver: Receiver) -> None:
    """The signature is over the moment and the body as it came, with the secret that was shown."""
    made = await house.webhooks.create(ANN, "  our \n chat ", receiver.url)
    house.sending._post = post
    await house.look("queue.stuck", stuck(waiting=3))
    await house.send()
    [asked] = receiver.asked
    assert asked.head == "POST /hook?of=me HTTP/1.1"
    assert asked.fields["content-type"] == "application/json"
    moment, mark = (part.partition("=")[2] for part in asked.fields["gatepost-signature"].split(","))
    assert mark == hmac.new(made.secret.encode(), f"{moment}.".encode() + asked.body, hashlib.sha256).hexdigest()
    said = msgspec.json.decode(asked.body)
    number = (await house.rows.open(0))[0].id
    assert said == {
        "id": said["id"],
        "event": "opened",
        "incident": number,
        "kind": "queue.stuck",
        "subject": "berlin/a.example",
        "level": "warning",
        "title": "Mail waits for more than an hour",
        "what_to_do": said["what_to_do"],
        "details": {"waiting": 3},
        "opened_at": house.now,
        "at": house.now,
        "link": f"https://console.example/incidents/{number}",
    }
    views = await house.notices.of_incident(0, number)
    assert [(one.channel, one.target, one.told_at) for one in views] == [
        ("mail", "admin@house.example", None),
        ("webhook", made.webhook.id, house.now),
    ]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx", ""),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "answered 302; redirects are not followed"),
        (b"SSH-2.0-x\r\n\r\n", "cannot be reached"),
        (b"", "no answer within 0.3 s"),
    ],
)
async def test_only_a_status_of_200_to_299_counts(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answer: bytes, trouble: str) -> None:
    """Whatever else comes back is told as it is, is not followed, and its body is not read."""
    monkeypatch.setattr(webhook_post, "LIMIT_S", PATIENCE_S if answer else 0.3)
    receiver.answer = answer
    said = await post(Target(receiver.url, b"x"), b"{}", 1.0)
    assert said.startswith(trouble) and bool(said) is bool(trouble)
    assert len(receiver.asked) == 1 or not answer  # so short a limit may be over before the request is there


async def test_a_proxy_of_the_environment_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can set a variable must not read what is told."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert await post(Target(receiver.url, b"x"), b"{}", 1.0) == ""


async def test_nobody_there_is_a_sentence() -> None:
    """A refused connection is a trouble, no exception."""
    assert (await post(Target("http://127.0.0.1:1/", b"x"), b"{}", 1.0)).startswith("cannot be reached (ConnectError")


def test_the_signature_is_the_one_that_is_documented() -> None:
    """A known answer, made with `printf '5.{}' | openssl dgst -sha256 -hmac s3cr3t`."""
    expected = hmac.new(SECRET.encode(), b"5.{}", hashlib.sha256).hexdigest()
    assert signature(SECRET.encode(), b"{}", 5.9) == f"t=5,v1={expected}"
    assert expected == KNOWN


async def test_a_failure_is_repeated_and_holds_up_no_other(house: IncidentHouse) -> None:
    """What one webhook missed comes again, under the same id and in order; the other has it at once."""
    bad = (await house.webhooks.create(ANN, "a bad one", "https://bad.example/")).webhook
    good = (await house.webhooks.create(ANN, "good", "https://good.example/")).webhook
    answers = {"https://bad.example/": ["answered 500", "answered 500"], "https://good.example/": []}

    async def answer(target: Target, content: bytes, at: float) -> str:
        house.posts.append((target, content, at))
        left = answers[target.url]
        return left.pop(0) if left else ""

    house.sending._post = answer
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    await house.send()
    asked = [target.url for target, _, _ in house.posts]
    assert sorted(asked) == ["https://bad.example/", "https://good.example/", "https://good.example/"]
    [first, *_] = [msgspec.json.decode(content)["id"] for target, content, _ in house.posts if target.url == bad.url]
    house.posts.clear()
    await house.send(after=RETRY_S[0])
    await house.send(after=RETRY_S[1])
    told = [msgspec.json.decode(content) for _, content, _ in house.posts]
    assert first in [one["id"] for one in told]
    assert {one["subject"] for one in told} == {"berlin/a.example", "berlin/b.example"}
    assert all(target.url == bad.url for target, _, _ in house.posts)
    assert good.enabled


async def test_one_that_is_off_or_gone_hears_nothing(house: IncidentHouse) -> None:
    """What it was not told yet is forgotten with it."""
    off = (await house.webhooks.create(ANN, "off", "https://off.example/")).webhook
    gone = (await house.webhooks.create(ANN, "gone", "https://gone.example/")).webhook
    await house.look("queue.stuck", stuck())
    await house.webhooks.change(ANN, off.id, enabled=False)
    await house.webhooks.remove(ANN, gone.id)
    await house.look("queue.stuck", stuck(level="error"))
    await house.send()
    assert house.posts == []
    await house.webhooks.change(ANN, off.id, enabled=True)
    await house.heal("queue.stuck")
    await house.send(after=RETRY_S[1])
    assert [(target.url, msgspec.json.decode(content)["event"]) for target, content, _ in house.posts] == [
        ("https://off.example/", "healed")
    ]


async def test_each_change_leaves_an_entry_without_the_secret(house: IncidentHouse, entries: list[Entry]) -> None:
    """Who, what, before and after; a change that changes nothing leaves none."""
    made = await house.webhooks.create(ANN, "chat", "https://a.example/")
    id = made.webhook.id
    await house.webhooks.change(ANN, id, url="https://b.example/")
    await house.webhooks.change(ANN, id, url="https://b.example/")
    renewed = await house.webhooks.renew_secret(ANN, id)
    await house.webhooks.remove(ANN, id)
    assert [one.operation.rpartition(".")[2] for one in entries] == ["create", "change", "renew_secret", "remove"]
    assert [(one.before and one.before["url"], one.after and one.after["url"]) for one in entries] == [
        (None, "https://a.example/"),
        ("https://a.example/", "https://b.example/"),
        ("https://b.example/", "https://b.example/"),
        ("https://b.example/", None),
    ]
    assert made.secret != renewed.secret and len(made.secret) > 40
    assert made.secret not in repr(entries) and renewed.secret not in repr(entries)
    assert entries[0].actor == ANN


async def test_a_change_whose_audit_fails_is_not_made(engine: StoreEngine) -> None:
    """There is no change without its entry."""

    def refuse(connection: Any, entry: Entry) -> None:
        raise ControlError("the audit is full")

    house = IncidentHouse(engine.open("intranet"), audit=refuse)
    with pytest.raises(ControlError, match="the audit is full"):
        await house.webhooks.create(ANN, "chat", "https://a.example/")
    assert await house.webhooks.all(0) == []


async def test_one_tenant_never_sees_or_changes_anothers_webhook(house: IncidentHouse) -> None:
    """Not by its id either; and incidents of one tenant are told to its own alone."""
    mine = (await house.webhooks.create(ANN, "mine", "https://mine.example/")).webhook
    theirs = (await house.webhooks.create(OTHER, "theirs", "https://theirs.example/")).webhook
    assert [one.id for one in await house.webhooks.all(0)] == [mine.id]
    assert [one.id for one in await house.webhooks.all(2)] == [theirs.id]
    for change in (
        house.webhooks.get(theirs.id, 0),
        house.webhooks.change(ANN, theirs.id, enabled=False),
        house.webhooks.renew_secret(ANN, theirs.id),
        house.webhooks.remove(ANN, theirs.id),
    ):
        with pytest.raises(ControlError, match="there is no webhook"):
            await change
    assert await house.webhooks.target(0, theirs.id) is None
    await house.look("queue.stuck", stuck(tenant_id=2))
    await house.send()
    assert [target.url for target, _, _ in house.posts] == ["https://theirs.example/"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://a.example/",
        "https:///x",
        "https://user:secret@a.example/",
        "https://a.example/#x",
        "https://a.example/ x",
        "https://a.example/\r\nx",
        "https://ä.example/",
        "https://a.example:99999/",
        "https://[::1/",
        "https://a.example/" + "x" * 1000,
        "file:///etc/passwd",
    ],
)
def test_only_https_or_our_own_loopback_may_be_posted_to(url: str) -> None:
    """Everything else is refused with a sentence before it is stored."""
    with pytest.raises(UsageError, match="url: "):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["https://a.example/x?y=z", "https://a.example:8443", "http://127.0.0.1:9/", "http://[::1]:9/", "http://localhost/"]
)
def test_good_urls_stay_as_they_are(url: str) -> None:
    """They are kept as written."""
    assert checked_url(url) == url


async def test_a_name_is_one_line_and_there_are_not_too_many(house: IncidentHouse) -> None:
    """Twenty webhooks are enough for anybody."""
    with pytest.raises(UsageError, match="name: "):
        await house.webhooks.create(ANN, " \n ", "https://a.example/")
    for number in range(20):
        await house.webhooks.create(ANN, f"hook {number}", "https://a.example/")
    with pytest.raises(UsageError, match="20 webhooks already"):
        await house.webhooks.create(ANN, "one more", "https://a.example/")


async def test_two_changes_at_once_lose_nothing_of_each_other(house: IncidentHouse) -> None:
    """Each changes what it names; one that was read before the other was made does not take it back."""
    made = (await house.webhooks.create(ANN, "chat", "https://a.example/")).webhook
    await asyncio.gather(
        house.webhooks.change(ANN, made.id, enabled=False),
        house.webhooks.change(ANN, made.id, name="talk"),
        house.webhooks.change(ANN, made.id, url="https://b.example/"),
    )
    found = await house.webhooks.get(made.id, 0)
    assert (found.name, found.url, found.enabled) == ("talk", "https://b.example/", False)


async def test_so_many_at_once_are_no_way_around_the_bound(house: IncidentHouse) -> None:
    """Twenty are the most, however they come."""
    made = [house.webhooks.create(ANN, f"hook {number}", "https://a.example/") for number in range(25)]
    answers = await asyncio.gather(*made, return_exceptions=True)
    assert sum(isinstance(one, UsageError) for one in answers) == 5
    assert len(await house.webhooks.all(0)) == 20


async def test_one_that_is_down_is_asked_once_for_all_that_waits(house: IncidentHouse) -> None:
    """It holds up no other, however much waits for it; when it answers again it hears all in order, and nothing twice."""
    bad = (await house.webhooks.create(ANN, "bad", "https://bad.example/")).webhook
    domains = [f"d{number}.example" for number in range(150)]
    answers = {bad.url: ["answered 500"] * 2}

    async def answer(target: Target, content: bytes, at: float) -> str:
        house.posts.append((target, content, at))
        left = answers.get(target.url)
        return left.pop(0) if left else ""

    house.sending._post = answer
    await house.look("queue.stuck", *map(stuck, domains))
    for _ in range(3):
        await house.send()
    assert len(house.posts) == 1
    good = (await house.webhooks.create(ANN, "good", "https://good.example/")).webhook
    await house.look("queue.stuck", *map(stuck, domains), stuck("late.example"), after=1)
    await house.send()
    asked = {target.url: content for target, content, _ in house.posts[1:]}
    assert sorted(asked) == [bad.url, good.url]
    assert msgspec.json.decode(asked[good.url])["subject"] == "berlin/late.example"
    house.posts.clear()
    for _ in range(3):
        await house.send(after=RETRY_S[1])
    told = [msgspec.json.decode(content)["subject"] for _, content, _ in house.posts]
    assert told == [f"berlin/{domain}" for domain in (*domains, "late.example")]


KNOWN = "5c14458fd5a5f9c8a74ee1b1468ad8d19a8a9789374182e27d420e58aa79e14d"
