# SPDX-License-Identifier: Apache-2.0
"""The room put together: everything that pages, the API and the command line ask of it, over one open store."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from gatepost.access.administrators import Administrators
from gatepost.access.audit import AuditLog
from gatepost.access.changing import Changes
from gatepost.access.passwords import Passwords
from gatepost.access.rates import Rates
from gatepost.access.sealing import KeyFile
from gatepost.access.sessions import IDLE_S, WHOLE_S, Sessions
from gatepost.access.settling import Settling
from gatepost.access.sign_in import BURST, PER_MINUTE, REFUSAL_S, SignIn
from gatepost.access.tokens import Tokens
from gatepost.storage.contract import Store


class Access:
    """Who may administer. `audit.append` is the `Audit` that other rooms of this store get."""

    def __init__(
        self,
        store: Store,
        key_file: Path,
        *,
        totp: Literal["required", "optional"] = "required",
        idle_s: float = IDLE_S,
        whole_s: float = WHOLE_S,
        passwords: Passwords | None = None,
        rates: Rates | None = None,
        refusal_s: float = REFUSAL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use this store; the key file is made at its first use, as when the first authenticator is enrolled."""
        self.key = KeyFile(key_file)
        """Seals what must be read again; what is bound to one name cannot be opened for another."""
        self.audit = AuditLog(store, clock=clock)
        self._passwords = passwords or Passwords()
        changes, audit = Changes(store), self.audit.append
        self.sessions = Sessions(store, changes, audit, idle_s=idle_s, whole_s=whole_s, clock=clock)
        self.tokens = Tokens(store, changes, audit, clock=clock)
        self.administrators = Administrators(store, changes, self._passwords, audit, clock=clock)
        settling = Settling(store, self.sessions, audit, totp_required=totp == "required", clock=clock)
        limits = rates if rates is not None else Rates(PER_MINUTE, BURST)
        self.sign_in = SignIn(store, changes, settling, self._passwords, self.key, rates=limits, clock=clock, refusal_s=refusal_s)

    def close(self) -> None:
        """End the threads that calculate hashes; what waits there is not done."""
        self._passwords.close()
