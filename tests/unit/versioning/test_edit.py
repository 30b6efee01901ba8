# SPDX-License-Identifier: Apache-2.0
"""Editing a configuration entry by entry, as forms do: what is typed is taken, or told as wrong at its field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration, CorporateServer, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.loader import read_configuration_text
from gatepost.config.rules import FilterUse, Rule
from gatepost.errors import ConfigError
from gatepost.roles.judgement import configuration_refusals
from gatepost.rules.default import DEFAULT_RULES
from gatepost.versioning.edit import Move, Operation, Put, Remove, Set, edit, faults_of
from gatepost.versioning.edit_faults import located
from gatepost.versioning.edit_fields import entries, fields, table
from gatepost.versioning.edit_sections import own_fields, sections, value_at
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import HIDDEN, changes

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"
HOUSE = Configuration(
    owned_domains=(OwnedDomain(name="a.example"),),
    corporate_servers=(CorporateServer(name="ours", networks=("192.0.2.0/24",)),),
    corporate_users=("jo@a.example",),
    submission_users=(SubmissionUser(name="jo", password=HASH),),
    send_connectors=(SendConnector(name="in", direction="inbound", smart_hosts=("mail.a.example",)),),
    rules=(Rule(name="A", filters=(FilterUse(name="words"),)), Rule(name="B", mode="accept")),
)


def done(operation: Operation, before: Configuration = HOUSE) -> Configuration:
    """Carry out an edit that must succeed."""
    made = edit(before, operation, configuration_refusals, DEFAULT_RULES)
    assert isinstance(made, Configuration), made
    return made


def refused(operation: Operation, before: Configuration = HOUSE) -> list[tuple[str, str]]:
    """Give the fields and causes that an edit is refused for; each fault names the operation's section and entry."""
    faults = edit(before, operation, configuration_refusals, DEFAULT_RULES)
    assert isinstance(faults, tuple) and faults
    assert {(one.section, one.entry) for one in faults} == {(operation.section, getattr(operation, "entry", None) or "")}
    assert all(one.mend for one in faults)
    return [(one.field, one.cause) for one in faults]


def test_a_form_of_texts_makes_an_entry():
    """Numbers, lists by lines, boxes and empty optional numbers are read from texts; what is not given is the default."""
    values = {"name": "C", "threshold": " 6.5 ", "enabled": "", "mail_from": "*@b.example\r\n\n <> ", "mode": "check"}
    values["filters"] = [{"name": "words", "multiplier": "3"}]
    rule = done(Put(section="rules", values=values)).rules[-1]
    assert rule == Rule(
        name="C", threshold=6.5, enabled=False, mail_from=("*@b.example", "<>"), filters=(FilterUse(name="words", multiplier=3),)
    )
    values = {"name": "out", "direction": "outbound", "tenant": "", "cost": "7", "enabled": "on", "domains": ["*"]}
    made = done(Put(section="send_connectors", values=values)).send_connectors[-1]
    assert made == SendConnector(name="out", direction="outbound", cost=7)


def test_only_what_is_given_changes():
    """The rest of the entry, and every other entry, stays; None is the default; a new name is a value like others."""
    after = done(Put(section="rules", entry="A", values={"threshold": 9}))
    assert after == msgspec.structs.replace(HOUSE, rules=(msgspec.structs.replace(HOUSE.rules[0], threshold=9.0), HOUSE.rules[1]))
    assert done(Put(section="rules", entry="A", values={"threshold": None}), after) == HOUSE
    renamed = done(Put(section="rules", entry="A", values={"name": "Z"}))
    assert [rule.name for rule in renamed.rules] == ["Z", "B"]


def test_entries_have_places():
    """A new one stands at the end or where it is put; one that is moved stands where it was put, one that is removed is gone."""
    new = {"name": "N", "mode": "accept"}
    assert [rule.name for rule in done(Put(section="rules", values=new)).rules] == ["A", "B", "N"]
    assert [rule.name for rule in done(Put(section="rules", values=new, place=1)).rules] == ["N", "A", "B"]
    assert [rule.name for rule in done(Move(section="rules", entry="B", place=1)).rules] == ["B", "A"]
    assert [rule.name for rule in done(Remove(section="rules", entry="A")).rules] == ["B"]
    for place in (0, 3, -1):
        assert refused(Move(section="rules", entry="A", place=place)) == [("place", f"there is no place {place}")]


def test_a_list_of_texts_is_edited_by_text():
    """Each text is an entry."""
    assert done(Put(section="corporate_users", values={"value": " li@a.example "})).corporate_users == ("jo@a.example", "li@a.example")
    assert done(Put(section="corporate_users", entry="jo@a.example", values={"value": "x@a.example"})).corporate_users == ("x@a.example",)
    assert done(Remove(section="corporate_users", entry="jo@a.example")).corporate_users == ()
    assert refused(Put(section="corporate_users", values={"value": "jo@a.example"})) == [("value", "there is 'jo@a.example' already")]
    assert refused(Put(section="corporate_users", values={"value": " "})) == [("value", "missing")]


def test_tables_are_set_by_field():
    """Nested ones too, and the keys above all tables."""
    assert done(Set(section="receive", values={"connections": "12"})).receive.connections == 12
    assert done(Set(section="filters.reputation", values={"spf_fail": 3})).filters.reputation.spf_fail == 3
    assert done(Set(section="", values={"different_rules": "strictest"})).different_rules == "strictest"
    assert done(Set(section="dns", values={"servers": "192.0.2.53\n192.0.2.54"})).dns.servers == ("192.0.2.53", "192.0.2.54")


def test_every_fault_is_told_at_its_field():
    """All at once, each with its cause; inside a list with its place."""
    values = {"threshold": "many", "mode": "maybe", "colour": "red", "filters": [{"name": "words", "multiplier": 11}]}
    assert dict(refused(Put(section="rules", values=values))) == {
        "colour": "unknown key",
        "name": "missing",
        "threshold": "expected float, got str",
        "mode": "'maybe' is not one of the choices",
        "filters[0].multiplier": "expected int <= 10",
    }
    assert refused(Set(section="receive", values={"data_total_s": "inf"})) == [("data_total_s", "inf is no number")]
    assert refused(Put(section="rules", entry="A", values={"verdict_reply": "\ud800"}))[0][0] == "verdict_reply"
    assert refused(Put(section="rules", entry="B", values={"name": "A"})) == [("name", "there is 'A' already")]
    assert refused(Put(section="send_connectors", values={"name": "in", "direction": "inbound"}))[0][0] == "name"


def test_no_fault_hides_another():
    """What cannot be read, where it cannot stand, and what a start would refuse are told in one round, each fault once."""
    rule = {"name": "", "threshold": "many", "mail_from": "nobody", "clients": "everywhere"}
    rule["filters"] = [{"name": "words", "multiplier": "11"}, {"name": "reputation", "multiplier": "x"}]
    told = refused(Put(section="rules", values=rule, place=9))
    wanted = ["clients[0]", "filters[0].multiplier", "filters[1].multiplier", "mail_from[0]", "name", "place", "threshold"]
    assert sorted(field for field, _ in told) == wanted
    told = refused(Put(section="rules", values={"name": "A", "mode": "accept", "mail_from": "nobody"}, place=9))
    assert [field for field, _ in told] == ["place", "name", "mail_from[0]"]
    connector = {"name": "", "direction": "inbound", "cost": "x", "smart_hosts": "a:b", "domains": "@"}
    told = refused(Put(section="send_connectors", values=connector))
    assert sorted(field for field, _ in told) == ["cost", "domains[0]", "name", "smart_hosts[0]"]
    blocklist = {"zone": "", "points": "x", "answers": "192.0.2.1"}
    told = refused(Put(section="filters.realtime_blocklists.lists", values=blocklist))
    assert sorted(field for field, _ in told) == ["answers[0]", "points", "zone"]
    server = {"name": "ours", "tenant": "x", "networks": ""}
    told = refused(Put(section="corporate_servers", values=server))
    assert sorted(field for field, _ in told) == ["name", "networks", "tenant"]
    told = refused(Set(section="notices", values={"administrative_address": "x", "notice_sender": "y"}))
    assert [field for field, _ in told] == ["administrative_address", "notice_sender"]
    told = refused(Put(section="rules", entry="B", values={"mode": "maybe", "mail_from": "nobody", "filters": []}))
    assert told == [("mode", "'maybe' is not one of the choices")], "what depends on an unread choice is not guessed at"


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        (Put(section="rules", entry="A", values={"mail_from": "nobody"}), "mail_from[0]"),
        (Put(section="rules", entry="A", values={"filters": [{"name": "wrods"}]}), "filters[0].name"),
        (Put(section="rules", entry="B", values={"mode": "check"}), "filters"),
        (Put(section="owned_domains", values={"name": "no domain"}), "name"),
        (Put(section="corporate_servers", entry="ours", values={"networks": "0.0.0.0/0"}), "networks[0]"),
        (Put(section="corporate_servers", entry="ours", values={"networks": ""}), "networks"),
        (Put(section="corporate_servers", entry="ours", values={"provider_header": "X: 1"}), "provider_networks"),
        (Put(section="corporate_servers", entry="ours", values={"provider_networks": "192.0.2.0/24"}), "provider_header"),
        (Set(section="retention", values={"details_days": 50, "summaries_days": 5}), "details_days"),
        (Put(section="submission_users", values={"name": "li", "password": "$argon2id$short"}), "password"),
        (Put(section="send_connectors", entry="inbound in", values={"smart_hosts": ""}), "smart_hosts"),
        (Put(section="filters.word_groups", values={"name": "x", "words": "(", "search": "regex"}), "words[0]"),
        (Put(section="filters.realtime_blocklists.lists", values={"zone": "bl.example", "answers": "192.0.2.1"}), "answers[0]"),
        (Set(section="filters.character_sets", values={"allowed": "Klingon"}), "allowed[0]"),
        (Put(section="corporate_users", values={"value": "nobody"}), "value"),
        (Put(section="corporate_users", values={"value": "a b@a.example"}), "value"),
    ],
)
def test_what_config_check_refuses_is_told_at_its_field(operation, field):
    """Every check of a start is made, and its fault stands at the field it is about."""
    assert [one for one, _ in refused(operation)] == [field]


def test_a_secret_is_kept_without_being_shown():
    """A form that gives back what it was shown leaves the hash as it is; a secret in the clear is refused and not repeated."""
    (user,) = entries(HOUSE, "submission_users")
    assert user.values == {"name": "jo", "password": HIDDEN, "tenant": 0}
    assert done(Put(section="submission_users", entry="jo", values={**user.values, "tenant": 3})).submission_users[0].password == HASH
    connector = {"name": "out", "direction": "outbound", "user": "me", "password": "open sesame"}
    told = refused(Put(section="send_connectors", values=connector))
    assert [field for field, _ in told] == ["password"] and "sesame" not in str(told)


def test_what_an_edit_breaks_elsewhere_is_told_of_its_result():
    """A domain whose last connector goes is faulty, but the edit of the connector is made; an edit of the domain is not stopped by it."""
    after = done(Remove(section="send_connectors", entry="inbound in"))
    (fault,) = faults_of(after, configuration_refusals)
    assert (fault.section, fault.entry, fault.field) == ("owned_domains", "a.example", "name")
    assert done(Put(section="owned_domains", entry="a.example", values={"recipients": "any"}), after).owned_domains[0].recipients == "any"


def test_the_default_rules_are_edited_where_there_are_none():
    """All of them are written out; the last rule of one's own cannot be removed, because the default ones would come back."""
    bare = msgspec.structs.replace(HOUSE, rules=())
    after = done(Put(section="rules", entry=DEFAULT_RULES[1].name, values={"mode": "reject"}), bare)
    assert [rule.name for rule in after.rules] == [rule.name for rule in DEFAULT_RULES]
    assert done(Set(section="receive", values={"connections": 5}), bare).rules == ()
    assert done(Put(section="rules", entry=DEFAULT_RULES[1].name, values={}), bare).rules == ()
    one = done(Remove(section="rules", entry="A"))
    assert refused(Remove(section="rules", entry="B"), one)[0][0] == ""


def test_what_is_not_there_is_named():
    """An entry that somebody else removed, a section that does not exist, an edit of the wrong kind."""
    for operation in (
        Put(section="rules", entry="Z", values={}),
        Remove(section="rules", entry="Z"),
        Move(section="rules", entry="Z", place=1),
    ):
        assert refused(operation) == [("", "there is no 'Z' any more")]
    for wrong in (Set(section="rules", values={}), Put(section="receive", values={}), Remove(section="colours", entry="")):
        assert "of the configuration" in refused(wrong)[0][1]


def test_every_field_of_every_section_can_be_asked_for():
    """Each field has a kind and its manual; the choices stand in the manual's order; what a form shows, it may give back unchanged."""
    for path, section in sections().items():
        for field in fields(path):
            assert field.manual or section.kind == "texts" or not path, (path, field)
        if section.kind == "table":
            assert done(Set(section=path, values=table(HOUSE, path))) == HOUSE
        else:
            for entry in entries(HOUSE, path):
                assert done(Put(section=path, entry=entry.name, values=entry.values)) == HOUSE
    checks = next(field for field in fields("owned_domains") if field.name == "recipients")
    assert (checks.kind, checks.choices, checks.default) == ("choice", ("callout", "list", "any"), "callout")
    uses = next(field for field in fields("rules") if field.name == "filters")
    assert [(one.name, one.kind, one.low, one.high) for one in uses.fields] == [
        ("name", "text", None, None),
        ("multiplier", "whole", 0, 10),
    ]


def test_faults_are_located():
    """Whatever a fault's place is called by, its section, entry and field are found; one that has none is about the whole."""
    for path, place in {
        "x.toml: rules[1].filters[0].name": ("rules", "B", "filters[0].name"),
        "rules: rules[0]": ("rules", "A", ""),
        "configuration: corporate_users[0]": ("corporate_users", "jo@a.example", "value"),
        "a: filters.character_sets.allowed[2]": ("filters.character_sets", "", "allowed[2]"),
        "a: receive.chunks": ("receive", "", "chunks"),
        "a: different_rules": ("", "", "different_rules"),
        "a: rules[9].name": ("rules", "", "name"),
    }.items():
        found = located(HOUSE, ConfigError(path, "cause", "mend"))
        assert found == Fault(place[2], "cause", "mend", place[0], place[1])


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(HIDDEN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
def test_whatever_is_typed_is_taken_or_told(data):
    """Any values in any section give a configuration that can be written and read back and differs there alone, or faults there alone."""
    section = data.draw(st.sampled_from(list(sections().values())))
    names = ["value"] if section.kind == "texts" else [field.name for field in own_fields(section)]
    values = data.draw(st.dictionaries(st.sampled_from(names) | st.text(max_size=5), plain, max_size=4)) if names else {}
    here = value_at(HOUSE, section.path)
    entry = None
    if section.kind != "table" and here and data.draw(st.booleans()):
        entry = entries(HOUSE, section.path)[0].name
    operation = (
        Set(section=section.path, values=values) if section.kind == "table" else Put(section=section.path, entry=entry, values=values)
    )
    made = edit(HOUSE, operation, configuration_refusals)
    if isinstance(made, tuple):
        assert {(fault.section, fault.entry) for fault in made} == {(section.path, entry or "")}
    else:
        assert read_configuration_text(canonical(made), "it") == made
        assert {change.section for change in changes(HOUSE, made)} <= {"" if section.kind == "texts" else section.path}
