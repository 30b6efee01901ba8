# SPDX-License-Identifier: Apache-2.0
"""Write the reference of all events from the catalogue itself: `python -m gatepost.telemetry.reference`.

`docs/reference/events.md` is this output; a test compares them.
"""

import inspect
import sys

import msgspec

from gatepost.telemetry import events

_HEAD = """# Events

Written from the catalogue by `python -m gatepost.telemetry.reference`; edit that, not this page.
Each event is one line of JSON on standard error with `at` (Unix time in seconds), `event`, `level` and the fields below.
Names are stable: renaming one is a breaking change.

"""


def catalogue() -> list[type[events.Event]]:
    """Give every kind of event, by name."""
    kinds = [kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, events.Event) and kind is not events.Event]
    return sorted(kinds, key=lambda kind: kind.name)


def events_page() -> str:
    """Give the whole page in Markdown."""
    parts = []
    for kind in catalogue():
        said = " ".join((kind.__doc__ or "").split())
        rows = "".join(f"| `{field.name}` | {_type(field.type)} |\n" for field in msgspec.structs.fields(kind))
        kept = ", in the event log" if kind.kept else ""
        parts.append(f"## `{kind.name}` ({kind.level}{kept})\n\n{said}\n\n| field | type |\n| --- | --- |\n{rows}")
    return _HEAD + "\n".join(parts)


def _type(kind: object) -> str:
    return kind.__name__ if type(kind) is type else str(kind)


if __name__ == "__main__":
    sys.stdout.write(events_page())
