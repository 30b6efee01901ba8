# SPDX-License-Identifier: Apache-2.0
"""What an entry of the audit tells, field by field: how it was before, how it is after, in the reader's language.

Promises: pure, and never raises, whatever program wrote the entry. Of what was added or removed all is told but what is empty, of
a change all that differs; numbers of revisions, and the time of the change itself, say nothing besides.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from gatepost.web.frame.words import Words, _

LABELS: Final[Mapping[str, str]] = {
    "address": _("Address"),
    "addresses": _("Addresses"),
    "agent": _("Browser"),
    "attributes": _("Attributes of the certificate"),
    "based_on": _("Based on version"),
    "bytes": _("Length"),
    "changed_at": _("Changed at"),
    "changes": _("Changes"),
    "client": _("Client address"),
    "comment": _("Comment"),
    "connection_security": _("Connection security"),
    "created_at": _("Made at"),
    "default_value": _("Default value"),
    "display_name": _("Display name"),
    "domain": _("Domain"),
    "enabled": _("Enabled"),
    "entries": _("User entries"),
    "expires_at": _("Good until"),
    "failures": _("Failed attempts in a row"),
    "fields": _("Additional fields"),
    "fingerprint": _("Fingerprint"),
    "gateway": _("Gateway"),
    "given_name": _("Given name"),
    "has_totp": _("Has an authenticator"),
    "id": _("ID"),
    "is_default": _("Default address"),
    "label": _("Label"),
    "language": _("Language"),
    "locality": _("Locality"),
    "locked_until": _("Locked until"),
    "name": _("Name"),
    "one_time": _("Has a one-time password"),
    "one_time_until": _("One-time password good until"),
    "organization": _("Organisation"),
    "organizational_unit": _("Department"),
    "owner": _("Owner"),
    "password_was_replaced": _("Password was replaced"),
    "place": _("Place"),
    "reason": _("Reason"),
    "recipients": _("Recipients"),
    "roles": _("Roles"),
    "scopes": _("What it may"),
    "sessions": _("Sessions"),
    "settings": _("Settings"),
    "source": _("Source"),
    "state_or_province": _("State or province"),
    "surname": _("Surname"),
    "title": _("Title"),
    "told": _("The other side was told"),
    "until": _("Locked until"),
    "url": _("URL"),
    "username": _("User name"),
    "version": _("Version"),
}
"""By the field's name; one that is not here is told by its name."""
SHORT: Final = 160
"""Characters of a value that are shown at once."""
_SILENT: Final = frozenset({"revision"})
_TOLD_BY_ENTRY: Final = frozenset({"changed_at"})
_TIMES: Final = ("_at", "_until")
_MOMENTS: Final = frozenset({"at", "until"})
_FIRST, _LAST = 1e8, 2e11
"""Unix times between 1973 and the end of what a date can be."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_NOTHING: Final = "–"
_LINES: Final = 4
"""Lines of a value that are shown at once."""
_INDENT: Final = "    "
_WORD: Final = 40
"""Characters of what is joined by commas; what is longer gets a line."""
_DEEPEST: Final = 20
_PATH: Final = " › "


class Shown(NamedTuple):
    """One value: a text, which may have several lines, or a moment (Unix time)."""

    form: Literal["text", "moment"]
    held: Any
    short: str = ""
    """The beginning of a text that is too long to be shown whole; '' for any other."""


class Difference(NamedTuple):
    """One field; None is where there was none."""

    name: str
    before: Shown | None
    after: Shown | None


def differences(before: Any, after: Any, words: Words) -> list[Difference]:
    """Tell what differs; of what came or went as a whole, all that says something."""
    if all(one is None or isinstance(one, dict) for one in (before, after)):
        return list(_fields(before, after, words))
    return [] if before == after else [Difference("", _shown("", before, words), _shown("", after, words))]


def _fields(before: Any, after: Any, words: Words, path: str = "", depth: int = 0) -> Iterator[Difference]:
    was, comes = before or {}, after or {}
    for name in dict.fromkeys([*was, *comes]):
        old, new = was.get(name), comes.get(name)
        if old == new or name in _SILENT or (after is not None and name in _TOLD_BY_ENTRY) or (old in _EMPTY and new in _EMPTY):
            continue
        label = path + _label(name, words)
        if depth < _DEEPEST and all(one is None or isinstance(one, dict) for one in (old, new)):
            yield from _fields(old, new, words, label + _PATH, depth + 1)
        else:
            yield Difference(label, _shown(name, old, words) if name in was else None, _shown(name, new, words))


def _label(name: str, words: Words) -> str:
    return words(LABELS[name]) if name in LABELS else name


def _shown(name: str, value: Any, words: Words) -> Shown:
    if _is_time(name, value):
        return Shown("moment", value)
    if _is_structure(value):
        text = "\n".join(_lines(value, words))
    elif isinstance(value, list) and any(len(str(one)) > _WORD or ", " in str(one) for one in value):
        text = "\n".join(_text(one, words) for one in value)
    else:
        text = ", ".join(_text(one, words) for one in value) if isinstance(value, list) and value else _text(value, words)
    if len(text) <= SHORT and text.count("\n") < _LINES:
        return Shown("text", text)
    return Shown("text", text, "\n".join(text.split("\n")[:_LINES])[: SHORT - 1].rstrip() + "…")


def _lines(value: Any, words: Words, depth: int = 0) -> Iterator[str]:
    """Write a structure out, a field a line, what is within indented."""
    if depth > _DEEPEST:
        yield "…"
    elif isinstance(value, dict):
        for name, one in value.items():
            if _is_structure(one) or (isinstance(one, list) and one):
                yield f"{_label(name, words)}:"
                yield from (_INDENT + line for line in _lines(one, words, depth + 1))
            else:
                yield f"{_label(name, words)}: {_utc(one) if _is_time(name, one) else _text(one, words)}"
    elif isinstance(value, list):
        for place, one in enumerate(value):
            if place and _is_structure(value):
                yield ""
            yield from _lines(one, words, depth + 1)
    else:
        yield _text(value, words)


def _text(value: Any, words: Words) -> str:
    match value:
        case None | "" | [] | {}:
            return _NOTHING
        case bool():
            return words("yes") if value else words("no")
        case float():
            return f"{value:.10g}".replace(".", "," if words.language == "de" else ".")
        case _:
            return str(value)


def _is_structure(value: Any) -> bool:
    return bool(value) and (isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict | list) for one in value)))


def _is_time(name: str, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (name in _MOMENTS or name.endswith(_TIMES)) and _FIRST <= value <= _LAST


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
