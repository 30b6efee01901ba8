# SPDX-License-Identifier: Apache-2.0
"""The documents' pictures: each that is shown was made by a test, each that was made is shown."""

import hashlib
import re
from pathlib import Path

import pictures

ROOT = Path(__file__).parent.parent.parent
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


def shown() -> dict[Path, list[str]]:
    """Give each picture that a document shows, with the words in its place."""
    found: dict[Path, list[str]] = {}
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for words, target in SHOWN.findall(page.read_text()):
            found.setdefault((page.parent / target).resolve(), []).append(words)
    return found


def test_each_picture_that_a_document_shows_was_made_by_a_test():
    """It lies in docs/pictures and is recorded there, and says in words what it shows."""
    known = {pictures.FOLDER / f"{name}.png" for name in pictures.recorded()}
    assert set(shown()) - known == set()
    assert [path.name for path, words in shown().items() if not all(words)] == []


def test_each_picture_that_was_made_is_shown_and_is_the_recorded_one():
    """None lies there for nobody, and none was changed by another hand."""
    known = pictures.recorded()
    files = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in pictures.FOLDER.glob("*.png")}
    assert files == {name: entry["file"] for name, entry in known.items()}
    assert {name for name in known if pictures.FOLDER / f"{name}.png" not in shown()} == set()


def test_each_picture_is_made_by_a_test_that_names_it():
    """The record holds nothing that no test makes any more."""
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in pictures.recorded() if f'"{name}"' not in tests] == []


def test_figures_do_not_make_a_picture_stale():
    """Counts, times, sizes and identifiers may differ; words and their order may not."""
    said = '- cell "12 Nov 2026, 10:03:11"\n- cell "1,204 mails, 3.5 MB, 2 hours"\n- text: 0190af3c-1111-7222-8333-444455556666'
    other = '- cell "3 Jan 2027, 09:00:00"\n- cell "7 mails, 12 KB, 1 day"\n- text: 0190af3c-9999-7222-8333-444455556667'
    assert pictures.masked(said) == pictures.masked(other)
    assert pictures.masked(said) != pictures.masked(said.replace("mails", "letters"))
