# SPDX-License-Identifier: Apache-2.0
"""The canonical text of a configuration: one for equal settings, and it reads back equal."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration, Console, CorporateServer, Dns, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.limits import DeliveryLimits, MessageLimits, ReceiveLimits
from gatepost.config.loader import read_configuration_text
from gatepost.config.reputation import ReputationSettings
from gatepost.config.rules import CharacterSets, FilterSettings, FilterUse, Rule, WordGroup
from gatepost.errors import ConfigError

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
lists = st.lists(texts, max_size=4).map(tuple)
points = st.floats(-10, 10)


def many(one):
    """Give a strategy for a tuple of up to three of these."""
    return st.lists(one, max_size=3).map(tuple)


rules = st.builds(
    Rule,
    name=names,
    enabled=st.booleans(),
    mode=st.sampled_from(["accept", "reject", "check"]),
    mail_from=lists,
    clients=lists,
    filters=many(st.builds(FilterUse, name=names, multiplier=st.integers(0, 10))),
    threshold=st.floats(0.001, 1000),
    verdict_reply=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=9),
)
connectors = st.builds(
    SendConnector,
    name=names,
    direction=st.sampled_from(["inbound", "outbound"]),
    domains=lists,
    cost=st.integers(0, 1000),
    enabled=st.booleans(),
    smart_hosts=lists,
    password=st.sampled_from(["", "file:/run/secret", "env:SECRET"]),
    tenant=st.none() | st.integers(-(2**40), 2**40),
)
filters = st.builds(
    FilterSettings,
    word_groups=many(st.builds(WordGroup, name=names, words=lists, points=points, search=st.sampled_from(["simple", "regex"]))),
    character_sets=st.builds(CharacterSets, allowed=lists, share=st.floats(0, 1)),
    realtime_blocklists=st.builds(
        RealtimeBlocklistSettings, lists=many(st.builds(Blocklist, zone=names, name=texts, points=points, answers=lists))
    ),
    reputation=st.builds(ReputationSettings, missing_ptr=points, spf_fail=points),
)
configurations = st.builds(
    Configuration,
    owned_domains=many(st.builds(OwnedDomain, name=names, tenant=st.integers(0, 2**60), recipients=st.sampled_from(["callout", "any"]))),
    corporate_servers=many(st.builds(CorporateServer, name=names, networks=lists, provider_header=texts)),
    corporate_users=lists,
    submission_users=many(st.builds(SubmissionUser, name=names, password=texts.map("$argon2id${}".format))),
    send_connectors=many(connectors),
    rules=many(rules),
    different_rules=st.sampled_from(["split", "strictest"]),
    filters=filters,
    dns=st.builds(Dns, servers=lists, zone_file=texts),
    receive=st.builds(ReceiveLimits, size_bytes=st.integers(65536, 2**62), data_total_s=st.floats(0.001, 1e300)),
    message=st.builds(MessageLimits, depth=st.integers(1, 2**31)),
    delivery=st.builds(DeliveryLimits, lease_s=st.floats(1, 1e17), memory_mails=st.integers(0, 10**9)),
)


@given(configurations)
def test_what_is_written_reads_back_equal(configuration):
    """Any configuration, any text in it, comes back as it was, and its text is the same again."""
    text = canonical(configuration)
    back = read_configuration_text(text, "it")
    assert back == configuration
    assert canonical(back) == text


def test_equal_settings_have_one_text():
    """Comments, order of keys, and what is the default anyway make no difference; there is one zero."""
    one = (
        '# ours\n[delivery]\nlease_s = 60.0\n[filters.reputation]\nmissing_ptr = -0.0\n[[owned_domains]]\ntenant = 0\nname = "a.example"\n'
    )
    other = 'owned_domains = [{name = "a.example"}]\nfilters = {reputation = {missing_ptr = 0}}\n'
    texts = {canonical(read_configuration_text(text, "it")) for text in (one, other)}
    assert texts == {'[[owned_domains]]\nname = "a.example"\n\n[filters.reputation]\nmissing_ptr = 0.0\n'}


def test_the_default_configuration_is_empty():
    """Nothing differs from the defaults, nothing is written."""
    assert canonical(Configuration()) == "\n"
    assert read_configuration_text(canonical(Configuration()), "it") == Configuration()


def test_a_key_is_written_only_when_it_is_set():
    """A gateway of a version before the key can take a configuration that makes no use of it."""
    assert canonical(Configuration(console=Console(public_address=""))) == "\n"
    assert (
        canonical(Configuration(console=Console(public_address="https://c.example"))) == '[console]\npublic_address = "https://c.example"\n'
    )


def test_a_secret_in_the_settings_is_refused_and_not_shown():
    """Only a reference to a secret is ever written."""
    connector = SendConnector(name="out", direction="outbound", user="me", password="open sesame")
    with pytest.raises(ConfigError) as refused:
        canonical(Configuration(send_connectors=(connector,)), "mine.toml")
    assert str(refused.value).startswith("mine.toml: send_connectors[0].password: a secret is given by reference; ")
    assert "sesame" not in str(refused.value)
    kept = msgspec.structs.replace(connector, password="file:/run/secret")
    assert 'password = "file:/run/secret"' in canonical(Configuration(send_connectors=(kept,)))
