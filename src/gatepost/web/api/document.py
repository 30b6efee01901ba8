# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document: FastAPI's frame, with the schemas that msgspec reads off the operations' types.

`python -m gatepost.web.api.document` writes it; a test compares `docs/reference/openapi.json` with that.
"""

import sys
import typing
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from gatepost.web.api.operation import Operation
from gatepost.web.api.problem import MEDIA_TYPE, Invalid, Problem
from gatepost.web.api.table import OPERATIONS

VERSION: Final = "1"
_REF: Final = "#/components/schemas/{name}"
_SAYS: Final = """What the console can do, for programs. Each operation is called as in the private API; its right stands under `security`.
A token is made by an administrator and brought as `Authorization: Bearer gp_...`; without a good one everything answers 401. What a
token may not see answers as what does not exist. Problems are RFC 9457 documents. Times are Unix time in seconds."""
_SERVERS: Final = [{"url": "/api"}]
_SCHEME: Final = {"type": "http", "scheme": "bearer", "bearerFormat": "gp_ID_SECRET"}
_PROBLEMS: Final = {
    400: "What was sent is not JSON, or nothing was to be sent.",
    401: "There is no good token.",
    404: "There is no such thing, or the token may not see it.",
    413: "More was sent than the limit.",
    415: "What was sent is not marked as JSON.",
    422: "What was sent cannot be understood, or cannot be.",
    428: "It was not said what the change rests on.",
    429: "Too many calls without a good token came from there; Retry-After says how long to wait.",
    503: "The store does not answer; try again.",
    507: "The store is full.",
}
"""What may be answered besides, always of the same shape."""


def described(operation: Operation) -> dict[str, Any]:
    """Give what a route of FastAPI is told of an operation."""
    summary, description = operation.says
    more = {"operation_id": operation.name, "summary": summary, "description": description or summary}
    return {**more, "tags": [operation.area], "openapi_extra": {"security": [{"token": [operation.right] if operation.right else []}]}}


def document(routes: Sequence[BaseRoute]) -> bytes:
    """Give the document as JSON."""
    made = get_openapi(title="Gatepost", version=VERSION, openapi_version="3.1.0", description=_SAYS, routes=routes, servers=_SERVERS)
    kinds: list[Any] = [Problem, Invalid]
    for one in OPERATIONS:
        kinds += [one.answer, *chain.from_iterable(one.problems.values()), *([one.body] if one.body is not None else [])]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    shape = dict(zip(map(str, kinds), schemas, strict=True))
    for one in OPERATIONS:
        told = made["paths"][f"/v1{one.template}"][one.method.lower()]
        told.update(_described(one, shape))
        if told["description"] == told["summary"]:
            del told["description"]
    made["paths"] = dict(sorted(made["paths"].items()))
    made["components"] = {
        "schemas": dict(sorted(components.items())),
        "responses": {str(status): _problem(said, shape[str(Invalid if status == 422 else Problem)]) for status, said in _PROBLEMS.items()},
        "securitySchemes": {"token": _SCHEME},
    }
    content = msgspec.json.encode(made)
    for name in components:
        if name.startswith("gatepost."):  # two rooms have a type of one name
            steps = name.split(".")
            content = content.replace(name.encode(), f"{steps[1]}.{steps[-1]}".encode())
    return msgspec.json.format(content, indent=1)


def _described(operation: Operation, shape: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"responses": _responses(operation, shape)}
    if parameters := _parameters(operation):
        told["parameters"] = parameters
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": shape[str(operation.body)]}}}
    return told


def _responses(operation: Operation, shape: dict[str, Any]) -> dict[str, Any]:
    usual = {400, 401, 404, 422, 429, 503}
    usual |= {413, 415} if operation.body is not None else set()
    usual |= {428} if operation.if_match else set()
    usual |= {507} if operation.method != "GET" else set()
    told: dict[str, Any] = {str(status): {"$ref": f"#/components/responses/{status}"} for status in usual}
    for status, kinds in operation.problems.items():
        given = dict.fromkeys((*kinds, Invalid) if status == 422 else kinds)
        said = " Or: ".join(str((typing.get_origin(kind) or kind).__doc__).partition("\n")[0] for kind in kinds)
        schemas = [shape[str(kind)] for kind in given]
        told[str(status)] = _problem(said, schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
    done = {"description": "Done.", "content": {"application/json": {"schema": shape[str(operation.answer)]}}}
    return {"200": done, **dict(sorted(told.items()))}


def _problem(said: str, schema: Any) -> dict[str, Any]:
    return {"description": said, "content": {MEDIA_TYPE: {"schema": schema}}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    told = []
    if operation.asked is not None:
        schema = msgspec.json.schema(operation.asked)["$defs"][operation.asked.__name__]
        for name, one in schema["properties"].items():
            where = "path" if f"{{{name}}}" in operation.template else "query"
            told.append(_parameter(name, where, one, required=name in schema.get("required", ())))
    if operation.if_match:
        said = {"type": "string", "pattern": '^"[0-9]{1,15}"$', "description": "The ETag of what the change rests on."}
        told.append(_parameter("If-Match", "header", said, required=False))
    return told


def _parameter(name: str, where: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    shape = {key: value for key, value in schema.items() if key != "description"}
    if "anyOf" in shape:  # nothing that stands in an address is null
        kinds = [one for one in shape.pop("anyOf") if one != {"type": "null"}]
        shape = {**shape, **kinds[0]} if len(kinds) == 1 else {**shape, "anyOf": kinds}
    if shape.get("default", "") is None:
        del shape["default"]
    told = {"name": name, "in": where, "required": required, "schema": {k: v for k, v in shape.items() if k != "description"}}
    said = schema.get("description") or shape.get("description")
    return {**told, "description": said} if said else told


def _whole() -> bytes:
    """Give the document without a house behind it."""
    application = FastAPI(openapi_url=None)

    async def nothing() -> None:
        """Stand for what an operation does."""

    for operation in OPERATIONS:
        path = f"/v1{operation.path}"
        application.add_api_route(path, nothing, methods=[operation.method], response_model=None, **described(operation))
    return document(application.routes)


if __name__ == "__main__":
    sys.stdout.write(_whole().decode() + "\n")
