# SPDX-License-Identifier: Apache-2.0
"""What is made of a draft's text: it is read, edited, merged, compared. Pure, and so for a thread.

A large configuration takes tens of milliseconds to read or to write, in which the event loop has pages and gateways to serve.
Each function here does all of one step; what it needs of the store was asked before, and whether that still holds is found out
when its result is written, at the revision that was seen.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.config.loader import read_configuration_text
from gatepost.config.rules import Rule
from gatepost.errors import ConfigError
from gatepost.versioning.change import read
from gatepost.versioning.draft_record import Draft, OtherDraft, View
from gatepost.versioning.edit import Operation, Refusals, edit, faults_of, with_default_rules, without_default_rules
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import Change, changes
from gatepost.versioning.rebase import Conflict, Place, Side, merge
from gatepost.versioning.record import Version

SOURCE = "the draft"


class Text(NamedTuple):
    """The text that a change begins with."""

    document: str
    source: str
    """What faults call it."""
    based_on: int


class DraftTexts:
    """What can be made of texts, where these rules hold and these refusals stop a start."""

    def __init__(self, refusals: Refusals, default_rules: tuple[Rule, ...]) -> None:
        self._refusals = refusals
        self._default_rules = default_rules

    def edited(self, text: Text, operation: Operation) -> str | tuple[Fault, ...]:
        """Give the text after an edit, or what is wrong with the edit. Raises: ConfigError for a text that cannot be read."""
        before = read_configuration_text(text.document, text.source)
        after = edit(before, operation, self._refusals, self._default_rules)
        return after if isinstance(after, tuple) else canonical(after, SOURCE)

    def written(self, untrusted_text: str) -> str:
        """Give a text as versions have it. Raises: ConfigError."""
        return canonical(read_configuration_text(untrusted_text, SOURCE), SOURCE)

    def merged(self, base: Version, text: Text, newest: Version, keep: Mapping[Place, Side]) -> str | tuple[Conflict, ...]:
        """Give the text after a rebase onto the newest version, or the conflicts in which nobody has chosen. Raises: ConfigError."""
        theirs = read(newest)
        mine = read_configuration_text(text.document, text.source)
        merged = merge(self._ruled(read(base)), self._ruled(mine), self._ruled(theirs), keep)
        if merged.conflicts:
            return merged.conflicts
        configuration = merged.configuration
        return canonical(configuration if theirs.rules else without_default_rules(configuration, self._default_rules), SOURCE)

    def view(self, draft: Draft | None, base: Version, newest: Version) -> View:
        """Give what somebody sees whose draft this is. Raises: ConfigError."""
        if draft is None:
            return View(self._ruled(read(newest)), newest.number, 0, newest.made_at, newest.line)
        configuration = self._ruled(read_configuration_text(draft.document, SOURCE))
        faults = faults_of(configuration, self._refusals)
        told = self._changes(base, configuration)
        return View(configuration, draft.based_on, draft.revision, draft.changed_at, newest.line, told, faults)

    def others(self, drafts: Sequence[Draft], bases: Mapping[int, Version], author: str) -> tuple[OtherDraft, ...]:
        """Tell what everybody else's drafts change, and which of it an author's own changes too."""
        told = {draft.author: self._told(draft, bases[draft.based_on]) for draft in drafts}
        own = told.pop(author, None)
        return tuple(_overlapping(other, own) for other in told.values())

    def between(self, before: Version, after: Version) -> tuple[Change, ...]:
        """Tell what one version changed in another. Raises: ConfigError."""
        return self._changes(before, self._ruled(read(after)))

    def _told(self, draft: Draft, base: Version) -> OtherDraft:
        try:
            told = self._changes(base, self._ruled(read_configuration_text(draft.document, f"the draft of {draft.author}")))
        except ConfigError as fault:
            return OtherDraft(draft.author, draft.changed_at, draft.based_on, (), unreadable=str(fault))
        return OtherDraft(draft.author, draft.changed_at, draft.based_on, told)

    def _changes(self, base: Version, configuration: Configuration) -> tuple[Change, ...]:
        return changes(self._ruled(read(base)), configuration)

    def _ruled(self, configuration: Configuration) -> Configuration:
        return with_default_rules(configuration, self._default_rules)


def _overlapping(other: OtherDraft, own: OtherDraft | None) -> OtherDraft:
    mine = own.changes if own is not None else ()
    touched = tuple(one for one in other.changes if any(_touch(one, two) for two in mine))
    return OtherDraft(other.author, other.changed_at, other.based_on, other.changes, touched, other.unreadable)


def _touch(one: Change, other: Change) -> bool:
    if (one.section, one.entry) != (other.section, other.entry):
        return one.kind == other.kind == "moved" and one.section == other.section
    return one.field == other.field or not (one.field and other.field)
