# SPDX-License-Identifier: Apache-2.0
"""The trace that we put on a mail, and the one thing that we take from it: results forged in our name (RFC 8601 §5)."""

import contextlib

from gatepost.contracts.authentication import Authentication
from gatepost.errors import StoreError
from gatepost.mailflow.arrival import Opened
from gatepost.message.received import received as received_field
from gatepost.message.received import with_protocol
from gatepost.message.splice import splice
from gatepost.message.tree import Message
from gatepost.protection.mailauth.results import authentication_results, forged_fields
from gatepost.smtp.server.service import Received
from gatepost.storage.blobs import BlobStore


def headers(opened: Opened, authentication: Authentication | None, hostname: str) -> bytes:
    """Give our header block: what authentication found, where it was asked, and one Received field."""
    peer, envelope = opened.peer, opened.envelope
    only = envelope.recipients[0].address if len(envelope.recipients) == 1 else None
    protocol = with_protocol(extended=peer.extended, tls=bool(peer.tls), authenticated=bool(peer.user), utf8=envelope.smtputf8)
    field = received_field(
        untrusted_helo=peer.helo,
        client=peer.address,
        hostname=hostname,
        protocol=protocol,
        track=opened.track,
        at=opened.received_at,
        recipient=only,
    )
    return field if authentication is None else authentication_results(hostname, authentication) + field


def without_forged_results(message: Message, received: Received, hostname: str, blobs: BlobStore) -> Received:
    """Give the content without fields that claim to be our Authentication-Results; unchanged when there are none.

    Blocks when the content is a blob. Raises StoreFull or StoreAway.
    """
    forged = forged_fields(message.headers, (hostname,))
    if not forged:
        return received
    edits = [(start, end, b"") for start, end in forged]
    if not received.blob:
        content = splice(received.inline, edits)
        return received._replace(size=len(content), inline=content)
    writer, at = blobs.create(), 0
    for start, end in forged:
        writer.write(message.raw[at:start])
        at = end
    writer.write(message.raw[at:])
    name = writer.finish()
    with contextlib.suppress(StoreError):  # the sweep removes it then
        blobs.remove([received.blob])
    return received._replace(size=received.size - sum(end - start for start, end in forged), blob=name)
