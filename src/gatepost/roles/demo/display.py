# SPDX-License-Identifier: Apache-2.0
"""What people see of the demo: a heading, a progress bar, tables, the way of one mail, and how to look on.

Text that came from mails reaches the terminal only without control characters, and never as markup.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gatepost.roles.demo.outcome import Labelled, Outcome
from gatepost.roles.demo.settings import HOST, USER, Ports

_WIDTH = 110
_SURPRISES_SHOWN = 10
_SETS_OF_FILTERS_SHOWN = 9


def screen(*, progress_only: bool) -> Console:
    """Give the console; where the answer on standard output is for a program, people look at standard error."""
    stream = sys.stderr if progress_only else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False, markup=False, emoji=False)


def heading(console: Console, ports: Ports, state: Path, mails_from: str) -> None:
    """Say what runs where, and what is asked."""
    console.print(
        f"Gatepost receives on {HOST}: {ports.smtp} (STARTTLS), {ports.submission} (submission, STARTTLS), "
        f"{ports.submissions} (submission, TLS).",
        f"Its store is {shown(state / 'data')}; behind it is a small mail server of the demo.",
        f"DNS is answered from {shown(state / 'zone')} alone; nothing is looked up outside.",
        f"Mails: {mails_from}.",
        sep="\n",
        soft_wrap=True,
    )


def door(console: Console, ports: Ports, name: str, password: str) -> None:
    """Say where the console is, and how to sign in at first."""
    console.print(f"The console is at http://{HOST}:{ports.console}/; sign in as {name} with {password} (good once).", soft_wrap=True)


def progress(console: Console) -> Progress:
    """Give the bar."""
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def tables(console: Console, outcome: Outcome) -> None:
    """Show what became of the mails, which filters refused, and each mail that surprised."""
    console.print(_fates(outcome))
    rules = ", ".join(dict.fromkeys(line.rule for line in outcome.by_filters))
    console.print(f"The filters' refusals, by the rule {rules!r}, which refuses from {outcome.threshold:g} points on:", soft_wrap=True)
    console.print(_filters(outcome))
    if outcome.labels:
        console.print(f"Real mails by their labels: {'; '.join(map(_labelled, outcome.labels))}.", soft_wrap=True)
    console.print(
        f"Reply, rule and points of {outcome.foretold} mails had been told by `gatepost check` before they were sent.", soft_wrap=True
    )
    for ham in outcome.ham_refused[:_SURPRISES_SHOWN]:
        console.print(Text(_clean(f"Ham was refused: {ham.name}: {ham.became}"), "red"))
    for surprise in outcome.surprises[:_SURPRISES_SHOWN]:
        text = f"Not as expected: {surprise.name} should be {surprise.expected} and was {surprise.became}: {surprise.reply}"
        console.print(Text(_clean(text), "red"))
    for complaint in outcome.complaints[:_SURPRISES_SHOWN]:
        console.print(Text(_clean(f"The next hop complains: {complaint}"), "red"))


def _fates(outcome: Outcome) -> Table:
    made = _table("outcome", "check", "mails", "the answer, or what is to say")
    passed = ", ".join(f"{method.upper()} {count}" for method, count in outcome.authenticated.items())
    made.add_row(
        Text("delivered", "green"),
        "",
        str(outcome.delivered),
        f"{outcome.unchanged} byte for byte as sent; passed: {passed}",
    )
    for number, (check, count) in enumerate(outcome.refused.items()):
        made.add_row(Text("" if number else "refused", "red"), check, str(count), _clean(outcome.refusal_replies[check]))
    made.add_row(Text("waiting", "yellow"), "", str(outcome.waiting), _clean(outcome.waiting_reply))
    told = f"; {outcome.reports_delivered} report delivered to the sender" if outcome.reports_delivered else ""
    made.add_row(Text("given up", "yellow"), "", str(outcome.reported), _clean(outcome.reported_reply) + told)
    made.add_section()
    made.add_row("sent", "", str(outcome.sent), f"in {outcome.seconds} s")
    return made


def _filters(outcome: Outcome) -> Table:
    made = _table("filters", "mails", "points", "for example")
    for line in outcome.by_filters[:_SETS_OF_FILTERS_SHOWN]:
        least, most = line.least_points, line.most_points
        points = f"{least:g}" if least == most else f"{least:g} to {most:g}"
        made.add_row(", ".join(line.filters), str(line.mails), points, Text(_clean(line.why), no_wrap=True, overflow="ellipsis"))
    if left := outcome.by_filters[_SETS_OF_FILTERS_SHOWN:]:
        made.add_row("others together", str(sum(line.mails for line in left)), "", "")
    return made


def _labelled(one: Labelled) -> str:
    otherwise = f" ({one.refused_otherwise} more for their line ends)" if one.refused_otherwise else ""
    return f"of {one.mails} {one.label} filters refused {one.refused_by_filters}{otherwise}"


def _table(*columns: str) -> Table:
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in {"mails", "points"} else "left", no_wrap=column != columns[-1])
    return made


def told(console: Console, command: list[str]) -> None:
    """Show the command that explains one refused mail, and let it answer."""
    console.print("\nWhy was one of them refused? Ask again whenever you like:\n")
    console.print(f"$ {shlex.join(command)}", soft_wrap=True)
    sys.stdout.flush()
    subprocess.run(command, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 -- our own command


def looking_on(console: Console, ports: Ports, config: Path, password: str) -> None:
    """Say how to look on while the demo stays up."""
    command = f"{shlex.join(gatepost())} queue"
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


def gatepost() -> list[str]:
    """Give the beginning of a command that this machine understands."""
    beside = Path(sys.executable).with_name("gatepost")
    return [shown(beside)] if beside.exists() else [shown(Path(sys.executable)), "-m", "gatepost"]


def _clean(untrusted_text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in untrusted_text)
