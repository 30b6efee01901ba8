# SPDX-License-Identifier: Apache-2.0
"""Every program that speaks S/MIME and is at hand, in every algorithm and with every kind of mail, both ways."""

import pytest

from cms_peers import HAS_BOUNCY_CASTLE, HAS_GPGSM, HAS_OPENSSL
from smime_mails import ROWS
from smime_table import PAGE, SCHEMES, WAYS, Cell, try_all

OBJECTS = {"OpenSSL": (HAS_OPENSSL, 80), "gpgsm": (HAS_GPGSM, 20), "Bouncy Castle": (HAS_BOUNCY_CASTLE, 80)}
MAILS = {
    "openssl cms": (HAS_OPENSSL, 20),
    "openssl smime": (HAS_OPENSSL, 16),
    "gpgsm": (HAS_GPGSM, 16),
    "Bouncy Castle": (HAS_BOUNCY_CASTLE, 16),
}
"""Who must be there, and how many cells pass at least; the others the peer lacks."""


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> tuple[dict[str, list[Cell]], dict[str, list[Cell]]]:
    """Try everything once."""
    return try_all(tmp_path_factory.mktemp("peers"))


def judge(found: dict[str, list[Cell]], name: str, there: bool, least: int) -> None:
    if not there:
        pytest.skip(f"{name} is not at hand")
    [tried] = [cells for peer, cells in found.items() if peer.startswith(name)]
    assert [cell for cell in tried if cell.outcome == "FAIL"] == []
    assert all(cell.said for cell in tried if cell.outcome == "lacks")
    assert sum(cell.outcome == "pass" for cell in tried) >= least


@pytest.mark.parametrize("name", OBJECTS)
def test_no_algorithm_fails_with_a_peer(name: str, found):
    """A peer may lack a thing: then it cannot write it, and reads it from nobody. All else passes, and most does."""
    judge(found[0], name, *OBJECTS[name])


@pytest.mark.parametrize("name", MAILS)
def test_no_kind_of_mail_fails_with_a_peer(name: str, found):
    """Clear, opaque, encrypted, both, and triple wrapped: what the peer writes we read, and what we write it reads."""
    judge(found[1], name, *MAILS[name])


def test_the_page_has_every_row():
    """What is tried is what is written; nothing failed there."""
    text = PAGE.read_text()
    for name in (*SCHEMES, *WAYS, *(row.name for row in ROWS)):
        assert f"| reads {name}" in text
        assert f"| writes {name}" in text
    assert "FAIL" not in text
