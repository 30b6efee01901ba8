# SPDX-License-Identifier: Apache-2.0
"""Administrators, API tokens and the audit: for who holds all four roles. Nobody's token gives more than it has."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.access.administrators import FORBIDDEN, Change, Changed
from gatepost.access.audit import MOST, PAGE, AuditPage, AuditSearch
from gatepost.access.record import Administrator, Refusal, Token
from gatepost.access.roles import ROLES, reach_of
from gatepost.access.tokens import MOST_DAYS, MadeToken
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import MISSING, Invalid, Missing, Place, invalid, missing
from gatepost.web.api.values import Moment, Name, Number, Word

READ, WRITE = "administration:read", "administration:write"
Right = Literal[
    "configuration:read",
    "configuration:write",
    "monitoring:read",
    "monitoring:write",
    "people:read",
    "people:write",
    "disclaimer:read",
    "disclaimer:write",
    "administration:read",
    "administration:write",
]
Role = Literal["configuration", "monitoring", "people", "disclaimer"]
operations = Operations()


class Oneself(msgspec.Struct):
    """Whose token this is, and what it may."""

    name: str
    display_name: str
    tenant_id: int
    token: Token
    rights: tuple[str, ...]


class OneAdministrator(msgspec.Struct, forbid_unknown_fields=True):
    """Names an administrator."""

    name: Name


class AdministratorChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not named stays."""

    display_name: Annotated[str | None, Meta(description="What pages call him.")] = None
    language: Literal["en", "de"] | None = None
    roles: Annotated[tuple[Role, ...], Meta(max_length=4)] | None = None
    enabled: bool | None = None
    one_time_password: Annotated[bool, Meta(description="Make one, valid for 24 hours; shown in this answer alone.")] = False
    unlock: bool = False
    reset_totp: bool = False


class AdministratorChanged(msgspec.Struct):
    """The administrator as he is now."""

    administrator: Administrator
    one_time_password: str
    """'' unless one was asked for."""
    added: bool


class OneToken(msgspec.Struct, forbid_unknown_fields=True):
    """Names a token; its id is no secret."""

    id: Name


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token that is to be: one's own, with at most the rights that the token has which makes it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[Right, ...], Meta(min_length=1, max_length=10)]
    days: Annotated[int, Meta(ge=1, le=MOST_DAYS)]


class AuditAsked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows a search; all of it must be so."""

    since: Moment | None = None
    until: Moment | None = None
    author: Annotated[str, Meta(max_length=100)] = ""
    operation: Annotated[str, Meta(max_length=100, description="How it begins: `people.` finds all of people.")] = ""
    subject: Word = ""
    before_id: Annotated[Number | None, Meta(description="Go on below this one, as the page before said in `next`.")] = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = PAGE


@operations.get("access.self", "/access/self", "")
async def oneself(call: Call) -> Oneself:
    """Tell whose token this is, and what it may."""
    one = call.use.administrator
    return Oneself(one.name, one.display_name, one.tenant_id, call.use.token, tuple(sorted(call.use.rights)))


@operations.get("access.admins", "/access/administrators", READ)
async def administrators(call: Call) -> list[Administrator]:
    """List who may administer."""
    return await call.house.access.administrators.list(call.tenant_id)


@operations.put("access.admin", "/access/administrators/{name}", WRITE, private_body="change")
async def administrator(call: Call, asked: OneAdministrator, body: AdministratorChange) -> AdministratorChanged | Missing | Invalid:
    """Change an administrator; with `one_time_password` one who is not there is added."""
    house, change = call.house.access.administrators, Change(**msgspec.structs.asdict(body))
    known = await house.get(asked.name, call.tenant_id)
    if known is not None:
        done = await house.change(call.actor, asked.name, change)
    elif not body.one_time_password:
        return missing(f"there is no administrator {asked.name!r}; with `one_time_password` he is added")
    elif body.unlock or body.reset_totp or body.enabled is not None:
        return invalid(f"there is no administrator {asked.name!r} to change")
    else:
        roles = ROLES if change.roles is None else change.roles
        more = {"display_name": change.display_name or "", "language": change.language or "en"}
        done = await house.add(call.actor, asked.name, roles, **more)
    if isinstance(done, Changed):
        return AdministratorChanged(done.administrator, done.one_time_password, known is None)
    return _refused(done, {"name": Place(done.sentence, parameter="name")})


@operations.get("access.token.list", "/access/tokens", READ)
async def tokens(call: Call) -> list[Token]:
    """List everybody's tokens, the newest first; ended ones too, for a while."""
    return await call.house.access.tokens.list(call.tenant_id)


@operations.post("access.token.make", "/access/tokens", WRITE)
async def make(call: Call, body: NewToken) -> MadeToken | Missing | Invalid:
    """Make a token of one's own; the whole of it is shown in this answer alone."""
    if not reach_of(body.scopes) <= call.use.rights:
        said = "a token can have no scope that the token which makes it does not have"
        return invalid(said, (Place(said, "#/scopes"),))
    made = await call.house.access.tokens.make(call.actor, body.name, body.scopes, body.days)
    return made if isinstance(made, MadeToken) else _refused(made)


@operations.delete("access.token.revoke", "/access/tokens/{id}", WRITE)
async def revoke(call: Call, asked: OneToken) -> Token | Missing:
    """End a token, one's own or anybody's."""
    ended = await call.house.access.tokens.revoke(call.actor, asked.id)
    return ended if isinstance(ended, Token) else missing(ended.sentence)


@operations.get("access.audit", "/audit", READ)
async def audit(call: Call, asked: AuditAsked) -> AuditPage:
    """Tell who changed what, how it was before and after, newest first."""
    return await call.house.access.audit.search(AuditSearch(**msgspec.structs.asdict(asked)), call.tenant_id)


def _refused(refusal: Refusal, places: dict[str, Place] | None = None) -> Missing | Invalid:
    """Say why a change of access was not made; who may not hears no more than where there is nothing."""
    if refusal == FORBIDDEN:
        return MISSING
    place = (places or {}).get(refusal.field) or Place(refusal.sentence, f"#/{refusal.field}")
    return invalid(refusal.sentence, (place,) if refusal.field else ())
