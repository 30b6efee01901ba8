# SPDX-License-Identifier: Apache-2.0
"""Clients of the API whose every answer is held against the OpenAPI document.

api = checked(site.client(token=...))
await api.get("/tracks")            # below /api/v1; fails when status or shape are not in the document
"""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

PATH = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"
BASE = "/api/v1"
_ANYWHERE = {401, 404, 405, 429}
"""Answered before anything is looked up, or where there is no operation."""


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Give the document."""
    read: dict[str, Any] = json.loads(PATH.read_text())
    return read


def checked(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Have a client check what it is answered."""
    client.base_url = f"{str(client.base_url).rstrip('/')}{BASE}"  # type: ignore[assignment]
    client.event_hooks = {"response": [_check]}
    return client


async def _check(response: httpx2.Response) -> None:
    await response.aread()
    path = response.request.url.path.removeprefix("/api")
    described = _described(response.request.method, path)
    if described is None or str(response.status_code) not in described["responses"]:
        assert response.status_code in _ANYWHERE or path.endswith("/openapi.json"), (path, response.status_code, response.text)
        return
    said = described["responses"][str(response.status_code)]
    if "$ref" in said:
        said = document()["components"]["responses"][said["$ref"].rpartition("/")[2]]
    ((media_type, content),) = said["content"].items()
    assert response.headers["content-type"] == media_type, path
    schema = {**content["schema"], "components": document()["components"]}
    faults = [f"{one.json_path}: {one.message}" for one in Draft202012Validator(schema).iter_errors(response.json())]
    assert not faults, (path, response.status_code, faults)


def _described(method: str, path: str) -> dict[str, Any] | None:
    fixed_first = sorted(document()["paths"].items(), key=lambda one: [step.startswith("{") for step in one[0].split("/")])
    for template, methods in fixed_first:
        last = r".+" if template.endswith(("{user}", "{address}", "{name}")) else r"[^/]+"
        if method.lower() in methods and re.fullmatch(re.sub(r"\{\w+\}", last, template), path):
            described: dict[str, Any] = methods[method.lower()]
            return described
    return None
