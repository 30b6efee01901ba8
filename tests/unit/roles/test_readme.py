# SPDX-License-Identifier: Apache-2.0
"""The README's example is one that a gateway starts with."""

import re
from pathlib import Path

from gatepost.config.bootstrap_checks import bootstrap_faults
from gatepost.config.loader import load_configuration, read_bootstrap

ROOT = Path(__file__).parent.parent.parent.parent


def test_the_two_files_of_the_readme_are_valid(tmp_path: Path) -> None:
    """The configuration loads; the bootstrap file lacks nothing but the certificate's files and the user."""
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    bootstrap, configuration = (tmp_path / "gatepost.toml", tmp_path / "configuration.toml")
    bootstrap.write_text(blocks[0])
    configuration.write_text(blocks[1])
    assert len(blocks) == 2
    load_configuration(configuration)
    faults = {fault.path.partition(": ")[2] for fault in bootstrap_faults(read_bootstrap(bootstrap, {}), str(bootstrap))}
    assert faults <= {"tls.certificate", "tls.key", "user"}


def test_what_the_readme_names_exists() -> None:
    """Each path of the project that stands in code quotes is there."""
    named = re.findall(r"`((?:bin|conf|src|docs)/[\w./]*)`", (ROOT / "README.md").read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) >= 2
