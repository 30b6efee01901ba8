# SPDX-License-Identifier: Apache-2.0
"""What holds for every test.

Where CI=true, a skip that `skips.toml` does not allow is a failure; no property has a deadline; what tests share ends with the run.
"""

import os
import tomllib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from run_end import OF_RUN

_ALLOWED = Path(__file__).with_name("skips.toml")

# How long an example takes says something of the machine, and of what else it does at the moment.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_sessionfinish() -> None:
    """Stop what the tests shared; later it would be too late in a process that works for another one."""
    OF_RUN.close()


def allowed_skips() -> dict[str, str]:
    """Give the beginnings of test ids that may be skipped, each with its reason."""
    with _ALLOWED.open("rb") as file:
        return {entry["test"]: entry["reason"] for entry in tomllib.load(file).get("allowed", [])}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Judge the skips of single tests."""
    report = yield
    return _judged(report, item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Judge the skips of whole files."""
    report = yield
    return _judged(report, collector.nodeid)


def _judged(report: Any, test: str) -> Any:
    if os.environ.get("CI") != "true" or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return report
    if not any(test.startswith(beginning) for beginning in allowed_skips()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{test} was skipped where CI=true and tests/skips.toml does not allow it ({reason})"
    return report
