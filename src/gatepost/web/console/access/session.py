# SPDX-License-Identifier: Apache-2.0
"""Who has signed in, as the frame wants to know it."""

from gatepost.access.sessions import Sessions
from gatepost.web.frame.visitor import Visitor


class SignedIn:
    """The sessions of administrators as visitors."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def visitor(self, secret: str, client: str, *, active: bool = True) -> Visitor | None:
        """Give the visitor that a cookie stands for; None when its session has ended or never was. Raises: StoreAway."""
        session = await self._sessions.find(secret, active=active)
        if session is None:
            return None
        who = session.administrator
        return Visitor(who.name, who.display_name, session.rights, who.language, session.form_token, session.id, client, who.tenant_id)
