# SPDX-License-Identifier: Apache-2.0
"""Allowed character sets: whose letters count, where the limit lies, and the table of scripts."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.judged_mails import judged
from gatepost.config.rules import CharacterSets as Settings
from gatepost.filters.character_sets import CharacterSets, character_set_faults
from gatepost.message.scripts import SCRIPTS, script_of
from unit.filters.content_mails import ask, with_content


def points(text, subject="", **keys):
    """Give the points of a plain body."""
    return ask(CharacterSets(Settings(**keys)), with_content(text, subject=subject)).points


def test_the_points_are_given_above_the_share_and_not_at_it():
    """3 of 10 letters are 30 %; 4 of 10 are more."""
    assert points("abcdefg" + "жшщ") == 0
    assert points("abcdef" + "жшщю") == 2
    assert points("abcdef" + "жшщю", share=0.4) == 0
    assert points("abcdef" + "жшщю", points=3.5) == 3.5


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("Plain English, 100 % ASCII", False),
        ("Größe, cœur, naïve, Łódź, İstanbul, Việt Nam", False),
        ("123 456 !? → ✓ 🎉 € 100", False),
        ("", False),
        ("𝐁𝐮𝐲 𝐧𝐨𝐰 µ", False),
        ("Привет, как дела?", True),
        ("Καλημέρα κόσμε", True),
        ("你好，世界", True),
        ("こんにちは カタカナ", True),
        ("안녕하세요", True),
        ("مرحبا بالعالم", True),
        ("שלום עולם", True),
        ("สวัสดีชาวโลก", True),
        ("नमस्ते दुनिया", True),
        ("𒀀𒀁𒀂 𓀀𓀁", True),
    ],
)
def test_scripts_that_nobody_reads_here_are_foreign(text, foreign):
    """By default all but Latin and what scripts share; digits, signs and emoji are no letters."""
    assert points(text) == (2 if foreign else 0)


def test_allowed_scripts_are_not_foreign():
    """Greek and Cyrillic may be allowed; then Latin may be foreign too."""
    assert points("Καλημέρα Привет", allowed=("Latin", "Common", "Greek", "Cyrillic")) == 0
    assert points("Good morning", allowed=("Greek", "Common")) == 2


def test_subject_html_and_encodings_count():
    """Letters are counted as they are read, in the subject, behind tags and as references."""
    assert points("", subject="Привет") == 2
    html = "text/html; charset=utf-8"
    chosen = CharacterSets(Settings())
    assert ask(chosen, with_content("<p style='color:red'>Привет", html, subject="")).points == 2
    assert ask(chosen, with_content("<p style='color:red'>&#1055;&#x440;&#1080;&#1074;", html, subject="")).points == 2
    assert ask(chosen, with_content("Привет мир".encode("koi8-r"), "text/plain; charset=koi8-r", subject="")).points == 2


def test_the_finding_tells_the_scripts_and_their_share():
    """The most frequent first."""
    finding = ask(CharacterSets(Settings()), with_content("ab Привет你", subject=""))
    assert finding.message == "78% of the letters are Cyrillic, Han, more than 30%"
    assert finding.details == ("Cyrillic: 67% of the letters", "Han: 11% of the letters")


def test_without_content_it_says_so():
    """At the envelope there is nothing to read."""
    assert ask(CharacterSets(Settings()), judged(content=False)).failed == "the content is not here yet"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"allowed": ("Latin", "greek")}, "f: filters.character_sets.allowed[1]: 'greek' is no script known here; write Greek"),
        ({"allowed": ("xx",)}, "f: filters.character_sets.allowed[0]: 'xx' is no script known here; write one of Arabic, "),
        ({"allowed": ()}, "f: filters.character_sets.allowed: is empty, so every letter is foreign; "),
        ({"share": float("nan")}, "f: filters.character_sets.share: nan is no number"),
    ],
)
def test_what_cannot_work_is_refused_with_the_place_and_the_mend(keys, sentence):
    """A script that does not exist would silently make all its mail foreign."""
    (fault,) = character_set_faults(Settings(**keys), "f")
    assert str(fault).startswith(sentence)


def test_the_table_of_scripts_agrees_with_the_names_of_the_characters():
    """Each letter whose Unicode name begins with a script of the table has that script, but for those that scripts share."""
    shared = {"\u0374", "\u0640"}  # GREEK NUMERAL SIGN and ARABIC TATWEEL are Common by their property
    wrong = []
    for number in range(0x20000):
        letter = chr(number)
        if letter.isalpha() and letter not in shared:
            first = unicodedata.name(letter, "?").split()[0].capitalize()
            wanted = {"Cjk": "Han", "Canadian": "Canadian_Aboriginal"}.get(first, first)
            # Supplements beyond the first plane are rare; they may be Other.
            if wanted in SCRIPTS - {"Common"} and script_of(letter) not in ({wanted} if number < 0x10000 else {wanted, "Other"}):
                wrong.append(f"{number:04X} {unicodedata.name(letter)}: {script_of(letter)}")
    assert wrong == []


@given(st.characters())
def test_every_character_has_a_script(character):
    """The table gives a known name for anything."""
    assert script_of(character) in SCRIPTS


@given(st.text("abcж你", max_size=200))
def test_short_texts_are_counted_exactly(text):
    """Up to 4,096 characters nothing is left out."""
    foreign = sum(char in "ж你" for char in text)
    assert points(text) == (2 if text.strip() and foreign > 0.3 * len(text) else 0)


def test_a_long_text_is_judged_in_less_than_a_millisecond():
    """60 KB of Cyrillic; the goal is 0.3 ms, the bound leaves room for a busy machine."""
    chosen = CharacterSets(Settings())
    mail = with_content("Привет, как дела? " * 1900)
    assert ask(chosen, mail).points == 2
    best = 1.0
    for _ in range(20):
        start = time.thread_time()
        try:
            chosen.judge(mail).send(None)
        except StopIteration:
            best = min(best, time.thread_time() - start)
    assert best < 0.001
