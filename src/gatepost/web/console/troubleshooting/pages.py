# SPDX-License-Identifier: Apache-2.0
"""Troubleshooting: how full the databases are; which rule would own a mail, and why not those above it; what would become of a mail.

The latter two ask the rooms that judge at a gateway, on the version that holds or on one's own draft. Nothing is sent, nothing is kept.
"""

import ipaddress
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError, GatepostError, UsageError
from gatepost.message.wire_form import wire_form
from gatepost.web.console.configuration.rules_words import called
from gatepost.web.console.troubleshooting.words import OWNS, STAGES, VERDICTS
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import _
from gatepost.web.house import House
from gatepost.web.trying import Question

PATH: Final = "/troubleshooting"
RULES: Final = PATH + "/which-rule"
CHECK: Final = PATH + "/check-a-mail"
RIGHT: Final = "monitoring:read"
DRAFTS: Final = "configuration:read"
LARGEST_BYTES: Final = 4_000_000
"""A file that is uploaded; the request around it has a bound of its own."""
_RECIPIENTS: Final = 100
_TABLES: Final = 5
_LONGEST: Final = 1_000


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Troubleshooting(house)
    return [
        desk.route(PATH, pages.overview, RIGHT),
        desk.route(RULES, pages.rules, RIGHT),
        desk.route(CHECK, pages.mail, RIGHT),
        desk.route(CHECK, pages.check, RIGHT, post=True),
    ]


class _Troubleshooting:
    """What somebody tries out."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def overview(self, visit: Visit) -> Response:
        """Show how full each database is, as it was looked at last, with its largest tables; and what else helps."""
        usage = await self._house.incidents.usage()
        return visit.show("troubleshooting.html", title=_("Troubleshooting"), usage=usage, tables=_TABLES)

    async def rules(self, visit: Visit) -> Response:
        """Ask which rule would own a mail; the question stands in the address, so that it can be sent to somebody."""
        form = visit.form = visit.asked
        told = None
        if form.names:
            question = _question(form, form.many("rcpt")[:1])
            if not form.faults:
                told = await self._explained(visit, question)
        else:
            form.fill(helo="client.example")
        return visit.show(
            "troubleshooting_rules.html", title=_("Which rule would own a mail"), told=told, owns=OWNS, **await self._shown(visit)
        )

    async def mail(self, visit: Visit, status: int = 200, verdict: Any = None) -> Response:
        """Show the form for a mail, and what would become of the one that was sent."""
        visit.form.fill(helo="client.example", mail_from="", rcpt="", client_ip="", against="holds")
        shown: dict[str, Any] = {"verdict": verdict, "verdicts": VERDICTS, "stages": STAGES, "largest": LARGEST_BYTES}
        return visit.show("troubleshooting_mail.html", status, title=_("Check a mail"), **shown, **await self._shown(visit))

    async def check(self, visit: Visit) -> Response:
        """Judge the mail that was sent."""
        form = visit.form
        question = _question(form, form.lines("rcpt"))
        raw = _file(form)
        if form.faults:
            return await self.mail(visit, 400)
        try:
            configuration = await self._configuration(visit)
            verdict = await self._house.trials.judge(wire_form(raw), question, configuration, visit.visitor.tenant_id)
        except UsageError as error:
            form.fault("rcpt" if _is_about(error, question.recipients) else "mail_from", str(error))
            return await self.mail(visit, 400)
        except GatepostError as error:
            form.fault("", str(error))
            return await self.mail(visit, 503)
        return await self.mail(visit, verdict=verdict)

    async def _explained(self, visit: Visit, question: Question) -> Any:
        try:
            return await self._house.trials.explain(question, await self._configuration(visit))
        except UsageError as error:
            visit.form.fault("rcpt" if _is_about(error, question.recipients) else "mail_from", str(error))
        except ConfigError as error:  # a draft that cannot work yet
            visit.form.fault("against", error.cause, error.mend)
        return None

    async def _configuration(self, visit: Visit) -> Configuration:
        if visit.form.text("against") == "draft" and visit.visitor.may(DRAFTS):
            return (await self._house.drafts.view(visit.actor)).configuration
        return await self._house.configuration()

    async def _shown(self, visit: Visit) -> dict[str, Any]:
        draft = await self._house.drafts.get(visit.actor) if visit.visitor.may(DRAFTS) else None
        return {"has_draft": draft is not None, "newest": (await self._house.versioning.newest()).number, "called": called}


def _question(form: Form, recipients: list[str]) -> Question:
    client, helo = form.text("client_ip"), form.text("helo")
    try:
        ipaddress.ip_address(client)
    except ValueError:
        form.fault("client_ip", _("is no IP address"), _("write the address that the mail comes from, as 192.0.2.1"))
    if not recipients:
        form.fault("rcpt", _("is missing"))
    elif len(recipients) > _RECIPIENTS:
        form.fault("rcpt", _("these are too many"), _("write some of them"))
    for name in ("helo", "mail_from", "rcpt"):
        if any(len(line) > _LONGEST for line in form.lines(name)):
            form.fault(name, _("is too long"))
    return Question(client, helo or "localhost", form.text("mail_from") or "<>", tuple(recipients))


def _file(form: Form) -> bytes:
    raw = form.file("mail")
    if not raw:
        form.fault("mail", _("is missing"), _("choose a file, as a mail program saves it (.eml)"))
    elif len(raw) > LARGEST_BYTES:
        form.fault("mail", _("is too large"), _("use gatepost check on a gateway for larger ones"))
    return raw


def _is_about(error: UsageError, recipients: tuple[str, ...]) -> bool:
    return any(repr(one) in str(error) for one in recipients)
