# SPDX-License-Identifier: Apache-2.0
"""Documents and code say the same."""

import re
from pathlib import Path

import pytest

import gatepost
from gatepost.config.bootstrap import Bootstrap
from gatepost.config.bootstrap_checks import bootstrap_faults
from gatepost.config.configuration import Configuration
from gatepost.config.loader import load_configuration, read_bootstrap, read_configuration
from gatepost.config.reference import keys, settings_page
from gatepost.telemetry import events
from gatepost.telemetry.reference import catalogue, events_page

ROOT = Path(__file__).parent.parent.parent
RFC = re.compile(r"\bRFC[ -]?(\d{2,5})\b")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (yes|partial|no) \| ([a-z/]+) \| (.*?) ?\|$", re.MULTILINE)
SETTING = re.compile(r"^#(?=[a-z_0-9]+ = )", re.MULTILINE)


def cited() -> dict[int, set[str]]:
    """Give each RFC that the code cites, with the rooms that do."""
    found: dict[int, set[str]] = {}
    for path in (ROOT / "src" / "gatepost").rglob("*.py"):
        room = path.relative_to(ROOT / "src" / "gatepost").parts[0].removesuffix(".py")
        for number in RFC.findall(path.read_text()):
            found.setdefault(int(number), set()).add(room)
    return found


def test_the_settings_page_is_what_the_models_say():
    """`python -m gatepost.config.reference > docs/reference/settings.md` renews it."""
    assert (ROOT / "docs/reference/settings.md").read_text() == settings_page()


def test_the_events_page_is_what_the_catalogue_says():
    """`python -m gatepost.telemetry.reference > docs/reference/events.md` renews it."""
    assert (ROOT / "docs/reference/events.md").read_text() == events_page()


def test_each_event_has_a_name_of_its_own_and_a_sentence():
    """Names are dotted and unique, and each event says in one sentence what it means."""
    names = [kind.name for kind in catalogue()]
    assert sorted(set(names)) == names
    assert all(re.fullmatch(r"[a-z]+(\.[a-z_]+)+", name) for name in names)
    assert all((kind.__doc__ or "").rstrip().endswith(".") for kind in catalogue())
    assert len(names) == len(events.Event.__subclasses__())


def test_each_setting_has_its_manual():
    """No key of either file is without a text."""
    bare = [line for line in settings_page().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


def test_the_bootstrap_file_has_at_most_20_keys():
    """What needs a restart stays little."""
    assert len(set(keys(Bootstrap))) <= 20


@pytest.mark.parametrize(("name", "model"), [("gatepost.toml", Bootstrap), ("configuration.toml", Configuration)])
def test_the_examples_show_every_key_with_its_default(name, model, tmp_path):
    """Every key stands in the example; with each # taken away it is still valid, and says what it said before."""
    text = (ROOT / "conf" / name).read_text()
    (tmp_path / name).write_text(SETTING.sub("", text))
    shown = set(re.findall(r"^#?([a-z_0-9]+) = ", text, re.MULTILINE))
    assert {key.rpartition(".")[2].removesuffix("[]") for key in keys(model)} <= shown
    if model is Bootstrap:
        assert read_bootstrap(tmp_path / name, {}) == read_bootstrap(ROOT / "conf" / name, {})
    else:
        opened, closed = read_configuration(tmp_path / name), read_configuration(ROOT / "conf" / name)
        assert (opened.receive, opened.message, opened.delivery) == (closed.receive, closed.message, closed.delivery)
        assert opened.owned_domains == closed.owned_domains


def test_the_examples_work_as_they_are():
    """The configuration is valid; the bootstrap file lacks nothing but the certificate's files."""
    load_configuration(ROOT / "conf" / "configuration.toml")
    bootstrap = read_bootstrap(ROOT / "conf" / "gatepost.toml", {})
    assert {fault.path for fault in bootstrap_faults(bootstrap, "f")} <= {"f: tls.certificate", "f: tls.key"}


def test_the_standards_table_is_the_codes():
    """Each RFC that is cited is listed, in order; what is listed as held is cited in its room."""
    rows = ROW.findall((ROOT / "docs/standards.md").read_text())
    listed = {int(number): (status, room) for number, _, status, room, _ in rows}
    assert list(listed) == sorted(listed)
    assert set(cited()) - set(listed) == set()
    held = {number: room for number, (status, room) in listed.items() if status != "no"}
    assert {number: room for number, room in held.items() if room.partition("/")[0] not in cited().get(number, set())} == {}
    assert (ROOT / "docs/standards.md").read_text().count("\n| ") == len(rows) + 2


def test_the_version_is_said_once():
    """The package and its metadata agree."""
    assert f'version = "{gatepost.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_links_between_documents_lead_somewhere():
    """Each relative link in a document names a file that exists."""
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
