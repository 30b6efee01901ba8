# SPDX-License-Identifier: Apache-2.0
"""The mail that tells of incidents: one text of plain lines for all that happened, as RFC 5322 wants it.

Text from outside (replies of next hops, names) stands in it only on lines of its own, without control characters.
"""

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gatepost.message.dates import mail_date
from gatepost.monitoring.kinds import Detail, kind_of
from gatepost.monitoring.notice_rows import told_of
from gatepost.monitoring.record import Event, Notice, Told, rank

if TYPE_CHECKING:
    from email.message import EmailMessage

_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_VALUE = 500
_SUBJECT = 120
_SAID: dict[Event, str] = {"opened": "NEW", "changed": "CHANGED", "healed": "HEALED"}
_WIDTH = 76
_ONE_LINE = 998
"""Octets of a line at most (RFC 5322 §2.1.1)."""


class Letter(NamedTuple):
    """A mail on its way to a gateway."""

    tenant_id: int
    sender: str
    """Of the envelope; '' is the null sender."""
    recipient: str
    content: bytes


class House(NamedTuple):
    """Who writes, and where people look."""

    hostname: str
    base_url: str = ""
    """Of the console; '' where it is not known: then a mail names the page's path."""

    def link(self, incident_id: int) -> str:
        """Give where an incident's page is."""
        return f"{self.base_url.rstrip('/')}/incidents/{incident_id}"


def compose(notices: Sequence[Notice], *, recipient: str, sender: str, house: House, now: float) -> Letter:
    """Write the mail that tells these notices, in the order they were made."""
    from email.message import EmailMessage
    from email.policy import SMTP, SMTPUTF8

    told = [(notice.incident_id, told_of(notice)) for notice in notices]
    mail = EmailMessage(policy=SMTP if (recipient + sender).isascii() else SMTPUTF8)
    _set(mail, "Date", mail_date(now))
    _set(mail, "From", f"Gatepost <{one_line(sender) or 'gatepost@' + house.hostname}>")
    _set(mail, "To", f"<{one_line(recipient)}>")
    about = subject([one for _, one in told])
    _set(mail, "Subject", about)
    _set(mail, "Message-ID", f"<incidents.{notices[0].id}.{len(notices)}.{int(notices[0].made_at * 1000)}@{house.hostname}>")
    _set(mail, "Auto-Submitted", "auto-generated")
    mail.set_content(text(told, house), charset="utf-8", cte="quoted-printable")
    # Folding an ASCII subject may leave its first line empty, which some programs show as a space; it is short enough for one.
    written = mail.policy.clone(max_line_length=_ONE_LINE) if about.isascii() else mail.policy
    return Letter(notices[0].tenant_id, sender, recipient, mail.as_bytes(policy=written))


def subject(told: Sequence[Told]) -> str:
    """Give the subject: the gravest news, and how many there are."""
    gravest = max(told, key=lambda one: (one.event != "healed", rank(one.level)))
    prefix = "Healed: " if gravest.event == "healed" else ""
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    said = f"Gatepost: {prefix}{_title(gravest)}"
    return said[: _SUBJECT - len(more)] + more


def text(told: Sequence[tuple[int, Told]], house: House) -> str:
    """Write what people read."""
    parts = [f"This is Gatepost on {house.hostname}."]
    parts += [_paragraph(one, house.link(number)) for number, one in told]
    return "\n\n".join(parts) + "\n"


def one_line(untrusted: Any) -> str:
    """Give a value as a part of one line."""
    return _HARMFUL.sub("?", str(untrusted))[:_LONGEST_VALUE]


def _title(told: Told) -> str:
    """Say what it is, and what it is about."""
    kind = kind_of(told.kind)
    return f"{kind.title}: {one_line(told.subject)}" if kind.about_a_thing else kind.title


def _paragraph(told: Told, link: str) -> str:
    kind = kind_of(told.kind)
    lines = [f"{_SAID[told.event]} ({told.level}): {_title(told)}"]
    lines.append(f"  Since {_when(told.opened_at)}{f', until {_when(told.at)}' if told.event == 'healed' else ''}.")
    if told.event == "healed":
        return "\n".join(lines)
    known = [(one, told.details.get(one.field)) for one in kind.details]
    lines += [f"  {one.title}: {_value(one, value)}" for one, value in known if value not in (None, "")]
    lines += _wrapped("What it means", kind.meaning) + _wrapped("What to do", kind.what_to_do)
    lines.append(f"  Page: {link}")
    return "\n".join(lines)


def _wrapped(head: str, sentence: str) -> list[str]:
    import textwrap

    return textwrap.wrap(f"{head}: {sentence}", _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))


def _value(detail: Detail, value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        match detail.form:
            case "seconds":
                return f"{value / 3600:.1f} h" if value >= 3600 else f"{value / 60:.0f} min" if value >= 60 else f"{value:.0f} s"
            case "bytes":
                return f"{value / 1_000_000_000:.1f} GB" if value >= 1_000_000_000 else f"{value / 1_000_000:.1f} MB"
            case "percent":
                return f"{value:.0f} %"
            case "moment":
                return _when(value)
    return one_line(value)


def _set(mail: "EmailMessage", name: str, value: str) -> None:
    mail[name] = value
