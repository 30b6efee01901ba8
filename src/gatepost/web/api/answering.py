# SPDX-License-Identifier: Apache-2.0
"""Carry out one operation for one request: the right, what was asked, the room's answer or its problem, as bytes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gatepost.access.record import TokenUse
from gatepost.errors import GatepostError
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.api import reading
from gatepost.web.api.door import USE
from gatepost.web.api.operation import Call, Operation
from gatepost.web.api.problem import DEFECT, MEDIA_TYPE, MISSING, TOO_LARGE, Problem, Stopped, problem_of
from gatepost.web.frame.headers import BodyTooLarge
from gatepost.web.house import House

_HOUSE: Final = 0
_AGAIN_S: Final = 5
_encode = msgspec.json.Encoder().encode


def may_call(operation: Operation, use: TokenUse) -> bool:
    """Tell whether a token may call an operation."""
    if operation.house and use.token.tenant_id != _HOUSE:
        return False
    return not operation.right or use.may(operation.right)


def endpoint(operation: Operation, house: House) -> Callable[[Request], Awaitable[Response]]:
    """Give what serves an operation."""
    takes = tuple(name for name in ("asked", "body") if getattr(operation, name) is not None)
    said = [getattr(kind, "__struct_fields__", ()) for kind in (operation.asked, operation.body)]

    async def serve(request: Request) -> Response:
        use: TokenUse = request.scope[USE]
        if not may_call(operation, use):
            return problem_response(MISSING)
        try:
            call = Call(house, use, request.client.host if request.client else "", reading.if_match(operation, request))
            given = {"asked": reading.asked(operation, request), "body": await reading.body(operation, request)}
            answer = await operation.do(call, **{name: given[name] for name in takes})
        except Stopped as stopped:
            answer = stopped.problem
        except GatepostError as error:
            answer = problem_of(error, *said)
        except BodyTooLarge:
            answer = TOO_LARGE
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody hears it.
        except Exception as defect:
            emit_unexpected(f"the API's {operation.name}", defect)
            answer = DEFECT
        if isinstance(answer, Problem):
            return problem_response(answer)
        return Response(_encode(answer), 200, call.headers, "application/json")

    return serve


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Give a problem as an answer."""
    again = {"Retry-After": str(_AGAIN_S)} if problem.status == 503 else {}
    return Response(_encode(problem), problem.status, {**again, **(headers or {})}, MEDIA_TYPE)


def allowed(operations: Any, use: TokenUse) -> str:
    """Give the methods that a token may call among operations of one path."""
    return ", ".join(sorted({one.method for one in operations if may_call(one, use)}))
