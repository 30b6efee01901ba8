# SPDX-License-Identifier: Apache-2.0
"""The form of each part of the configuration: labels and manuals in both languages, values there and back, faults at their fields."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import Configuration
from gatepost.roles.judgement import configuration_refusals
from gatepost.testing.gateway import relay_all_to
from gatepost.versioning.edit import Operation, Put, Set, edit
from gatepost.versioning.edit_fields import Field, entries, fields, table
from gatepost.versioning.edit_sections import sections
from gatepost.versioning.edit_values import Fault
from gatepost.web.console.settings.form import SettingsForm
from gatepost.web.console.settings.hints import hint
from gatepost.web.console.settings.labels import CHOICES, LABELS, MANUALS
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import load

WORDS = load()
GERMAN, ENGLISH = WORDS["de"], WORDS["en"]
SHOWN = [path for path in sections() if fields(path)]
SAME = {"Name", "Port", "DNS", "SPF: fail", "SPF: softfail", "Zone", "Filters", "Filter"}
"""Labels that German has as English does."""


def below(listed: Iterable[Field]) -> Iterable[Field]:
    """Give fields, and those of the tables in them."""
    for field in listed:
        yield field
        yield from below(field.fields)


@pytest.mark.parametrize("section", SHOWN)
def test_each_field_has_a_label_and_a_manual_in_both_languages(section: str):
    """What the configuration can say, pages can ask for; a field that is added without its words fails here."""
    labels = LABELS[section]
    assert set(labels) == {field.name for field in fields(section)}
    assert [one for one in labels.values() if GERMAN(one) == one and one not in SAME] == []
    manuals = [MANUALS.get((section, field.name), field.manual) for field in below(fields(section))]
    assert all(manuals)
    assert [one for one in manuals if GERMAN(one) == one] == []


@pytest.mark.parametrize("section", SHOWN)
def test_each_choice_has_a_label_in_both_languages(section: str):
    """Nobody chooses between keys of a file."""
    for field in fields(section):
        known = CHOICES.get((section, field.name), {})
        assert set(known) == set(field.choices)
        assert [one for one in known.values() if not GERMAN(one)] == []


@pytest.mark.parametrize("words", WORDS.values(), ids=list(WORDS))
@pytest.mark.parametrize("section", [path for path in SHOWN if sections()[path].kind == "table"])
def test_a_table_comes_back_as_it_was_shown(section: str, words: Any):
    """To save a page on which nothing was typed changes nothing."""
    configuration = relay_all_to(25)
    form, sheet = SettingsForm(section), Form()
    form.fill(sheet, table(configuration, section), words)
    assert edit(configuration, Set(section=section, values=form.read(as_sent(sheet))), configuration_refusals) == configuration


def test_an_entry_comes_back_as_it_was_shown():
    """Numbers with a comma, several lines, boxes, and what is not set."""
    configuration = relay_all_to(25)
    form = SettingsForm("send_connectors")
    for entry in entries(configuration, "send_connectors"):
        sheet = Form()
        form.fill(sheet, entry.values, GERMAN)
        put = Put(section="send_connectors", entry=entry.name, values=form.read(as_sent(sheet)))
        assert edit(configuration, put, configuration_refusals) == configuration


def as_sent(sheet: Form) -> Form:
    """Send a form as a browser does: boxes that are not ticked are left out."""
    return Form({"form_token": "x", **{name: sheet.raw(name) for name in sheet.names if sheet.raw(name)}})


@given(st.floats(0, 10).map(lambda value: round(value, 3)), st.sampled_from(["de", "en"]))
def test_numbers_are_read_as_they_are_written(points: float, language: str):
    """In both languages, with comma or point."""
    form, sheet = SettingsForm("filters.character_sets"), Form()
    form.fill(sheet, {"points": points, "share": 0.5, "allowed": ["Latin"]}, WORDS[language])
    assert float(form.read(sheet)["points"]) == points


def test_a_box_that_was_unticked_stays_so_when_the_form_comes_back():
    """What is stored fills only what was not sent; a box that is not ticked is not sent."""
    form = SettingsForm("rules")
    sheet = Form({"form_token": "x", "name": "A rule"})
    form.fill(sheet, {"enabled": True, "threshold": 4.0}, ENGLISH)
    assert not sheet.ticked("enabled")
    assert sheet.text("threshold") == "4"


def test_a_secret_is_never_filled_in():
    """The hash of a password does not leave; left empty it stays, and a reference is shown as it is one."""
    form = SettingsForm("submission_users")
    sheet = Form()
    form.fill(sheet, {"name": "bob", "password": "(not shown)", "tenant": 0}, ENGLISH)
    assert sheet.raw("password") == ""
    assert form.read(sheet)["password"] == "(not shown)"
    other = Form()
    SettingsForm("send_connectors", ("password",)).fill(other, {"password": "file:/run/secret"}, ENGLISH)
    assert other.text("password") == "file:/run/secret"


def test_faults_stand_at_their_fields_with_their_line():
    """Several lines of one field are told together; what has no field here is told above the buttons."""
    form, sheet = SettingsForm("corporate_servers"), Form()
    faults = (
        Fault("networks[1]", "'x' is no IP address or network", "write an address or a network, as 192.0.2.0/24"),
        Fault("networks[2]", "'y' is no IP address or network", "write an address or a network, as 192.0.2.0/24"),
        Fault("", "nothing says how to know this server", "give networks, certificate_sha256 or provider_header"),
    )
    form.tell(sheet, faults, GERMAN)
    (networks,) = sheet.at("networks")
    assert networks.cause == "Zeile 2: 'x' ist keine IP-Adresse und kein Netz. Zeile 3: 'y' ist keine IP-Adresse und kein Netz"
    assert [one.mend for one in sheet.at("")] == ["nennen Sie Netze, ein Zertifikat oder das Kopfzeilenfeld eines Anbieters"]


def test_prefixes_keep_forms_of_one_page_apart():
    """The same field of two sections has two inputs."""
    sheet = Form({"a-command_timeout_s": "10", "b-command_timeout_s": "20"})
    read = [
        SettingsForm(section, ("command_timeout_s",), prefix=prefix).read(sheet)
        for section, prefix in (("receive", "a-"), ("delivery", "b-"))
    ]
    assert read == [{"command_timeout_s": "10"}, {"command_timeout_s": "20"}]


def test_what_is_stored_is_told_where_something_else_was_typed():
    """Who saves an outdated page sees what it would overwrite, and nothing else."""
    form = SettingsForm("filters.word_groups")
    stored = entries(grouped(), "filters.word_groups")[0].values
    sheet = Form()
    form.fill(sheet, stored, GERMAN)
    assert form.now(sheet, stored, GERMAN) == {}
    typed = Form({**{name: sheet.raw(name) for name in sheet.names}, "points": "1,5", "words": "pills"})
    assert form.now(typed, stored, GERMAN) == {"points": "2", "words": "pills, lottery"}


def grouped() -> Configuration:
    """Give a configuration with a word group."""
    put = Put(section="filters.word_groups", values={"name": "spam", "words": ["pills", "lottery"]})
    made = edit(relay_all_to(25), put, configuration_refusals)
    assert isinstance(made, Configuration)
    return made


def test_keys_of_a_file_stand_in_manuals_as_pages_call_them():
    """A hint names the field that the reader sees, not the key in a file; what is no key stays as it is written."""
    described = {field.name: field for field in fields("rules")}
    said = str(hint("rules", described["recipients"], ENGLISH))
    assert "<i>Sender (MAIL FROM)</i>" in said
    assert "mail_from" not in said
    assert "<code>*@example.com</code>" in str(hint("rules", described["mail_from"], ENGLISH))
    assert "&lt;&gt;" in str(hint("rules", described["mail_from"], GERMAN))


@pytest.mark.parametrize("section", SHOWN)
def test_a_hint_speaks_of_choices_by_their_labels(section: str):
    """No hint tells what `non_match:` means to who chooses Non-match."""
    for field in fields(section):
        for words in WORDS.values():
            said = re.sub(r"<[^>]*>", "", str(hint(section, field, words)))
            assert [one for one in field.choices if re.search(rf"(?<![\w-]){one}:", said)] == [], said
            assert not re.search(r"mode is reject|[a-z]_[a-z]+:", said), said


# --- what the rooms below say, in German ------------------------------------------------------------------------------------------

RULE = {"name": "new", "filters": [{"name": "words"}]}
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("rules", {**RULE, "name": ""}),
    ("rules", {**RULE, "name": "n" * 101}),
    ("rules", {**RULE, "name": "All mails"}),
    ("rules", {**RULE, "direction": "sideways"}),
    ("rules", {**RULE, "threshold": "many"}),
    ("rules", {**RULE, "threshold": "1001"}),
    ("rules", {**RULE, "threshold": "inf"}),
    ("rules", {**RULE, "verdict_reply": "Grüße"}),
    ("rules", {**RULE, "filters": []}),
    ("rules", {**RULE, "filters": [{"name": "wrods"}]}),
    ("rules", {**RULE, "filters": [{"name": "nothing like it"}]}),
    ("rules", {**RULE, "filters": [{"name": "words"}, {"name": "words"}]}),
    ("rules", {**RULE, "filters": [{"name": "words", "multiplier": "11"}]}),
    ("rules", {**RULE, "direction": "outbound", "filters": [{"name": "reputation"}]}),
    ("rules", {**RULE, "clients": ["192.0.2.1/24"]}),
    ("rules", {**RULE, "clients": ["everywhere"]}),
    ("rules", {**RULE, "listeners": ["25"]}),
    *(
        ("rules", {**RULE, "recipients": [one]})
        for one in ("<>", "example.com", "@example.com", "a@*.com", "a*b@x.com", "a@b..c", "*.-", "a,b@x.com", "")
    ),
    ("corporate_servers", {"name": "mail"}),
    ("corporate_servers", {"name": "mail", "networks": ["0.0.0.0/0"]}),
    ("corporate_servers", {"name": "mail", "provider_header": "X: 1"}),
    ("corporate_servers", {"name": "mail", "networks": ["192.0.2.1"], "provider_header": "none", "provider_networks": ["192.0.2.1"]}),
    ("corporate_servers", {"name": "mail", "certificate_sha256": "abc"}),
    ("corporate_servers", {"name": "mail", "networks": ["192.0.2.1"], "tenant": "-1"}),
    ("corporate_servers", {"name": "mail", "networks": ["192.0.2.1"], "tenant": "1.5"}),
    ("submission_users", {"name": "bob", "password": "secret"}),
    ("submission_users", {"name": "bob"}),
    ("submission_users", {"name": "bob", "password": "$argon2id$"}),
    *(
        ("send_connectors", {"name": "new", "direction": "inbound", **more})
        for more in (
            {},
            {"smart_hosts": ["mail.example.com:x"]},
            {"smart_hosts": ["[mail"]},
            {"smart_hosts": ["1:2:3"]},
            {"smart_hosts": ["[mail.example.com]"]},
            {"smart_hosts": ["mail"], "domains": ["@"]},
            {"smart_hosts": ["mail"], "domains": ["192.0.2.1"]},
            {"smart_hosts": ["mail"], "domains": ["ü..de"]},
            {"smart_hosts": ["mail"], "user": "bob"},
            {"smart_hosts": ["mail"], "password": "file:/x"},
            {"smart_hosts": ["mail"], "user": "bob", "password": "secret"},
            {"smart_hosts": ["mail"], "user": "bob", "password": "file:x"},
            {"smart_hosts": ["mail"], "user": "bob", "password": "env:"},
            {"smart_hosts": ["mail"], "user": "bob", "password": "env:X", "security": "none"},
            {"smart_hosts": ["mail"], "cost": "1001"},
        )
    ),
    ("filters.word_groups", {"name": "new", "words": []}),
    ("filters.word_groups", {"name": "new", "words": ["x"], "points": "0"}),
    ("filters.word_groups", {"name": "new", "words": ["x"] * 2001}),
    ("filters.word_groups", {"name": "new", "words": ["x" * 501]}),
    ("filters.word_groups", {"name": "new", "words": [" "]}),
    ("filters.word_groups", {"name": "new", "words": ["*"], "search": "wildcard"}),
    ("filters.word_groups", {"name": "new", "words": ["x*"], "search": "regex"}),
    ("filters.word_groups", {"name": "new", "words": ["("], "search": "regex"}),
    ("filters.realtime_blocklists.lists", {"zone": "no zone"}),
    ("filters.realtime_blocklists.lists", {"zone": "bl.example.org", "answers": ["192.0.2.1", "127.255.255.1"]}),
    ("filters.character_sets", {"allowed": []}),
    ("filters.character_sets", {"allowed": ["latin", "Klingon"]}),
    ("owned_domains", {"name": "*"}),
    ("owned_domains", {"name": "example.com"}),
    ("owned_domains", {"name": "new.example", "administrative_address": "x"}),
    ("notices", {"notice_sender": "x y@example.com"}),
    ("receive", {"size_bytes": "1", "command_timeout_s": "0", "verdict_timeout_s": "61", "block_minutes": ""}),
    ("receive", {"command_timeout_s": "nan"}),
    ("message", {"depth": "deep"}),
    ("console", {"public_address": "console.example.com"}),
    ("console", {"public_address": "https://console.example.com/gatepost"}),
]


@pytest.mark.parametrize(("section", "values"), WRONG)
def test_each_fault_is_told_in_german_at_its_field(section: str, values: dict[str, Any]):
    """Nobody who reads German meets an English sentence at a field, and none speaks of a file's tables."""
    is_table = sections()[section].kind == "table"
    operation: Operation = Set(section=section, values=values) if is_table else Put(section=section, values=values)
    refused = edit(relay_all_to(25), operation, configuration_refusals)
    assert isinstance(refused, tuple), "this was taken"
    for words in WORDS.values():
        sheet = Form()
        SettingsForm(section).tell(sheet, refused, words)
        assert sheet.faults
        for told, fault in zip(sheet.faults, refused, strict=False):
            assert "[" not in told.cause.replace("[mail", "")
            if words is GERMAN:
                assert fault.cause not in told.cause
                assert not fault.mend or fault.mend not in told.mend


def test_two_of_one_name_are_told_without_their_places_in_a_file():
    """What a start says of a file, `rules[0]`, a page does not."""
    before = relay_all_to(25)
    twice = msgspec.structs.replace(before, rules=before.rules * 2)
    sheet = Form()
    SettingsForm("rules").tell(sheet, [Fault("name", fault.cause, fault.mend) for fault in configuration_refusals(twice, "x")], ENGLISH)
    assert sheet.at("name")[0].cause == "there is 'All mails' already"
