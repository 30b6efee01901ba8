# SPDX-License-Identifier: Apache-2.0
"""`gatepost demo`: a whole gateway on loopback and unprivileged ports, with mails and a next hop of its own."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def demo(
    *,
    once: Annotated[bool, Parameter(help="End after the table instead of staying up.", negative=())] = False,
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
    state: Annotated[Path, Parameter(help="Folder for the demo's stores; emptied at each start.")] = Path(".state/demo"),
    ports: Annotated[
        tuple[int, int, int, int], Parameter(help="Ports for SMTP, for submission, for submission over TLS, for the console.")
    ] = (2525, 2587, 2465, 6060),
) -> int:
    """Show a whole gateway at work on this machine: it receives, refuses and delivers mails, then shows a table."""
    from gatepost.roles import demo as role

    return role.main(once=once, state=state, ports=ports, json=json)
