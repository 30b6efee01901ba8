# SPDX-License-Identifier: Apache-2.0
"""Accounts in a real browser: one's own password, sessions and tokens; other administrators; the audit of it all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser import Keyboard, axe, fresh_page, the_browser, the_page  # noqa: F401
from console_door import PASSWORD, Door, open_console
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.ports import free_port
from pictures import picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("account", "administrators", "administrators/anna", "troubleshooting/audit")


@pytest_asyncio.fixture(name="door", scope="module", loop_scope="session")
async def the_door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Run a gateway with its console."""
    async with open_console(tmp_path_factory.mktemp("access"), relay_all_to(free_port())) as door:
        yield door


async def test_an_administrator_is_added_and_comes_in(door: Door, page: Page, chromium: Browser):
    """The one-time password is shown once; who has it comes in with the roles that were ticked, and no others."""
    await door.come_in(page)
    await page.goto(door.url)
    await page.get_by_role("link", name="Administrators").click()
    await page.get_by_label("Name", exact=True).fill("dora")
    await page.get_by_label("Monitoring", exact=True).check()
    await page.get_by_role("button", name="Add").click()
    one_time_password = await page.locator(".gp-once").inner_text()
    await page.reload()
    async with fresh_page(chromium) as hers:
        await door.first_sign_in(hers, "dora", one_time_password)
        await expect(hers.get_by_role("link", name="Message tracking")).to_be_visible()
        await expect(hers.get_by_role("link", name="Administrators")).to_have_count(0)


async def test_a_wrong_name_is_told_at_its_field(door: Door, page: Page):
    """What was typed stays, and the fault stands beneath it."""
    await door.come_in(page)
    await page.goto(door.url + "administrators")
    await page.get_by_label("Name", exact=True).fill("Not A Name!")
    await page.get_by_label("Display name").fill("Somebody")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#name-fault")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Not A Name!")
    await expect(page.get_by_label("Display name")).to_have_value("Somebody")


async def test_who_is_disabled_is_out_at_once(door: Door, page: Page, chromium: Browser):
    """His open session ends with the change."""
    await door.come_in(page)
    one_time_password = await asyncio.to_thread(door.administrator, "emil", roles=("monitoring",))
    async with fresh_page(chromium) as his:
        await door.first_sign_in(his, "emil", one_time_password)
        await page.goto(door.url + "administrators/emil")
        await page.get_by_role("button", name="Disable").click()
        await expect(page.get_by_role("status")).to_contain_text("It is saved.")
        await his.reload()
        await expect(his.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_last_who_manages_cannot_give_it_up(door: Door, page: Page):
    """Roles that somebody must keep are refused with the reason, at their field."""
    await door.come_in(page)
    await page.goto(door.url + "administrators/anna")
    await page.get_by_label("Monitoring", exact=True).uncheck()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#mine-fault")).to_contain_text("these are your own rights")
    await page.get_by_label("I give up these rights of my own").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#roles-fault")).to_contain_text("nobody would be left")


async def test_who_gives_up_his_own_rights_is_asked_first(door: Door, chromium: Browser):
    """Without the tick nothing changes; with it he is signed out, and has the roles that are left."""
    one_time_password = await asyncio.to_thread(door.administrator, "hugo")
    async with fresh_page(chromium) as page:
        await door.first_sign_in(page, "hugo", one_time_password)
        await page.goto(door.url + "administrators/hugo")
        await page.get_by_label("Disclaimer").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_label("I give up these rights of my own")).to_be_visible()
        assert await axe(page) == []
        await page.get_by_label("I give up these rights of my own").check()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    hugo = next(one for one in door.ask("access.admins") if one["name"] == "hugo")
    assert hugo["roles"] == ["configuration", "monitoring", "people"]


async def test_somebodys_session_is_ended_by_another(door: Door, page: Page, chromium: Browser):
    """At his next page he stands before the door."""
    one_time_password = await asyncio.to_thread(door.administrator, "ida", roles=("monitoring",))
    async with fresh_page(chromium) as hers:
        await door.first_sign_in(hers, "ida", one_time_password)
        await door.come_in(page)
        await page.goto(door.url + "administrators/ida")
        await page.get_by_role("button", name="End", exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("It has ended.")
        await hers.reload()
        await expect(hers.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_token_is_shown_once_and_revoked(door: Door, page: Page):
    """The secret stands on the page after it was made and on no later one."""
    await door.come_in(page)
    await page.goto(door.url + "account")
    await page.get_by_label("What the token is for").fill("graphs")
    await page.get_by_label("Monitoring: read").check()
    await page.get_by_role("button", name="Make a token").click()
    assert (await page.locator("#token").inner_text()).startswith("gp_")
    await picture(page, "account", volatile=[page.locator("#token"), page.locator("table")])
    await page.goto(door.url + "account")
    await expect(page.locator("#token")).to_have_count(0)
    await page.get_by_role("button", name="Revoke token").click()
    await expect(page.get_by_text("revoked", exact=True)).to_be_visible()


async def test_a_password_is_changed_with_the_one_so_far(door: Door, chromium: Browser):
    """A wrong one is refused at its field; the right one ends the other sessions and leaves this one."""
    one_time_password = await asyncio.to_thread(door.administrator, "fred")
    async with fresh_page(chromium) as page:
        await door.first_sign_in(page, "fred", one_time_password)
        await page.goto(door.url + "account")
        for so_far, fault in (("wrong", "#old_password-fault"), (PASSWORD, "")):
            await page.get_by_label("Your password until now").fill(so_far)
            await page.get_by_label("New password").fill("another sentence, quite as easy")
            await page.get_by_label("Once more").fill("another sentence, quite as easy")
            await page.get_by_role("button", name="Change the password").click()
            if fault:
                await expect(page.locator(fault)).to_have_text("this is not your password")
        await expect(page.get_by_role("status")).to_contain_text("The password is changed")


async def test_the_audit_tells_who_did_it(door: Door, page: Page):
    """Adding, disabling and tokens stand there with before and after; no secret does."""
    await door.come_in(page)
    await page.goto(door.url + "troubleshooting/audit?operation=access.")
    for operation in ("access.administrator.add", "access.token.make", "access.token.revoke"):
        await expect(page.get_by_role("cell", name=operation).first).to_be_visible()
    assert "gp_" not in (await page.content()).replace("gp-", "")


async def test_every_page_of_access_is_for_everybody(door: Door, page: Page):
    """axe-core finds nothing grave, and the pages are walked with keys alone."""
    await door.come_in(page)
    for path in PAGES:
        await page.goto(door.url + path)
        assert (path, await axe(page)) == (path, [])
    await page.goto(door.url + "account")
    keys = Keyboard(page)
    await keys.write(page.get_by_label("Display name"), "Anna Administrator")
    await keys.press(page.get_by_role("button", name="Save"))
    await expect(page.get_by_role("status")).to_contain_text("It is saved.")
