# SPDX-License-Identifier: Apache-2.0
"""Say an event in the reader's language, its times as elements that a script turns into the reader's time zone."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from gatepost.monitoring.events_telling import Value, telling
from gatepost.telemetry.events import ConfigurationMade, NoticeTrouble
from gatepost.versioning.record import VersionLine
from gatepost.web.console.changes.told import spoken
from gatepost.web.frame.templates import moment
from gatepost.web.frame.words import Words, _


def said(name: str, fields: Mapping[str, Any], words: Words, webhooks: Mapping[str, str]) -> Markup:
    """Say an event; `webhooks` are the names of those there are, by id."""
    told = telling(name, _for_people(name, fields, words, webhooks))
    if told is None:
        return escape(words("Only a newer program knows this event; what it told stands below."))
    return escape(words(told.text)).format(**{place: _value(value, words) for place, value in told.values.items()})


def tells_of_webhooks(name: str, fields: Mapping[str, Any]) -> bool:
    """Whether the names of webhooks are needed to say it."""
    return name == NoticeTrouble.name and fields.get("channel") == "webhook"


def _for_people(name: str, fields: Mapping[str, Any], words: Words, webhooks: Mapping[str, str]) -> Mapping[str, Any]:
    """Put what the rooms know of a field in its place."""
    if tells_of_webhooks(name, fields):
        target = str(fields.get("target"))
        return {**fields, "target": webhooks.get(target, target)}
    author, reason = fields.get("author"), fields.get("reason")
    if name == ConfigurationMade.name and isinstance(author, str) and isinstance(reason, str):
        return {**fields, "reason": spoken(VersionLine(0, author, 0.0, reason, ""), words).reason}
    return fields


def _value(value: Value, words: Words) -> str | Markup:
    form, held = value
    match form:
        case "word":
            return words(held)
        case "number":
            return words.figure(held)
        case "seconds":
            return words.duration(held)
        case "moment":
            written: Markup = moment(held)
            return written
        case "exit":
            return words(_("exit code {n}"), n=held)
        case _:
            return str(held)
