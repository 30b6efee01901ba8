# SPDX-License-Identifier: Apache-2.0
"""DMARC policy records are read as RFC 9989 §4.7 and §4.8 say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.protection.mailauth.dmarc.record import Record, is_policy_record, parse_record
from shared_corpora import corpus


def usable(record: Record | None) -> bool:
    return record is not None and record.usable


def test_the_records_of_the_corpus_are_judged_as_it_says():
    """Each record is usable or not as the corpus says."""
    records = json.loads((corpus("auth") / "records" / "dmarc-records.json").read_text())["records"]
    wrong = [one["record"] for one in records if usable(parse_record(one["record"].encode())) != one["valid"]]
    print(f"DMARC records: {len(records) - len(wrong)} of {len(records)} as the corpus says")
    assert wrong == []
    assert len(records) >= 20


@pytest.mark.parametrize("tag", ["pct=110", "ri=-1", "ri=", "rf=bad-", "fo=01", "fo=bad", "rua=mailto:a@b.example!", "rua=x, y", "new"])
def test_a_wrong_tag_does_not_spoil_a_policy(tag):
    """RFC 9989 §4.7 and §4.8 pass over what RFC 7489 called a fault of the whole record."""
    record = parse_record(f"v=DMARC1; p=reject; {tag}".encode())
    assert record.usable
    assert (record.policy, record.rua) == ("reject", ())


def test_a_whole_record_is_read():
    """Each tag has its place."""
    text = b"v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s; rua=mailto:a@b.example!10m,https://c.example/d"
    rua = ("mailto:a@b.example", "https://c.example/d")
    assert parse_record(text) == Record("reject", "quarantine", "none", "n", True, True, True, rua)


def test_what_is_not_said_has_its_default():
    """sp= follows p=, np= follows sp=, the rest is relaxed, not testing and no public suffix."""
    assert parse_record(b"v=DMARC1;p=reject") == Record("reject", "reject", "reject")
    assert parse_record(b"v=DMARC1; p=none; sp=reject") == Record("none", "reject", "reject")


def test_a_record_without_p_counts_as_none_only_with_an_address_for_reports():
    """p= is then none, and sp= and np= hold (§4.7); without rua= DMARC does not apply (§4.10.1)."""
    record = parse_record(b"v=DMARC1; sp=reject; rua=mailto:a@b.example")
    assert (record.policy, record.subdomain, record.usable) == ("none", "reject", True)
    assert parse_record(b"v=DMARC1; sp=reject").usable is False


@pytest.mark.parametrize(
    "text", [b"", b" v=DMARC1", b"v=DMARC1p=none", b"v=DMARC2; p=none", b"v=dmarc1; p=none", b"p=none; v=DMARC1", b"v=spf1 -all", b"DMARC1"]
)
def test_what_does_not_begin_with_the_version_is_no_record(text):
    """v=DMARC1 stands first, its value in capitals (§4.7)."""
    assert not is_policy_record(text)
    assert parse_record(text) is None


@pytest.mark.parametrize("text", [b"v=DMARC1; p=none; p=none", b"v=DMARC1; v=DMARC1", b"v=DMARC1; x=1; X=2"])
def test_a_tag_written_twice_spoils_the_record(text):
    """The list of tags is then invalid as a whole (RFC 6376 §3.2), but it still was one (§4.10 step 2)."""
    assert is_policy_record(text)
    assert parse_record(text) is None


def test_capitals_and_blanks_do_not_matter():
    """Blanks stand around `=` and `;`, names and keywords may be in capitals (§4.8)."""
    assert parse_record(b"V\t=  DMARC1 ;\tP = ReJect ; T=Y;;") == Record("reject", "reject", "reject", testing=True)


@pytest.mark.parametrize("tag", ["p=bad", "p=", "sp=bad", "np=bad", "p=reject now"])
def test_a_wrong_policy_counts_as_none_only_with_an_address_for_reports(tag):
    """With rua= all policies are none, without it DMARC does not apply (§4.10.1)."""
    rest = "" if tag.startswith("p=") else "p=reject; "
    record = parse_record(f"v=DMARC1; {rest}{tag}".encode())
    assert not record.usable
    assert record.faults == (tag.partition("=")[0],)
    record = parse_record(f"v=DMARC1; {rest}{tag}; rua=mailto:a@b.example".encode())
    assert record.usable
    assert (record.policy, record.subdomain, record.nonexistent) == ("none", "none", "none")


def test_what_cannot_be_read_is_passed_over_and_named():
    """Unknown tags are silent, wrong values are named, and the rest stands (§4.8)."""
    record = parse_record(b"v=DMARC1; p=reject; psd=x; t=maybe; adkim=\xff; rubbish; 1=2; rua=nothing; pct=50")
    assert (record.policy, record.psd, record.testing, record.strict_dkim, record.rua) == ("reject", "u", False, False, ())
    assert set(record.faults) == {"psd", "t", "adkim", "rubbish", "1", "rua"}


@given(st.binary(max_size=300) | st.builds(b"v=DMARC1".__add__, st.binary(max_size=300)))
def test_no_bytes_raise(untrusted):
    """Any bytes give a record or none, the same each time, and what is a record begins as one."""
    record = parse_record(untrusted)
    assert record == parse_record(untrusted)
    assert record is None or is_policy_record(untrusted)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["p", "sp", "np", "psd", "t", "adkim", "aspf", "rua", "fo", "x"]), st.text("nryus;=:!, @mailto", max_size=12)
        )
    )
)
def test_no_tags_raise(tags):
    """Tags of any value give a record or none, whose policies are among the three."""
    record = parse_record(("v=DMARC1;" + ";".join(f"{name}={value}" for name, value in tags)).encode())
    assert record is None or {record.policy, record.subdomain, record.nonexistent} <= {"none", "quarantine", "reject"}
