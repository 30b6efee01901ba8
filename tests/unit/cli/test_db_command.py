# SPDX-License-Identifier: Apache-2.0
"""`gatepost db migrate`: what it does, says and answers."""

import json
from pathlib import Path

import pytest

from gatepost.cli import main
from gatepost.storage.owner import OwnerLock
from gatepost.storage.schema import SCHEMA_VERSION, migrations
from gatepost.testing.postgres import PASSWORD
from postgres_server import postgres_server
from unit.storage.stores_of_old import OldStore

VERSION = SCHEMA_VERSION["gateway"]
NAMES = [step.name for step in migrations("gateway", "sqlite")]


@pytest.fixture
def migrate(tmp_path: Path, capfd: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Call `gatepost db migrate` with a data folder of its own; gives exit code, output and complaint."""

    def called(*options: str, stores: str = "") -> tuple[int, str, str]:
        (tmp_path / "gatepost.toml").write_text(f'data = "{tmp_path}/data"\n[stores]\n{stores}')
        code = main(["db", "migrate", "--config", str(tmp_path / "gatepost.toml"), *options])
        out, err = capfd.readouterr()
        return code, out, err

    return called


def old_store(folder: Path) -> OldStore:
    (folder / "data").mkdir()
    return OldStore("sqlite", folder / "data").make(3)


def test_each_store_is_made_or_migrated(migrate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """An older one step by step, a missing one at once; a second call finds nothing to do."""
    old_store(tmp_path)
    code, out, err = migrate()
    assert (code, err) == (0, "")
    assert [f"gateway: made step {name}" for name in NAMES[3:]] == out.splitlines()[:-2]
    assert f"gateway: {tmp_path}/data/gateway.sqlite has schema {VERSION} now." in out
    assert f"intranet: {tmp_path}/data/intranet.sqlite has schema {SCHEMA_VERSION['intranet']} now." in out
    code, out, err = migrate()
    assert (code, out.count("nothing is to be done.")) == (0, 2)


def test_a_plan_is_only_shown(migrate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """It names the steps; the store stays as it is, and one that is missing is not made."""
    old = old_store(tmp_path)
    code, out, _ = migrate("--plan")
    assert code == 0
    assert f"has schema 3; to be made: {', '.join(NAMES[3:])}." in out
    assert old.record()[0] == 3
    assert not (tmp_path / "data" / "intranet.sqlite").exists()


def test_programs_get_json(migrate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """One entry for each store, with what was found, what was done, and the schema now."""
    old_store(tmp_path)
    code, out, _ = migrate("--json", "--database", "gateway")
    steps = [{"version": int(name[:4]), "name": name} for name in NAMES[3:]]
    path = f"{tmp_path}/data/gateway.sqlite"
    assert code == 0
    assert json.loads(out) == [{"database": "gateway", "store": path, "found": 3, "steps": steps, "version": VERSION}]


def test_a_store_in_use_is_left_alone(migrate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The sentence names the process that owns it; exit code 3."""
    old = old_store(tmp_path)
    lock = OwnerLock(tmp_path / "data", "gateway")
    code, out, err = migrate()
    lock.release()
    assert (code, out) == (3, "")
    assert "owns this store; end that process" in err
    assert old.record()[0] == 3


def test_a_store_on_a_server_is_migrated(migrate, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """By the URL of the settings, which is shown without its password."""
    old = OldStore("postgresql", tmp_path).make(3)
    code, out, _ = migrate("--database", "gateway", stores=f'gateway = "{old.url}"')
    assert code == 0
    assert (
        f"gateway: postgresql://gatepost@127.0.0.1:{postgres_server().port}/{old.url.rpartition('/')[2]} has schema {VERSION} now." in out
    )
    assert PASSWORD not in out
    assert old.record()[0] == VERSION


def test_a_store_that_cannot_be_migrated_is_one_sentence(migrate) -> None:  # type: ignore[no-untyped-def]
    """Exit code 3; what, where, how to mend."""
    code, out, err = migrate(stores=f'gateway = "postgresql://gatepost:{PASSWORD}@127.0.0.1:1/gateway"')
    assert (code, out) == (3, "")
    assert err.count("\n") == 1 and PASSWORD not in err
    assert "Connection refused; start the server" in err
