# SPDX-License-Identifier: Apache-2.0
"""What a replay tells of one mail: how it was judged, how it would be, or why that cannot be told."""

from typing import Literal

import msgspec

from gatepost.rules.refusals import Outcome

Kind = Literal["same", "otherwise", "undetermined"]
Gap = Literal[
    "counted", "version", "put_off", "status", "points", "settings", "author", "content", "recipient", "direction", "limits", "cut"
]
"""What a track does not hold."""


class Judged(msgspec.Struct, frozen=True):
    """A verdict on a mail, or on some of its recipients."""

    outcome: Outcome
    recipients: tuple[str, ...]
    rule: str = ""
    """'' where no rule owned it, or it was refused before one did."""
    threshold: float = 0.0
    scl: float | None = None
    """The sum of the points; None where it is not known, or nothing was added up."""
    reply: str = ""
    """The refusal without the track's id."""


class Unclear(msgspec.Struct, frozen=True):
    """Why a mail cannot be judged anew."""

    gap: Gap
    what: str = ""
    """The filter, where it is one."""


class Rejudged(msgspec.Struct, frozen=True):
    """One mail, judged anew."""

    kind: Kind
    before: Judged
    after: tuple[Judged, ...] = ()
    """One for each transaction that its recipients would be split into, and one for each refusal; none when undetermined."""
    unclear: Unclear | None = None

    @property
    def has_other_rule(self) -> bool:
        """Whether another rule would own it than did, whatever that changes."""
        return any(one.rule != self.before.rule for one in self.after)


_SENTENCES: dict[Gap, str] = {
    "counted": "refused together with many alike, of which only the last is known",
    "version": "the version of the configuration that it was judged by is not known",
    "put_off": "it was put off, and so never judged",
    "status": "its track does not tell how it was judged",
    "points": "the filter {} was not asked then, and its points would decide",
    "settings": "the settings of the filter {} differ from those of then, and its points would decide",
    "author": "a rule asks for the author in From, and its content never came",
    "content": "its content never came then, and would have to be looked at",
    "recipient": "a rule asks whether a recipient exists, and nobody asked then",
    "direction": "whether the client is one of ours rests on a login, a certificate or a header that the track does not hold",
    "limits": "the limits of mails differ from those of then",
    "cut": "an address was too long to be kept whole",
}


def sentence(unclear: Unclear) -> str:
    """Say why a mail is undetermined."""
    return _SENTENCES[unclear.gap].format(unclear.what)


def why(rejudged: Rejudged) -> str:
    """Say in one line what a mail is judged otherwise for."""
    before = rejudged.before
    said = [_said(one, before, len(rejudged.after) > 1) for one in rejudged.after if one.outcome != before.outcome]
    return "; ".join(dict.fromkeys(said))


def _said(after: Judged, before: Judged, some: bool) -> str:
    whom = f" for {', '.join(after.recipients[:3])}{' and others' if len(after.recipients) > 3 else ''}" if some else ""
    owner = f'rule "{after.rule}"' if after.rule else "no rule"
    if after.rule != before.rule:
        owner += f' instead of "{before.rule}"' if before.rule else ""
    if after.outcome == "accept":
        points = f", {after.scl:g} of {after.threshold:g} points" if after.scl is not None else ""
        return f"taken{whom} by {owner}{points}"
    if after.scl is not None and after.scl >= after.threshold:
        were = f" (were {before.scl:g} of {before.threshold:g})" if before.scl is not None and before.threshold else ""
        return f"refused{whom} by {owner}: {after.scl:g} points reach the threshold of {after.threshold:g}{were}"
    return f"{'discarded' if after.outcome == 'discard' else 'refused'}{whom} by {owner}{f': {after.reply}' if after.reply else ''}"
