# SPDX-License-Identifier: Apache-2.0
"""Pictures of pages for the documents, made by the tests that walk through these pages, so that none goes stale unseen.

`await picture(page, "tracking")` compares what a page shows now (its roles and words, figures left out) with what was recorded when
`docs/pictures/tracking.png` was made. If they differ the test fails, and says how the picture is made anew.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from playwright.async_api import Locator, Page

from browser import settled

FOLDER: Final = Path(__file__).parent.parent / "docs" / "pictures"
RECORD: Final = FOLDER / "pictures.toml"
RENEWING: Final = "RENEW_PICTURES"
_HEAD: Final = """\
# What each picture of this folder shows, as tests/pictures.py has recorded it: `page` is the SHA-256 of the page's roles and words,
# `file` that of the picture. Renewed by `{renewing}=1 bin/test TEST`.
"""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_VOLATILE: Final = (
    (re.compile(re.escape(gettempdir()) + r"/[^\s\"\\]*"), "PATH"),
    (re.compile(r"\b[0-9A-V]{24}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b|\b(?=[a-f]*[0-9])[0-9a-f]{8,}\b"), "ID"),
    (re.compile(r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]* \d{4}\b"), "DATE"),
    (re.compile(r"\b\d[\d.,:/ -]*\d\b|\d"), "#"),
    (re.compile(r"# (?:B|KB|MB|GB|TB)\b"), "# B"),
    (re.compile(r"# (?:second|minute|hour|day)s?\b"), "# s"),
    (re.compile(r"less than a second"), "# s"),
)


async def picture(page: Page, name: str, *, of: Locator | None = None, volatile: Sequence[Locator] = (), whole: bool = False) -> None:
    """Keep a picture of the page, or of a part of it; `whole` also of what is below the screen.

    Figures, times and identifiers never count; `volatile` names parts whose words may differ from run to run, too.
    """
    assert _NAME.fullmatch(name), f"{name!r}: use lower case letters, digits and hyphens"
    await settled(page)
    said = await structure(of or page.locator("body"), volatile)
    shown = digest(said)
    path = FOLDER / f"{name}.png"
    if os.environ.get(RENEWING) == "1":
        FOLDER.mkdir(parents=True, exist_ok=True)
        if of is None:
            await page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
        else:
            await of.screenshot(path=path, animations="disabled", caret="hide")
        record(name, shown, path)
    known = recorded().get(name)
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    renew = f"make it anew with `{RENEWING}=1 bin/test {test}`, look at it, and commit it with docs/pictures/pictures.toml"
    assert known is not None and path.is_file(), f"docs/pictures/{name}.png is missing; {renew}"
    assert known["page"] == shown, f"docs/pictures/{name}.png no longer shows what the page does; {renew}\n{said}"


async def structure(part: Locator, volatile: Sequence[Locator] = ()) -> str:
    """Give what a part of a page shows to somebody who has it read aloud, without figures and what is volatile."""
    for one in volatile:
        await one.evaluate_all("elements => elements.forEach(element => element.setAttribute('aria-hidden', 'true'))")
    said = await part.aria_snapshot()
    for one in volatile:
        await one.evaluate_all("elements => elements.forEach(element => element.removeAttribute('aria-hidden'))")
    return masked(said)


def masked(said: str) -> str:
    """Take figures, times and identifiers out of a text."""
    for pattern, mark in _VOLATILE:
        said = pattern.sub(mark, said)
    return said


def digest(said: str) -> str:
    """Give the SHA-256 of a text."""
    return hashlib.sha256(said.encode()).hexdigest()


def recorded() -> dict[str, dict[str, str]]:
    """Give what was recorded, by the name of the picture."""
    return tomllib.loads(RECORD.read_text()) if RECORD.is_file() else {}


def record(name: str, shown: str, path: Path) -> None:
    """Write down what a picture shows."""
    known = recorded() | {name: {"page": shown, "file": hashlib.sha256(path.read_bytes()).hexdigest()}}
    rows = [f'\n[{one}]\npage = "{known[one]["page"]}"\nfile = "{known[one]["file"]}"\n' for one in sorted(known)]
    RECORD.write_text(_HEAD.format(renewing=RENEWING) + "".join(rows))
