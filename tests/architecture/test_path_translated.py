# SPDX-License-Identifier: Apache-2.0
"""Each sentence that a mail's path writes into its track is there in German, with the same places, and no German is left over."""

import ast
import string
from collections import Counter

import pytest

import path_words
from gatepost.contracts import sentence
from gatepost.contracts.sentence import AUTHENTICATION, DECISION, DELIVERY, LIST, PLACES, Sentence, places
from gatepost.rules.decide import TRUST
from gatepost.web.console.configuration.rules_words import called, filters
from gatepost.web.frame.told_sentences import catalogue
from gatepost.web.frame.words import load
from path_words import holes

GERMAN = catalogue("de")
SPELLED_OUT = {AUTHENTICATION: {"several author domains"}, LIST: {"SPF and DKIM"}, DECISION: {"{where}: no space is left: {trouble}"}}
"""What no literal holds as it is said: a part of one, two values with "and" between, a sentence of the storage."""


def of_rooms() -> dict[str, set[str]]:
    """Give the declared sentences, by scope."""
    found: dict[str, set[str]] = {}
    for one in path_words.sentences():
        found.setdefault(one.scope, set()).add(one.text)
    return found


def test_each_declared_sentence_is_there_in_german():
    """A filter cannot say what no German administrator can read."""
    missing = {scope: sorted(texts - set(GERMAN.get(scope, {}))) for scope, texts in of_rooms().items()}
    assert {scope: texts for scope, texts in missing.items() if texts} == {}


def test_what_rooms_say_without_declaring_it_is_there_in_german():
    """Read out of their code: authentication, the delivery, what the store's process answers."""
    said = path_words.undeclared()
    assert len(said[AUTHENTICATION]) > 60
    assert len(said[DELIVERY]) > 25
    missing = {scope: sorted(texts - {holes(one) for one in GERMAN[scope]}) for scope, texts in said.items()}
    assert {scope: texts for scope, texts in missing.items() if texts} == {}


def test_no_german_is_left_over():
    """What the catalogue holds is said by its scope."""
    declared, said = of_rooms(), path_words.undeclared()
    left = {
        scope: [
            one
            for one in sentences
            if one not in declared.get(scope, set()) | SPELLED_OUT.get(scope, set()) and holes(one) not in said.get(scope, set())
        ]
        for scope, sentences in GERMAN.items()
    }
    assert {scope: texts for scope, texts in left.items() if texts} == {}


def test_german_sentences_have_the_same_places():
    """Each value that a sentence has is said again, once, as it was written."""
    pairs = [pair for sentences in GERMAN.values() for pair in sentences.items()]
    assert [one for one, said in pairs if Counter(places(one)) != Counter(places(said)) or not said.strip()] == []
    assert [said for _, said in pairs if any(form for _, _, form, _ in string.Formatter().parse(said))] == []


def test_each_place_has_a_form():
    """A name that nobody knows the form of could not be read back."""
    used = {place for sentences in GERMAN.values() for one in sentences for place in places(one)}
    assert used == set(PLACES)


def test_each_filter_has_a_name_that_people_call_it():
    """The trust too, which is no filter; in both languages none stands by the name that settings have for it."""
    names = [*(one.name for one in filters()), TRUST]
    assert [one for one in names for words in load().values() if called(one, words) == one] == []


def test_a_sentence_is_said_with_its_places():
    """Each call gives the places of its sentence, no more and no fewer."""
    assert path_words.said_wrongly() == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("AND_MORE.say(shown=a, more=1)", 0),
        ("AND_MORE.say(shown=a)", 1),
        ("AND_MORE.say(a, 1)", 1),
        ("AND_MORE.say(shown=a, more=1, other=2)", 1),
        ("unheard_of.say(a=1)", 1),
        ("one = AND_MORE if a else AND_MORE\none.say(shown=a, more=1)", 0),
        ("one = AND_MORE if a else AND_MORE\none.say(shown=a)", 1),
    ],
)
def test_a_call_with_other_places_is_found(code, wrong):
    """Too few, too many, without a name, or of a sentence that is none."""
    assert len(list(path_words.wrong_calls(sentence, ast.parse(code)))) == wrong


def test_a_place_of_an_unknown_form_is_refused():
    """Where a sentence is declared, not where it is read."""
    with pytest.raises(ValueError, match="nowhere"):
        Sentence("any", "a {nowhere}")
