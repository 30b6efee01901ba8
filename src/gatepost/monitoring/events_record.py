# SPDX-License-Identifier: Apache-2.0
"""An event on its way to the event log: of which machine and process, and its fields as a JSON object of bounded size.

Many travel together as one msgpack array, the payload of an artefact of kind `event`. Fields of `EventEntry` are only ever
appended, with a default; `FORM` rises with each.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import msgspec

from gatepost.telemetry.events import Event

KIND: Final = "event"
FORM: Final = 1
"""The version of these structures, as artefacts of kind `event` carry it."""
HOUSE: Final = 0
"""The tenant that looks after the machines: their events are its."""
LEVELS: Final[Mapping[str, int]] = {"debug": 0, "info": 1, "warning": 2, "error": 3}

MOST_FIELDS_BYTES: Final = 8192
_MOST_TEXT, _TEXT_BEGINNING = 2000, 600
_MOST_ITEMS = 20
_LONGEST_NAME: Final = 255

_encode = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


class EventEntry(msgspec.Struct, array_like=True, frozen=True):
    """One event."""

    at: float
    """Unix time."""
    gateway: str
    """The machine's name."""
    process: str
    name: str
    level: int
    fields: str
    """JSON."""


_decode = msgspec.msgpack.Decoder(tuple[EventEntry, ...]).decode


def entry_of(at: float, event: Event, gateway: str, process: str) -> EventEntry:
    """Make an entry; long texts lose their middle, long lists their end."""
    fields = {name: _shortened(value) for name, value in msgspec.structs.asdict(event).items()}
    text = _to_json(fields)
    if len(text) > MOST_FIELDS_BYTES:
        text = _to_json({name: value for name, value in fields.items() if len(_to_json(value)) <= _TEXT_BEGINNING})
    return EventEntry(at, gateway, process, event.name, LEVELS[event.level], text.decode())


def encode_entries(entries: Sequence[EventEntry]) -> bytes:
    """Give an artefact's payload."""
    return _encode(entries)


def decode_entries(untrusted_payload: bytes) -> tuple[EventEntry, ...]:
    """Read an artefact's payload. Raises: ValueError, msgspec.MsgspecError for what is none, or what no store can keep."""
    entries = _decode(untrusted_payload)
    for entry in entries:
        if not isfinite(entry.at):
            raise ValueError("a time is not finite")
        if entry.level not in LEVELS.values():
            raise ValueError("a level is unknown")
        names = (entry.gateway, entry.process, entry.name)
        if "\0" in "".join(names) or max(map(len, names)) > _LONGEST_NAME:
            raise ValueError("a name is too long, or holds a NUL")
        if len(entry.fields) > MOST_FIELDS_BYTES or "\0" in entry.fields:
            raise ValueError("fields are too long, or hold a NUL")
        read_fields(entry.fields)
    return entries


def read_fields(text: str) -> dict[str, Any]:
    """Read an entry's fields. Raises: msgspec.MsgspecError for what is no JSON object."""
    return msgspec.json.decode(text, type=dict[str, Any])


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MOST_TEXT:
        return f"{value[:_TEXT_BEGINNING]} … {value[_TEXT_BEGINNING - _MOST_TEXT :]}"
    if isinstance(value, list | tuple):
        return [_shortened(one) for one in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in list(value.items())[:_MOST_ITEMS]}
    return value
