# SPDX-License-Identifier: Apache-2.0
"""The values that stand in paths, queries and bodies, with their bounds: every text has an end, every number a largest one."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

Moment = Annotated[float, Meta(ge=0, le=253_402_300_799, description="Unix time in seconds.")]
Number = Annotated[int, Meta(ge=1, le=9_007_199_254_740_991)]
Revision = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991, description="The one that the change rests on; 0: there is none yet.")]
Version = Annotated[int, Meta(ge=1, le=999_999_999, description="A version of the configuration.")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Word = Annotated[str, Meta(max_length=1000)]
Cursor = Annotated[str, Meta(max_length=2000, description="Where the page before said that the next begins.")]
Sentence = Annotated[str, Meta(min_length=1, max_length=500, description="Why, for those who read the history.")]
Document = Annotated[str, Meta(max_length=2_000_000, description="A configuration as one TOML document.")]
Points = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
TrackName = Annotated[str, Meta(pattern="^[0-9A-Va-v]{24}$", description="As the client was told and the log names it.")]
AnyTrack = Annotated[str, Meta(pattern="^([0-9A-Va-v]{24})?$")]
_TRACK: Final = "a track's name is 24 letters, up to V, and digits"
PATTERNS: Final[Mapping[str, str]] = {"^[0-9A-Va-v]{24}$": _TRACK, "^([0-9A-Va-v]{24})?$": _TRACK}
"""What people are told of a text that is not as its pattern asks."""
