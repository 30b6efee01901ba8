# SPDX-License-Identifier: Apache-2.0
"""The browser that tests use: it notices what it is there to notice."""

import pytest
from playwright.async_api import Page, Route

import pictures
from browser import Keyboard, assert_fits, axe, expected_errors, the_browser, the_page, the_phone  # noqa: F401

pytestmark = pytest.mark.asyncio(loop_scope="session")

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'"
FORM = """<label for="a">First</label><input id="a"><label for="b">Second</label><select id="b"><option>one<option>two</select>
<button>Go</button>"""


async def show(page: Page, body: str, status: int = 200) -> None:
    """Show a page of this content, under a policy as strict as ours."""

    async def answer(route: Route) -> None:
        is_page = route.request.url.endswith("/page")
        text = f'<!doctype html><html lang="en"><head><title>t</title></head><body><main><h1>t</h1>{body}</main></body></html>'
        headers = {"Content-Type": "text/html", "Content-Security-Policy": POLICY}
        await route.fulfill(status=status if is_page else 404, body=text if is_page else "", headers=headers)

    await page.route("**/*", answer)
    await page.goto("http://gatepost.test/page")


async def test_a_page_without_faults_has_none(page):
    """axe-core runs under the strict policy, and nothing is said of it."""
    await show(page, FORM)
    assert await axe(page) == []
    assert await axe(page) == []
    await assert_fits(page)


async def test_a_field_without_a_label_is_found(page):
    """What is critical is given with the place where it stands."""
    await show(page, "<input id='bare'>")
    [finding] = await axe(page)
    assert (finding.rule, finding.impact) == ("label", "critical")
    assert finding.at[0].startswith("#bare: <input")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p style='color:red'>t</p>", "Content Security Policy"),
        ("<script>1</script>", "Content Security Policy"),
        ("<img alt='' src='https://elsewhere.test/x.png'>", "Content Security Policy"),
        ("<img alt='' src='/missing.png'>", "404 for GET http://gatepost.test/missing.png"),
    ],
)
async def test_what_the_policy_forbids_and_what_is_missing_fails_a_test(page, body, said):
    """An inline style or script, another site's picture and a missing file are each an error."""
    await show(page, body)
    await page.wait_for_load_state("networkidle")
    errors = expected_errors(page)
    assert said in errors[0]
    errors.clear()


async def test_an_uncaught_exception_fails_a_test(page):
    """What a script did not expect is an error."""
    await show(page, "")
    async with page.expect_event("pageerror"):
        await page.evaluate("setTimeout(() => { throw new Error('lost') })")
    assert expected_errors(page) == ["uncaught: lost"]
    expected_errors(page).clear()


async def test_a_page_that_says_no_is_no_error_and_one_that_breaks_is(page):
    """A 404 may be what a test wants to see; a 500 is never that by itself."""
    await show(page, "", 404)
    assert expected_errors(page) == []
    await page.unroute_all()
    await show(page, "", 500)
    assert expected_errors(page) == ["500 for GET http://gatepost.test/page"]
    expected_errors(page).clear()


async def test_a_form_is_filled_by_keys_alone(page):
    """Fields are reached with Tab, written into, chosen from; the button is pressed."""
    await show(page, FORM)
    keys = Keyboard(page)
    await keys.write(page.get_by_label("First"), "x")
    await keys.write(page.get_by_label("First"), "hello")
    await keys.choose(page.get_by_label("Second"), "two")
    await keys.reach(page.get_by_role("button", name="Go"))
    assert await page.get_by_label("First").input_value() == "hello"


async def test_what_keys_cannot_reach_fails(page):
    """A thing that only a mouse can press is named."""
    await show(page, "<a href='#'>real</a> <span role='button'>Mouse only</span>")
    with pytest.raises(AssertionError, match="cannot be reached with the Tab key"):
        await Keyboard(page).reach(page.get_by_role("button", name="Mouse only"))


async def test_a_page_wider_than_a_phone_fails(phone):
    """What would have to be pushed sideways is found on a phone's screen."""
    await show(phone, "<p>narrow</p>")
    assert phone.viewport_size == {"width": 390, "height": 844}
    await assert_fits(phone)
    await phone.unroute_all()
    await show(phone, f"<p>{'x' * 3000}</p>")
    with pytest.raises(AssertionError, match="px wide on a screen of"):
        await assert_fits(phone)


async def test_a_picture_goes_stale_when_the_page_says_something_else(page, tmp_path, monkeypatch):
    """It is made on demand, holds while only figures change, and says how it is renewed when words do."""
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.setattr(pictures, "RECORD", tmp_path / "pictures.toml")
    monkeypatch.delenv(pictures.RENEWING, raising=False)
    await show(page, "<p>12 mails</p><p id='v'>one of many</p>")
    volatile = [page.locator("#v")]
    with pytest.raises(
        AssertionError, match=r"thing\.png is missing; make it anew with `RENEW_PICTURES=1 bin/test .*test_browser\.py::test_a_pict"
    ):
        await pictures.picture(page, "thing", volatile=volatile)
    monkeypatch.setenv(pictures.RENEWING, "1")
    await pictures.picture(page, "thing", volatile=volatile)
    monkeypatch.delenv(pictures.RENEWING)
    assert "thing" in pictures.recorded()
    await page.evaluate("document.querySelectorAll('p')[0].textContent = '9 mails'")
    await page.evaluate("document.querySelector('#v').textContent = 'another'")
    await pictures.picture(page, "thing", volatile=volatile)
    await page.evaluate("document.querySelectorAll('p')[0].textContent = '9 letters'")
    with pytest.raises(AssertionError, match=r"thing\.png no longer shows what the page does"):
        await pictures.picture(page, "thing", volatile=volatile)
