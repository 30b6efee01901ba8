# SPDX-License-Identifier: Apache-2.0
"""Configuration › Changes › As text: the draft as TOML, for those who like text; faults stand with their lines.

What cannot be read is not kept, but stays in the field with its line; what can be read is kept as the draft, and what still
stops an apply is told with it.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from gatepost.config.loader import read_configuration_text
from gatepost.errors import ConfigError
from gatepost.versioning.change import Faults
from gatepost.versioning.draft_record import Changed, Refused, Stale
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.text_faults import text_faults
from gatepost.web.console.changes.parts import DRAFT, READ, TABS, TEXT, WRITE, seen
from gatepost.web.console.settings.faults import said
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

_SOURCE: Final = "draft"
_AT_LINE: Final = re.compile(r"line (\d+), column \d+")
_HEAD: Final = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")
_STEP: Final = re.compile(r"([a-z0-9_]+)(?:\[(\d+)\])?")
SENTENCES: Final = (
    _("expected {0}, got {1}"),
    _("expected {0} >= {1}"),
    _("expected {0} <= {1}"),
    _("unknown key"),
    _("missing"),
    _("the keys here are {0}"),
    _("is not TOML ({0})"),
    _("mend that line; a text stands in quotes"),
    _("a secret is given by reference"),
    _("write file:/PATH or env:NAME, never the secret itself"),
)
"""What is said of a text alone, with the places of its values numbered; the rest stands in settings_form_faults."""
_UNREAD: Final = _("Nothing is kept yet: this text cannot be read.")
_LATE: Final = _("The draft was changed meanwhile. Your text still stands below; sending it again replaces that draft.")


class Marked(NamedTuple):
    """One fault, in the reader's language; `line` counts from 1, 0 where there is none."""

    line: int
    path: str
    cause: str
    mend: str


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Text(house)
    return [desk.route(TEXT, pages.show, READ), desk.route(TEXT, pages.replace, WRITE, post=True)]


class _Text:
    """The draft as text."""

    def __init__(self, house: House) -> None:
        self._drafts = house.drafts
        self._versioning = house.versioning

    async def show(self, visit: Visit) -> Response:
        """Show the draft, or the newest version while there is none."""
        draft = await self._drafts.get(visit.actor)
        document = draft.document if draft is not None else (await self._versioning.newest()).document
        visit.form.fill(document=document)
        faults = await asyncio.to_thread(text_faults, document, _SOURCE, self._versioning.faults)
        return _page(visit, draft.revision if draft is not None else 0, marked=_marked(document, faults, visit.words))

    async def replace(self, visit: Visit) -> Response:
        """Make the text the draft."""
        form = visit.form
        text = form.raw("document").replace("\r\n", "\n")
        if faults := await asyncio.to_thread(_unreadable, text, self._versioning.faults):
            return _page(visit, seen(form), 400, _UNREAD, _marked(text, faults, visit.words))
        match await self._drafts.replace(visit.actor, seen(form), text):
            case Stale(view):
                return _page(visit, view.revision, 409, _LATE)
            case Refused(refused):  # a secret that stands there itself
                marked = [Marked(0, one.field, *said(one, None, visit.words)) for one in refused]
                return _page(visit, seen(form), 400, _UNREAD, marked)
            case Changed(view):
                if view.faults:
                    return visit.go(TEXT, visit.words("The draft is kept. It cannot be applied yet; see below what is wrong."))
                return visit.go(DRAFT, visit.words("The draft is kept."))


def _page(visit: Visit, revision: int, status: int = 200, alert: str = "", marked: Iterable[Marked] = ()) -> Response:
    return visit.show(
        "changes_text.html",
        status,
        title=_("As text"),
        tabs=TABS,
        revision=revision,
        rows=min(40, visit.form.raw("document").count("\n") + 3),
        marked=list(marked),
        alert=visit.words(alert),
        may_change=visit.visitor.may(WRITE),
    )


def _unreadable(untrusted_text: str, refusals: Faults) -> list[ConfigError]:
    """Give all that is wrong with a text that cannot be read; nothing of one that can."""
    try:
        read_configuration_text(untrusted_text, _SOURCE)
    except ConfigError:
        return text_faults(untrusted_text, _SOURCE, refusals)
    return []


def _marked(text: str, faults: Iterable[ConfigError], words: Words) -> list[Marked]:
    lines = text.split("\n")
    told = []
    for fault in faults:
        path = fault.path.removeprefix(_SOURCE).removeprefix(": ")
        at = _AT_LINE.fullmatch(path)
        cause, mend = said(Fault(path, fault.cause, fault.mend), None, words)
        told.append(Marked(int(at[1]) if at else line_of(path, lines), "" if at else path, cause, mend))
    return told


def line_of(path: str, lines: Iterable[str]) -> int:
    """Find the line of a key like `rules[3].threshold` in a document, or of the table that it is missing in; 0 when there is neither."""
    steps = [(name, int(number or 0)) for name, number in _STEP.findall(path)]
    seen_heads: dict[str, int] = {}
    here: list[tuple[str, int]] = []
    best, depth = 0, -1
    for number, line in enumerate(lines, 1):
        if head := _HEAD.fullmatch(line):
            names = head[2].split(".")
            if head[1] == "[[":
                seen_heads[head[2]] = seen_heads.get(head[2], -1) + 1
            here = [(name, seen_heads.get(".".join(names[: at + 1]), 0)) for at, name in enumerate(names)]
            found = here
        elif key := _KEY.match(line):
            found = [*here, (key[1], steps[len(here)][1] if len(here) < len(steps) else 0)]
        else:
            continue
        if len(found) > depth and found == steps[: len(found)]:
            best, depth = number, len(found)
    return best
