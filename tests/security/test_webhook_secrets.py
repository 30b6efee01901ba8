# SPDX-License-Identifier: Apache-2.0
"""What follows the host of a webhook's URL lets its reader post in our name: no page, answer, entry or line of the log has it."""

import logging
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from console_site import Site, open_site
from gatepost.contracts.actor import Actor, Entry
from gatepost.replication.service import Peer, Service
from gatepost.replication.wire import Request
from gatepost.web.console.pages import desk, pages
from security.console_attack import Markup, fill

PATH = "/configuration/connected-systems/webhooks"
SECRET = "xoxTOKENxox"
URL = f"https://hooks.example/services/{SECRET}?sig={SECRET}"
WRONG = (f"http://hooks.example/{SECRET}", f"https://hooks.example/{SECRET}#x", f"https://hooks.example/ {SECRET}", f"{SECRET}://{SECRET}")


class Door:
    """A site, and a browser and a program of somebody who holds every role."""

    def __init__(self, site: Site, browser: httpx2.AsyncClient, api: httpx2.AsyncClient) -> None:
        self.site, self.browser, self.api = site, browser, api
        self.heard: list[str] = []

    async def see(self, path: str) -> str:
        """Read a page."""
        return self._hear(await self.browser.get(path))

    async def send(self, path: str, **fields: str) -> str:
        """Send a form and read what follows."""
        token = re.search(r'name="form_token" value="([^"]+)"', (await self.browser.get("/account")).text)
        assert token
        return self._hear(await self.browser.post(path, data={"form_token": token[1], **fields}))

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """Have a program call."""
        answer = await self.api.request(method, path, **more)
        self._hear(answer)
        return answer.json()

    async def command(self, do: str, **args: Any) -> str:
        """Ask on the control socket, as the command line does; what it was told."""
        reply = await Service(self.site.operations).carry_out(Peer("root", ("*",)), Request(do=do, args=args, id="one"))
        said = reply.refused or repr(msgspec.msgpack.decode(reply.answer))
        self.heard.append(said)
        return said

    def _hear(self, answer: httpx2.Response) -> str:
        self.heard.append(f"{answer.headers} {answer.text}")
        return unescape(answer.text)


@pytest.fixture(name="door")
async def the_door(tmp_path: Path) -> AsyncIterator[Door]:
    """Open the site."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie("anna"))
        browser.follow_redirects = True
        api = site.client(token=await site.token("anna"))
        api.base_url = httpx2.URL(f"{api.base_url}/api/v1/")
        yield Door(site, browser, api)


async def test_nobody_reads_the_secret_part(door: Door, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Every page, every answer of the API and the control socket, the audit and the log, whichever way it was written."""
    caplog.set_level(logging.DEBUG)
    await door.send(PATH, name="by the console", url=URL)
    made = (await door.call("POST", "webhooks", json={"name": "by the API", "url": URL}))["webhook"]
    shown = made["url"]
    assert re.fullmatch(r"https://hooks\.example/… \([0-9a-f]{8}\)", shown)
    assert shown in await door.command("webhook.create", name="by command", url=URL, author="root")
    await door.send(f"{PATH}/{made['id']}", name="renamed", url=f"{URL}&more=1")
    await door.call("PATCH", f"webhooks/{made['id']}", json={"url": URL, "enabled": True})
    await door.command("webhook.change", id=made["id"], url=f"{URL}&more=2", author="root")
    await door.call("POST", f"webhooks/{made['id']}/secret")
    for wrong in WRONG:
        assert "is-invalid" in await door.send(PATH, name="wrong", url=wrong)
        assert "is-invalid" in await door.send(f"{PATH}/{made['id']}", name="wrong", url=wrong)
        assert (await door.call("POST", "webhooks", json={"name": "wrong", "url": wrong}))["status"] == 422
        assert (await door.command("webhook.create", name="wrong", url=wrong, author="root")).startswith("url: ")
    await _failing_post(door)
    known = {"id": made["id"], "number": "1", "gateway": "berlin", "name": "anna"}
    for route in pages(desk(door.site.house), door.site.house):
        if "GET" in (route.methods or ()):
            await door.see(fill(route.path, **known))
    for path in ("webhooks", "audit", "events", "incidents?all=true"):
        await door.call("GET", path)
    for do in ("webhook.list", "incident.list", "event.search"):
        await door.command(do)
    await door.call("GET", "incidents/1")
    await door.call("DELETE", f"webhooks/{made['id']}")
    logged = capfd.readouterr()
    assert "cannot be reached (ConnectError" in logged.err and "cannot be reached (ConnectError" in door.heard[-2]
    assert SECRET not in "\n".join(door.heard) + logged.err + logged.out + caplog.text


async def _failing_post(door: Door) -> None:
    """Have a webhook on this machine that answers nothing be told of an incident, over the real client."""
    await door.call("POST", "webhooks", json={"name": "nobody", "url": f"http://127.0.0.1:1/{SECRET}?{SECRET}"})
    incidents = door.site.rooms.incidents
    door.site.links.away.add("berlin")
    assert await incidents.recheck("link.away", "berlin") is not None
    for one in await incidents.webhooks.all():
        if one.url.startswith("https:"):
            await incidents.webhooks.change(Actor("root", "cli"), one.id, enabled=False)
    await incidents.sending.round()


async def test_the_list_and_the_audit_tell_two_urls_apart(door: Door) -> None:
    """The mark of one whose secret part was changed is another one, on the page and in the audit's before and after."""
    one = (await door.call("POST", "webhooks", json={"name": "one", "url": URL}))["webhook"]
    other = (await door.call("PATCH", f"webhooks/{one['id']}", json={"url": f"{URL}x"}))["url"]
    assert one["url"] != other
    page = await door.see(PATH)
    assert other in page and one["url"] not in page
    audit = await door.see("/troubleshooting/audit")
    assert other in audit and one["url"] in audit
    entry = (await door.call("GET", "audit"))["entries"][0]
    assert (entry["operation"], entry["before"]["url"], entry["after"]["url"]) == ("monitoring.webhook.change", one["url"], other)


async def test_an_empty_field_keeps_the_url(door: Door) -> None:
    """The form shows none; sent with another name only, the webhook is where it was; so it is when a program sends back what it got."""
    one = (await door.call("POST", "webhooks", json={"name": "one", "url": URL}))["webhook"]
    [form] = [one for one in Markup(await door.see(f"{PATH}/{one['id']}")).forms if "url" in one["fields"]]
    assert form["fields"]["url"] == ""
    await door.send(f"{PATH}/{one['id']}", name="other", url="")
    assert (await door.call("PATCH", f"webhooks/{one['id']}", json={"url": one["url"]}))["name"] == "other"
    target = await door.site.rooms.incidents.webhooks.target(0, one["id"])
    assert target is not None and target.url == URL


async def test_entries_of_before_are_shortened_when_they_are_read(door: Door) -> None:
    """The audit of an older version holds whole URLs; its pages and answers do not."""
    row = {"id": "1", "name": "old", "url": URL, "enabled": True, "created_at": 1.0}
    await door.site.rooms.access.audit.note(Entry(Actor("bert", "console"), "monitoring.webhook.create", "old", None, row))
    assert "https://hooks.example/… (" in await door.see("/troubleshooting/audit")
    await door.call("GET", "audit")
    assert SECRET not in "\n".join(door.heard)
