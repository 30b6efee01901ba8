# SPDX-License-Identifier: Apache-2.0
"""`gatepost config`: the settings, checked as a start would check them, and the configuration as versions.

    gatepost config export -o new.toml      edit it      gatepost config apply new.toml --reason "why"

All but `check` ask the console, which owns the versions.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.output import age, console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console, whoami
from gatepost.config.bootstrap_checks import bootstrap_faults
from gatepost.config.loader import DEFAULT_BOOTSTRAP, read_bootstrap, read_configuration, text_of
from gatepost.errors import ConfigError, GatepostError, UsageError

Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Reason = Annotated[str, Parameter(help="Why, for those who read the history.")]
Author = Annotated[str, Parameter(help="Who; absent: who runs this command.")]

config = App(name="config", help="Check the settings; plan, apply and take back changes of the configuration.")


@config.command
def check(*, config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP), json: Json = False) -> int:
    """Check the bootstrap file and the configuration it names; exit code 1 when something must be mended."""
    faults = [{"path": one.path, "cause": one.cause, "mend": one.mend} for one in _faults(config)]
    if json:
        print_json({"valid": not faults, "faults": faults})
    elif faults:
        _tell_faults(faults)
    else:
        print("The settings are valid.")
    return 1 if faults else 0


@config.command
def export(
    *,
    version: Annotated[int | None, Parameter(help="This version; absent: the newest.")] = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Write it into this file.")] = None,
    place: Place = HERE,
    json: Json = False,
) -> int:
    """Show the configuration as one TOML document; its first line says which version it is."""
    from gatepost.versioning.current import head

    answer = ask_console(place, "config.export", number=version)
    text = head(answer["number"]) + answer["document"]
    if output is not None:
        _write(output, text)
    if json:
        print_json(answer)
    elif output is None:
        print(text, end="")
    else:
        print(f"Version {answer['number']} is in {output}; apply it with `gatepost config apply {output} --reason ...`.")
    return 0


@config.command
def diff(
    before: Annotated[str, Parameter(help="A version, or a file to compare the newest with; absent: the last change.")] = "",
    after: Annotated[str, Parameter(help="A version or a file; absent: the newest version.")] = "",
    *,
    place: Place = HERE,
    json: Json = False,
) -> int:
    """Tell in words what differs between two versions, or between a version and a file."""
    if before and not after and not before.isdigit():
        before, after = "", before
    if before and not before.isdigit():
        raise UsageError(f"{before!r} is no version; write `gatepost config diff VERSION FILE`")
    first = int(before) if before else None
    if after and not after.isdigit():
        answer = ask_console(place, "config.diff", before=first, document=text_of(after), source=after)
    else:
        answer = ask_console(place, "config.diff", before=first, after=int(after) if after else None)
    if json:
        print_json(answer)
    elif answer["changes"]:
        _tell_changes(answer["changes"])
    else:
        print(f"Nothing differs between version {answer['before']} and {_called(answer['after'])}.")
    return 0


@config.command
def apply(
    file: Annotated[Path, Parameter(help="An exported configuration, edited.")],
    *,
    reason: Reason = "",
    author: Author = "",
    plan: Annotated[bool, Parameter(help="Only tell what would change.", negative=())] = False,
    replay: Annotated[
        bool, Parameter(help="With --plan: also tell which mails of the last day would be judged otherwise.", negative=())
    ] = False,
    based_on: Annotated[int | None, Parameter(help="The version it changes; absent: the one that its first line names.")] = None,
    place: Place = HERE,
    json: Json = False,
) -> int:
    """Make a file the next version; exit code 1 when it is faulty, or rests on a version that is no longer the newest."""
    from gatepost.versioning.current import version_in

    document = text_of(file)
    based_on = based_on if based_on is not None else version_in(document)
    if replay and not plan:
        raise UsageError("--replay tries a change before it is made; say --plan too")
    if plan:
        answer = ask_console(place, "config.plan", document=document, source=str(file), based_on=based_on)
        if replay and answer["outcome"] != "faulty":
            answer["replay"] = ask_console(place, "config.replay", document=document, source=str(file))
        return _tell(answer, json=json, planned=True)
    if based_on is None:
        raise UsageError(f"{file} does not say which version it changes; begin with `gatepost config export`, or say --based-on")
    if not reason:
        raise UsageError("a change needs a reason; say it with --reason")
    said: dict[str, Any] = {"author": author or whoami(), "reason": reason}
    return _tell(ask_console(place, "config.apply", document=document, source=str(file), based_on=based_on, **said), json=json)


@config.command
def history(
    *,
    limit: Annotated[int, Parameter(help="Show at most so many versions, newest first.")] = 100,
    place: Place = HERE,
    json: Json = False,
) -> int:
    """Show who changed the configuration, when and why."""
    if limit < 1:
        raise UsageError("--limit is a number of at least 1")
    answer = ask_console(place, "config.history", limit=limit)
    if json:
        print_json(answer)
        return 0
    lines = table("version", "when", "who", "why", right=("version",))
    for one in answer:
        lines.add_row(str(one["number"]), _when(one["made_at"]), plain(one["author"]), plain(one["reason"]))
    console().print(lines)
    return 0


@config.command
def rollback(
    version: Annotated[int, Parameter(help="The version to go back to.")],
    *,
    reason: Reason,
    author: Author = "",
    place: Place = HERE,
    json: Json = False,
) -> int:
    """Make the next version with the text of an older one; nothing is lost from the history."""
    return _tell(ask_console(place, "config.rollback", number=version, author=author or whoami(), reason=reason), json=json)


@config.command
def status(*, place: Place = HERE, json: Json = False) -> int:
    """Show the version that each process works with, and why one kept an older; exit code 1 when one does."""
    answer = ask_console(place, "config.status")
    behind = [one for one in answer["processes"] if not one["holds_newest"]]
    if json:
        print_json(answer)
    else:
        newest = answer["newest"]
        made = f"{age(time.time() - newest['made_at'])} ago by {newest['author']}: {newest['reason']}"
        console().print(plain(f"Version {newest['number']} is the newest, made {made}."))
        lines = table("gateway", "process", "pid", "version", "", right=("pid", "version"))
        for one in answer["processes"]:
            said = one["error"] or ("" if one["holds_newest"] else "is on its way")
            lines.add_row(plain(one["gateway"]), plain(one["process"]), str(one["pid"]), str(one["version"]), plain(said))
        console().print(lines)
    return 1 if behind else 0


def _faults(path: Path) -> Iterator[ConfigError]:
    """Yield what is wrong; a file that cannot be read at all hides what stands in it."""
    from gatepost.roles.judgement import configuration_refusals

    try:
        bootstrap = read_bootstrap(path)
        yield from bootstrap_faults(bootstrap, str(path))
        yield from configuration_refusals(read_configuration(bootstrap.configuration), bootstrap.configuration)
    except ConfigError as fault:
        yield fault


def _tell(answer: dict[str, Any], *, json: bool, planned: bool = False) -> int:
    """Tell what became of a change; gives the exit code."""
    outcome = answer["outcome"]
    if json:
        print_json(answer)
    elif outcome == "faulty":
        _tell_faults(answer["faults"])
    elif outcome == "outdated":
        _tell_outdated(answer)
    elif not answer["changes"]:
        print(f"Version {answer['version']['number']} says this already; nothing was changed.")
    else:
        _tell_changes(answer["changes"])
        print("This is only a plan." if planned else f"Version {answer['version']['number']} is made; `gatepost config status` follows it.")
    if "replay" in answer and not json:
        _tell_replay(answer["replay"])
    return 0 if outcome in ("made", "unchanged") else 1


def _tell_replay(found: dict[str, Any]) -> None:
    """Tell what would become of the last day's mail."""
    print(
        f"Of {found['looked_at']} mails of the last day {found['same']} would be judged the same, {found['otherwise']} otherwise "
        f"({found['refused_now']} refused, {found['taken_now']} taken); {found['undetermined']} cannot be told."
    )
    for one in found["reasons"]:
        console().print(plain(f"  {one['mails']}: {one['sentence']}"))
    if found["not_looked_at"]:
        print(f"{found['not_looked_at']}{'' if found['not_looked_at'] < 100_000 else ' or more'} older ones were not looked at.")
    for one in found["mails"]:
        console().print(plain(f"{one['track']}  {_when(one['sent_at'])}  {one['sender'] or '<>'}: {one['why']}"))


def _tell_outdated(answer: dict[str, Any]) -> None:
    screen = console()
    screen.print(plain(f"Refused: version {answer['version']['number']} is the newest, and your change does not rest on it.", "red"))
    for one in answer["meanwhile"]:
        screen.print(plain(f"Version {one['number']}, {_when(one['made_at'])}, {one['author']}: {one['reason']}"))
    _tell_changes(answer["changes"])
    print("Export it, make your change there, and apply that.")


def _tell_changes(changes: list[dict[str, Any]]) -> None:
    screen = console()
    for one in changes:
        screen.print(plain(one["sentence"]))


def _tell_faults(faults: list[dict[str, Any]]) -> None:
    print("\n".join(f"{one['path']}: {one['cause']}; {one['mend']}" for one in faults))


def _called(compared: int | str) -> str:
    return f"version {compared}" if isinstance(compared, int) else compared


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _write(path: Path, text: str) -> None:
    """Write for this user alone: users' password hashes stand in it."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as fault:
        raise GatepostError(f"{path} cannot be written ({fault.strerror}); name another file") from None
