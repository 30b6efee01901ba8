# SPDX-License-Identifier: Apache-2.0
"""A console full of one text: whatever a stranger, a gateway or a colleague can bring into its pages says it.

await mark(site, "<script>")        # tracks, queues, events, incidents, audit, people, administrators, the configuration
"""

import json
import time
from typing import Any

import msgspec

from console_site import Site
from contracts.track_mails import head, outcome
from gatepost.access.administrators import Change, Changed
from gatepost.access.changing import transact
from gatepost.access.record import Came, Refusal
from gatepost.contracts.actor import Actor, Entry
from gatepost.monitoring.events_record import EventEntry
from gatepost.monitoring.record import Told
from gatepost.people.record import UserAddress, UserForm
from gatepost.tracking.codec import encode_change
from gatepost.tracking.record import ActionEntry, AttachmentEntry, FilterEntry, OperationEntry, Status, TrackChange, TrackHead

NAME = "marked"
"""The administrator whose display name says it."""
_INCIDENT = "INSERT INTO incident (tenant_id, kind, subject, level, details, opened_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
_NOTICE = """INSERT INTO incident_notice (tenant_id, incident_id, channel, target, content, made_at, due_at, tries, told_at, batch, trouble)
VALUES (?, 1, ?, ?, ?, 0, 0, 1, NULL, '', ?)"""


def marked_head(untrusted: str, tenant_id: int = 0, **more: Any) -> TrackHead:
    """Give the head of a mail that says it everywhere: of what the gateway's own reader of mails takes out, only line ends and NUL."""
    text = " ".join(untrusted.replace("\0", "\ufffd").splitlines())
    return head(
        time.time() - 60,
        tenant_id=tenant_id,
        status=Status.PERMANENTLY_BLOCKED,
        message_id=f"<{text}@x>",
        subject=text,
        sender=text,
        header_from=(text, f"{text}@partner.example"),
        recipients=(text, f"{text}@example.com"),
        rule=text,
        gateway=text,
        connector=text,
        client=text,
        helo=text,
        tls_protocol=text,
        tls_cipher=text,
        reason=text,
        reply=text,
        filters=(FilterEntry(text, 1.5, 0.75, 2, 0.25, text, text, (text,)),),
        actions=(ActionEntry(text, 0, 0.5, text),),
        operations=(OperationEntry("DmarcValidationEntry", json.dumps({text: text}).encode()),),
        attachments=(AttachmentEntry(text, text, 4000),),
        **more,
    )


async def mark(site: Site, text: str, tenant_id: int = 0) -> TrackHead:
    """Bring a text into everything; gives the head of the mail."""
    told = marked_head(text, tenant_id)
    attempt = msgspec.structs.replace(outcome(told).attempts[0], state=text, reply=text, host=text, tls=text, connector=text)
    attempts = (outcome(told, "deferred", reply=text), msgspec.structs.replace(outcome(told), attempts=(attempt,)))
    await site.tell((tenant_id, encode_change(TrackChange(told, attempts))))
    await site.rooms.events.log.add(
        [EventEntry(time.time(), text, text, "store.trouble", 2, json.dumps({"reason": text, "n": [text]}))], tenant_id
    )
    kept = text.replace("\0", "\ufffd")
    await transact(site.rooms.access.sessions._store, lambda connection: _incident(connection, kept, tenant_id))
    actor = Actor(text, "console", text, tenant_id)
    await site.rooms.access.audit.note(Entry(actor, "people.user.change", text, {text: text}, [text]))
    await _people(site, kept, tenant_id)
    _gateways(site, text, tenant_id)
    return told


def _incident(connection: Any, text: str, tenant_id: int) -> None:
    now = time.time()
    connection.execute(_INCIDENT, (tenant_id, "link.away", f"{text}/{tenant_id}", 2, json.dumps({"reason": text, text: text}), now, now))
    content = msgspec.json.encode(Told("opened", "link.away", text, "warning", {"reason": text}, now, now)).decode()
    for channel in ("mail", "webhook"):
        connection.execute(_NOTICE, (tenant_id, channel, text, content, text))


async def _people(site: Site, text: str, tenant_id: int) -> None:
    actor = Actor("root", "cli", tenant_id=tenant_id)
    added = await site.rooms.access.administrators.add(actor, NAME, ("people",), display_name=_shown(text))
    if isinstance(added, Refusal):
        added = await site.rooms.access.administrators.change(actor, NAME, Change(display_name=_shown(text)))
    assert isinstance(added, Changed), added
    await site.rooms.access.sign_in.begin(NAME, "wrong", Came("192.0.2.99", text), tenant_id)
    if tenant_id == 0:
        form = UserForm(_shown(text), (UserAddress("marked@example.com"),))
        await site.rooms.people.users.save(actor, form)


def _shown(text: str) -> str:
    """Give it as a name may be: a hundred printable characters at most."""
    return "".join(one for one in text if one.isprintable())[:100].strip() or "nobody"


def _gateways(site: Site, text: str, tenant_id: int) -> None:
    """Have gateways answer with it, to who asks for this tenant or for none."""
    line = {"domain": text, "waiting": 3, "sending": 1, "oldest_at": 1.0, "next_due_at": 2.0}
    row = {
        "track": text,
        "sender": text,
        "recipient": text,
        "received_at": 1.0,
        "attempts": 2,
        "last_reply": text,
        "due_at": 2.0,
    }
    before = {do: site.links.answers.get(("berlin", do)) for do in ("queue.list", "queue.show")}

    def answer(do: str, mine: Any) -> Any:
        def of(**args: Any) -> Any:
            others = before[do]
            return (mine if args.get("tenant_id") in (None, tenant_id) else []) + (others(**args) if others is not None else [])

        return of

    site.links.answers["berlin", "queue.list"] = answer("queue.list", [line])
    site.links.answers["berlin", "queue.show"] = answer("queue.show", [row])
    site.links.answers["berlin", "processes"] = [{"process": text, "pid": 7, "version": 1, "error": text}]
