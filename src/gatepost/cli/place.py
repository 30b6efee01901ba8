# SPDX-License-Identifier: Apache-2.0
"""Which console a command asks: this machine's on its socket, or another one by HTTP with a token (`--url`, `--token`)."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from gatepost.config.loader import DEFAULT_BOOTSTRAP, read_bootstrap
from gatepost.config.secrets import resolve
from gatepost.errors import UsageError

_BOOTSTRAP = Path(DEFAULT_BOOTSTRAP)
_ASK_S = 30.0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to ask."""

    config: Annotated[Path, Parameter(help="The bootstrap file of this machine.")] = _BOOTSTRAP
    url: Annotated[
        str, Parameter(help="Ask the console at https://HOST, not this machine's; absent: what GATEPOST_URL says, else this machine's.")
    ] = ""
    token: Annotated[
        str, Parameter(help="Where the token for it is: file:/PATH or env:NAME; absent: GATEPOST_TOKEN, which may hold the token.")
    ] = ""
    ca: Annotated[str, Parameter(help="PEM file of the authorities its certificate may come from; absent: the system's.")] = ""

    @property
    def address(self) -> str:
        """The console's address; '' is this machine's. Raises: UsageError for two places at once."""
        if self.url and self.config != _BOOTSTRAP:
            raise UsageError("--config is about this machine, --url about another one; give one of them")
        if not self.url and (self.token or self.ca) and not os.environ.get("GATEPOST_URL"):
            raise UsageError("--token and --ca are for the console that --url names")
        return self.url or (os.environ.get("GATEPOST_URL", "") if self.config == _BOOTSTRAP else "")

    @property
    def secret(self) -> str:
        """The token. Raises: UsageError, ConfigError."""
        if self.token:
            return resolve(self.token, "--token")
        said = os.environ.get("GATEPOST_TOKEN", "")
        if not said:
            raise UsageError("--url needs a token; say where it is with --token file:/PATH or env:NAME")
        return said if said.startswith("gp_") else resolve(said, "GATEPOST_TOKEN")


HERE = Place()


def ask_console(place: Place, do: str, *, timeout_s: float = _ASK_S, kept: str = "", **args: Any) -> Any:
    """Ask the console. `kept` is what a gateway of this machine does not keep. Raises: ControlError, UsageError, ConfigError."""
    if address := place.address:
        from gatepost.roles.remote import Console, ask

        if args.get("author", "") not in ("", whoami()):
            raise UsageError("--author is for this machine's own console; with --url it is the token's owner")
        return ask(Console(address, place.secret, place.ca), do, timeout_s=timeout_s, **args)
    from gatepost.roles.control import ask as ask_here
    from gatepost.roles.control import console_path

    bootstrap = read_bootstrap(place.config)
    if kept and bootstrap.role == "gateway":
        raise UsageError(f"{kept} are kept on the intranet; ask there")
    return ask_here(console_path(bootstrap), do, timeout_s=timeout_s, **args)


def whoami() -> str:
    """Name the person: who called sudo, else the owner of this process."""
    if caller := os.environ.get("SUDO_USER", ""):
        return caller
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
