# SPDX-License-Identifier: Apache-2.0
"""One machine: all processes of its role under a supervisor, or one of them alone (`--process`)."""

import os
import sys
from pathlib import Path

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.loader import load_bootstrap
from gatepost.errors import GatepostError, UsageError
from gatepost.roles.processes import Paths, Supervised, run_process
from gatepost.versioning import current

PROCESSES = ("deliver", "receive", "console")


def run(bootstrap: Bootstrap, config_path: str, process: str | None = None) -> int:
    """Run this machine until it is told to end; gives the exit code. `process` runs that one alone."""
    if process is None:
        from gatepost.roles.supervisor import Supervisor

        if bootstrap.role != "intranet":
            current.load(Path(bootstrap.data), bootstrap.configuration)  # a wrong setting is told before anything starts
        os.environ["GATEPOST_ROLE"] = bootstrap.role  # the processes read the file anew
        return Supervisor(bootstrap, config_path).run()
    return run_one(bootstrap, process)


def run_one(bootstrap: Bootstrap, process: str, supervised: Supervised | None = None) -> int:
    """Run one process in the foreground, on its own or with what its supervisor gave it."""
    paths = Paths(bootstrap)
    if process == "console":
        from gatepost.roles import console

        paths.make()
        return run_process(
            process,
            lambda: console.start(bootstrap, supervised.sockets if supervised else {}),
            supervised=supervised is not None,
            keeps_events=True,
        )
    if process == "deliver":
        from gatepost.roles import deliver
        from gatepost.roles.deliver_house import check_passwords

        held = current.load(paths.data, bootstrap.configuration, check_passwords)
        paths.make()
        return run_process(
            process,
            lambda: deliver.start(bootstrap, held.configuration, version=held.number),
            supervised=supervised is not None,
            keeps_events=True,
        )
    if process == "receive":
        from gatepost.roles import receive

        held = current.load(paths.data, bootstrap.configuration)
        paths.make()
        sockets = supervised.sockets if supervised else {}
        return run_process(
            process,
            lambda: receive.start(bootstrap, held.configuration, sockets, version=held.number),
            supervised=supervised is not None,
        )
    raise UsageError(f"there is no process {process}; choose one of {', '.join(PROCESSES)}")


def _main() -> int:
    """Begin as the supervisor's child: `python -m gatepost.roles.single CONFIG PROCESS SOCKETS`."""
    try:
        return run_one(load_bootstrap(sys.argv[1]), sys.argv[2], Supervised.read(sys.argv[3]))
    except GatepostError as error:
        sys.stderr.write(f"gatepost {sys.argv[2]}: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(_main())
