# SPDX-License-Identifier: Apache-2.0
"""A message track, and why a rule does not own a mail, in the reader's language; what is stored and exported stays English."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from console_site import Site, open_site
from contracts.track_mails import change, head, outcome
from gatepost.access.administrators import Change
from gatepost.config.configuration import Configuration
from gatepost.config.rules import FilterSettings, WordGroup
from gatepost.contracts.actor import Actor
from gatepost.testing.gateway import relay_all_to
from gatepost.tracking.record import FilterEntry, OperationEntry, Status, TrackHead

DMARC = {
    "result": "fail",
    "author_domain": "partner.example",
    "policy": "reject",
    "reason": "neither SPF nor DKIM vouches for the author domain",
    "spf": {"result": "softfail", "domain": "partner.example", "reason": "~all of partner.example"},
}
REFUSED = {
    "status": Status.PERMANENTLY_BLOCKED,
    "reply": "550 5.7.1 Message refused as spam",
    "reason": "6.5 points reach the threshold of 4",
    "filters": (
        FilterEntry("realtime_blocklists", 2.0, 2.0, 1, 1.0, "192.0.2.1 is on 1 of 2 realtime blocklists", "Two: no answer from the DNS"),
        FilterEntry("reputation", 4.5, 4.5, 1, 1.0, "2 signs of a doubtful sender", "", ("SPF of partner.example fails softly, +1",)),
        FilterEntry("words", 0.0, 0.0, 1, 0.0, "", "failed by a defect of its own; the log says where"),
        FilterEntry("Reputation", 0.0, 0.0, 1, 0.0, "said by another product"),
    ),
    "operations": (OperationEntry("DmarcValidationEntry", json.dumps(DMARC).encode()),),
}
GERMAN = (
    "Grund: 6.5 Punkte erreichen die Schwelle von 4",
    "192.0.2.1 steht auf 1 von 2 Echtzeit-Sperrlisten",
    "Two: keine Antwort vom DNS",
    "SPF von partner.example schlägt weich fehl (softfail), +1",
    "scheiterte an einem eigenen Fehler; das Protokoll sagt, wo",
    "said by another product",
    "Reputationsfilter",
    "550 5.7.1 Message refused as spam",
    "weder SPF noch DKIM bürgt für die Domäne des Verfassers",
    "Domäne des Verfassers: ",
    "~all von partner.example",
)
ENGLISH = (
    "Reason: 6.5 points reach the threshold of 4",
    "192.0.2.1 is on 1 of 2 realtime blocklists",
    "Two: no answer from the DNS",
    "SPF of partner.example fails softly, +1",
    "neither SPF nor DKIM vouches for the author domain",
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open a site whose mails are judged by the default rules, in a DNS without a name."""
    (tmp_path / "zone").write_text("")
    configuration = msgspec.structs.replace(
        relay_all_to(25),
        rules=(),
        filters=FilterSettings(word_groups=(WordGroup(name="Meals", words=("noon",), points=1.0),)),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=str(tmp_path / "zone")),
    )
    async with open_site(tmp_path, configuration=configuration) as opened:
        yield opened


async def page_of(site: Site, language: str, path: str, reader: str = "") -> str:
    """Give a page as somebody new reads it."""
    name = reader or f"reads-{language}"
    cookie = await site.cookie(name)
    await site.rooms.access.administrators.change(Actor("root", "cli"), name, Change(language=language))
    async with site.client(cookie=cookie) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    return answer.text


async def told(site: Site, of: TrackHead, *outcomes: object) -> str:
    """Have a gateway tell of a mail; gives its page."""
    await site.tell(change(of, *outcomes))  # type: ignore[arg-type]
    return f"/monitoring/message-tracking/{of.track}"


async def test_a_german_administrator_reads_why_in_german(site: Site):
    """The decision's reason, what each filter said and missed, what authentication found; another's words stay as they are."""
    text = await page_of(site, "de", await told(site, head(**REFUSED)))
    assert [one for one in GERMAN if one not in text] == []
    assert [one for one in ENGLISH if one in text] == []


async def test_an_english_administrator_and_the_export_read_what_is_stored(site: Site):
    """Not a word is changed."""
    mail = head(**REFUSED)
    text = await page_of(site, "en", await told(site, mail))
    assert [one for one in ENGLISH if one not in text] == []
    (document,) = await site.house.tracks.export([mail.track], 0)
    exported = json.loads(document)
    assert [one["Message"] for one in exported["Filters"]] == [one.message for one in mail.filters]
    assert json.loads(exported["Operations"][0]["Operation"]["Data"]) == DMARC
    assert exported["RejectReason"] == mail.reason


async def test_what_our_side_said_of_an_attempt_is_german(site: Site):
    """A next hop's answer stays as it came."""
    away, busy = head(), head()
    timed_out = "4.4.2 Timed out while waiting for the reply to DATA"
    first = await page_of(site, "de", await told(site, away, outcome(away, "deferred", reply=timed_out)))
    assert "4.4.2 Die Zeit ist abgelaufen; erwartet wurde die Antwort auf DATA" in first
    second = await page_of(site, "de", await told(site, busy, outcome(busy, "deferred", reply="451 4.2.1 Mailbox busy")), "other")
    assert "451 4.2.1 Mailbox busy" in second


@pytest.mark.parametrize("data", [{"spf": {"spf": {"spf": 1}}}, {"other": True}, [1], {"result": None, "sealers": ["a", "b"]}, "text"])
async def test_what_an_imported_track_found_is_shown_as_it_is(site: Site, data: object):
    """Whatever stands in an operation of our kind, and however deep."""
    mail = head(operations=(OperationEntry("DmarcValidationEntry", json.dumps(data).encode()),))
    await page_of(site, "de", await told(site, mail))


async def test_why_a_rule_does_not_own_a_mail_is_german(site: Site):
    """With the values of the question."""
    asked = "client_ip=192.0.2.1&helo=a&mail_from=a@b.example&rcpt=c@elsewhere.example"
    text = await page_of(site, "de", f"/troubleshooting/which-rule?{asked}")
    assert "sie gilt für ausgehende E-Mails, und diese ist eingehend" in text
    assert "sie gilt für eigene Domänen, und elsewhere.example ist keine" in text


async def test_a_mail_that_is_checked_is_told_in_german(site: Site):
    """What its filters say, as on the page of a track."""
    name = "checks"
    cookie = await site.cookie(name)
    await site.rooms.access.administrators.change(Actor("root", "cli"), name, Change(language="de"))
    async with site.client(cookie=cookie) as browser:
        page = (await browser.get("/troubleshooting/check-a-mail")).text
        token = page.partition('name="form_token" value="')[2].partition('"')[0]
        given = {"form_token": token, "client_ip": "10.0.0.1", "helo": "a", "mail_from": "", "rcpt": "user@example.com", "against": "holds"}
        mail = {"mail": ("mail.eml", b"From: a@b.example\r\nSubject: Lunch\r\n\r\nAt noon?\r\n", "message/rfc822")}
        answer = await browser.post("/troubleshooting/check-a-mail", data=given, files=mail)
    assert "die Adresse des Clients ist privat, daher wird keine Liste gefragt" in answer.text
    assert "Wörter von Meals" in answer.text
    assert "kein Anzeichen für einen zweifelhaften Absender" in answer.text
