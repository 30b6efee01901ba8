# SPDX-License-Identifier: Apache-2.0
"""`gatepost config`: the settings, checked as a start would check them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.output import print_json
from gatepost.config.bootstrap_checks import bootstrap_faults
from gatepost.config.configuration_checks import configuration_faults
from gatepost.config.loader import DEFAULT_BOOTSTRAP, read_bootstrap, read_configuration
from gatepost.errors import ConfigError

config = App(name="config", help="Check the settings.")


@config.command
def check(
    *,
    config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP),
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
) -> int:
    """Check the bootstrap file and the configuration it names; exit code 1 when something must be mended."""
    faults = list(_faults(config))
    if json:
        print_json({"valid": not faults, "faults": [{"path": one.path, "cause": one.cause, "mend": one.mend} for one in faults]})
    elif faults:
        print("\n".join(map(str, faults)))
    else:
        print("The settings are valid.")
    return 1 if faults else 0


def _faults(path: Path) -> Iterator[ConfigError]:
    """Yield what is wrong; a file that cannot be read at all hides what stands in it."""
    try:
        bootstrap = read_bootstrap(path)
        yield from bootstrap_faults(bootstrap, str(path))
        configuration = read_configuration(bootstrap.configuration)
        faults = list(configuration_faults(configuration, bootstrap.configuration))
        yield from faults
        if not faults:
            from gatepost.roles.judgement import check_judgement

            check_judgement(configuration)
    except ConfigError as fault:
        yield fault
