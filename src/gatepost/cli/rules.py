# SPDX-License-Identifier: Apache-2.0
"""`gatepost rules`: which rule would own a mail, and why the others above it do not."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.judge import asked, settings
from gatepost.cli.output import console, plain, print_json, table
from gatepost.config.loader import DEFAULT_BOOTSTRAP

rules = App(name="rules", help="Explain which rule owns a mail.")


@rules.command
def explain(
    *,
    client_ip: Annotated[str, Parameter(help="The client's address.")],
    rcpt: Annotated[str, Parameter(help="The recipient.")],
    mail_from: Annotated[str, Parameter(help="The envelope's sender; <> for none.")] = "<>",
    config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP),
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
) -> int:
    """Tell which rule would own a mail, and why those above it do not; exit code 1 when none does."""
    from gatepost.roles.trial import run_explanation

    bootstrap, configuration = settings(config)
    question = asked({"client_ip": client_ip, "helo": "localhost", "mail_from": mail_from, "recipients": (rcpt,)})
    told = run_explanation(question, bootstrap, configuration)
    if json:
        print_json({"rules": told})
    else:
        lines = table("rule", "owns it", "why")
        for one in told:
            owns = {True: "yes", False: "no", None: "by From"}[one["matches"]]
            lines.add_row(plain(str(one["rule"])), owns, plain(str(one["why"])))
        console().print(lines)
    return 0 if told and told[-1]["matches"] is not False else 1
