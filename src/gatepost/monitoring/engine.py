# SPDX-License-Identifier: Apache-2.0
"""The clock of the checks: each kind is looked at every so often, and when somebody stirs it; what a look means is `judging`.

Promises: looks of one kind never overlap; a look that fails or takes longer than its limit changes nothing; an incident of a
kind that nobody checks any more heals at the start.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from gatepost.errors import GatepostError, StoreError
from gatepost.monitoring.judging import APART_S, Healed, Memory, Refreshed, judge
from gatepost.monitoring.kinds import kind_of
from gatepost.monitoring.record import Addressees, Key, Look, Standing
from gatepost.monitoring.sending import AskAddressees
from gatepost.monitoring.store import Done, IncidentRows, Turn
from gatepost.telemetry.events import CheckTrouble, IncidentChanged, IncidentHealed, IncidentOpened, StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

NOWHERE = "notices.nowhere"
Check = Callable[[Standing], Awaitable[Look]]
"""Looks once; gets the open incidents of its kind. Raises: GatepostError when it cannot look at all."""
AGAIN_S = APART_S + 0.5
_RETIRE_AGAIN_S = 10.0


class _Watched(NamedTuple):
    check: Check
    turn: asyncio.Lock
    stirred: asyncio.Event


class Engine:
    """Looks, and keeps the incidents of one store in step with what is seen."""

    def __init__(
        self,
        rows: IncidentRows,
        checks: Mapping[str, Check],
        addressees: AskAddressees,
        *,
        told: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make ready; `told` is called when there may be new notices."""
        self._rows = rows
        self._watched = {kind: _Watched(check, asyncio.Lock(), asyncio.Event()) for kind, check in checks.items()}
        self._addressees = addressees
        self._told = told
        self._clock = clock
        self._memory: dict[str, Memory] = {}
        self._troubles: dict[str, str] = {}
        self._store_trouble = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look: at once, then each kind in its interval."""
        self._tasks = [asyncio.create_task(self._retire()), *(asyncio.create_task(self._keep(kind)) for kind in self._watched)]

    async def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stir(self, *kinds: str) -> None:
        """Have these kinds, or all, looked at now: something has changed."""
        for kind in kinds or tuple(self._watched):
            if kind in self._watched:
                self._watched[kind].stirred.set()

    def knows(self, kind: str) -> bool:
        """Tell whether somebody checks a kind here."""
        return kind in self._watched

    async def look(self, kind: str, sure: frozenset[Key] = frozenset()) -> bool:
        """Look at a kind once; what is in `sure` opens and heals at once. Tells whether the look said anything. Raises: StoreError."""
        watched = self._watched[kind]
        async with watched.turn:
            standing = await self._rows.standing(kind)
            seen = await self._seen(kind, watched.check, {(one.tenant_id, one.subject): one.level for one in standing})
            if seen is None:
                return False
            now = self._clock()
            memory = self._memory.get(kind, Memory())
            transitions, memory = judge(standing, seen, memory, now, patience_s=kind_of(kind).patience_s, sure=sure)
            if transitions:
                telling = any(not isinstance(one, Refreshed) for one in transitions)
                addressees = await self._addressees() if telling else Addressees()
                healed = any(isinstance(one, Healed) for one in transitions)
                turn = Turn(transitions, addressees, now, healed and kind_of(kind).frees_mail, healed and kind == NOWHERE)
                self._tell(await self._rows.apply(turn))
            self._memory[kind] = memory
        return True

    async def _seen(self, kind: str, check: Check, standing: Standing) -> Look | None:
        trouble = ""
        try:
            async with asyncio.timeout(kind_of(kind).limit_s):
                return await check(standing)
        except TimeoutError:
            trouble = f"it took longer than {kind_of(kind).limit_s:g} s"
        except GatepostError as error:
            trouble = str(error)
        except Exception as defect:
            emit_unexpected(f"check {kind}", defect)
            return None
        finally:
            if trouble and trouble != self._troubles.get(kind):
                emit(CheckTrouble(kind=kind, reason=trouble))
            self._troubles[kind] = trouble
        return None

    def _tell(self, changes: list[Done]) -> None:
        for incident, told in changes:
            event = {"opened": IncidentOpened, "changed": IncidentChanged, "healed": IncidentHealed}[told.event]
            emit(
                event(
                    id=incident.id,
                    tenant=incident.tenant_id,
                    kind=incident.kind,
                    subject=incident.subject,
                    severity=incident.level,
                    details=incident.details,
                )
            )
        if changes:
            self._told()

    async def _keep(self, kind: str) -> None:
        stirred = self._watched[kind].stirred
        while True:
            stirred.clear()
            try:
                await self.look(kind)
                self._store_trouble = ""
            except StoreError as error:  # nothing is lost, for the next look sees the same
                if str(error) != self._store_trouble:
                    emit(StoreTrouble(what="incidents", reason=str(error)))
                self._store_trouble = str(error)
            except Exception as defect:
                emit_unexpected(f"incidents of {kind}", defect)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s(kind)):
                    await stirred.wait()

    def _pause_s(self, kind: str) -> float:
        """Tell when to look again: sooner where the next look may open or heal something."""
        every_s, memory = kind_of(kind).every_s, self._memory.get(kind, Memory())
        return min(every_s, AGAIN_S) if memory.lasting or memory.clean else every_s

    async def _retire(self) -> None:
        """Heal what nobody checks any more, as after an update that knows better."""
        while True:
            try:
                for kind in sorted(await self._rows.kinds() - set(self._watched)):
                    left = [Healed(one) for one in await self._rows.standing(kind)]
                    # That something healed is told to whom it was told before, whatever the configuration says.
                    self._tell(await self._rows.apply(Turn(left, Addressees(), self._clock())))
            except StoreError:  # the checks' own rounds tell
                await asyncio.sleep(_RETIRE_AGAIN_S)
            else:
                return
