# SPDX-License-Identifier: Apache-2.0
"""`gatepost config check`: all faults of both files at once."""

import json

import pytest

from gatepost.cli import main


@pytest.fixture
def files(tmp_path):
    """Write both files; gives the words of the command."""

    def written(bootstrap: str, configuration: str) -> list[str]:
        (tmp_path / "configuration.toml").write_text(configuration)
        (tmp_path / "gatepost.toml").write_text(f'configuration = "{tmp_path}/configuration.toml"\n{bootstrap}')
        return ["config", "check", "--config", str(tmp_path / "gatepost.toml")]

    return written


def test_valid_settings_are_said_to_be(files, capfd):
    """Nothing to mend is exit code 0."""
    words = files('[[listeners]]\ntls = "none"\n', "")
    assert main(words) == 0
    assert capfd.readouterr().out == "The settings are valid.\n"
    assert main([*words, "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"valid": True, "faults": []}


def test_every_fault_of_both_files_is_listed(files, capfd):
    """One line each, so that a person mends all of them at once."""
    words = files("[[listeners]]\n", '[[corporate_servers]]\nname = "a"\n[receive]\ntls_timeout_s = inf\n')
    assert main(words) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "tls.certificate",
        "tls.key",
        "corporate_servers[0].networks",
        "receive.tls_timeout_s",
    ]
    assert main([*words, "--json"]) == 1
    answer = json.loads(capfd.readouterr().out)
    assert answer["valid"] is False
    assert [f"{one['path']}: {one['cause']}; {one['mend']}" for one in answer["faults"]] == lines
