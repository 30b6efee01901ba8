# SPDX-License-Identifier: Apache-2.0
"""Secrets by reference."""

import pytest

from gatepost.config.secrets import resolve
from gatepost.errors import ConfigError


def test_a_file_gives_its_text_without_the_last_line_end(tmp_path):
    """Editors end a file with a line end; it is not part of the secret, a space is."""
    (tmp_path / "secret").write_bytes(b" p\xc3\xa4ss \r\n")
    assert resolve(f"file:{tmp_path}/secret", "k") == " päss "


def test_the_environment_gives_its_variable():
    """`env:NAME` is read from the environment given."""
    assert resolve("env:NAME", "k", {"NAME": "x"}) == "x"


@pytest.mark.parametrize(
    ("reference", "cause"),
    [
        ("hunter2", "a secret is given by reference"),
        ("keeper:x", "a secret is given by reference"),
        ("file:relative", "names no absolute path"),
        ("env:", "names no variable"),
        ("env:ABSENT", "the environment has no ABSENT"),
        ("file:/nowhere/secret", "cannot be read (No such file or directory)"),
        ("file:/dev/null", "is empty"),
        ("file:/dev/zero", "is too long"),
    ],
)
def test_a_secret_that_is_not_to_be_had_is_told_by_its_key(reference, cause):
    """The fault names the key and the reference, never a secret."""
    with pytest.raises(ConfigError) as caught:
        resolve(reference, "send_connectors[0].password", {})
    assert str(caught.value).startswith("send_connectors[0].password: ")
    assert cause in str(caught.value)
    assert "hunter2" not in str(caught.value)
