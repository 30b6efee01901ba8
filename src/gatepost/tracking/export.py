# SPDX-License-Identifier: Apache-2.0
"""A track as the JSON that administrators' scripts know: exactly the field names of the established product, and `SchemaVersion`.

Everywhere else JSON is in snake_case; these names stand in this file alone. What each field holds is told in
docs/reference/track-json.md. What these names have no place for (a filter's multiplier, the threshold) is not exported.
"""

from typing import Annotated

import msgspec

from gatepost.tracking.export_values import microseconds, moment, span, unempty
from gatepost.tracking.record import Attempt, OperationEntry, Status, TrackHead
from gatepost.tracking.search_show import Track
from gatepost.tracking.store_rows import domain_of

SCHEMA_VERSION = 1
"""Of the exported JSON; it rises when a field changes its meaning, or a new one must be understood."""

DIRECTIONS = {"inbound": "FromExternal", "outbound": "FromInternal"}
STATES = {"delivered": "Success", "deferred": "Deferred", "bounced": "Failed", "dropped": "Dropped"}


_Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Named(msgspec.Struct, rename="pascal", frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Has its fields' names in PascalCase, all of which must be there."""


class AddressJson(_Named, frozen=True):
    """One address of a mail."""

    address: str
    domain: str
    address_type: str


class FilterJson(_Named, frozen=True):
    """What one filter said."""

    name: str
    scl: float
    time: str
    message: str
    error_message: str | None


class ActionJson(_Named, frozen=True):
    """What one action did."""

    name: str
    decision: int
    time: str
    message: str
    error_message: str | None


class OperationContentJson(_Named, frozen=True):
    """What was found or done; `data` is a JSON document in a string."""

    type: str
    data: str


class OperationJson(_Named, frozen=True):
    """One operation."""

    id: int
    operation_id: str
    created: str
    operation: OperationContentJson


class AttemptJson(_Named, frozen=True):
    """One delivery attempt for one recipient."""

    address: str
    status: str
    status_message: str
    tls_protocol: str | None
    time: str
    target_host: str | None
    connector_name: str | None


class AttachmentJson(_Named, frozen=True):
    """One attached file."""

    id: int
    message_track_id: str
    name: str
    mime_type: str
    size: _Size
    sha256_hash: str | None = msgspec.field(name="Sha256Hash")
    tlsh_hash: str | None
    location: str | None
    folder_id: str | None
    is_quarantined: bool
    is_malware_scan_scheduled: bool
    last_malware_scan: str | None
    malware_scan_failed: bool
    auto_approval_date: str | None
    approval_requested_by: str | None
    approval_requested_on: str | None
    approval_requested_reason: str | None
    approved_by: str | None
    approved_on: str | None
    deleted_by: str | None
    deleted_on: str | None
    delete_reason: str | None
    is_download_link_available: bool


class TrackJson(_Named, frozen=True):
    """One track."""

    schema_version: int
    id: str
    mail_id: str
    message_id: str
    sent: str
    subject: str
    size: _Size
    status: str
    validation_status: str
    reject_reason: str | None
    scl: float
    rule_name: str | None
    direction: str
    was_received_from_relay_server: bool
    processing_gateway_role: str | None
    receive_connector_name: str | None
    client_ip_address: str | None = msgspec.field(name="ClientIPAddress")
    processing_time: str | None
    first_delivery_attempt: str | None
    delivery_duration: str | None
    signed: bool
    encrypted: bool
    tls_protocol: str | None
    tls_cipher_suite: str | None
    sender_certificate_validation_flags: str | None
    details_were_deleted: bool
    url_safeguard_info_was_deleted: bool
    addresses: list[AddressJson]
    filters: list[FilterJson]
    actions: list[ActionJson]
    operations: list[OperationJson]
    delivery_attempts: list[AttemptJson]
    attachments: list[AttachmentJson]
    level_of_trust: None


def export(track: Track) -> TrackJson:
    """Give a track in its exported form."""
    head, kept = track.head, not track.details_were_deleted
    sent, tried = microseconds(head.sent_at), [microseconds(attempt.at) for attempt in track.attempts]
    return TrackJson(
        schema_version=SCHEMA_VERSION,
        id=head.track,
        mail_id=head.track,
        message_id=head.message_id,
        sent=moment(sent),
        subject=head.subject,
        size=head.size,
        status=status_name(track.status),
        validation_status=status_name(head.status),
        reject_reason=unempty(head.reason or head.reply),
        scl=head.scl,
        rule_name=unempty(head.rule),
        direction=DIRECTIONS[head.direction],
        was_received_from_relay_server=head.direction == "outbound",
        processing_gateway_role=unempty(head.gateway),
        receive_connector_name=unempty(head.connector),
        client_ip_address=unempty(head.client),
        processing_time=span(head.milliseconds) if kept else None,
        first_delivery_attempt=moment(min(tried)) if tried else None,
        delivery_duration=span((max(tried) - sent) / 1000) if tried else None,
        signed=head.signed,
        encrypted=head.encrypted,
        tls_protocol=unempty(head.tls_protocol),
        tls_cipher_suite=unempty(head.tls_cipher),
        sender_certificate_validation_flags=None,
        details_were_deleted=track.details_were_deleted,
        url_safeguard_info_was_deleted=False,
        addresses=_addresses(head),
        filters=[
            FilterJson(name=one.name, scl=one.points, time=span(one.milliseconds), message=one.message, error_message=unempty(one.error))
            for one in head.filters
        ],
        actions=[
            ActionJson(
                name=one.name,
                decision=one.decision,
                time=span(one.milliseconds),
                message=one.message,
                error_message=unempty(one.error),
            )
            for one in head.actions
        ],
        operations=[_operation(head, number, one) for number, one in enumerate(head.operations, 1)],
        delivery_attempts=[one for attempt in track.attempts for one in _attempts(head, attempt)],
        attachments=_attachments(head),
        level_of_trust=None,
    )


def encoded(track: Track) -> bytes:
    """Give a track's exported JSON on one line."""
    return msgspec.json.encode(export(track))


def status_name(status: int) -> str:
    """Give a status as scripts know it: `DeliveryPending`."""
    return "".join(word.capitalize() for word in Status(status).name.split("_"))


def _addresses(head: TrackHead) -> list[AddressJson]:
    named = [("Sender", head.sender)] if head.sender else []
    named += [("HeaderFrom", one) for one in head.header_from]
    named += [("Recipient", one) for one in head.recipients]
    return [AddressJson(address=one, domain=domain_of(one), address_type=kind) for kind, one in named]


def _operation(head: TrackHead, number: int, entry: OperationEntry) -> OperationJson:
    content = OperationContentJson(type=entry.kind, data=entry.data.decode("utf-8", "replace"))
    return OperationJson(id=number, operation_id=f"{head.track}-{number}", created=moment(microseconds(head.sent_at)), operation=content)


def _attempts(head: TrackHead, attempt: Attempt) -> list[AttemptJson]:
    """Give one entry for each recipient; an address that stands in the envelope twice is told once."""
    places = attempt.recipients or range(len(head.recipients))
    named = dict.fromkeys(head.recipients[place] for place in places if 0 <= place < len(head.recipients))
    return [
        AttemptJson(
            address=one,
            status=STATES.get(attempt.state, attempt.state),
            status_message=attempt.reply,
            tls_protocol=unempty(attempt.tls),
            time=moment(microseconds(attempt.at)),
            target_host=unempty(attempt.host),
            connector_name=unempty(attempt.connector),
        )
        for one in named
    ]


def _attachments(head: TrackHead) -> list[AttachmentJson]:
    return [
        AttachmentJson(
            id=number,
            message_track_id=head.track,
            name=one.name,
            mime_type=one.mime_type,
            size=one.size,
            sha256_hash=None,
            tlsh_hash=None,
            location=None,
            folder_id=None,
            is_quarantined=False,
            is_malware_scan_scheduled=False,
            last_malware_scan=None,
            malware_scan_failed=False,
            auto_approval_date=None,
            approval_requested_by=None,
            approval_requested_on=None,
            approval_requested_reason=None,
            approved_by=None,
            approved_on=None,
            deleted_by=None,
            deleted_on=None,
            delete_reason=None,
            is_download_link_available=False,
        )
        for number, one in enumerate(head.attachments, 1)
    ]
