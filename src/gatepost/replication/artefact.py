# SPDX-License-Identifier: Apache-2.0
"""An artefact: one change on its way from the role where it happened to the role that must know it.

It is a row of the sender's `replication_artefact`, written in the transaction of the change. The intranet fetches
them from gateways, up to `BATCH` at a time, applies a batch in one transaction together with its high-water mark
for that store, then acknowledges, which deletes them. What the intranet changes goes the other way with the same
promises: it dials the gateway and hands a batch over. Applied twice is applied once; a batch lost on the way comes again.
"""

import msgspec

BATCH = 500
"""Artefacts of one fetch at most."""
GATHER_S = 2.0
"""How long changes of one entity may be gathered into one artefact before it is shown to the other role."""


class Artefact(msgspec.Struct, array_like=True, frozen=True):
    """One change. `sequence` rises in the order of commits of one store; a store never gives one twice."""

    sequence: int
    kind: str
    """What is changed, lower case: `track`, `configuration`."""
    version: int
    """The version of the payload's form; a receiver that does not know it refuses the batch by name."""
    tenant_id: int
    created_at: float
    """Unix time."""
    payload: bytes


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """What one fetch gives: artefacts of one store in ascending order."""

    store: str
    """The store's own identity, made with it; several gateways of one site show the same."""
    artefacts: tuple[Artefact, ...]


class LinkHealth(msgspec.Struct, frozen=True):
    """How a link does, told by what waits in the outbox."""

    waiting: int
    oldest_age_s: float
    """0 when nothing waits."""
