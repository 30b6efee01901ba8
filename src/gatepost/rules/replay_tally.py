# SPDX-License-Identifier: Apache-2.0
"""Add up what a replay finds, mail by mail, and tell it as one answer. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from gatepost.rules.replay import rejudge
from gatepost.rules.replay_ground import Ground, Listed
from gatepost.rules.replay_record import Gap, Judged, Rejudged, Unclear, sentence, why
from gatepost.tracking.record import TrackHead

MOST_TOLD = 100
"""Mails that are told one by one."""
Ended = Literal["", "whole", "time", "tracks"]


class Otherwise(msgspec.Struct, frozen=True):
    """One mail that would be judged otherwise."""

    track: str
    sent_at: float
    direction: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    before: Judged
    after: tuple[Judged, ...]
    why: str


class Undetermined(msgspec.Struct, frozen=True):
    """Mails that cannot be judged anew for one reason."""

    gap: Gap
    what: str
    sentence: str
    mails: int


class Replay(msgspec.Struct, frozen=True):
    """What a replay has found so far; it is over once `ended` says why."""

    after: float
    before: float
    """The period, Unix time."""
    looked_at: int = 0
    """Mails; several that were refused alike and told as one count as what they are."""
    same: int = 0
    other_rule: int = 0
    """Those of `same` that another rule would own."""
    otherwise: int = 0
    refused_now: int = 0
    """Those of `otherwise` that were taken and would be refused or discarded, at least for some recipients."""
    taken_now: int = 0
    """Those of `otherwise` that were refused or discarded and would be taken, at least for some recipients."""
    undetermined: int = 0
    seconds: float = 0.0
    ended: Ended = ""
    mails: tuple[Otherwise, ...] = ()
    """The newest `MOST_TOLD` of those judged otherwise."""
    reasons: tuple[Undetermined, ...] = ()
    """Of what is undetermined, the most frequent first."""
    not_looked_at: int = 0
    """Tracks of the period beyond; counted up to 100,000."""
    damaged: int = 0
    """Tracks whose details cannot be read."""


class Tally:
    """What was found so far."""

    def __init__(self, after: float, before: float, now: Ground) -> None:
        self.grounds: dict[int, Ground | None] = {}
        """By version, what the mails at hand were judged by; None where that cannot be known."""
        self.tracks = 0
        self._period = after, before
        self._now = now
        self._mails: Counter[str] = Counter()
        self._reasons: Counter[Unclear] = Counter()
        self._otherwise: list[Otherwise] = []

    def add(self, heads: Sequence[TrackHead | None], listed: Listed | None) -> None:
        """Judge a page anew."""
        for head in heads:
            self.tracks += 1
            if head is None:
                self._mails["damaged"] += 1
            else:
                self._note(head, rejudge(head, self.grounds[head.configuration_version], self._now, listed))

    def _note(self, head: TrackHead, rejudged: Rejudged) -> None:
        self._mails[rejudged.kind] += head.count
        if rejudged.unclear is not None:
            self._reasons[rejudged.unclear] += head.count
        elif rejudged.kind == "same":
            self._mails["other_rule"] += rejudged.has_other_rule
        else:
            before, after = rejudged.before, rejudged.after
            self._mails["refused_now"] += before.outcome == "accept"
            self._mails["taken_now"] += before.outcome != "accept" and any(one.outcome == "accept" for one in after)
            if len(self._otherwise) < MOST_TOLD:
                who = head.track, head.sent_at, head.direction, head.sender, head.recipients, head.subject
                self._otherwise.append(Otherwise(*who, before, after, why(rejudged)))

    def told(self, seconds: float, ended: Ended = "", left: int = 0) -> Replay:
        """Tell it."""
        mails = self._mails
        reasons = [Undetermined(one.gap, one.what, sentence(one), count) for one, count in self._reasons.most_common()]
        return Replay(
            *self._period,
            looked_at=mails["same"] + mails["otherwise"] + mails["undetermined"],
            same=mails["same"],
            other_rule=mails["other_rule"],
            otherwise=mails["otherwise"],
            refused_now=mails["refused_now"],
            taken_now=mails["taken_now"],
            undetermined=mails["undetermined"],
            seconds=round(seconds, 3),
            ended=ended,
            mails=tuple(self._otherwise),
            reasons=tuple(reasons),
            not_looked_at=left,
            damaged=mails["damaged"],
        )
