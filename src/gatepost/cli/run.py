# SPDX-License-Identifier: Apache-2.0
"""`gatepost run`: the processes of one machine, supervised, or one of them alone."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from gatepost.config.loader import DEFAULT_BOOTSTRAP, load_bootstrap


def run(
    *,
    config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP),
    role: Annotated[Literal["single", "gateway", "intranet"] | None, Parameter(help="What to run; absent: the file's role.")] = None,
    process: Annotated[str | None, Parameter(help="Run this process alone, unsupervised; absent: all of them.")] = None,
) -> int:
    """Run the processes of this machine until told to end.

    SIGTERM lets them finish what they have begun. A second start on the same store refuses.
    """
    bootstrap = load_bootstrap(config)
    if role is not None:
        bootstrap = msgspec.structs.replace(bootstrap, role=role)

    from gatepost.roles import single

    return single.run(bootstrap, str(config), process)
