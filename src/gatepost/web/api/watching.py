# SPDX-License-Identifier: Apache-2.0
"""What needs care, what happened, how full the stores are, and which webhooks are told."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.monitoring.events_log import EventPage
from gatepost.monitoring.filling import Fill
from gatepost.monitoring.record import IncidentView, Page, Shown, Webhook
from gatepost.monitoring.webhooks import Created
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import Away, Missing
from gatepost.web.api.values import Moment, Name, Number, Word

READ, WRITE = "monitoring:read", "monitoring:write"
operations = Operations()


class EventSearch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows a search; all of it must be so."""

    after: Moment | None = None
    before: Moment | None = None
    level: Annotated[Literal["", "debug", "info", "warning", "error"], Meta(description="This one and graver ones.")] = ""
    name: Annotated[str, Meta(max_length=1000, description="How it begins: `link.` finds all of links.")] = ""
    gateway: Word = ""
    process: Word = ""
    text: Annotated[str, Meta(max_length=1000, description="In the event's fields.")] = ""
    below: Annotated[Number | None, Meta(description="Go on below this one, as the page before said.")] = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class IncidentSearch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which incidents."""

    all: Annotated[bool, Meta(description="Also those that have healed, newest first; else the open ones, the gravest first.")] = False
    limit: Annotated[int, Meta(ge=1, le=200, description="With `all`.")] = 50
    cursor: Annotated[Number | None, Meta(description="With `all`: where the page before said that the next begins.")] = None


class OneIncident(msgspec.Struct, forbid_unknown_fields=True):
    """Names an incident."""

    number: Number


class Again(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be looked at again."""

    kind: Name
    subject: Annotated[str, Meta(max_length=400)]


class OneWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """Names a webhook."""

    id: Name


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook that is to be."""

    name: Name
    url: Annotated[Word, Meta(description="What follows the host is kept as a secret: answers have it shortened.")]


class WebhookChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not named stays."""

    name: Name | None = None
    url: Annotated[Word | None, Meta(description="The whole one; empty, or shortened as it was answered, leaves it as it is.")] = None
    enabled: bool | None = None


@operations.get("event.search", "/events", READ)
async def events(call: Call, asked: EventSearch) -> EventPage:
    """Show what the processes of all roles thought worth telling, newest first."""
    return await call.house.events.search(**msgspec.structs.asdict(asked), tenant_id=call.tenant_id)


@operations.get("incident.list", "/incidents", READ)
async def incidents(call: Call, asked: IncidentSearch) -> Page:
    """Show what needs care."""
    if asked.all:
        return await call.house.incidents.history(asked.cursor, asked.limit, call.tenant_id)
    return Page(await call.house.incidents.open(call.tenant_id), None)


@operations.get("incident.show", "/incidents/{number}", READ)
async def incident(call: Call, asked: OneIncident) -> Shown | Missing:
    """Show one incident: what it means, what to do, who was told."""
    return await call.house.incidents.show(asked.number, call.tenant_id)


@operations.post("incident.recheck", "/incidents/recheck", READ)
async def recheck(call: Call, body: Again) -> IncidentView | Away | None:
    """Look again now; gives the incident as it is then, null when it has healed."""
    return await call.house.incidents.recheck(body.kind, body.subject, call.tenant_id)


@operations.get("store.usage", "/stores", READ, house=True)
async def stores(call: Call) -> list[Fill]:
    """Show how full each store is, as it was looked at last."""
    return await call.house.incidents.usage()


@operations.get("webhook.list", "/webhooks", READ)
async def webhooks(call: Call) -> list[Webhook]:
    """List where incidents are posted to."""
    return await call.house.incidents.webhooks.all(call.tenant_id)


@operations.post("webhook.create", "/webhooks", WRITE)
async def create(call: Call, body: NewWebhook) -> Created:
    """Add a webhook; the secret that signs what it is told is shown in this answer alone."""
    return await call.house.incidents.webhooks.create(call.actor, body.name, body.url)


@operations.patch("webhook.change", "/webhooks/{id}", WRITE)
async def change(call: Call, asked: OneWebhook, body: WebhookChange) -> Webhook | Missing:
    """Change a webhook; one that is turned off forgets what it was not told."""
    webhooks = call.house.incidents.webhooks
    return await webhooks.change(call.actor, asked.id, name=body.name, url=body.url, enabled=body.enabled)


@operations.post("webhook.renew_secret", "/webhooks/{id}/secret", WRITE)
async def renew_secret(call: Call, asked: OneWebhook) -> Created | Missing:
    """Give a webhook a new secret, shown in this answer alone; the old one signs nothing any more."""
    return await call.house.incidents.webhooks.renew_secret(call.actor, asked.id)


@operations.delete("webhook.remove", "/webhooks/{id}", WRITE)
async def remove(call: Call, asked: OneWebhook) -> bool | Missing:
    """Remove a webhook."""
    await call.house.incidents.webhooks.remove(call.actor, asked.id)
    return True
