# SPDX-License-Identifier: Apache-2.0
"""A track in sentences, for who asks what became of a mail and why. Times are UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from gatepost.tracking.record import Attempt, FilterEntry, OperationEntry, Status, TrackHead
from gatepost.tracking.search_show import Track

_RESULT = {
    Status.NONE: "nothing is known of what became of it",
    Status.SUCCESS: "it was delivered to all recipients",
    Status.DISPATCHER_ERROR: "it could be delivered to nobody",
    Status.TEMPORARILY_BLOCKED: "it was refused for now; the client may try again",
    Status.PERMANENTLY_BLOCKED: "it was refused for good",
    Status.DELIVERY_PENDING: "its delivery is pending",
    Status.PARTIAL_SUCCESS: "its recipients' fates differ",
    Status.SUPPRESSED: "it was taken and, as its rule says, delivered to nobody",
    Status.DUPLICATE_DROP: "it was a duplicate and was dropped",
    Status.PUT_ON_HOLD: "it was put on hold",
}
_STATES = {
    "delivered": "delivered to {who}",
    "deferred": "not delivered to {who} for now",
    "bounced": "given up for {who}",
    "dropped": "removed from the queue for {who}",
}
_SHOWN_RECIPIENTS = 5


def sentences(track: Track) -> list[str]:
    """Give who, what, which rule, each filter's points and reason, each delivery, and what it came to."""
    return list(_sentences(track))


def _sentences(track: Track) -> Iterator[str]:
    head = track.head
    yield _mail(head)
    yield from _client(head)
    if head.count > 1:
        yield f"It stands for {head.count} refused mails of the same client, for the same reason, within a minute."
    yield from _decision(head)
    for one in head.filters:
        yield from _filter(one)
    for action in head.actions:
        tail = f": {action.message}" if action.message else ""
        yield f"Action {action.name}{tail}{f'; it could not do all ({action.error})' if action.error else ''}."
    for operation in head.operations:
        yield _operation(operation)
    for file in head.attachments:
        yield f"Attached: {file.name or 'a file without a name'} ({file.mime_type or 'of an unknown type'}, {_size(file.size)})."
    for attempt in track.attempts:
        yield _attempt(head, attempt)
    if track.details_were_deleted:
        yield "Its details were deleted; this is what its summary tells."
    yield f"In all, {_RESULT[track.status]}."


def _mail(head: TrackHead) -> str:
    sender = head.sender or "<> (the null sender)"
    author = f", written by {', '.join(head.header_from)}," if head.header_from and head.header_from != (head.sender,) else ""
    if not head.size:
        return f"{moment(head.sent_at)}: {head.direction} mail from {sender} to {_people(head.recipients)}, whose content was not read."
    subject = f", “{head.subject}”" if head.subject else ", without a subject"
    return (
        f"{moment(head.sent_at)}: {head.direction} mail from {sender}{author} to {_people(head.recipients)}{subject}, {_size(head.size)}."
    )


def _client(head: TrackHead) -> Iterator[str]:
    if head.client:
        helo = f", which called itself {head.helo}," if head.helo else ""
        tls = f"with {head.tls_protocol} {head.tls_cipher}".rstrip() if head.tls_protocol else "without TLS"
        where = f" at {head.connector}" if head.connector else ""
        yield f"{head.client}{helo} brought it to {head.gateway or 'the gateway'}{where}, {tls}."
    elif head.gateway:
        yield f"{head.gateway} made it."
    if head.message_id:
        yield f"Message-ID {head.message_id}."


def _decision(head: TrackHead) -> Iterator[str]:
    rule = f"Rule “{head.rule}” owns it" if head.rule else "No rule was asked"
    points = f"; its {_points(head.scl)} {'reach' if head.scl >= head.threshold else 'stay below'} the threshold {head.threshold:g}"
    version = f" (configuration {head.configuration_version})" if head.configuration_version else ""
    yield f"{rule}{points if head.filters else ''}{version}."
    if head.reply:
        yield f"The client was told: {head.reply}"
    if head.reason:
        yield f"The reason: {head.reason}."


def _filter(one: FilterEntry) -> Iterator[str]:
    counted = f" ({one.raw:g} × {one.multiplier})" if one.multiplier != 1 or one.raw != one.points else ""
    said = f": {one.message}" if one.message else ""
    yield f"Filter {one.name} gave {_points(one.points)}{counted} in {one.milliseconds:.1f} ms{said}."
    for detail in one.details:
        yield f"  {detail}"
    if one.error:
        yield f"  It could not find out: {one.error}."


def _operation(one: OperationEntry) -> str:
    try:
        data = msgspec.json.decode(one.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        data = one.data.decode("utf-8", "replace")
    if isinstance(data, dict):
        data = ", ".join(f"{name} {_plain(value)}" for name, value in data.items())
    return f"{one.kind}: {data}."


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items()) + ")"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return {True: "yes", False: "no", None: "none"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def _attempt(head: TrackHead, attempt: Attempt) -> str:
    places = [place for place in attempt.recipients if 0 <= place < len(head.recipients)]
    who = _people([head.recipients[place] for place in places] if attempt.recipients else head.recipients)
    what = _STATES.get(attempt.state, "{state} for {who}").format(state=attempt.state, who=who)
    by = f" by {attempt.host}" if attempt.host else ""
    tls = f" over {attempt.tls}" if attempt.tls else " without TLS" if attempt.host else ""
    connector = f", send connector “{attempt.connector}”" if attempt.connector else ""
    reply = f": {attempt.reply}" if attempt.reply else ""
    again = f" It is tried again at {moment(attempt.due_at)}." if attempt.due_at > 0 and attempt.state == "deferred" else ""
    return f"{moment(attempt.at)}: {what}{by}{tls}{connector}{reply}.{again}"


def _people(addresses: tuple[str, ...] | list[str]) -> str:
    if not addresses:
        return "nobody"
    shown = ", ".join(addresses[:_SHOWN_RECIPIENTS])
    return shown if len(addresses) <= _SHOWN_RECIPIENTS else f"{shown} and {len(addresses) - _SHOWN_RECIPIENTS} more"


def _points(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"


def _size(count: int) -> str:
    for unit, size in (("MiB", 1_048_576), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def moment(at: float) -> str:
    """Say a Unix time, in UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at an impossible time"
