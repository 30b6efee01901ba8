# SPDX-License-Identifier: Apache-2.0
"""The table of commands, and the reading of a command line by it."""

from cyclopts import App, CycloptsError

from gatepost import __version__
from gatepost.cli.output import console
from gatepost.errors import UsageError

_HELP_WIDTH = 80
"""Columns of a help page that goes into a pipe."""
_PLACE = "gatepost.cli."
_NOUNS = {
    "run": ("run:run", "Run the processes of this machine until told to end."),
    "demo": ("demo:demo", "Show a whole gateway at work on this machine, with mails of its own."),
    "queue": ("queue:queue", "Look at the mail that waits for delivery, and act on it."),
    "track": ("track:track", "Find out what became of a mail, and why."),
    "incident": ("incident:incident", "See what needs care."),
    "people": ("people:people", "Look after corporate users, partners, and who may administer."),
    "role": ("role:role", "Pair this machine's role with others, and see how they do."),
    "check": ("check:check", "Judge a mail file as the gateway would, or show its structure and defects."),
    "rules": ("rules:rules", "Explain which rule owns a mail."),
    "config": ("config:config", "Look at the configuration, change it and take it back."),
    "mail": ("mail:mail", "Sign, encrypt, decrypt and verify a mail file."),
    "db": ("db:db", "Look after the databases."),
}


def carry_out(words: list[str]) -> int:
    """Call the command that the words name; gives its exit code, or raises UsageError with one sentence."""
    app = App(
        name="gatepost",
        help="An open secure mail gateway.",
        version=__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
        console=console(_HELP_WIDTH) if {"--help", "-h"} & set(words) else None,
    )
    for noun, (place, says) in _NOUNS.items():
        app.command(_PLACE + place, name=noun, help=says)
    try:
        if not words or words in (
            ["queue"],
            ["config"],
            ["rules"],
            ["role"],
            ["track"],
            ["mail"],
            ["db"],
            ["incident"],
            ["people"],
            ["people", "partner"],
            ["people", "field"],
        ):
            raise UsageError(f"no command was given; `{' '.join(['gatepost', *words])} --help` lists them")
        answer = app(_readable(words))
    except CycloptsError as fault:
        fault.verbose = False
        raise UsageError(_sentence(str(fault))) from None
    return answer if isinstance(answer, int) else 0


def _readable(words: list[str]) -> list[str]:
    """Write a lone hyphen, which stands for standard input or output, so that it is no option: as a path it stays the same."""
    return [f"./{word}" if word == "-" else word for word in words] if words[:1] in (["mail"], ["check"]) else words


def _sentence(text: str) -> str:
    """Make one line of what may be several."""
    return " ".join(text.split())
