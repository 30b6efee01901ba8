# SPDX-License-Identifier: Apache-2.0
"""How benchmarks judge their own figures: pairs, disturbed repeats, the sink's counter."""

import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

from measure.kill import _victims
from measure.place import file_system
from measure.relay import _cell
from measure.repeat import Cell, Repeat
from measure.rows import rows, table
from measure.smtp_sink import _COUNT

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
    """Of 200 kills 80 hit `receive`, 80 `deliver`, 20 the supervisor and 20 all processes."""
    assert Counter(_victims(200, random.Random(1))) == {"receive": 80, "deliver": 80, "supervisor": 20, "all": 20}


def test_a_file_system_in_memory_is_recognised() -> None:
    """The deepest mount decides."""
    assert file_system(Path("/proc/self")) == "proc"
