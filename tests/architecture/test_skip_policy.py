# SPDX-License-Identifier: Apache-2.0
"""A green run where CI=true means that everything ran."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

SAMPLES = {
    "test_one.py": "import pytest\ndef test_skipped(): pytest.skip('no reason')\n",
    "test_file.py": "import pytest\npytest.skip('no reason', allow_module_level=True)\n",
    "test_marked.py": "import pytest\n@pytest.mark.skip(reason='no reason')\ndef test_marked(): pass\n",
    "test_allowed.py": "import pytest\n@pytest.mark.skipif(True, reason='known')\ndef test_allowed(): pass\n",
    "test_expected.py": "import pytest\n@pytest.mark.xfail\ndef test_expected(): assert False\n",
    "test_good.py": "def test_good(): pass\n",
}


@pytest.mark.parametrize("processes", [(), ("-n", "2", "--dist", "loadfile")], ids=["one process", "two processes"])
@pytest.mark.parametrize(("ci", "code", "counts"), [("true", 1, {"passed": 1, "skipped": 1}), ("", 0, {"passed": 1, "skipped": 4})])
def test_a_skip_that_is_not_allowed_fails_where_ci_is_true(tmp_path, ci, code, counts, processes):
    """A skip of a test, by mark or of a whole file is a failure unless it is listed; elsewhere it is a skip."""
    for name in ("conftest.py", "run_end.py"):
        shutil.copy(TESTS / name, tmp_path)
    (tmp_path / "skips.toml").write_text('[[allowed]]\ntest = "test_allowed.py"\nreason = "known"\n')
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    for name, text in SAMPLES.items():
        (tmp_path / name).write_text(text)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", *processes, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    closing = answer.stdout.strip().splitlines()[-1]
    assert answer.returncode == code, answer.stdout
    assert all(f"{number} {outcome}" in closing for outcome, number in counts.items()), closing
    assert ("no reason" in answer.stdout and "does not allow it" in answer.stdout) == (ci == "true")


def test_each_allowed_skip_has_a_reason_and_a_test():
    """An entry names a test that exists and says why."""
    with (TESTS / "skips.toml").open("rb") as file:
        entries = tomllib.load(file).get("allowed", [])
    for entry in entries:
        assert (TESTS.parent / entry["test"].partition("::")[0]).exists(), entry
        assert len(entry["reason"]) > 20, entry
