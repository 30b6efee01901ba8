# SPDX-License-Identifier: Apache-2.0
"""The door: name and password, then a password of one's own, an authenticator, its code; and the way out."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.access.record import Came
from gatepost.access.sign_in import Done, Faulty, Later, Outcome, Refused, Step
from gatepost.web.console.access.qr import drawn
from gatepost.web.frame.desk import LONGEST_WAY_BACK, SIGN_IN, Desk, Visit
from gatepost.web.frame.visitor import let_in, let_out
from gatepost.web.frame.words import _
from gatepost.web.house import House

_FIELDS: Final = {"totp": "code", "totp_enrolment": "code", "new_password": "new_password"}
_TITLES: Final = {
    "": _("Sign in"),
    "totp": _("Code of your authenticator"),
    "totp_enrolment": _("Set up your authenticator"),
    "new_password": _("Choose a password of your own"),
}
UNEQUAL: Final = _("the two passwords are not the same")
SENTENCES: Final = (
    _("The name, the password or the code is wrong, or this account cannot be used now."),
    _("There were too many attempts; wait a little and try again."),
    _("this is not the code that the authenticator shows now; check that its clock is right"),
    _("take another password than the one so far"),
    _("a password has at least 12 characters"),
    _("a password has at least 12 characters, your name in it not counted"),
    _("a password has at most 256 characters"),
    _("a password has no control characters"),
    _("an authenticator is enrolled already"),
)
"""What the room of access says to people, named here so that it is translated."""


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Door(house)
    return [
        desk.open_route(SIGN_IN, pages.show),
        desk.open_route(SIGN_IN, pages.send, post=True),
        desk.route("/sign-out", pages.leave, "", post=True),
    ]


class _Door:
    """The steps through the door."""

    def __init__(self, house: House) -> None:
        self._door = house.access.sign_in
        self._sessions = house.access.sessions

    async def show(self, visit: Visit) -> Response:
        if visit.is_known:
            return visit.go("/")
        visit.form = visit.asked
        return self._page(visit, None)

    async def send(self, visit: Visit) -> Response:
        form, came = visit.form, Came(visit.client, visit.request.headers.get("user-agent", ""))
        ticket = form.text("ticket")
        step = self._door.step(ticket) if ticket else None
        if ticket and step is None:
            form.fault("", _("this took too long; sign in anew"))
            return self._page(visit, None, 400)
        return self._answer(visit, await self._proved(visit, step, came), step)

    async def _proved(self, visit: Visit, step: Step | None, came: Came) -> Outcome:
        form = visit.form
        if step is None:
            return await self._door.begin(form.text("name"), form.raw("password"), came)
        if step.needs == "new_password":
            if form.raw("new_password") != form.raw("again"):
                return Faulty(UNEQUAL)
            return await self._door.give_password(step.ticket, form.raw("new_password"), came)
        return await self._door.give_code(step.ticket, form.text("code"), came)

    def _answer(self, visit: Visit, outcome: Outcome, step: Step | None) -> Response:
        form = visit.form
        match outcome:
            case Done(cookie, session):
                visit.desk.say(session.id, "")
                response = visit.go(local_path(form.text("next")))
                let_in(visit.request, response, cookie)
                return response
            case Step():
                return self._page(visit, outcome)
            case Faulty(sentence):
                form.fault(_FIELDS[step.needs] if step else "", sentence)
                return self._page(visit, step, 400)
            case Later(after_s, sentence):
                form.fault("", sentence)
                page = self._page(visit, step, 429)
                page.headers["Retry-After"] = str(after_s)
                return page
            case Refused(sentence):
                form.fault("", sentence)
                return self._page(visit, step, 403)

    def _page(self, visit: Visit, step: Step | None, status: int = 200) -> Response:
        enrolment = self._door.enrolment(step.ticket) if step and step.needs == "totp_enrolment" else None
        return visit.show(
            "sign_in.html",
            status,
            title=_TITLES[step.needs if step else ""],
            step=step,
            enrolment=enrolment,
            qr=drawn(enrolment.uri, visit.words("QR code for your authenticator")) if enrolment else "",
        )

    async def leave(self, visit: Visit) -> Response:
        session = await self._sessions.find(visit.secret)
        if session is not None:
            await self._sessions.sign_out(session)
        response = visit.go(SIGN_IN)
        let_out(visit.request, response)
        return response


def local_path(untrusted_path: str) -> str:
    """Give where to go after the sign-in: a path of ours, never another site."""
    path = untrusted_path.partition("?")[0]
    is_ours = path.startswith("/") and "//" not in path and "\\" not in path and not path.startswith(SIGN_IN)
    return untrusted_path if is_ours and untrusted_path.isprintable() and len(untrusted_path) <= LONGEST_WAY_BACK else "/"
