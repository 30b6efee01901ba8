# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document, the client's table and the operations say the same."""

import json
import subprocess
import sys

from api_document import PATH, document
from gatepost.access.roles import RIGHTS
from gatepost.roles.remote import WAYS, Way
from gatepost.web.api.table import OPERATIONS


def test_the_document_is_what_the_operations_say():
    """`python -m gatepost.web.api.document > docs/reference/openapi.json` renews it."""
    command = [sys.executable, "-m", "gatepost.web.api.document"]
    assert PATH.read_bytes() == subprocess.run(command, capture_output=True, check=True).stdout


def test_each_operation_is_called_as_in_the_private_api_and_names_its_right():
    """operationId, right and a sentence stand at each; no two paths answer to one name."""
    said = [one for methods in document()["paths"].values() for one in methods.values()]
    assert len({one["operationId"] for one in said}) == len(said) == len(OPERATIONS)
    rights = {one["operationId"]: one["security"][0]["token"] for one in said}
    assert {name for name, right in rights.items() if not right} == {"access.self", "access.session.list", "access.session.end"}
    assert {right for some in rights.values() for right in some} <= set(RIGHTS)
    assert all(one["summary"].endswith(".") for one in said)


def test_the_clients_table_is_read_off_the_document():
    """Method, path, query and body of each operation are in the client's table as in the document, and nothing else is."""
    read = {}
    for path, methods in document()["paths"].items():
        for method, one in methods.items():
            has_body = "requestBody" in one
            in_query = tuple(each["name"] for each in one.get("parameters", ()) if each["in"] == "query") if has_body else ()
            bare = not has_body and method not in ("get", "delete")
            read[one["operationId"]] = Way(method.upper(), path.removeprefix("/v1"), in_query, "", bare)
    assert {name: way._replace(body="") for name, way in WAYS.items()} == read
    assert {name: way.body for name, way in WAYS.items()} == {one.name: one.private_body for one in OPERATIONS}


def test_texts_and_numbers_that_are_asked_for_have_bounds():
    """No parameter is a text without an end or a number without a largest one."""
    loose = []
    for path, methods in document()["paths"].items():
        for one in (each for operation in methods.values() for each in operation.get("parameters", ())):
            shape = one["schema"].get("items", one["schema"])
            kind = shape.get("type", "enum" if "enum" in shape else None)
            bounded = {"string": {"maxLength", "pattern"}, "integer": {"maximum"}, "number": {"maximum"}}.get(str(kind))
            if bounded is not None and not bounded & set(shape):
                loose.append(f"{path} {one['name']}")
    assert loose == []


def test_the_served_document_is_the_one_that_is_written_down():
    """What a token reads at /api/v1/openapi.json is docs/reference/openapi.json."""
    from gatepost.web.api import document as made

    assert json.loads(made._whole()) == document()
