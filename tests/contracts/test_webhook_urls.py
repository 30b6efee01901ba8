# SPDX-License-Identifier: Apache-2.0
"""A webhook's URL is written, posted to and never read back, on SQLite and on PostgreSQL."""

import asyncio
import logging
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.incidents_house import IncidentHouse, stuck
from contracts.store_engines import StoreEngine, engine
from gatepost.contracts.actor import Actor, Entry
from gatepost.errors import UsageError
from gatepost.monitoring.webhook_post import Target, post
from gatepost.monitoring.webhook_url import checked_url, process_mark, shortened, veiled

__all__ = ["engine"]
ANN = Actor("ann", "console", "192.0.2.7")
SECRET = "T0SECRET/B0SECRET/xoxSECRET"
URL = f"https://hooks.example:8443/services/{SECRET}?key=SECRET"
OTHER = URL.replace("T0", "T1")
SHOWN = re.compile(r"https://hooks\.example:8443/… \([0-9a-f]{8}\)")


@pytest.fixture
def entries() -> list[Entry]:
    """Give what the audit got."""
    return []


@pytest.fixture
async def house(engine: StoreEngine, entries: list[Entry]) -> IncidentHouse:
    """Give incidents whose posts the test looks at."""
    return IncidentHouse(engine.open("intranet"), audit=lambda connection, entry: entries.append(entry))


async def test_no_answer_and_no_entry_says_what_follows_the_host(house: IncidentHouse, entries: list[Entry]) -> None:
    """Whatever is done with a webhook: scheme, host and port are told, and a mark; the post goes to the whole URL."""
    made = await house.webhooks.create(ANN, "chat", URL)
    id = made.webhook.id
    answers: list[Any] = [made, await house.webhooks.get(id), await house.webhooks.all()]
    answers += [await house.webhooks.change(ANN, id, name="talk"), await house.webhooks.renew_secret(ANN, id)]
    await house.look("queue.stuck", stuck())
    await house.send()
    await house.webhooks.remove(ANN, id)
    assert [target.url for target, _content, _at in house.posts] == [URL]
    assert SHOWN.fullmatch(made.webhook.url)
    assert "SECRET" not in repr(answers) + repr(entries) + repr(house.posts)
    assert {one["url"] for entry in entries for one in (entry.before, entry.after) if one} == {made.webhook.url}


async def test_the_audit_tells_that_a_url_was_changed(house: IncidentHouse, entries: list[Entry]) -> None:
    """Before and after have different marks, though only the secret part differs; a renewed secret leaves the mark as it is."""
    id = (await house.webhooks.create(ANN, "chat", URL)).webhook.id
    await house.webhooks.change(ANN, id, url=OTHER)
    await house.webhooks.renew_secret(ANN, id)
    changed, renewed = entries[1:]
    assert changed.before["url"] != changed.after["url"] == renewed.before["url"] == renewed.after["url"]
    assert SHOWN.fullmatch(changed.before["url"]) and SHOWN.fullmatch(changed.after["url"])


async def test_an_empty_url_and_the_one_that_is_shown_keep_the_url(house: IncidentHouse, entries: list[Entry]) -> None:
    """So a form's field may stay empty, and a program may send back what it got; the same whole URL changes nothing either."""
    made = (await house.webhooks.create(ANN, "chat", URL)).webhook
    for url in ("", None, made.url, URL):
        assert await house.webhooks.change(ANN, made.id, url=url) == made
    assert len(entries) == 1
    target = await house.webhooks.target(0, made.id)
    assert target is not None and target.url == URL


async def test_the_shortened_url_of_another_is_no_url(house: IncidentHouse) -> None:
    """Nobody can point a webhook to what he only sees shortened."""
    made = (await house.webhooks.create(ANN, "chat", URL)).webhook
    other = (await house.webhooks.create(ANN, "other", OTHER)).webhook
    with pytest.raises(UsageError, match="is a shortened one"):
        await house.webhooks.change(ANN, other.id, url=made.url)
    with pytest.raises(UsageError, match="is a shortened one"):
        await house.webhooks.create(ANN, "third", made.url)


async def test_only_one_tenants_own_shortened_url_is_known(house: IncidentHouse) -> None:
    """What one tenant is shown names nothing of another."""
    theirs = (await house.webhooks.create(Actor("bob", "api", "", 2), "theirs", URL)).webhook
    assert await house.webhooks.all(0) == []
    with pytest.raises(UsageError, match="is a shortened one"):
        await house.webhooks.create(ANN, "mine", theirs.url)


@pytest.mark.parametrize(
    "url", [f"http://hooks.example/{SECRET}", f"https://user:SECRET@a.example/{SECRET}", f"https://[::1/{SECRET}", f"https:///{SECRET}"]
)
def test_a_fault_does_not_repeat_what_was_written(url: str) -> None:
    """The sentence may be logged."""
    with pytest.raises(UsageError) as fault:
        checked_url(url)
    assert "SECRET" not in str(fault.value)


@given(st.text("abc/?=&%.", max_size=30), st.text("abc/?=&%.", max_size=30))
def test_urls_have_one_mark_if_and_only_if_they_are_the_same(one: str, other: str) -> None:
    """And what is shortened once is not shortened further; what hides nothing stays whole."""
    first, second = (checked_url(f"https://a.example/{rest}") for rest in (one, other))
    assert (shortened(first, process_mark) == shortened(second, process_mark)) == (first == second)
    assert shortened(shortened(first, process_mark), process_mark) == shortened(first, process_mark)
    assert (shortened(first, process_mark) == first) == (not one.partition("?")[0].strip("/") and not one.partition("?")[2])


def test_the_mark_needs_the_key() -> None:
    """With another key the same URL has another mark, so that trying all short tokens finds nothing."""
    assert shortened(URL, process_mark) != shortened(URL, lambda content: b"\x01" * 32)


def test_older_entries_are_shortened_when_they_are_read() -> None:
    """Those that hold no URL, and those that are shortened already, stay as they are."""
    whole = {"id": "1", "url": URL}
    once = veiled(whole, process_mark)
    assert once == {"id": "1", "url": shortened(URL, process_mark)} == veiled(once, process_mark)
    assert [veiled(one, process_mark) for one in (None, {"id": "1"}, "x")] == [None, {"id": "1"}, "x"]


@pytest.mark.parametrize("answer", ["HTTP/1.1 302 Found\r\nLocation: {}\r\n\r\n", "HTTP/1.1 SECRET {}\r\n\r\n", "{}\r\n\r\n", ""])
async def test_a_post_that_fails_says_and_logs_nothing_of_the_url(answer: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where the receiver repeats the path, or the library would log it."""
    caplog.set_level(logging.DEBUG)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.format(head.decode().split()[1]).encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    trouble = await post(Target(f"http://127.0.0.1:{port}/{SECRET}", b"x"), b"{}", 1.0)
    server.close()
    nobody = await post(Target(f"http://127.0.0.1:1/{SECRET}", b"x"), b"{}", 1.0)
    assert trouble and nobody.startswith("cannot be reached (ConnectError: ")
    assert "SECRET" not in trouble + nobody + caplog.text
