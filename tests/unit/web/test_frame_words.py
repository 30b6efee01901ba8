# SPDX-License-Identifier: Apache-2.0
"""Words, numbers and times of pages."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.web.frame.forms import Form
from gatepost.web.frame.templates import moment, query
from gatepost.web.frame.words import Words, load, preferred

WORDS = load()


def test_the_language_of_the_reader_is_spoken():
    """English is written as it stands, German as the catalogue has it, both with what is filled in."""
    assert WORDS["en"]("Gateway {name}", name="berlin") == "Gateway berlin"
    assert WORDS["de"]("Email queues") == "E-Mail-Warteschlangen"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-DE,de;q=0.9,en;q=0.8", "de"), ("fr,en;q=0.5", "en"), ("", "en"), ("x" * 10_000, "en"), ("fr", "en")],
)
def test_a_stranger_is_spoken_to_as_his_browser_asks(accepted, language):
    """The first language of Accept-Language that is spoken here; English when there is none."""
    assert preferred(accepted) == language


def test_numbers_are_written_in_the_language():
    """Thousands and decimals have the marks of the language; one is one."""
    assert [WORDS[language].figure(12345.5, 1) for language in ("en", "de")] == ["12,345.5", "12.345,5"]
    assert WORDS["de"].number("{n} day", "{n} days", 1) == "1 Tag"
    assert WORDS["de"].duration(7300) == "2 Stunden"
    assert [WORDS["en"].size(count) for count in (0, 999, 1000, 1_234_567, 99_900_000_000)] == [
        "0 B",
        "999 B",
        "1.0 KB",
        "1.2 MB",
        "99.9 GB",
    ]


def test_times_are_elements_that_tell_utc():
    """A script may turn them into the reader's zone; without one they are true."""
    assert str(moment(0)) == '<time datetime="1970-01-01T00:00:00Z">1970-01-01 00:00:00</time>'
    assert moment(None) == "–"


def test_addresses_carry_what_is_not_empty():
    """Lists become several values; blanks and signs are encoded."""
    assert query(a=["x", "y"], b="", c="1&2", d=None) == "a=x&a=y&c=1%262"


def test_a_form_keeps_what_was_typed_and_says_what_is_wrong_where():
    """A fault stands at its field; what no field shows is told with the form."""
    form = Form({"number": ["x "], "many": ["a", "", "b"]})
    assert (form.whole("number", 7), form.text("number"), form.many("many")) == (7, "x", ["a", "b"])
    assert form.at("number")[0].cause == "is not a whole number"
    form.fault("elsewhere", "is wrong")
    assert [one.field for one in form.rest] == ["elsewhere"]


@given(st.lists(st.sampled_from(["", "a", "ab", " is ", "b"]), min_size=2, max_size=4), st.text("ab is", max_size=12))
def test_a_sentence_with_values_is_found_as_a_pattern_would_find_it(pieces, sentence):
    """The same sentences match, with the same values, as by a regular expression whose groups take as much as they can."""
    english = "".join(f"{piece}{{{number}}}" for number, piece in enumerate(pieces[:-1])) + pieces[-1]
    values = "|".join(f"{{{number}}}" for number in range(len(pieces) - 1))
    found = re.fullmatch("(.*)".join(map(re.escape, pieces)), sentence, re.DOTALL)
    assert Words("de", {english: values})(sentence) == ("|".join(found.groups()) if found else sentence)


def test_of_two_sentences_that_fit_the_one_that_says_more_is_meant():
    """Whichever catalogue comes first."""
    short, long = {"there are {0}": "es sind {0}"}, {"there are {0} webhooks already": "es gibt schon {0} Webhooks"}
    for catalogue in (short | long, long | short):
        assert Words("de", catalogue)("there are 20 webhooks already") == "es gibt schon 20 Webhooks"


def test_what_somebody_typed_is_looked_up_at_once():
    """A long text that matches almost every pattern takes no longer than reading it."""
    words = Words("de", {"a{0}b{1}b{2}b{3}c": "{0}{1}{2}{3}"})
    begun = time.thread_time()
    assert words("a" + "b" * 200_000) == "a" + "b" * 200_000
    assert time.thread_time() - begun < 1
