# SPDX-License-Identifier: Apache-2.0
"""How benchmarks judge their own figures: pairs, disturbed repeats, the sink's counter."""

import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

from measure.place import file_system
from measure.relay import _cell
from measure.repeat import LAG_S, Cell, Repeat, Tracks, _complaint
from measure.rows import rows, table
from measure.smtp_sink import _COUNT
from measure.victims import doubling, series

CELL = Cell(4096, 8, False)


def _repeat(per_s: float, *, foreign: float = 0.0, trouble: str = "") -> Repeat:
    return Repeat(int(per_s), 1.0, per_s / 1000, 0.1, foreign, 50.0, trouble)


def test_the_ratio_is_the_median_of_pair_ratios() -> None:
    """A machine that slows down in the middle changes speeds and not the ratio."""
    pairs = [(_repeat(500), _repeat(1000)), (_repeat(100), _repeat(200)), (_repeat(400), _repeat(1200))]
    postfix, gatepost = rows(CELL, pairs)
    assert (postfix["ratio_postfix"], gatepost["ratio_postfix"]) == (1.0, 2.0)
    assert (postfix["messages_per_s"], gatepost["messages_per_s"]) == (400, 1000)
    assert (gatepost["cpu_s_per_1000"], gatepost["pss_mib"], gatepost["filters"], gatepost["tls"]) == (1.0, 50.0, "off", "none")
    assert "2.00" in table([gatepost])


def test_disturbed_pairs_are_dropped_while_quiet_ones_exist() -> None:
    """A pair with a disturbed repeat is dropped; when all are disturbed they are used and said to be."""
    disturbed, quiet = (_repeat(100), _repeat(900, foreign=0.3)), (_repeat(100), _repeat(200))
    assert (rows(CELL, [disturbed, quiet])[1]["ratio_postfix"], rows(CELL, [disturbed, quiet])[1]["disturbed"]) == (2.0, False)
    only = rows(CELL, [disturbed])[1]
    assert (only["ratio_postfix"], only["disturbed"], only["pairs_used"]) == (9.0, True, 1)
    assert "disturbed" in table([only])


def test_with_filters_each_yardstick_has_its_ratio() -> None:
    """Of three gateways each row has the median of its rounds' ratios to Postfix and to Postfix with rspamd."""
    rounds = [(_repeat(600), _repeat(200), _repeat(900)), (_repeat(300), _repeat(100), _repeat(450))]
    postfix, rspamd, gatepost = rows(Cell(4096, 32, False, True), rounds, ("postfix", "postfix+rspamd", "gatepost"))
    assert (gatepost["ratio_postfix"], gatepost["ratio_rspamd"], rspamd["ratio_postfix"]) == (1.5, 4.5, 0.33)
    assert (postfix["filters"], rspamd["filters"], gatepost["filters"]) == ("off", "default", "default")
    assert "4.50" in table([gatepost])


def test_repeats_that_lost_mails_are_worth_nothing() -> None:
    """A pair in which a mail did not arrive makes no row."""
    assert rows(CELL, [(_repeat(100), _repeat(200, trouble="the sink counted 1 of 200"))]) == []


def test_a_counter_that_is_cut_does_not_count() -> None:
    """Only a number that is followed by its carriage return is read."""
    assert _COUNT.findall(b"sess=1 quit=1 mesg=12\rsess=2 quit=1 mesg=13\rsess=2 quit=2 mesg=1") == [b"12", b"13"]


def test_cells_are_named_as_they_are_printed() -> None:
    """What a cell prints is what --cells takes."""
    for cell in (CELL, Cell(61440, 32, True), Cell(4096, 8, False, True)):
        assert _cell(str(cell)) == cell


def test_every_kind_of_victim_is_killed_often_enough() -> None:
    """Each process is hit many times in 200 kills, on PostgreSQL the server and its backends too; a quick series hits each once."""
    on_sqlite, on_postgresql = (Counter(series(store, 200, random.Random(1))) for store in ("sqlite", "postgresql"))
    assert set(on_sqlite) == {"receive", "deliver", "console", "supervisor", "all"}
    assert set(on_postgresql) == set(on_sqlite) | {"backend", "server"}
    assert min(on_sqlite.values()) >= 15
    assert min(on_postgresql.values()) >= 11
    for kinds, store in ((on_sqlite, "sqlite"), (on_postgresql, "postgresql")):
        assert Counter(series(store, 0, random.Random(1))) == dict.fromkeys(kinds, 1)


def test_only_deaths_between_answer_and_commit_may_double() -> None:
    """A killed `receive` or console doubles nothing."""
    assert doubling(Counter({"receive": 9, "console": 9, "supervisor": 9, "deliver": 2, "all": 1, "server": 1, "backend": 1}), 1) == 6


def test_a_repeat_whose_tracks_did_not_come_is_worth_nothing() -> None:
    """A missing track, one too many, an outbox that is far behind or never empty: each is said."""
    good = Tracks(200, 150, 2.5, 3.0)
    assert _complaint(good, 200) == ""
    assert "199 tracks of 200" in _complaint(good._replace(reached=199), 200)
    assert "201 tracks of 200" in _complaint(good._replace(reached=201), 200)
    assert "behind" in _complaint(good._replace(lag_s=LAG_S + 1), 200)
    assert "not empty" in _complaint(good._replace(drained_s=None), 200)


def test_tracks_are_told_of_in_rows_and_table() -> None:
    """The sum of the tracks and the worst lag and drain of all repeats stand in the row of the gateway that leaves some."""
    tracked = [(_repeat(100), _repeat(200)._replace(tracks=Tracks(200, 9, lag, lag + 1))) for lag in (1.0, 2.0)]
    postfix, gatepost = rows(CELL, tracked)
    assert "tracks" not in postfix
    assert (gatepost["tracks"], gatepost["track_lag_s"], gatepost["tracks_drained_s"]) == (400, 2.0, 3.0)
    assert "400" in table([postfix, gatepost])


def test_a_file_system_in_memory_is_recognised() -> None:
    """The deepest mount decides."""
    assert file_system(Path("/proc/self")) == "proc"
