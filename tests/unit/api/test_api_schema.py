# SPDX-License-Identifier: Apache-2.0
"""The document says what the API does: calls made up from it are answered as it says, and no call breaks anything."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from console_site import served_site
from gatepost.web.api.table import OPERATIONS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode, checks

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
NAMES = [one.name for one in OPERATIONS]
SETTINGS = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
EXPECTED = {502}
"""A gateway that refuses is no defect."""


class Api(NamedTuple):
    """The API, served."""

    url: str
    token: str
    schema: Any


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Give the API over a house with an administrator of all rights."""
    document = json.loads(DOCUMENT.read_text())
    with served_site(tmp_path_factory.mktemp("api")) as served:
        served.run(served.site.administrator("anna"))
        yield Api(served.url, served.run(served.site.token("anna")), schemathesis.openapi.from_dict(document))


def find(api: Api, name: str) -> Any:
    """Give an operation as schemathesis knows it."""
    return api.schema.find_operation_by_id(name)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_as_the_document_says(api: Api, name: str, mode: GenerationMode):
    """Whatever is sent, fitting or not, is answered without a defect, and in the shape that the document gives."""

    @given(find(api, name).as_strategy(generation_mode=mode))
    @SETTINGS
    def call(case: Any) -> None:
        answer = case.call(base_url=f"{api.url}/api", headers={"Authorization": f"Bearer {api.token}"})
        case.validate_response(
            answer, checks=[one for one in CHECKS if one is not checks.not_a_server_error or answer.status_code not in EXPECTED]
        )

    call()


@pytest.mark.parametrize("name", NAMES)
def test_without_a_token_nothing_is_answered(api: Api, name: str):
    """Each operation, whatever is sent, answers 401 or, after too many, 429 to who has no token."""

    @given(find(api, name).as_strategy())
    @settings(SETTINGS, max_examples=1)
    def call(case: Any) -> None:
        assert case.call(base_url=f"{api.url}/api").status_code in (401, 429)

    call()
