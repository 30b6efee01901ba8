# SPDX-License-Identifier: Apache-2.0
"""Re-judge yesterday's mails by one's draft: in the background, with its progress on the page, its result kept until the next.

Promises: of one administrator one replay works or is remembered; a result names the revision of the draft that it is of, so that it
is never taken for one of a later draft. Nothing is stored: a restart forgets it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.config.configuration import Configuration
from gatepost.contracts.actor import Actor
from gatepost.errors import GatepostError
from gatepost.rules.replay_record import Judged
from gatepost.rules.replay_tally import Otherwise, Replay, Undetermined
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.console.changes.parts import CHANGED, DRAFT, READ, REPLAY, TABS, seen
from gatepost.web.console.configuration.rules_words import called
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House
from gatepost.web.trying import Replaying

_REMEMBERED: Final = 100
OUTCOMES: Final[Mapping[str, str]] = {"accept": _("taken"), "refuse": _("refused"), "discard": _("discarded")}
COLOURS: Final[Mapping[str, str]] = {"accept": "bg-green-lt", "refuse": "bg-red-lt", "discard": "bg-red-lt"}
GAPS: Final[Mapping[str, str]] = {
    "counted": _("refused together with many alike, of which only the last is known"),
    "version": _("the version of the configuration that it was judged by is not known"),
    "put_off": _("it was put off, and so never judged"),
    "status": _("its track does not tell how it was judged"),
    "points": _("the filter {what} was not asked then, and its points would decide"),
    "settings": _("the settings of the filter {what} differ from those of then, and its points would decide"),
    "author": _("a rule asks for the author in From, and its content never came"),
    "content": _("its content never came then, and would have to be looked at"),
    "recipient": _("a rule asks whether a recipient exists, and nobody asked then"),
    "direction": _("whether the client is one of ours rests on a login, a certificate or a header that the track does not hold"),
    "limits": _("the limits of mails differ from those of then"),
    "cut": _("an address was too long to be kept whole"),
}
"""Why a mail is undetermined; what is new and stands not here is said as the room says it."""


@dataclass
class Trial:
    """One replay."""

    revision: int
    """Of the draft."""
    found: Replay | None = None
    trouble: str = ""
    task: asyncio.Task[None] | None = None

    @property
    def works(self) -> bool:
        """Whether it is still at it."""
        return self.task is not None and not self.task.done()


class Replays:
    """The replays of this console, one for each administrator."""

    def __init__(self, replaying: Replaying) -> None:
        self._replaying = replaying
        self._known: OrderedDict[tuple[int, str], Trial] = OrderedDict()

    def of(self, actor: Actor, revision: int | None = None) -> Trial | None:
        """Give somebody's replay; with a revision only one of that draft."""
        found = self._known.get((actor.tenant_id, actor.name))
        return found if found and revision in (None, found.revision) else None

    def start(self, actor: Actor, revision: int, configuration: Configuration) -> None:
        """Begin one; one that still works gives way to it."""
        key = (actor.tenant_id, actor.name)
        before = self._known.pop(key, None)
        if before is not None and before.task is not None:
            before.task.cancel()
        trial = self._known[key] = Trial(revision)
        trial.task = asyncio.create_task(self._run(trial, configuration, actor.tenant_id))
        while len(self._known) > _REMEMBERED:
            _key, oldest = self._known.popitem(last=False)
            if oldest.task is not None:
                oldest.task.cancel()

    async def _run(self, trial: Trial, configuration: Configuration, tenant_id: int) -> None:
        try:
            async for found in self._replaying.run(configuration, tenant_id=tenant_id):
                trial.found = found
        except GatepostError as error:
            trial.trouble = str(error)
        except Exception as error:
            trial.trouble = _("Something unexpected happened; the log of the console says what. Nothing was changed by halves.")
            emit_unexpected("the replay of a draft", error)


def routes(desk: Desk, house: House, trials: Replays) -> list[Route]:
    """Give the pages."""

    async def start(visit: Visit) -> Response:
        view = await house.drafts.view(visit.actor)
        if view.revision != seen(visit.form):
            return visit.go(DRAFT, visit.words(CHANGED))
        trials.start(visit.actor, view.revision, view.configuration)
        return visit.go(REPLAY)

    async def show(visit: Visit) -> Response:
        trial = trials.of(visit.actor)
        if trial is None:
            return visit.go(DRAFT)
        view = await house.drafts.view(visit.actor)
        return visit.show(
            "changes_replay_state.html" if visit.wants_part else "changes_replay.html",
            title=_("Yesterday's mails, judged by your draft"),
            tabs=TABS,
            trial=trial,
            found=trial.found,
            is_older=trial.revision != view.revision,
            revision=view.revision,
            reasons=[(reason(one, visit.words), one.mails) for one in trial.found.reasons] if trial.found else [],
            mails=[(one, why(one, visit.words)) for one in trial.found.mails] if trial.found else [],
            outcomes=OUTCOMES,
            colours=COLOURS,
        )

    return [desk.route(REPLAY, show, READ), desk.route(REPLAY, start, READ, post=True)]


def reason(one: Undetermined, words: Words) -> str:
    """Say why some mails are undetermined."""
    known = GAPS.get(one.gap)
    if known is None:
        return one.sentence
    return words(known, what=called(one.what, words)) if "{what}" in known else words(known)


def why(mail: Otherwise, words: Words) -> list[str]:
    """Say what a mail is judged otherwise for: one line for each verdict that differs from the one it had."""
    differing = [one for one in mail.after if one.outcome != mail.before.outcome]
    return list(dict.fromkeys(_why(one, mail.before, words) for one in differing))


def _why(after: Judged, before: Judged, words: Words) -> str:
    said = [words("rule {rule}", rule=after.rule) if after.rule else words("no rule")]
    if after.rule != before.rule and before.rule:
        said.append(words("instead of {rule}", rule=before.rule))
    if after.scl is not None:
        said.append(words("{points} of {threshold} points", points=_points(after.scl, words), threshold=_points(after.threshold, words)))
        if before.scl is not None and before.threshold:
            were = {"points": _points(before.scl, words), "threshold": _points(before.threshold, words)}
            said.append(words("before: {points} of {threshold}", **were))
    elif after.reply:
        said.append(after.reply)
    return ", ".join(said)


def _points(value: float, words: Words) -> str:
    return words.figure(value, 0 if value == int(value) else 1)
