# SPDX-License-Identifier: Apache-2.0
"""A draft, and what becomes of what somebody does to it: expected outcomes are values."""

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import Change
from gatepost.versioning.rebase import Conflict
from gatepost.versioning.record import VersionLine


class Draft(msgspec.Struct, frozen=True):
    """What one administrator has changed and not applied."""

    tenant_id: int
    author: str
    based_on: int
    """The version that it changes."""
    document: str
    """The whole configuration, as versions have it."""
    revision: int
    """Rises with each change and is never met again; who changes it names the one he has seen, 0 where there was none."""
    changed_at: float
    """Unix time."""


class View(msgspec.Struct, frozen=True):
    """What somebody who edits sees: his draft, or the newest version while he has none."""

    configuration: Configuration
    """With the default rules written out where it has none of its own."""
    based_on: int
    revision: int
    """0: there is no draft."""
    changed_at: float
    newest: VersionLine
    changes: tuple[Change, ...] = ()
    """From the version that it is based on."""
    faults: tuple[Fault, ...] = ()
    """What still stops an apply."""

    @property
    def is_outdated(self) -> bool:
        """Whether somebody has applied another version since: it must be rebased before it can be applied."""
        return self.based_on != self.newest.number


class OtherDraft(msgspec.Struct, frozen=True):
    """A draft of somebody else."""

    author: str
    changed_at: float
    based_on: int
    changes: tuple[Change, ...]
    overlapping: tuple[Change, ...] = ()
    """Those of its changes that touch what one's own draft changes too."""
    unreadable: str = ""
    """Why its changes cannot be told, where they cannot."""


class Changed(msgspec.Struct, frozen=True):
    """The draft as it is now."""

    view: View


class Refused(msgspec.Struct, frozen=True):
    """What was asked for cannot be; the draft is as it was."""

    faults: tuple[Fault, ...]


class Stale(msgspec.Struct, frozen=True):
    """The draft was changed, begun or ended elsewhere, as in another tab; it is as it was there."""

    view: View


class Conflicting(msgspec.Struct, frozen=True):
    """What the draft and the versions since changed differently; the draft is as it was."""

    newest: VersionLine
    conflicts: tuple[Conflict, ...]
