# SPDX-License-Identifier: Apache-2.0
"""What the commands of `gatepost people` have alike: where the console is asked, and how a change's outcome is told."""

from typing import Annotated, Any

from cyclopts import Parameter

from gatepost.cli.output import plain, print_json
from gatepost.cli.place import HERE, Place, whoami
from gatepost.errors import UsageError

Config = Place
Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Tenant = Annotated[int, Parameter(help="This tenant's; 0 where there is only one.")]
Limit = Annotated[int, Parameter(help="Show at most so many, from 1 to 500.")]
Cursor = Annotated[str, Parameter(help="Go on where a page ended that named this.")]
Author = Annotated[str, Parameter(help="Who; absent: who runs this command.")]
Pairs = Annotated[tuple[str, ...], Parameter(help="NAME=VALUE; an empty value takes it away. May be given several times.", negative=())]
DEFAULT = HERE


def tell(answer: dict[str, Any], done: str, *, json: bool) -> int:
    """Tell what became of a change; gives the exit code."""
    outcome = answer["outcome"]
    if json:
        print_json(answer)
    elif outcome == "faulty":
        for fault in answer["faults"]:
            place = f"{fault['field']}: " if fault["field"] else ""
            print(plain(f"{place}{fault['cause']}; {fault['mend']}"))
    elif outcome == "outdated":
        print("Somebody else changed it meanwhile; look at it, and say it again." if answer["row"] else "It is gone; somebody removed it.")
    else:
        print(plain(done))
    return 0 if outcome in ("saved", "removed") else 1


def tell_more(cursor: str) -> None:
    """Say how to see the next page, if there is one."""
    if cursor:
        print(f"There are more; go on with --cursor {cursor}")


def paired(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """Read NAME=VALUE texts. Raises: UsageError."""
    read = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {pair!r} is not NAME=VALUE")
        read[name] = value
    return read


def merged(before: dict[str, str], pairs: dict[str, str]) -> dict[str, str]:
    """Put what was said over what there was; what was said to be empty is left out."""
    return {name: value for name, value in {**before, **pairs}.items() if value}


def checked_limit(limit: int) -> int:
    """Give a limit. Raises: UsageError."""
    if not 1 <= limit <= 500:
        raise UsageError("--limit is a number from 1 to 500")
    return limit


def author_of(author: str) -> str:
    """Name the person: as was said, else who called sudo, else the owner of this process."""
    return author or whoami()
