# SPDX-License-Identifier: Apache-2.0
"""The desk in front of every page: who comes without a session signs in first, who lacks the right finds nothing there.

Promises:

* A page that somebody may not see answers exactly as one that does not exist.
* What changes something is a POST with the session's form token, sent by one of our own pages (Sec-Fetch-Site where a browser says it, as
  it does on TLS; else Origin).
* What a page says once after a change is shown on the next page of that session, and then forgotten.
"""

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepost.contracts.actor import Actor
from gatepost.errors import GatepostError
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.frame import forms
from gatepost.web.frame.navigation import Navigation
from gatepost.web.frame.templates import environment
from gatepost.web.frame.visible import visible
from gatepost.web.frame.visitor import Sessions, Visitor, client_of, cookie_name
from gatepost.web.frame.words import Words, _, preferred

_REMEMBERED: Final = 1_000
LONGEST_WAY_BACK: Final = 2_000
"""Characters of an address that somebody is led back to after he has signed in."""
SIGN_IN: Final = "/sign-in"


class _Number(Convertor[int]):
    """`{number:int}` in a path is a number that a store can hold; a longer one leads nowhere."""

    regex = "[0-9]{1,15}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("int", _Number())


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
            "place_of": desk.navigation.place,
            "here": self.request.url.path,
            "title": self.words(title),
            **context,
        }
        return HTMLResponse(visible(environment().get_template(template).render(given)), status)

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
            visit = await self._visit(request)
            if isinstance(visit, Response):
                return visit
            if not visit.is_known:
                return _to_sign_in(request)
            if not visit.visitor.may(right) or "\0" in request.scope["path"]:
                return visit.missing()
            return await self._serve(visit, page)

        return Route(path, guarded, methods=["POST"] if post else ["GET"])

    def open_route(self, path: str, page: Page, *, post: bool = False) -> Route:
        """Put up a page that needs no session: the door itself."""

        async def opened(request: Request) -> Response:
            visit = await self._visit(request)
            return visit if isinstance(visit, Response) else await self._serve(visit, page)

        return Route(path, opened, methods=["POST"] if post else ["GET"])

    async def missing(self, request: Request, _error: Exception) -> Response:
        """Answer where there is no page: to who has signed in as everywhere, to others with the door."""
        visit = await self._visit(request)
        if isinstance(visit, Response):
            return visit
        return visit.missing() if visit.is_known else _to_sign_in(request)

    async def _visit(self, request: Request) -> Visit | Response:
        """Find who comes; an answer where the store cannot tell, which says nothing of it to who may be a stranger."""
        try:
            return Visit(self, request, await self.visitor_of(request))
        except GatepostError:
            stranger = Visit(self, request, None)
            why = stranger.words(_("The console's store does not answer; try again in a moment."))
            return stranger.show("refused.html", 503, title=_("This could not be done"), why=why, unsent=False)

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
                visit.form = await forms.read(visit.request, known=visit.is_known)
                if not _is_our_own(visit):
                    return visit.show("refused.html", 403, title=_("This was not sent"), why="", unsent=True)
            return await page(visit)
        except forms.Unreadable as fault:
            return visit.show("refused.html", fault.status, title=_("This was not sent"), why=visit.words(fault.sentence), unsent=False)
        except GatepostError as error:
            return visit.show("refused.html", 503, title=_("This could not be done"), why=str(error), unsent=False)
        except Exception as error:
            emit_unexpected(f"page {visit.request.url.path}", error)
            return visit.show("refused.html", 500, title=_("This could not be done"), why="", unsent=False)


def _is_our_own(visit: Visit) -> bool:
    """Tell whether one of our pages sent the form: by the session's token, and by what the browser says of where it came from."""
    if not _is_sent_from_here(visit.request):
        return False
    if not visit.is_known:
        return True  # The door's own forms; there is no session yet whose rights could be misused.
    return hmac.compare_digest(visit.form.raw("form_token").encode(), visit.visitor.form_token.encode())


def _is_sent_from_here(request: Request) -> bool:
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        return said in ("same-origin", "none")
    # Browsers say it only where others cannot have changed it: on TLS and on the machine itself. The host alone is compared, since who
    # stands before us may speak TLS for us.
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    goes_back = wanted != "/" and request.method == "GET" and len(wanted) <= LONGEST_WAY_BACK
    address = f"{SIGN_IN}?next={quote(wanted, safe='')}" if goes_back else SIGN_IN
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": SIGN_IN})
    return RedirectResponse(address, 303)
