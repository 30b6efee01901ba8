# SPDX-License-Identifier: Apache-2.0
"""One ASGI application out of pages, the API and files, below the layer that bounds requests and dresses answers."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gatepost.web.frame import assets
from gatepost.web.frame.desk import Desk
from gatepost.web.frame.headers import Headers


def application(desk: Desk, routes: Sequence[BaseRoute]) -> ASGIApp:
    """Put it together."""

    async def error(request: Request, fault: Exception) -> Response:
        return await desk.missing(request, fault)

    files = Route("/static/{mark:str}/{name:path}", assets.serve)
    site = Starlette(routes=[files, *routes], exception_handlers={HTTPException: error})
    site.router.redirect_slashes = False  # There is one address for each page, and nobody is told of others.
    return Headers(site)
