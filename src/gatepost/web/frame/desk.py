# SPDX-License-Identifier: Apache-2.0
"""The desk in front of every page: who comes without a session signs in first, who lacks the right finds nothing there.

Promises:

* A page that somebody may not see answers exactly as one that does not exist.
* What changes something is a POST with the session's form token, sent by one of our own pages (Sec-Fetch-Site, where a browser says it).
* What a page says once after a change is shown on the next page of that session, and then forgotten.
"""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepost.contracts.actor import Actor
from gatepost.errors import GatepostError
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.frame import forms
from gatepost.web.frame.navigation import Navigation
from gatepost.web.frame.templates import environment
from gatepost.web.frame.visitor import Sessions, Visitor, client_of, cookie_name
from gatepost.web.frame.words import Words, _, preferred

_REMEMBERED: Final = 1_000
SIGN_IN: Final = "/sign-in"


class Visit:
    """One request of one visitor."""

    def __init__(self, desk: "Desk", request: Request, visitor: Visitor | None) -> None:
        self.desk = desk
        self.request = request
        self._visitor = visitor
        language = visitor.language if visitor and visitor.language else preferred(request.headers.get("accept-language", ""))
        self.words: Words = desk.words.get(language) or desk.words["en"]
        self.form = forms.Form()

    @property
    def visitor(self) -> Visitor:
        """Who is here; raises LookupError on a page that nobody signs in for."""
        if self._visitor is None:
            raise LookupError("nobody has signed in")
        return self._visitor

    @property
    def is_known(self) -> bool:
        """Whether somebody has signed in."""
        return self._visitor is not None

    @property
    def actor(self) -> Actor:
        """Who changes something."""
        return self.visitor.actor()

    @property
    def client(self) -> str:
        """The address that calls."""
        return client_of(self.request)

    @property
    def secret(self) -> str:
        """What the browser shows as its session."""
        return self.request.cookies.get(cookie_name(self.request), "")

    @property
    def asked(self) -> forms.Form:
        """What stands in the address after `?`."""
        return forms.asked(self.request)

    @property
    def wants_part(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    def show(self, template: str, status: int = 200, *, title: str = "", **context: Any) -> HTMLResponse:
        """Render a template; it knows `visit`, `visitor`, `_`, `form` and the navigation. `title` is said in the reader's language."""
        desk, visitor = self.desk, self._visitor
        said = desk.take_said(visitor.session) if visitor and not self.wants_part else ""
        given = {
            "visit": self,
            "visitor": visitor,
            "_": self.words,
            "words": self.words,
            "form": self.form,
            "said": said,
            "navigation": desk.navigation.seen_by(visitor) if visitor else (),
            "here": self.request.url.path,
            "title": self.words(title),
            **context,
        }
        return HTMLResponse(environment().get_template(template).render(given), status)

    def go(self, path: str, said: str = "") -> RedirectResponse:
        """Send the browser on after a change; `said` is shown there once."""
        if said and self._visitor:
            self.desk.say(self._visitor.session, said)
        return RedirectResponse(path, 303)

    def missing(self) -> HTMLResponse:
        """Answer as where there is nothing."""
        return self.show("missing.html", 404, title=_("There is nothing here"))


Page = Callable[[Visit], Awaitable[Response]]


class Desk:
    """What all pages of one application share."""

    def __init__(self, sessions: Sessions, words: Mapping[str, Words], navigation: Navigation) -> None:
        self.words = words
        self.navigation = navigation
        self._sessions = sessions
        self._said: OrderedDict[str, str] = OrderedDict()

    def route(self, path: str, page: Page, right: str, *, post: bool = False) -> Route:
        """Put a page behind the door: `right` is what a visitor needs, '' for all who have signed in."""

        async def guarded(request: Request) -> Response:
            visitor = await self.visitor_of(request)
            if visitor is None:
                return _to_sign_in(request)
            visit = Visit(self, request, visitor)
            if not visitor.may(right):
                return visit.missing()
            return await self._serve(visit, page)

        return Route(path, guarded, methods=["POST"] if post else ["GET"])

    def open_route(self, path: str, page: Page, *, post: bool = False) -> Route:
        """Put up a page that needs no session: the door itself."""

        async def opened(request: Request) -> Response:
            return await self._serve(Visit(self, request, await self.visitor_of(request)), page)

        return Route(path, opened, methods=["POST"] if post else ["GET"])

    async def missing(self, request: Request, _error: Exception) -> Response:
        """Answer where there is no page: to who has signed in as everywhere, to others with the door."""
        visitor = await self.visitor_of(request)
        return Visit(self, request, visitor).missing() if visitor else _to_sign_in(request)

    async def visitor_of(self, request: Request) -> Visitor | None:
        """Find who belongs to a request's cookie."""
        secret = request.cookies.get(cookie_name(request), "")
        by_itself = "refresh" in request.query_params  # as a page writes it that asks anew from time to time
        return await self._sessions.visitor(secret, client_of(request), active=not by_itself) if secret else None

    def say(self, session: str, said: str) -> None:
        """Keep a sentence for the session's next page."""
        self._said[session] = said
        while len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)

    def take_said(self, session: str) -> str:
        """Give the sentence that waits, once."""
        return self._said.pop(session, "")

    async def _serve(self, visit: Visit, page: Page) -> Response:
        try:
            if visit.request.method == "POST":
                visit.form = await forms.read(visit.request)
                if not _is_our_own(visit):
                    return visit.show("refused.html", 403, title=_("This was not sent"), why="", unsent=True)
            return await page(visit)
        except GatepostError as error:
            return visit.show("refused.html", 503, title=_("This could not be done"), why=str(error), unsent=False)
        except Exception as error:
            emit_unexpected(f"page {visit.request.url.path}", error)
            return visit.show("refused.html", 500, title=_("This could not be done"), why="", unsent=False)


def _is_our_own(visit: Visit) -> bool:
    """Tell whether one of our pages sent the form: by the session's token, and by what the browser says of where it came from."""
    if visit.request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    if not visit.is_known:
        return True  # The door's own forms; there is no session yet whose rights could be misused.
    return hmac.compare_digest(visit.form.raw("form_token").encode(), visit.visitor.form_token.encode())


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = SIGN_IN if wanted == "/" or request.method != "GET" else f"{SIGN_IN}?next={quote(wanted, safe='')}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": SIGN_IN})
    return RedirectResponse(address, 303)
