# SPDX-License-Identifier: Apache-2.0
"""Corporate users, and the additional fields that users and partners have."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.people.answers import Fault
from gatepost.people.precedence import Resolved
from gatepost.people.record import AdditionalField, FieldForm, User, UserForm
from gatepost.people.user_search import PAGE, PAGE_MOST, Search, UserCounts, UserPage
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.people import READ, WRITE, Late, RowRemoved, RowSaved, Unfit, removed, saved, unfit
from gatepost.web.api.problem import Missing, missing
from gatepost.web.api.values import Cursor, Name, Revision, Word

operations = Operations()


class UserSearchAsked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows a list of users."""

    text: Annotated[str, Meta(max_length=1000, description="Words in name or address; all must be there.")] = ""
    enabled: bool | None = None
    source: Annotated[Word | None, Meta(description="The directory they come from; `manual`: entered by hand.")] = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MOST)] = PAGE
    cursor: Cursor = ""


class AnyUser(msgspec.Struct, forbid_unknown_fields=True):
    """Names a user."""

    user: Annotated[str, Meta(min_length=1, max_length=400, description="One of the user's addresses, or the user's id.")]


class OneUser(msgspec.Struct, forbid_unknown_fields=True):
    """Names a user, and what was seen of it."""

    id: Name
    revision: Revision | None = None


class OneField(msgspec.Struct, forbid_unknown_fields=True):
    """Names a field, and what was seen of it."""

    name: Name
    revision: Revision | None = None


class UserList(UserPage, frozen=True, kw_only=True):
    """One page, and how many there are in all."""

    counts: UserCounts


class UserShown(User, frozen=True, kw_only=True):
    """A user, with the values of the additional fields that hold."""

    values: dict[str, Resolved]


@operations.get("people.user.list", "/people/users", READ)
async def list_(call: Call, asked: UserSearchAsked) -> UserList:
    """List corporate users by name."""
    users = call.house.people.users
    page = await users.search(Search(call.tenant_id, asked.text, asked.enabled, asked.source, asked.cursor, asked.limit))
    return UserList(page.users, page.cursor, counts=await users.counts(call.tenant_id))


@operations.get("people.user.show", "/people/users/{user:path}", READ)
async def show(call: Call, asked: AnyUser) -> UserShown | Missing:
    """Show one corporate user."""
    users = call.house.people.users
    found = await (users.find(call.tenant_id, asked.user) if "@" in asked.user else users.get(call.tenant_id, asked.user))
    if found is None:
        return missing(f"there is no corporate user {asked.user!r}; `gatepost people list` shows those there are")
    call.tag(found.revision)
    return UserShown(**msgspec.structs.asdict(found), values=await users.fields_of(call.tenant_id, found))


@operations.post("people.user.add", "/people/users", WRITE, private_body="user")
async def add(call: Call, body: UserForm) -> RowSaved[User] | Late[User] | Unfit:
    """Add a corporate user."""
    return saved(call, await call.house.people.users.save(call.actor, body))


@operations.put("people.user.save", "/people/users/{id}", WRITE, if_match=True, private_body="user")
async def save(call: Call, asked: OneUser, body: UserForm) -> RowSaved[User] | Late[User] | Unfit:
    """Change a corporate user."""
    revision = call.rests_on("revision", asked.revision)
    return saved(call, await call.house.people.users.save(call.actor, body, asked.id, revision))


@operations.delete("people.user.remove", "/people/users/{id}", WRITE, if_match=True)
async def remove(call: Call, asked: OneUser) -> RowRemoved[User] | Late[User] | Unfit:
    """Remove a corporate user with all addresses."""
    return removed(call, await call.house.people.users.remove(call.actor, asked.id, call.rests_on("revision", asked.revision)))


@operations.get("people.field.list", "/people/fields", READ)
async def fields(call: Call) -> list[AdditionalField]:
    """List the additional fields in their order."""
    return await call.house.people.fields.all(call.tenant_id)


@operations.put("people.field.save", "/people/fields/{name}", WRITE, if_match=True, private_body="field")
async def save_field(call: Call, asked: OneField, body: FieldForm) -> RowSaved[AdditionalField] | Late[AdditionalField] | Unfit:
    """Add an additional field, or change it."""
    revision = call.rests_on("revision", asked.revision)
    if body.name.strip() != asked.name:
        return other_name("name")
    return saved(call, await call.house.people.fields.save(call.actor, body, revision))


@operations.delete("people.field.remove", "/people/fields/{name}", WRITE, if_match=True)
async def remove_field(call: Call, asked: OneField) -> RowRemoved[AdditionalField] | Late[AdditionalField] | Unfit:
    """Remove an additional field and all its values."""
    return removed(call, await call.house.people.fields.remove(call.actor, asked.name, call.rests_on("revision", asked.revision)))


def other_name(field: str) -> Unfit:
    """Refuse a body that is about another thing than the address."""
    return unfit(Fault(field, "the address and the body name different ones", "write it alike"))
