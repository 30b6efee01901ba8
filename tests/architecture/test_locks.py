# SPDX-License-Identifier: Apache-2.0
"""The lock files: complete, with hashes, and without the name of any host; and the pages' files that they lead to."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent
PINNED = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-build.lock")


def project() -> dict:
    """Give pyproject.toml as it is written."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(asked: list[str]) -> set[str]:
    """Give the names of packages that these lines ask for."""
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in asked}


def wanted(lock: str) -> set[str]:
    """Give the names that pyproject.toml asks for in this lock."""
    if lock == "requirements-build.lock":
        return names(project()["dependency-groups"]["build"])
    extras = ("lint", "test", "peer", "s3") if lock == "requirements-test.lock" else ()
    asked = project()["project"]
    return names([*asked["dependencies"], *(one for extra in extras for one in asked["optional-dependencies"][extra])])


def pinned(lock: str) -> dict[str, str]:
    """Give the packages of a lock with their versions."""
    return dict(PINNED.findall((ROOT / lock).read_text()))


def hook() -> ModuleType:
    """Give the build hook as a module."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_all_with_hashes_and_names_no_host(name):
    """Each package has its version and its hashes; where they come from is the machine's own choice."""
    text = (ROOT / name).read_text()
    assert wanted(name) <= set(pinned(name))
    assert "://" not in text
    assert "--index-url" not in text and "--find-links" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_the_locks_agree(name):
    """What runs in the tests is what is installed and built."""
    tested = pinned("requirements-test.lock")
    assert {name: version for name, version in pinned(name).items() if tested.get(name) != version} == {}


def test_a_build_needs_what_is_locked_for_it():
    """The demo, which lays the pages' files without a build, uses what a build uses."""
    assert project()["build-system"]["requires"] == project()["dependency-groups"]["build"]


@pytest.mark.parametrize("name", LOCKS)
def test_one_client_of_http_arrives(name):
    """httpx and its successor httpx2 never come together."""
    assert "httpx" not in pinned(name)


def test_the_pages_packages_are_pinned_with_checksums_and_without_addresses():
    """package.json names exact versions; its lock has a SHA-512 for each package, and no address to fetch it from."""
    asked = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert asked["private"] is True
    versions = {**asked["dependencies"], **asked["devDependencies"]}
    assert {name: version for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)} == {}
    packages = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}
    assert {name: packages[name]["version"] for name in versions} == versions
    assert [name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-") or "resolved" in entry] == []
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().splitlines()


def test_the_pages_files_are_the_listed_ones():
    """What lies below `static/vendor` is what its list says, and the list is this lock's."""
    built = hook()
    assert built.laid(ROOT) == built.read_list(ROOT) != {}


def test_the_pages_files_ask_for_nothing_but_themselves():
    """No style sheet holds a `data:` picture or leads elsewhere, and each picture that it names is there, under its mark."""
    built = hook()
    vendor = ROOT / built.STATIC / "vendor"
    listed = built.read_list(ROOT)
    addresses = [one for sheet in vendor.glob("*.css") for one in re.findall(r"url\(([^)]*)\)", sheet.read_text())]
    named = [re.fullmatch(r'"\.\./\.\./([0-9a-f]{16})/vendor/(img/[0-9a-f]{16}\.svg)"', one) for one in addresses]
    assert len(named) > 20 and all(named)
    assert [one for one in named if not listed[one[2]].startswith(one[1])] == []


def test_a_list_of_another_lock_is_refused(tmp_path):
    """Whoever changes the lock must renew the list; the build says how."""
    built = hook()
    (tmp_path / built.STATIC).mkdir(parents=True)
    (tmp_path / built.LIST).write_text((ROOT / built.LIST).read_text())
    (tmp_path / "package-lock.json").write_text("{}")
    with pytest.raises(built.NotLaid, match=r"another package-lock\.json; run `python hatch_build\.py --renew`"):
        built.lay(tmp_path)


def test_what_npm_fetched_is_not_trusted_when_it_is_not_the_listed(tmp_path, monkeypatch):
    """A fetched file with another checksum is named, and nothing is laid."""
    built = hook()
    (tmp_path / built.STATIC).mkdir(parents=True)
    for name in (built.LIST, "package-lock.json"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(built, "fetch", lambda root: None)
    files = {name: (ROOT / built.STATIC / "vendor" / name).read_bytes() for name in built.read_list(ROOT)}
    monkeypatch.setattr(built, "taken", lambda modules: files | {"htmx.min.js": b"another"})
    with pytest.raises(built.NotLaid, match=r"^htmx\.min\.js: what npm fetched is not what"):
        built.lay(tmp_path)
    assert not (tmp_path / built.STATIC / "vendor").exists()
    monkeypatch.setattr(built, "taken", lambda modules: files)
    built.lay(tmp_path)
    assert built.laid(tmp_path) == built.read_list(tmp_path)
