# SPDX-License-Identifier: Apache-2.0
"""The part of a report that people read, in English and German. Subjects are ASCII, so that every client shows them."""

import textwrap
from collections.abc import Sequence
from typing import Literal, NamedTuple

from gatepost.delivery.dsn.fate import WORST_FIRST, Action, Fate
from gatepost.delivery.dsn.plain import harmless, words

Language = Literal["en", "de"]


class _Wording(NamedTuple):
    greeting: str
    subjects: dict[Action, str]
    paragraphs: dict[Action, str]
    said: str
    decided: str
    expired: str
    closing: dict[bool, str]


_WORDINGS: dict[Language, _Wording] = {
    "en": _Wording(
        greeting="This is the mail gateway {hostname}.",
        subjects={
            "failed": "Your mail could not be delivered",
            "delayed": "Your mail is delayed",
            "relayed": "Your mail was handed on",
            "delivered": "Your mail was delivered",
        },
        paragraphs={
            "failed": "Your mail could not be delivered to the following recipients. It will not be tried again.",
            "delayed": "Your mail has not yet reached the following recipients. It is tried again; you need not do anything.",
            "relayed": "Your mail was handed on for the following recipients. The next server sends no confirmations.",
            "delivered": "Your mail was delivered to the following recipients.",
        },
        said="{host} said: {reply}",
        decided="The reason: {reply}",
        expired="It was tried until its time was over.",
        closing={
            True: "The details for administrators and your mail are attached.",
            False: "The details for administrators and your mail's headers are attached.",
        },
    ),
    "de": _Wording(
        greeting="Dies ist das Mail-Gateway {hostname}.",
        subjects={
            "failed": "Ihre Mail konnte nicht zugestellt werden",
            "delayed": "Ihre Mail ist noch unterwegs",
            "relayed": "Ihre Mail wurde weitergegeben",
            "delivered": "Ihre Mail wurde zugestellt",
        },
        paragraphs={
            "failed": "Ihre Mail konnte den folgenden Empfängern nicht zugestellt werden. Es wird nicht erneut versucht.",
            "delayed": "Ihre Mail hat die folgenden Empfänger noch nicht erreicht. Es wird weiter versucht; Sie müssen nichts tun.",
            "relayed": "Ihre Mail wurde für die folgenden Empfänger weitergegeben. Der nächste Server sendet keine Bestätigungen.",
            "delivered": "Ihre Mail wurde den folgenden Empfängern zugestellt.",
        },
        said="{host} antwortete: {reply}",
        decided="Der Grund: {reply}",
        expired="Es wurde versucht, bis die Zeit abgelaufen war.",
        closing={
            True: "Die Einzelheiten für Administratoren und Ihre Mail liegen bei.",
            False: "Die Einzelheiten für Administratoren und die Kopfzeilen Ihrer Mail liegen bei.",
        },
    ),
}


def worst(fates: Sequence[Fate]) -> Action:
    """Give the action that a report is named after."""
    actions = {fate.action for fate in fates}
    return next(action for action in WORST_FIRST if action in actions)


def subject(fates: Sequence[Fate], language: Language) -> str:
    """Give the report's subject, in ASCII."""
    return _WORDINGS[language].subjects[worst(fates)]


def text(fates: Sequence[Fate], hostname: str, language: Language, *, full: bool) -> str:
    """Write the text; `full` says whether all of the mail comes back. Lines end with CRLF."""
    wording = _WORDINGS[language]
    paragraphs = [wording.greeting.format(hostname=hostname)]
    for action in WORST_FIRST:
        concerned = [fate for fate in fates if fate.action == action]
        if concerned:
            paragraphs.append(_wrapped(wording.paragraphs[action], ""))
            paragraphs += [_recipient(fate, wording) for fate in concerned]
    paragraphs.append(wording.closing[full])
    return "\r\n\r\n".join(paragraphs) + "\r\n"


def _recipient(fate: Fate, wording: _Wording) -> str:
    lines = [f"  <{harmless(str(fate.recipient.address))}>"]
    reply = " ".join(words(fate.untrusted_reply))
    if reply:
        sentence = wording.said if fate.host else wording.decided
        lines.append(_wrapped(sentence.format(host=harmless(fate.host), reply=reply), "      "))
    if fate.expired:
        lines.append(f"      {wording.expired}")
    return "\r\n".join(lines)


def _wrapped(sentence: str, indent: str) -> str:
    return "\r\n".join(textwrap.wrap(sentence, 72, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))
