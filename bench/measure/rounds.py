# SPDX-License-Identifier: Apache-2.0
"""Repeats of one cell in turn, A B A B, or A B C A B C: a change of the machine's mood hits all gateways."""

import time
from pathlib import Path

from measure import repeat
from measure.place import tell
from measure.repeat import Cell, Repeat
from measure.rivals import Rival, Rivals
from measure.smtp_sink import SmtpSink

Round = tuple[Repeat, ...]
"""One repeat of each gateway, in the order of the rivals."""


def in_turn(cell: Cell, rivals: Rivals, sink: SmtpSink, rounds: int, seconds: float, folder: Path) -> tuple[list[Round], list[str]]:
    """Measure a cell; gives the rounds and what went wrong."""
    counts = [_mails(rival, sink, cell, seconds, folder) for rival in rivals]
    got: list[Round] = []
    troubles: list[str] = []
    for number in range(rounds):
        one: list[Repeat] = []
        for rival, mails in zip(rivals, counts, strict=True):
            time.sleep(0.3)
            one.append(repeat.run(rival, sink, cell, mails, folder))
            _tell_repeat(cell, number, rival, one[-1])
            if one[-1].trouble:
                troubles.append(f"{cell} {rival.name}: {one[-1].trouble}")
        got.append(tuple(one))
    return got, troubles


def _mails(rival: Rival, sink: SmtpSink, cell: Cell, seconds: float, folder: Path) -> int:
    """Find how many mails fill the wanted time: a short warm-up, then a longer one at its rate."""
    warm = repeat.run(rival, sink, cell, 200, folder)
    warm = repeat.run(rival, sink, cell, max(200, int(warm.per_s * min(2.0, seconds / 4))), folder)
    return max(200, int(warm.per_s * seconds))


def _tell_repeat(cell: Cell, number: int, rival: Rival, got: Repeat) -> None:
    tell(
        f"{cell!s:14} round {number + 1} {rival.name:14} {got.per_s:7.0f}/s {got.cpu_s / got.mails * 1000:6.2f} s/1000 "
        f"{got.pss_mib:5.0f} MiB, generator {got.generator_cpu_s / got.mails * 1000:.2f} s/1000, others {got.foreign_cpu:.2f} CPU "
        f"({got.mails} in {got.seconds:.1f} s){_tell_tracks(got)} {got.trouble}"
    )


def _tell_tracks(got: Repeat) -> str:
    if got.tracks is None:
        return ""
    tracks = got.tracks
    return f", {tracks.reached} tracks, {tracks.waited} waited, the oldest for {tracks.lag_s} s, drained in {tracks.drained_s} s"
