# SPDX-License-Identifier: Apache-2.0
"""Statements that are the same on both engines but for the mark of a parameter."""

from functools import lru_cache

from gatepost.storage.contract import Engine


@lru_cache(maxsize=64)
def spoken(text: str, engine: Engine) -> str:
    """Give a statement with `?` for its parameters as the engine's driver reads it."""
    return text.replace("?", "%s") if engine == "postgresql" else text
