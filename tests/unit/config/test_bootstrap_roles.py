# SPDX-License-Identifier: Apache-2.0
"""Roles, stores and links in the bootstrap file: what works is taken, what cannot is told with its mend."""

from pathlib import Path

import pytest

from gatepost.config.bootstrap_checks import bootstrap_faults, split_listen
from gatepost.config.loader import read_bootstrap

LISTENER = '[[listeners]]\ntls = "none"\n'


def faults(folder: Path, text: str) -> list[str]:
    file = folder / "gatepost.toml"
    file.write_text(text)
    return [str(fault).removeprefix(f"{file}: ") for fault in bootstrap_faults(read_bootstrap(file, {}), str(file))]


@pytest.mark.parametrize(
    "text",
    [
        LISTENER,
        LISTENER + '[stores]\ngateway = "postgresql://u@h/d"\nintranet = "postgres://u@h/d"\nblobs = "s3://bucket/prefix"\n',
        LISTENER + '[stores]\ngateway = "file:/etc/url"\nblobs = "env:BLOBS"\nblobs_login = "file:/etc/login"\n',
        LISTENER + '[link]\nlisten = "0.0.0.0:6061"\n',
        LISTENER + '[link]\nlisten = "[2001:db8::1]:6061"\n',
        'role = "intranet"\nlisteners = []\n',
        'role = "intranet"\n',
    ],
)
def test_what_works_is_taken(tmp_path: Path, text: str) -> None:
    """An intranet takes no mail, and so needs neither listeners nor their TLS."""
    assert faults(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LISTENER + '[stores]\ngateway = "mysql://h/d"', 'stores.gateway: names no store that Gatepost knows; write "sqlite", or a URL'),
        (LISTENER + '[stores]\nintranet = "SQLite"', "stores.intranet: names no store that Gatepost knows"),
        (LISTENER + '[stores]\nblobs = "sqlite"', 'stores.blobs: names no store that Gatepost knows; write "files", or a URL'),
        (LISTENER + '[stores]\nblobs = "s3://b"\nblobs_login = "key:secret"', "stores.blobs_login: a secret is given by reference"),
        (LISTENER + '[stores]\nblobs_login = "env:LOGIN"', "stores.blobs_login: files need no login"),
        (LISTENER + '[link]\nlisten = "6061"', "link.listen: '6061' has no port; write address:port, as 192.0.2.1:6061"),
        (LISTENER + '[link]\nlisten = "192.0.2.1:70000"', "has no port"),
        (LISTENER + '[link]\nlisten = "2001:db8::1:6061"', "has no port"),
        (LISTENER + '[link]\nlisten = "gateway.example:6061"', "link.listen: "),
        ("listeners = []\n", "listeners: there is none"),
    ],
)
def test_what_cannot_work_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    """One sentence with the key and how to mend it."""
    (fault,) = faults(tmp_path, text)
    assert sentence in fault


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("h.example:25", ("h.example", 25)),
        ("[::1]:6061", ("::1", 6061)),
        ("::1:6061", ("::1:6061", 0)),
        ("h", ("h", 0)),
        ("h:", ("h:", 0)),
        ("6061", ("6061", 0)),
    ],
)
def test_an_address_has_two_parts(text: str, parts: tuple[str, int]) -> None:
    """Host and port, an IPv6 address in brackets."""
    assert split_listen(text) == parts
