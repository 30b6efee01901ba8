# SPDX-License-Identifier: Apache-2.0
"""All operations in one list; a fixed path stands before one that takes any name."""

from itertools import chain
from typing import Final

from gatepost.web.api import administration, configuration, drafts, gateways, partners, sessions, tracks, trials, users, watching
from gatepost.web.api.operation import Operation

_ROOMS = (tracks, gateways, watching, users, partners, configuration, drafts, trials, administration, sessions)
OPERATIONS: Final[tuple[Operation, ...]] = tuple(
    sorted(chain.from_iterable(room.operations for room in _ROOMS), key=lambda one: [step.startswith("{") for step in one.path.split("/")])
)
