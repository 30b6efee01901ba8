# SPDX-License-Identifier: Apache-2.0
"""What commands print: JSON for programs, tables and bars for people.

Text from mails and next hops reaches a terminal only without control characters, and never as markup.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from gatepost.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_EIGHTHS = " ▏▎▍▌▋▊▉"
_PIPE_WIDTH = 200
"""Columns where no terminal sets a width, so that nothing is cut for a reader like `grep`."""


@contextmanager
def standard_output() -> Iterator[None]:
    """Write to standard output, and see to it that all is written.

    Raises OutputError when it cannot be, as on a full disk; a reader that goes away is another matter, and stays BrokenPipeError.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        forget_output()
        raise OutputError(f"standard output cannot be written ({fault.strerror}); make room, or send it elsewhere") from None


def forget_output() -> None:
    """Let what Python would still flush at its end go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(answer: Any) -> None:
    """Print one answer as JSON, keys in snake_case; in UTF-8, whatever the terminal has (RFC 8259 §8.1)."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")


def console(width: int = _PIPE_WIDTH) -> "Console":
    """Give the console that people read; `width` holds where it is no terminal."""
    from rich.console import Console

    class Reading(Console):
        def on_broken_pipe(self) -> None:
            """Let the command line's border end it, quietly; rich would exit with 1, our negative answer."""
            raise BrokenPipeError

    return Reading(width=None if sys.stdout.isatty() else width, highlight=False, markup=False, emoji=False)


def table(*columns: str, right: tuple[str, ...] = ()) -> "Table":
    """Give an empty table; columns named in `right` hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return made


def plain(untrusted_text: str, style: str = "") -> "Text":
    """Give a text for a table cell, each control character shown as a middle dot."""
    from rich.text import Text

    return Text("".join(one if one.isprintable() else "·" for one in untrusted_text), style=style)


def bar(value: float, largest: float, width: int = 12) -> str:
    """Draw `value` as a bar, `largest` filling the width; anything above 0 shows."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(min(value / largest, 1.0) * width * 8))
    if "utf" not in (sys.stdout.encoding or "").lower():
        return "#" * max(1, round(eighths / 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def age(seconds: float) -> str:
    """Say a duration in its two largest units."""
    whole = max(0, int(seconds))
    for size, name, smaller_size, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // smaller_size} {smaller}"
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"
