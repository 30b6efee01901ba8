# SPDX-License-Identifier: Apache-2.0
"""The Event viewer for its readers: what happened is said in their language with its values, and nothing that a gateway tells breaks it."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console_site import Site, open_site
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor
from gatepost.monitoring.events_record import LEVELS, EventEntry, entry_of
from gatepost.monitoring.events_sentences import PHRASES, SENTENCES
from gatepost.monitoring.events_telling import FORMS, sentence, telling
from gatepost.telemetry import events
from gatepost.telemetry.reference import catalogue
from gatepost.web.console.monitoring.events_said import said
from gatepost.web.frame.words import load

WORDS = load()
PACKAGE = Path(events.__file__).parent.parent
KEPT = [kind for kind in catalogue() if kind.kept]
NOW = 1_764_000_000.0
EXAMPLES: dict[str, Any] = {"int": 7, "float": 90.0, "str": "x", "bool": True, "list": ["20251125"], "dict": {}}


def places(text: str) -> set[str]:
    """Give the names of the values that a sentence has room for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_each_event_that_reaches_the_viewer_has_its_sentences_in_both_languages():
    """Each has one for whatever its values are; none has backticks, a place without a field, or no German; none is for nobody."""
    assert set(SENTENCES) == {kind.name for kind in KEPT}
    german = WORDS["de"]
    for kind in KEPT:
        fields = {one.name for one in msgspec.structs.fields(kind)}
        assert SENTENCES[kind.name][-1].when is None, kind.name
        for say in SENTENCES[kind.name]:
            assert places(say.text) <= fields, say.text
            assert german(say.text) != say.text and "`" not in say.text + german(say.text), say.text
            assert say.text.endswith((".", "{reason}")), say.text
    assert [one for one in PHRASES.values() if german(one) == one] == []


def test_each_value_is_said_as_what_it_is():
    """Each place with a form of its own is in some sentence."""
    assert set(FORMS) <= {place for says in SENTENCES.values() for say in says for place in places(say.text)}


def phrases() -> Iterator[str]:
    """Give what the code writes where pages say it anew."""
    for path in PACKAGE.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", "") == "StoreTrouble":
                yield from (one.value.value for one in call.keywords if one.arg == "what" and isinstance(one.value, ast.Constant))
    settling = ast.parse((PACKAGE / "access" / "settling.py").read_text())
    for node in (node for node in ast.walk(settling) if isinstance(node, ast.Call)):
        if getattr(node.func, "id", getattr(node.func, "attr", "")) in ("Failed", "_count"):
            yield from (
                leaf.value for one in node.args for leaf in ast.walk(one) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
            )


def test_what_the_code_writes_in_words_is_translated():
    """Why somebody could not sign in, and at what work a database failed; nothing else is translated as such."""
    assert set(phrases()) == set(PHRASES)


@pytest.mark.parametrize(
    ("event", "english", "german"),
    [
        (
            events.ProcessEnded(process="receive-1", status=-9, restart_in_s=5.0),
            "The process receive-1 ended without having been told to: SIGKILL. Pause before it is started again: 5 s.",
            "Der Prozess receive-1 hat sich ohne Auftrag beendet: SIGKILL. Pause bis zum Neustart: 5 Sekunden.",
        ),
        (
            events.ProcessEnded(process="deliver", status=3, restart_in_s=0.0),
            "The process deliver ended without having been told to: exit code 3. It is started again at once.",
            "Der Prozess deliver hat sich ohne Auftrag beendet: Exit-Code 3. Er wird sofort neu gestartet.",
        ),
        (
            events.StoreTrouble(what="commit", reason="disk full"),
            "A gateway or the console could not do a piece of its work. As long as a gateway's database or disk does not work, new mail "
            "is put off and senders try again. Could not be done: writing mails. Reason: disk full",
            "Ein Gateway oder die Konsole konnte einen Teil der Arbeit nicht ausführen. Solange Datenbank oder Festplatte eines Gateways "
            "nicht arbeiten, werden neue E-Mails aufgeschoben, und die Absender versuchen es erneut. Nicht gelungen: E-Mails schreiben. "
            "Grund: disk full",
        ),
        (
            events.TracksDropped(what="details", days=["20251124", "20251125"]),
            "Retention: the details of the message tracks of these days were deleted: 2025-11-24, 2025-11-25.",
            "Aufbewahrung: Die Einzelheiten der Nachrichtenverfolgung dieser Tage wurden gelöscht: 2025-11-24, 2025-11-25.",
        ),
        (
            events.SignInRefused(account="", client="192.0.2.1", reason="unknown"),
            "Somebody at 192.0.2.1 tried to sign in: there is no account of this name.",
            "Jemand wollte sich von 192.0.2.1 aus anmelden: ein Konto dieses Namens gibt es nicht.",
        ),
        (
            events.SignInRefused(account="anna", client="192.0.2.1", reason="wrong code"),
            "anna could not sign in from 192.0.2.1: wrong code.",
            "anna konnte sich von 192.0.2.1 aus nicht anmelden: falscher Code.",
        ),
        (
            events.IncidentOpened(id=1, tenant=0, kind="link.away", subject="rome", severity="error", details={}),
            "Something needs care (error): A gateway does not answer: rome.",
            "Etwas braucht Ihre Aufmerksamkeit (Fehler): Ein Gateway antwortet nicht: rome.",
        ),
        (
            events.IncidentOpened(id=1, tenant=0, kind="notices.nowhere", subject="mail", severity="warning", details={}),
            "Something needs care (warning): Notices go nowhere.",
            "Etwas braucht Ihre Aufmerksamkeit (Warnung): Benachrichtigungen gehen ins Leere.",
        ),
        (
            events.TracksLost(where="refused", tracks=1200),
            "Message tracks of refused mails were given up, for more came than could be kept until they were stored: 1,200.",
            "Nachrichtenverfolgungen abgewiesener E-Mails wurden aufgegeben, weil mehr kamen, als bis zum Speichern behalten werden "
            "konnten: 1.200.",
        ),
    ],
)
def test_an_event_is_said_with_its_values(event: events.Event, english: str, german: str):
    """In words, by what they are: signals, lengths of time, days, kinds of incidents."""
    fields = msgspec.json.decode(entry_of(NOW, event, "", "").fields)
    assert sentence(event.name, fields).replace("1200", "1,200") == english
    assert str(said(event.name, fields, WORDS["de"], {})) == german


def test_a_time_becomes_the_readers():
    """As everywhere on pages; what is said to programs is UTC."""
    fields = {"account": "anna", "client": "192.0.2.1", "until": NOW}
    assert '<time datetime="2025-11-24T16:00:00Z">' in said("access.account_locked", fields, WORDS["de"], {})
    assert "2025-11-24 16:00:00 UTC" in sentence("access.account_locked", fields)


def test_the_reason_of_a_version_is_said_as_in_the_history():
    """What the program put together is in the reader's language, what a person wrote is as he wrote it."""
    fields = {"version": 3, "author": "anna", "changes": 2, "reason": "back to version 1: Work again"}
    assert "zurück zu Version 1: Work again" in said("configuration.made", fields, WORDS["de"], {})
    assert "Grund: Audit" in said("configuration.made", fields | {"reason": "Audit"}, WORDS["de"], {})


def test_a_webhook_is_told_by_its_name():
    """Its number says nothing to people; one that is gone is told as such."""
    fields = {"channel": "webhook", "target": "0123456789abcdef", "notices": 1, "reason": "HTTP 500", "given_up": False}
    assert "Der Webhook Duty" in said("incident.notice_trouble", fields, WORDS["de"], {"0123456789abcdef": "Duty"})
    assert "Der Webhook 0123456789abcdef" in said("incident.notice_trouble", fields, WORDS["de"], {})


WRONG = [None, True, "text", "<b>", -1, 1e300, 10**30, [], ["<i>", 3], {"a": "<u>"}, "{reason}"]


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.name)
@pytest.mark.parametrize("language", ["en", "de"])
def test_whatever_a_gateway_tells_is_said(kind: type[events.Event], language: str):
    """A newer program's fields, missing ones, values of another kind: nothing breaks, nothing is taken for HTML."""
    names = [one.name for one in msgspec.structs.fields(kind)]
    for wrong in WRONG:
        told = said(kind.name, dict.fromkeys(names, wrong), WORDS[language], {})
        assert told and re.search("<(?!/?time)", told) is None
        assert sentence(kind.name, dict.fromkeys(names, wrong))
    assert "…" in said(kind.name, {}, WORDS[language], {}) or not any(places(say.text) for say in SENTENCES[kind.name])
    assert sentence(kind.name, {})


def test_an_event_of_a_newer_program_is_not_made_up():
    """There is nothing to say of it."""
    assert telling("process.transfigured", {}) is None
    assert sentence("process.transfigured", {}) == ""


async def added(site: Site, *told: events.Event) -> None:
    """Put events into the event log."""
    await site.rooms.events.log.add([entry_of(NOW, one, "berlin.example", "receive") for one in told])


async def shown(site: Site, language: str, address: str = "/monitoring/event-viewer?last=all") -> str:
    """Give the page to who may only monitor."""
    cookie = await site.cookie(f"carl-{language}", "monitoring")
    await site.rooms.access.administrators.change(Actor(f"carl-{language}", "console"), f"carl-{language}", Change(language=language))
    answer = await site.client(cookie=cookie).get(address)
    assert answer.status_code == 200
    return answer.text


async def test_the_page_says_what_happened_and_keeps_the_rest_at_hand(tmp_path: Path):
    """A sentence in the reader's language; name and fields for who searches by them; an unknown event says that it is unknown."""
    async with open_site(tmp_path) as site:
        await added(site, events.RouteDown(route="inbound/in", reason="Connection <refused>"))
        await site.rooms.events.log.add([EventEntry(NOW, "berlin.example", "receive", "process.transfigured", LEVELS["info"], '{"a": 1}')])
        page = await shown(site, "de")
        assert "Mehrere E-Mails hintereinander kamen nicht an: inbound/in." in page and "Connection &lt;refused&gt;" in page
        assert "delivery.route_down" in page and "<dt>reason:</dt> <dd>Connection" in page
        assert "Dieses Ereignis kennt nur ein neueres Programm" in page and "process.transfigured" in page
        assert "`" not in page.partition("<tbody")[2] and 'lang="en"' not in page
        assert "Several mails in a row did not get through: inbound/in." in await shown(site, "en")


async def test_the_page_tells_webhooks_by_their_names(tmp_path: Path):
    """As the list of webhooks does."""
    async with open_site(tmp_path) as site:
        made = await site.rooms.incidents.webhooks.create(Actor("anna", "console"), "Duty phone", "https://hooks.example/secret")
        trouble = events.NoticeTrouble(channel="webhook", target=made.webhook.id, notices=1, reason="HTTP 500", given_up=True)
        await added(site, trouble)
        assert "Der Webhook Duty phone" in await shown(site, "de", "/monitoring/event-viewer?last=all&name=incident.notice")


async def test_programs_get_the_sentence_with_its_values(tmp_path: Path):
    """In English, as all of the API."""
    async with open_site(tmp_path) as site:
        await site.administrator("anna")
        await added(site, events.RouteDown(route="inbound/in", reason="refused"))
        api = site.client(token=await site.token("anna"))
        (one,) = (await api.get("/api/v1/events", params={"name": "delivery."})).json()["events"]
        assert one["sentence"].startswith("Several mails in a row did not get through: inbound/in.") and one["sentence"].endswith("refused")
