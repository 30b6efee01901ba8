# SPDX-License-Identifier: Apache-2.0
"""Read one exported track. A stranger may have written it.

What was read is exported again and compared: so a track that is imported is exactly the one in the file, and what could not be kept
as it stands there (a text that is too long, a hash that is not stored, a status that its attempts do not bear out) is refused with its
place instead of being changed.
"""

from typing import Any, NamedTuple

import msgspec

from gatepost.tracking.apply_fates import merge, no_fates, status_of
from gatepost.tracking.bounds import ADDRESS, MESSAGE_ID, ORDINARY, line
from gatepost.tracking.export import DIRECTIONS, SCHEMA_VERSION, STATES, AttemptJson, TrackJson, export, status_name
from gatepost.tracking.export_values import read_moment, read_span
from gatepost.tracking.import_file import Document, ImportRefused
from gatepost.tracking.partitions import DAY_S, key_of, time_of, track_of
from gatepost.tracking.record import ActionEntry, AttachmentEntry, Attempt, FilterEntry, OperationEntry, Status, TrackHead
from gatepost.tracking.search_show import Track, bare_head, in_order
from gatepost.tracking.store_rows import fault, summary

_STATUSES = {status_name(status): status for status in Status}
_DIRECTIONS = {named: direction for direction, named in DIRECTIONS.items()}
_STATES = {named: state for state, named in STATES.items()}
_MOST_ENTRIES = 10_000
_DATA_BYTES = 16_384
_decode = msgspec.json.Decoder(TrackJson).decode


class _Fault(ValueError):
    """What is wrong, after the place where: `Filters[0].Time: ...`."""


class ImportedTrack(NamedTuple):
    """A track from a file."""

    key: bytes
    track: Track


def read_track(document: Document, tenant_id: int) -> ImportedTrack:
    """Read one object of a file as a track of this tenant. Raises: ImportRefused, with place and reason."""
    try:
        version = msgspec.json.decode(document.untrusted_text, type=_Version).SchemaVersion
        if version != SCHEMA_VERSION:
            raise _Fault(f"SchemaVersion: is {version}, this program knows {SCHEMA_VERSION}")
        untrusted = _decode(document.untrusted_text)
        imported = _track(untrusted, tenant_id)
        again = export(imported.track)
    except (_Fault, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ImportRefused(f"{document.place}: {error}") from None
    if again != untrusted:
        raise ImportRefused(f"{document.place}: {_difference(msgspec.to_builtins(untrusted), msgspec.to_builtins(again))}")
    return imported


class _Version(msgspec.Struct):
    SchemaVersion: int


def _track(untrusted: TrackJson, tenant_id: int) -> ImportedTrack:
    key: bytes = _checked(key_of, "Id", untrusted.id)
    if untrusted.id != track_of(key):
        raise _Fault("Id: is written in capitals")
    sent_at = _checked(read_moment, "Sent", untrusted.sent)
    if abs(sent_at - time_of(key)) > DAY_S:
        raise _Fault("Sent: is another day's than the Id's")
    for name in msgspec.structs.fields(TrackJson):
        entries = getattr(untrusted, name.name)
        if isinstance(entries, list) and len(entries) > _MOST_ENTRIES:
            raise _Fault(f"{name.encode_name}: are more than {_MOST_ENTRIES}")
    head = _head(untrusted, tenant_id, sent_at)
    if reason := fault(head):
        raise _Fault(f"Id {untrusted.id}: {reason}")
    if untrusted.details_were_deleted:
        left = bare_head(summary(head, key))
        return ImportedTrack(key, Track(left, (), Status(left.status), details_were_deleted=True))
    attempts = in_order(_attempts(untrusted.delivery_attempts, head.recipients))
    status = Status(status_of(head.status, merge(no_fates(len(head.recipients)), attempts)))
    return ImportedTrack(key, Track(head, attempts, status))


def _head(untrusted: TrackJson, tenant_id: int, sent_at: float) -> TrackHead:
    most, people = ORDINARY, untrusted.addresses
    senders = [one.address for one in people if one.address_type == "Sender"]
    base = "Status" if untrusted.details_were_deleted else "ValidationStatus"
    return TrackHead(
        untrusted.id,
        tenant_id,
        sent_at,
        _known(_DIRECTIONS, "Direction", untrusted.direction),
        _status(base, untrusted.status if untrusted.details_were_deleted else untrusted.validation_status),
        line(untrusted.message_id, MESSAGE_ID),
        line(untrusted.subject, most.subject),
        untrusted.size,
        line(senders[0], ADDRESS) if senders else "",
        tuple(line(one.address, ADDRESS) for one in people if one.address_type == "HeaderFrom"),
        tuple(line(one.address, ADDRESS) for one in people if one.address_type == "Recipient"),
        # Without details there is no reason: what the client was told is what the summary keeps.
        reply=_line(untrusted.reject_reason, most.reply) if untrusted.details_were_deleted else "",
        reason="" if untrusted.details_were_deleted else _line(untrusted.reject_reason, most.reason),
        rule=_line(untrusted.rule_name, most.name),
        scl=untrusted.scl,
        gateway=_line(untrusted.processing_gateway_role, most.name),
        connector=_line(untrusted.receive_connector_name, most.name),
        client=_line(untrusted.client_ip_address, most.name),
        tls_protocol=_line(untrusted.tls_protocol, most.name),
        tls_cipher=_line(untrusted.tls_cipher_suite, most.name),
        milliseconds=_span("ProcessingTime", untrusted.processing_time),
        signed=untrusted.signed,
        encrypted=untrusted.encrypted,
        filters=tuple(
            FilterEntry(
                line(one.name, most.name),
                one.scl,
                one.scl,
                1,
                _span(f"Filters[{place}].Time", one.time),
                line(one.message, most.message),
                _line(one.error_message, most.message),
            )
            for place, one in enumerate(untrusted.filters)
        ),
        actions=tuple(
            ActionEntry(
                line(one.name, most.name),
                one.decision,
                _span(f"Actions[{place}].Time", one.time),
                line(one.message, most.message),
                _line(one.error_message, most.message),
            )
            for place, one in enumerate(untrusted.actions)
        ),
        operations=tuple(
            OperationEntry(line(one.operation.type, most.name), _document(f"Operations[{place}].Operation.Data", one.operation.data))
            for place, one in enumerate(untrusted.operations)
        ),
        attachments=tuple(
            AttachmentEntry(line(one.name, most.name), line(one.mime_type, most.name), one.size) for one in untrusted.attachments
        ),
    )


def _attempts(untrusted: list[AttemptJson], recipients: tuple[str, ...]) -> tuple[Attempt, ...]:
    """Read attempts; what differs only in its recipient was one."""
    places: dict[str, list[int]] = {}
    for place, recipient in enumerate(recipients):
        places.setdefault(recipient, []).append(place)
    attempts: list[Attempt] = []
    for number, one in enumerate(untrusted):
        where = f"DeliveryAttempts[{number}]"
        if one.address not in places:
            raise _Fault(f"{where}.Address: is no recipient of this mail")
        attempt = Attempt(
            _checked(read_moment, f"{where}.Time", one.time),
            tuple(places[one.address]),
            _known(_STATES, f"{where}.Status", one.status),
            line(one.status_message, ORDINARY.reply),
            _line(one.target_host, ORDINARY.name),
            _line(one.tls_protocol, ORDINARY.name),
            _line(one.connector_name, ORDINARY.name),
        )
        if attempts and msgspec.structs.replace(attempts[-1], recipients=attempt.recipients) == attempt:
            attempt = msgspec.structs.replace(attempt, recipients=attempts.pop().recipients + attempt.recipients)
        attempts.append(attempt)
    return tuple(attempts)


def _difference(untrusted: Any, again: Any, where: str = "") -> str:
    """Say where two JSON values differ first."""
    if isinstance(untrusted, dict) and isinstance(again, dict):
        name = next(name for name in untrusted if untrusted[name] != again.get(name))
        return _difference(untrusted[name], again.get(name), f"{where}.{name}".lstrip("."))
    if isinstance(untrusted, list) and isinstance(again, list):
        if len(untrusted) != len(again):
            return f"{where}: has {len(untrusted)} entries, of which {len(again)} can be kept"
        place = next(place for place, value in enumerate(untrusted) if value != again[place])
        return _difference(untrusted[place], again[place], f"{where}[{place}]")
    return f"{where}: is {_short(untrusted)}, by the rest of the track it would be {_short(again)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _checked(read: Any, where: str, untrusted: str) -> Any:
    try:
        return read(untrusted)
    except ValueError as error:
        raise _Fault(f"{where}: {error}") from None


def _span(where: str, untrusted: str | None) -> float:
    return float(_checked(read_span, where, untrusted)) if untrusted is not None else 0.0


def _known(names: dict[str, Any], where: str, untrusted: str) -> Any:
    if untrusted not in names:
        raise _Fault(f"{where}: {_short(untrusted)} is none of {', '.join(names)}")
    return names[untrusted]


def _status(where: str, untrusted: str) -> Status:
    return Status(_known(_STATUSES, where, untrusted))


def _line(untrusted: str | None, most: int) -> str:
    return line(untrusted, most) if untrusted else ""


def _document(where: str, untrusted: str) -> bytes:
    encoded = untrusted.encode()
    if len(encoded) > _DATA_BYTES:
        raise _Fault(f"{where}: is longer than {_DATA_BYTES} bytes")
    try:
        msgspec.json.decode(encoded)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _Fault(f"{where}: is no JSON ({error})") from None
    return encoded
