# SPDX-License-Identifier: Apache-2.0
"""Every program that speaks CMS and is at hand, in every algorithm, both ways."""

from pathlib import Path

from cms_peers import peers_at_hand
from smime_table import PAGE, SCHEMES, WAYS, Cell, cells


def test_nothing_fails_with_any_peer(tmp_path: Path):
    """A peer may lack a thing: then it cannot write it, and reads it from nobody. All else passes, and most does."""
    peers = peers_at_hand(tmp_path)
    try:
        found: dict[str, list[Cell]] = {peer.name: cells(peer, peers) for peer in peers}
    finally:
        for peer in peers:
            peer.close()
    assert any(name.startswith("OpenSSL") for name in found)
    for name, tried in found.items():
        assert [cell for cell in tried if cell.outcome == "FAIL"] == [], name
        passed = sum(cell.outcome == "pass" for cell in tried)
        print(name, "pass", passed, "lacks", len(tried) - passed)
        assert passed >= (20 if name.startswith("gpgsm") else 80)


def test_the_page_has_every_row():
    """What is tried is what is written; nothing failed there."""
    text = PAGE.read_text()
    for name in (*SCHEMES, *WAYS):
        assert f"| reads {name}" in text
        assert f"| writes {name}" in text
    assert "FAIL" not in text
