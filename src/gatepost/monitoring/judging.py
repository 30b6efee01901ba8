# SPDX-License-Identifier: Apache-2.0
"""What a look means for the incidents of its kind: pure, from the open rows, the look and what was seen before.

    found, not open        waits for the kind's patience, then opens
    found, open            its level changes, or only its details
    not found, open        heals at the second clean look in a row, at least `APART_S` after the first
    could not be looked at nothing

What was seen before is in memory only: after a restart patience and healing begin anew, the rows stay.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatepost.monitoring.record import Finding, Incident, Key, Look

APART_S = 10.0
"""Two clean looks that lie closer are one."""


class Opened(NamedTuple):
    """A finding that becomes an incident."""

    finding: Finding


class Changed(NamedTuple):
    """An incident whose level is another one now."""

    incident: Incident
    finding: Finding


class Refreshed(NamedTuple):
    """An incident of which only the details are others; nobody is told."""

    incident: Incident
    finding: Finding


class Healed(NamedTuple):
    """An incident that is over."""

    incident: Incident


Transition = Opened | Changed | Refreshed | Healed


class Memory(NamedTuple):
    """Since when findings have lasted that are no incidents yet, and since when incidents were not found."""

    lasting: Mapping[Key, float] = {}
    clean: Mapping[Key, float] = {}


def judge(
    standing: Sequence[Incident], look: Look, memory: Memory, now: float, *, patience_s: float = 0.0, sure: frozenset[Key] = frozenset()
) -> tuple[list[Transition], Memory]:
    """Give what changes by a look, and what is to be remembered.

    `standing` are the open rows of the kind; what is in `sure` opens and heals at once, for a person asked. Of several
    findings of one subject the first counts.
    """
    found: dict[Key, Finding] = {}
    for finding in look.findings:
        found.setdefault((finding.tenant_id, finding.subject), finding)
    rows = {(one.tenant_id, one.subject): one for one in standing}
    made: list[Transition] = []
    lasting: dict[Key, float] = {}
    clean: dict[Key, float] = {}
    for key, finding in found.items():
        row = rows.get(key)
        if row is not None:
            if row.level != finding.level:
                made.append(Changed(row, finding))
            elif row.details != finding.details:
                made.append(Refreshed(row, finding))
            continue
        since = _since(memory.lasting.get(key), now)
        if now - since >= patience_s or key in sure:
            made.append(Opened(finding))
        else:
            lasting[key] = since
    for key, row in rows.items():
        if key in found:
            continue
        if not look.covers(row.subject):
            continue  # what was clean before is not two in a row any more
        since = _since(memory.clean.get(key), now)
        if key in sure or now - since >= APART_S:
            made.append(Healed(row))
        else:
            clean[key] = since
    lasting |= {key: since for key, since in memory.lasting.items() if key not in found and not look.covers(key[1])}
    return made, Memory(lasting, clean)


def _since(before: float | None, now: float) -> float:
    """Give when it began; a clock that was set back begins anew."""
    return now if before is None or before > now else before
