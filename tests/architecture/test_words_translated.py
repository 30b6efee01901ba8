# SPDX-License-Identifier: Apache-2.0
"""Each sentence of the pages is there in German, no German is left over, and no template says anything past the catalogues."""

from collections import Counter

import pytest

import web_words
from web_words import (
    PACKAGE,
    WEB,
    Saying,
    Sentence,
    bare_texts,
    catalogues,
    macros_of,
    placeholders,
    said_in_code,
    said_in_template,
    unsayable,
)


def german() -> dict[str, str]:
    """Give all German sentences by the English."""
    return {english: said for catalogue in catalogues().values() for english, said in catalogue.items()}


def test_each_sentence_is_there_in_german():
    """No page says something untranslated."""
    known = german()
    assert sorted({f"{one.where}: {one.text!r}" for one in web_words.sentences() if one.text not in known}) == []


def test_no_german_is_left_over():
    """What the catalogues hold is said somewhere."""
    said = {one.text for one in web_words.sentences()}
    assert [f"{path.relative_to(PACKAGE)}: {text!r}" for path, known in catalogues().items() for text in known if text not in said] == []


def test_each_sentence_is_translated_once():
    """No two catalogues hold the same sentence, so none can hide another's."""
    counted = Counter(text for known in catalogues().values() for text in known)
    assert [text for text, times in counted.items() if times > 1] == []


def test_translations_have_room_for_the_same_values():
    """A placeholder of the English stands in the German, and no other."""
    assert {english: said for english, said in german().items() if placeholders(english) != placeholders(said)} == {}
    assert [english for english, said in german().items() if not said.strip()] == []


def test_each_sentence_gets_the_values_that_it_has_room_for():
    """Nobody reads a {name} in braces, and no value is left out."""
    filled = (one for one in web_words.sentences() if one.values is not None)
    assert [f"{one.where}: {one.text!r} gets {sorted(one.values)}" for one in filled if placeholders(one.text) != one.values] == []


def test_no_sentence_is_built_out_of_pieces():
    """Languages order their words differently; what varies is a placeholder."""
    assert [one for path in WEB.rglob("*.py") for one in unsayable(path.read_text(), web_words.place(path))] == []


def test_no_template_says_anything_past_the_catalogues():
    """Each text that people read or hear goes through `_()`."""
    paths = web_words.templates()
    macros = macros_of(path.read_text() for path in paths)
    assert [one for path in paths for one in bare_texts(path.read_text(), web_words.place(path), macros)] == []


# --- that the collector sees what it is there to see --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("X = _('Name')", {"Name"}),
        ("visit.words('For {who}', who=1)", {"For {who}"}),
        ("words('Yes') if yes else words('No')", {"Yes", "No"}),
        ("words('Yes' if yes else 'No')", {"Yes", "No"}),
        ("self.words.number('{n} mail', '{n} mails', count)", {"{n} mail", "{n} mails"}),
        ("form.fault('name', 'is missing', 'write one')", {"is missing", "write one"}),
        ("visit.show('x.html', title='Rules')", {"Rules"}),
        ("words(title)", set()),
        ("other('Name')", set()),
    ],
)
def test_sentences_of_code_are_found(code, found):
    """What a call says is found in each of its forms; what stands in other calls is not one."""
    assert {one.text for one in said_in_code(code, "x.py")} == found


def test_a_sentence_of_a_room_may_have_values_without_names():
    """An f-string is the sentence with its values numbered."""
    found = said_in_code("Fault(name, f'it has {len(text)} of {most} characters', 'shorten it')", "x.py", {"Fault": Saying((1, 2))})
    assert [one.text for one in found] == ["it has {0} of {1} characters", "shorten it"]


def test_values_are_found_with_their_sentence():
    """`number` fills in {n} by itself; a call with unknown values is not judged."""
    assert said_in_code("words('{a}', a=1)", "x") == [Sentence("{a}", "x:1", frozenset({"a"}))]
    assert said_in_code("words('{a}', **more)", "x") == [Sentence("{a}", "x:1")]
    assert {one.values for one in said_in_code("words.number('one', '{n} {a}', n, a=1)", "x")} == {frozenset({"n", "a"})}
    assert said_in_template("{{ _('{a}', a=1) }}", "x") == [Sentence("{a}", "x:1", frozenset({"a"}))]


def test_sentences_of_templates_are_found():
    """In texts, attributes, conditions, arguments of macros and values of variables."""
    source = """{% set a = _("One") %}{% macro m(label) %}<b title="{{ _('Two') }}">{{ label }}</b>{% endmacro %}
    {{ m(_("Three")) }}{% if x %}{{ words.number("Four", "{n} fours", 4) }}{% else %}{{ _("Five" if y else "Six") }}{% endif %}{{ _(z) }}"""
    assert {one.text for one in said_in_template(source, "x")} == {"One", "Two", "Three", "Four", "{n} fours", "Five", "Six"}


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "{% if x %}<p>{{ _('a') }}</p>{% else %}Hello{% endif %}",
        "{% for one in x %}{{ one }} mails{% endfor %}",
        "<img alt='A picture'>",
        "<button aria-label='Close'></button>",
        "<input type='submit' value='Send'>",
        "<p>{{ 'yes' if x }}</p>",
        "{% macro field(name, label) %}{{ label }}{% endmacro %}{{ field('a', 'Bare') }}",
        "{% macro field(name, label) %}{{ label }}{% endmacro %}{{ f.field('a', label='Bare') }}",
        "{% macro choice(options) %}{% endmacro %}{{ choice([('a', 'Bare'), ('b', _('Said'))]) }}",
        "{% block content %}Hello{% endblock %}",
        """{% macro spoken() %} aria-label="Close" class="x"{% endmacro %}""",
    ],
)
def test_bare_texts_are_found(source):
    """Whatever a person could read or hear is found, in every branch."""
    assert len(bare_texts(source, "x", macros_of([source]))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "<title>{{ title }} · Gatepost</title>",
        "<p class='bare' id='x' data-chart='words'>{{ _('Said') }} – 1.5 ms</p>",
        "<option value='a'{% if x %} selected{% endif %}>{{ _('Said') }}</option>",
        "<input class='form{{ ' is-invalid' if x }}' type='text' value='words'>",
        "<script>let words = 1</script>{# a remark #}",
        """{% macro described() %} aria-invalid="true" aria-describedby="{{ name }}-fault"{% endmacro %}""",
        "{% macro field(name, label) %}{{ label }}{% endmacro %}{{ field('name', _('Said')) }}",
    ],
)
def test_what_nobody_reads_is_no_bare_text(source):
    """Classes, values, scripts, remarks and the product's name need no translation."""
    assert bare_texts(source, "x", macros_of([source])) == []


def test_sentences_out_of_pieces_are_found():
    """Joined and formatted ones alike."""
    assert len(unsayable("words(f'{n} mails')\n_('a' + b)\nwords('{n} mails', n=n)\nwords(x)", "x.py")) == 2
