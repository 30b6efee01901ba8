# SPDX-License-Identifier: Apache-2.0
"""The audit for its readers: what changed, field by field; times as times, lists joined, long values within reach, in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from console_site import Site, open_site
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor, Entry
from gatepost.web.console.access.audit_differences import LABELS, SHORT, Difference, Shown, differences
from gatepost.web.console.access.audit_operations import OPERATIONS
from gatepost.web.frame.words import load
from web_words import catalogues

WORDS = load()
ANNA = Actor("anna", "console", "192.0.2.7")
NOON = 1_795_000_000.0


def told(before: Any, after: Any, language: str = "en") -> list[tuple[str, Any, Any]]:
    """Give the differences as plain texts."""

    def held(one: Shown | None) -> Any:
        return one and one.held

    return [(one.name, held(one.before), held(one.after)) for one in differences(before, after, WORDS[language])]


def test_of_a_change_only_what_differs_is_told():
    """With both values; numbers of revisions and the time of the change itself are the entry's, not news."""
    before = {"display_name": "Jo", "enabled": True, "revision": 1, "changed_at": NOON, "roles": ["people"]}
    after = {"display_name": "Jo", "enabled": False, "revision": 2, "changed_at": NOON + 1, "roles": ["people", "monitoring"]}
    assert told(before, after) == [("Enabled", "yes", "no"), ("Roles", "people", "people, monitoring")]
    assert told(before, after, "de") == [("Aktiviert", "ja", "nein"), ("Rollen", "people", "people, monitoring")]


def test_of_what_was_added_or_removed_each_field_that_says_something_is_told():
    """What came has no before, what went no after; empty fields say nothing."""
    held = {"name": "Duty", "comment": "", "fields": {}, "enabled": True}
    assert told(None, held) == [("Name", None, "Duty"), ("Enabled", None, "yes")]
    assert told(held, None) == [("Name", "Duty", "–"), ("Enabled", "yes", "–")]


def test_what_one_side_does_not_have_is_told_by_the_other():
    """As the reason of a new version."""
    assert told({"version": 4}, {"version": 5, "reason": "Holidays"}) == [("Version", "4", "5"), ("Reason", None, "Holidays")]
    assert told({"a": 1, "b": 2}, {"a": 1}) == [("b", "2", "–")]


@pytest.mark.parametrize("name", ["one_time_until", "locked_until", "until", "expires_at", "created_at"])
def test_times_are_times(name: str):
    """By the field's name; what no time could be stays what it is."""
    (one,) = differences({name: None}, {name: NOON}, WORDS["en"])
    assert (one.before, one.after) == (Shown("text", "–"), Shown("moment", NOON))
    assert told(None, {name: 1e300})[0][2] == "1e+300"
    assert told(None, {name: "never"})[0][2] == "never"


def test_fields_within_fields_are_told_by_their_path():
    """Only those that differ."""
    before = {"attributes": {"surname": "A", "title": "Dr"}, "fields": {"cost": "1"}}
    after = {"attributes": {"surname": "B", "title": "Dr"}, "fields": {"cost": "1", "floor": "2"}}
    assert told(before, after) == [("Attributes of the certificate › Surname", "A", "B"), ("Additional fields › floor", None, "2")]


def test_what_is_no_list_of_words_is_written_out_indented():
    """Structures within lists, and lists of sentences one a line."""
    addresses = [{"address": "jo@example.com", "is_default": True}, {"address": "jo@example.org", "is_default": False}]
    assert told(None, {"addresses": addresses}) == [
        (
            "Addresses",
            None,
            "Address: jo@example.com\nDefault address: yes\n\nAddress: jo@example.org\nDefault address: no",
        )
    ]
    sentences = ["rules: 'one' is added, with its filters", "rules: 'two' is removed"]
    assert told(None, {"changes": sentences}) == [("Changes", None, "\n".join(sentences))]
    assert told({"x": {"deep": [[1, 2], [3]]}}, {"x": {"deep": 7}}) == [("x › deep", "1\n2\n\n3", "7")]


def test_long_values_are_shortened_and_kept_whole():
    """The beginning is shown."""
    (one,) = differences(None, {"comment": "x" * 1000}, WORDS["en"])
    assert one.after is not None
    assert one.after.held == "x" * 1000 and len(one.after.short) <= SHORT and one.after.short.endswith("…")
    (one,) = differences(None, {"comment": "short"}, WORDS["en"])
    assert one.after is not None and one.after.short == ""


@pytest.mark.parametrize("value", ["text", 7, None, True, [], {}, [1, None], [{"a": {"b": []}}], 1e300, "a\nb", {"a": None}, [[[[]]]]])
def test_whatever_an_entry_holds_is_told(value: Any):
    """An older or newer program's entries too: nothing breaks."""
    for before, after in ((None, value), (value, None), (value, {"a": 1}), ({"a": 1}, value), (value, value)):
        assert all(isinstance(one, Difference) for one in differences(before, after, WORDS["de"]))


def test_each_label_is_there_in_german():
    """And no two fields of one thing have the same."""
    assert set(LABELS.values()) <= {english for known in catalogues().values() for english in known}
    assert sorted({label for label in LABELS.values() if list(LABELS.values()).count(label) > 1}) == ["Locked until"]


def test_the_audit_has_one_name_in_german():
    """Not its English one beside it."""
    german = [said for known in catalogues().values() for said in known.values()]
    assert [said for said in german if re.search(r"\bAudit\b", said)] == []


async def shown(site: Site, language: str = "en") -> str:
    """Give the page to who manages administrators."""
    name = f"reader-{language}"
    cookie = await site.cookie(name)
    await site.rooms.access.administrators.change(Actor(name, "console"), name, Change(language=language))
    return (await site.client(cookie=cookie).get("/troubleshooting/audit?author=anna")).text


async def noted(site: Site, *entries: tuple[str, str, Any, Any]) -> None:
    """Write entries."""
    for operation, subject, before, after in entries:
        await site.rooms.access.audit.note(Entry(ANNA, operation, subject, before, after))


async def test_the_page_shows_no_json_and_no_epoch(tmp_path: Path):
    """A change as "name: before → after", times as times."""
    async with open_site(tmp_path) as site:
        await noted(
            site,
            ("access.administrator.change", "bert", {"one_time_until": None, "enabled": True}, {"one_time_until": NOON, "enabled": False}),
            ("monitoring.webhook.renew_secret", "Duty", {"name": "Duty"}, {"name": "Duty"}),
        )
        page = await shown(site, "de")
        assert '{"' not in page.partition("<tbody")[2] and "&#34;" not in page.partition("<tbody")[2] and "1795000000" not in page
        assert '<time datetime="2026-11-18T11:06:40Z">' in page
        text = " ".join(re.sub("<[^>]*>", " ", page.partition("<tbody")[2]).split())
        assert "Aktiviert: ja → wird zu nein" in text
        assert "Nichts, was hier gezeigt wird" in text


async def test_the_page_keeps_a_long_value_within_reach(tmp_path: Path):
    """Its beginning, and the whole below a summary; as it stands, not as HTML."""
    async with open_site(tmp_path) as site:
        long = "<b>" + "y" * 500
        await noted(site, ("people.partner.change", "example.net", {"comment": ""}, {"comment": long}))
        page = await shown(site)
        assert str(escape(long)) in page and "<b>" not in page
        assert page.index("<summary>") < page.index("y" * 500)


async def test_a_version_leads_to_its_page(tmp_path: Path):
    """There each difference is told in the reader's language."""
    async with open_site(tmp_path) as site:
        after = {"version": 2, "reason": "back to version 1: Work", "changes": ["rules: 'one' is added"]}
        await noted(site, ("config.apply", "version 2", {"version": 1}, after))
        page = await shown(site, "de")
        assert '<a href="/configuration/changes/history/2">Version 2</a>' in page
        assert "zurück zu Version 1: Work" in page


# --- what a change is called ------------------------------------------------------------------------------------------------------

SOURCE = Path(__file__).parents[3] / "src" / "gatepost"


def written_operations() -> Iterator[str]:
    """Give what the program writes as an entry's operation, a made-up part as `*`."""
    for path in SOURCE.rglob("*.py"):
        if "Entry(" not in (text := path.read_text()) and ".note(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "operation"
            called = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("Entry", "note", "_note")
            for part in ast.walk(node) if named or called else ():
                match part:
                    case ast.Constant(value=str(word)) if re.fullmatch(r"[a-z]+(\.[a-z_]+){1,2}", word):
                        yield word
                    case ast.JoinedStr(values=[ast.Constant(value=str(word)), ast.FormattedValue()]) if word.endswith("."):
                        yield word + "*"


def test_each_operation_has_its_words():
    """Each that the program writes, and none that it does not."""
    written = set(written_operations())
    assert len(written) > 25
    patterns = [re.compile(re.escape(one).replace(r"\*", "[a-z_]+")) for one in written]
    assert [one for one in written if "*" not in one and one not in OPERATIONS] == []
    assert [one for one in OPERATIONS if not any(pattern.fullmatch(one) for pattern in patterns)] == []
    assert {one for one in written if "*" in one} == {"monitoring.webhook.*", "queue.*"}


async def test_an_operation_is_shown_in_words_and_as_it_is_searched_for(tmp_path):
    """In the reader's language; one of a later version by itself."""
    async with open_site(tmp_path) as site:
        for operation in ("role.leave", "later.thing"):
            await site.rooms.access.audit.note(Entry(ANNA, operation, "rome"))
        browser = site.client(cookie=await site.cookie("bea"))
        await site.rooms.access.administrators.change(Actor("bea", "cli"), "bea", Change(language="de"))
        page = (await browser.get("/troubleshooting/audit")).text
    assert re.search(r"Gateway getrennt <span[^>]*>role\.leave<", page)
    assert re.search(r"<td[^>]*><span[^>]*>later\.thing<", page)
