# SPDX-License-Identifier: Apache-2.0
"""What an event means, for people: the text that stands at its class in the catalogue."""

from functools import cache

from gatepost.telemetry.reference import catalogue


@cache
def _sentences() -> dict[str, str]:
    return {kind.name: " ".join((kind.__doc__ or "").split()) for kind in catalogue()}


def sentence(name: str) -> str:
    """Say what an event of this name means; '' when a newer program than this one has told it."""
    return _sentences().get(name, "")
