# SPDX-License-Identifier: Apache-2.0
"""The harness that starts a gateway: its files read back, and a start that fails says why."""

import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.config.configuration import Configuration
from gatepost.config.limits import DeliveryLimits, ReceiveLimits
from gatepost.testing import processes, toml
from gatepost.testing.gateway import Gateway, GatewayFailed, relay_all_to
from gatepost.testing.processes import all_processes, process, pss_mib, snapshot, tree
from gatepost.testing.tls import self_signed


def test_the_files_read_back_as_the_settings(tmp_path: Path) -> None:
    """Both files hold exactly the settings they were written from."""
    configuration = relay_all_to(2526, receive=ReceiveLimits(tar_pit="low"), delivery=DeliveryLimits(lease_s=2.5))
    listeners = [Listener(address="127.0.0.1", port=2525, proxy_from=("127.0.0.0/8",)), Listener(port=2587, serves="submission")]
    gateway = Gateway(tmp_path / 'a "b" \\ ü', configuration, listeners=listeners, tls=self_signed(tmp_path), receive=3)
    gateway.write()
    read = {name: tomllib.loads((gateway.folder / name).read_text()) for name in ("gatepost.toml", "configuration.toml")}
    assert msgspec.convert(read["gatepost.toml"], Bootstrap) == gateway.bootstrap
    assert msgspec.convert(read["configuration.toml"], Configuration) == configuration
    assert gateway.ports == [2525, 2587]


def test_defaults_are_not_written() -> None:
    """A setting that has its default is not written, so that a gateway under test runs as shipped."""
    assert toml.dump(Configuration()).strip() == ""


def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    """A gateway that ends at once is reported with its own words."""
    gateway = Gateway(tmp_path, Configuration(), environment={"GATEPOST_NONSENSE": "1"})
    with pytest.raises(GatewayFailed, match="NONSENSE"):
        gateway.start()


def test_events_are_read_since_the_last_start_only(tmp_path: Path) -> None:
    """Process events are those of the present run, and a torn last line waits for its rest."""
    gateway = Gateway(tmp_path, Configuration())
    gateway.folder.mkdir(exist_ok=True)
    me = process(1)
    assert me is not None
    gateway.log.write_bytes(b'{"event":"process.started","process":"receive","pid":1}\nnoise\n{"event":"process.started","process":"del')
    assert gateway.running() == {"receive": [1]}
    with gateway.log.open("ab") as log:
        log.write(b'iver","pid":999999999}\n')
    assert gateway.running() == {"receive": [1]}
    assert [event["process"] for event in gateway.events("process.started")] == ["receive", "deliver"]


def test_costs_of_a_tree_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is in its own tree, has memory and CPU time, and is foreign to nobody who names it."""
    import os

    pid = os.getpid()
    assert pid in tree([pid])
    assert pss_mib([pid]) > 5
    seen = all_processes()  # looked at once: processes of others end at any moment
    monkeypatch.setattr(processes, "all_processes", lambda proc: seen)
    watched, foreign = snapshot([[pid]], [])
    assert watched[0] > 0
    assert snapshot([], [pid]).foreign_s == foreign
    assert sys.executable
