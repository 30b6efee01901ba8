# SPDX-License-Identifier: Apache-2.0
"""Sessions: one's own, for any token of one's own; those of others for who manages administrators.

A token that may change nothing ends no session either.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.access.record import folded_name
from gatepost.web.api.administration import READ, WRITE
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import MISSING, Missing, Stopped, missing
from gatepost.web.api.values import Name

Whose = Annotated[Name | None, Meta(description="Absent: oneself. Another one needs the right to administration.")]
operations = Operations()


class SessionsAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Whose."""

    administrator: Whose = None


class OneSession(msgspec.Struct, forbid_unknown_fields=True):
    """Names a session, and whose it is; its id is no secret."""

    id: Name
    administrator: Whose = None


class SignedIn(msgspec.Struct):
    """A browser that is signed in."""

    id: str
    created_at: float
    seen_at: float
    client: str
    """Where it was begun."""
    agent: str
    """What the browser calls itself."""


@operations.get("access.session.list", "/access/sessions", "")
async def sessions(call: Call, asked: SessionsAsked) -> list[SignedIn] | Missing:
    """List sessions, the newest first."""
    name = await _whose(call, asked.administrator, READ)
    found = await call.house.access.sessions.own(name, call.tenant_id)
    return [SignedIn(one.id, one.created_at, one.seen_at, one.client, one.agent) for one in found]


@operations.delete("access.session.end", "/access/sessions/{id}", "")
async def end(call: Call, asked: OneSession) -> bool | Missing:
    """End a session; its browser has to sign in anew. The token must be one that may change something."""
    name = await _whose(call, asked.administrator, WRITE)
    if not any(right.endswith(":write") for right in call.use.rights):
        raise Stopped(MISSING)
    if not await call.house.access.sessions.end(call.actor, name, asked.id):
        return missing("there is no such session")
    return True


async def _whose(call: Call, named: str | None, right: str) -> str:
    """Give whose sessions are meant. Raises: Stopped where the token may not know, or nobody is called so."""
    own = call.use.administrator.name
    if named is None or folded_name(named) == own:
        return own
    if not call.use.may(right):
        raise Stopped(MISSING)
    found = await call.house.access.administrators.get(named, call.tenant_id)
    if found is None:
        raise Stopped(missing(f"there is no administrator {named!r}"))
    return found.name
