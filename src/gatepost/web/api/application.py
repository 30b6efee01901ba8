# SPDX-License-Identifier: Apache-2.0
"""The API's application: all operations as routes below `/v1`, behind the door."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp

from gatepost.access.rates import Rates
from gatepost.web.api.answering import allowed, endpoint, problem_response
from gatepost.web.api.document import VERSION, described, document
from gatepost.web.api.door import USE, Door
from gatepost.web.api.problem import MISSING, Problem
from gatepost.web.api.table import OPERATIONS
from gatepost.web.house import House


def api(house: House, rates: Rates | None = None) -> ASGIApp:
    """Put the API together; `rates` bounds how often a client may fail at the door."""
    application = FastAPI(title="Gatepost", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for operation in OPERATIONS:
        application.add_api_route(
            f"/v1{operation.path}", endpoint(operation, house), methods=[operation.method], response_model=None, **described(operation)
        )
    content = b""

    async def openapi(request: Request) -> Response:
        nonlocal content
        content = content or document(application.routes)
        return Response(content, media_type="application/json")

    async def unknown(request: Request, error: Exception) -> Response:
        methods = _methods(request) if isinstance(error, HTTPException) and error.status_code == 405 else ""
        if not methods:
            return problem_response(MISSING)
        return problem_response(Problem.said(405, f"This can be asked by {methods} only."), {"Allow": methods})

    application.add_api_route("/v1/openapi.json", openapi, methods=["GET"], include_in_schema=False, response_model=None)
    application.add_exception_handler(HTTPException, unknown)
    return Door(application, house.access.tokens, rates)


def _methods(request: Request) -> str:
    """Give the methods that the caller's token may use at a path."""
    scope = request.scope
    here = [route.operation_id for route in request.app.routes if route.matches(scope)[0] is not Match.NONE and route.operation_id]
    return allowed([one for one in OPERATIONS if one.name in here], scope[USE])
