# SPDX-License-Identifier: Apache-2.0
"""What people see of the demo: a heading, a progress bar, a table, and how to look on.

Text that came from mails reaches the terminal only without control characters, and never as markup.
"""

import os
import shlex
import sys
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gatepost.roles.demo.outcome import Outcome
from gatepost.roles.demo.settings import HOST, USER, Ports

_WIDTH = 110
_SURPRISES_SHOWN = 10


def screen(*, progress_only: bool) -> Console:
    """Give the console; where the answer on standard output is for a program, people look at standard error."""
    stream = sys.stderr if progress_only else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False, markup=False, emoji=False)


def heading(console: Console, ports: Ports, state: Path, mails_from: str) -> None:
    """Say what runs where."""
    console.print(
        f"Gatepost receives on {HOST}: {ports.smtp} (STARTTLS), {ports.submission} (submission, STARTTLS), "
        f"{ports.submissions} (submission, TLS).",
        f"Its store is {shown(state / 'data')}; behind it is a small mail server of the demo.",
        f"Mails: {mails_from}.",
        sep="\n",
        soft_wrap=True,
    )


def progress(console: Console) -> Progress:
    """Give the bar."""
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def table(console: Console, outcome: Outcome) -> None:
    """Show what became of the mails, and each that surprised."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    made.add_column("outcome")
    made.add_column("check")
    made.add_column("mails", justify="right")
    made.add_column("the answer, or what is to say")
    made.add_row(
        Text("delivered", "green"),
        "",
        str(outcome.delivered),
        f"{outcome.unchanged} of them byte for byte as sent, below one Received field",
    )
    for number, (check, count) in enumerate(outcome.refused.items()):
        made.add_row(Text("" if number else "refused", "red"), check, str(count), _clean(outcome.refusal_replies[check]))
    made.add_row(Text("waiting", "yellow"), "", str(outcome.waiting), _clean(outcome.waiting_reply))
    told = f"; {outcome.reports_delivered} report delivered to the sender" if outcome.reports_delivered else ""
    made.add_row(Text("given up", "yellow"), "", str(outcome.reported), _clean(outcome.reported_reply) + told)
    made.add_section()
    made.add_row("sent", "", str(outcome.sent), f"in {outcome.seconds} s")
    console.print(made)
    for surprise in outcome.surprises[:_SURPRISES_SHOWN]:
        text = f"Not as expected: {surprise.name} should be {surprise.expected} and was {surprise.became}: {surprise.reply}"
        console.print(Text(_clean(text), "red"))
    for complaint in outcome.complaints[:_SURPRISES_SHOWN]:
        console.print(Text(_clean(f"The next hop complains: {complaint}"), "red"))


def looking_on(console: Console, ports: Ports, config: Path, password: str) -> None:
    """Say how to look on while the demo stays up."""
    command = f"{_gatepost()} queue"
    where = f"--config {shlex.quote(shown(config))}"
    console.print("The gateway stays up until Ctrl-C. Look on from another terminal:\n")
    console.print(f"  {command} list {where}", soft_wrap=True)
    console.print(f"  {command} show {where}", soft_wrap=True)
    console.print(f"  {command} retry --all {where}", soft_wrap=True)
    console.print(f"  tail -f {shlex.quote(shown(config.parent / 'gatepost.log'))}", soft_wrap=True)
    console.print(
        f"\nSend it mail yourself on port {ports.smtp}; on {ports.submission} and {ports.submissions} log in as {USER} with {password}"
    )


def shown(path: Path) -> str:
    """Write a path as it is shortest from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _gatepost() -> str:
    beside = Path(sys.executable).with_name("gatepost")
    return shlex.quote(shown(beside)) if beside.exists() else f"{shlex.quote(shown(Path(sys.executable)))} -m gatepost"


def _clean(untrusted_text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in untrusted_text)
