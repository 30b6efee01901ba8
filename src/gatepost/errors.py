# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, as one tree.

    GatepostError                 says in one sentence what, where and how to mend it
    ├── ConfigError               a setting is unknown or malformed (permanent until mended)
    ├── UsageError                a command was called wrongly (exit code 2)
    ├── OutputError               standard output cannot be written (exit code 74)
    ├── ControlError              a role did not answer, or said no (exit code 3 or 1)
    └── StoreError                the store cannot do its work
        ├── StoreOwned            another process owns this store (permanent until that one ends)
        ├── StoreFull             no space is left (temporary; answers 452)
        └── StoreAway             the store cannot be reached or written (temporary; answers 451)

Expected outcomes (a refused mail, a deferred delivery) are values, never exceptions.
"""


class GatepostError(Exception):
    """A failure that a person can act on; `str()` is the sentence they read."""

    temporary = False
    exit_code = 3


class ConfigError(GatepostError):
    """A setting that cannot work: where it stands, what is wrong, how to mend it."""

    def __init__(self, path: str, cause: str, mend: str) -> None:
        super().__init__(f"{path}: {cause}; {mend}")
        self.path, self.cause, self.mend = path, cause, mend


class UsageError(GatepostError):
    """A command line that cannot be understood."""

    exit_code = 2


class OutputError(GatepostError):
    """What a command has to say cannot be written."""

    exit_code = 74
    """EX_IOERR of sysexits: no answer of a command, whatever it was, has this code."""


class ControlError(GatepostError):
    """A role's control socket gave no answer or a refusal."""


class StoreError(GatepostError):
    """The store cannot do its work."""

    temporary = True


class StoreOwned(StoreError):
    """Another process owns this store."""

    temporary = False


class StoreFull(StoreError):
    """The disk or quota below the store is full."""


class StoreAway(StoreError):
    """The store cannot be reached or written."""
