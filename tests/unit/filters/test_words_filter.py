# SPDX-License-Identifier: Apache-2.0
"""Words: what counts as an appearance, in which text, and what is refused as a group."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.judged_mails import judged
from gatepost.config.rules import WordGroup
from gatepost.filters.word_patterns import MOST_APPEARANCES, word_group_faults
from gatepost.filters.words import Words
from unit.filters.content_mails import ask, with_content


def points(mail, *words, **keys):
    """Give the points of a mail by one group of 1 point a word."""
    group = WordGroup(name="g", words=words, **{"points": 1, **keys})
    assert list(word_group_faults([group], "f")) == []
    return ask(Words([group]), mail).points


def appearances(text, *words, **keys):
    """Count words in a plain body."""
    return points(with_content(text), *words, area="body", **keys)


def test_each_appearance_counts():
    """Eight words at 2 points are 16 raw points."""
    finding = ask(Words([WordGroup(name="spam words", words=("casino", "lottery"))]), with_content("casino lottery " * 4))
    assert finding.points == 16
    assert finding.details == ("spam words: casino (4), lottery (4): 8 x 2 = 16",)
    assert finding.message == "words of spam words"


@pytest.mark.parametrize(
    ("text", "words", "count"),
    [
        ("Casino CASINO casino.", ("casino",), 3),
        ("casinos mycasino casino_1 casinoé", ("casino",), 0),
        ("casino", ("Casino",), 1),
        ("casino,casino;casino casino", ("casino",), 4),
        ("Straße STRASSE strasse", ("straße",), 3),
        ("Größe größer", ("GRÖSSE", "größe"), 1),
        ("click here, click\r\n   here, click\u00a0here", ("click  here",), 3),
        ("we use c++ and C#; $$$$ now", ("c++", "c#", "$$$"), 3),
        ("ca\u200bsi\u00adno", ("casino",), 1),
        ("привет, Привет!", ("привет",), 2),
        ("a.b axb", ("a.b",), 1),
        ("cheap watches", ("cheap", "cheap watches"), 1),
        ("", ("casino",), 0),
    ],
)
def test_simple_words_are_whole_words_in_any_capitals(text, words, count):
    """Edges are all that is no letter, mark, digit or underline, in every script; blanks of any length are one."""
    assert appearances(text, *words) == count


@pytest.mark.parametrize(
    ("text", "word", "count"),
    [
        ("viagra vigra vi-ag-ra vi agra", "vi*ra", 3),
        ("v1agra v!agra vagra", "v?agra", 2),
        ("casinos mycasino casino", "casino*", 2),
        ("casinos mycasino casino", "*casino", 2),
        ("casinos mycasinos casino", "*casino*", 3),
        ("free\r\nmoney4all", "free money?all", 1),
        ("äxö äxxö", "ä?ö", 1),
    ],
)
def test_wildcards_stand_for_characters_without_a_blank(text, word, count):
    """* is any run, none too, and ? is exactly one."""
    assert appearances(text, word, search="wildcard") == count


@pytest.mark.parametrize(
    ("text", "expression", "count"),
    [
        ("WIN 500 Euro, win 5 euro", r"win\s+\d+ euro", 2),
        ("Straße", "straße", 1),
        ("4711 471", r"\b\d{4}\b", 1),
        ("aaaa", "(?:aa)", 2),
        ("ab", r"\b", 0),
    ],
)
def test_regular_expressions_are_searched_anywhere(text, expression, count):
    """In any capitals, none overlapping another; what matches no character is no appearance."""
    group = WordGroup(name="g", words=(expression,), search="regex", area="body", points=1)
    assert ask(Words([group]), with_content(text)).points == count


def test_the_area_is_subject_body_or_both():
    """Encoded words are decoded; each area is looked at alone."""
    mail = with_content("lottery lottery", subject="=?utf-8?B?" + base64.b64encode("Große LOTTERY".encode()).decode() + "?=")
    assert [points(mail, "lottery", area=area) for area in ("subject", "body", "both")] == [1, 2, 3]


def test_a_group_of_non_matches_gives_its_points_once():
    """When none of its words appears, in any area it looks at."""
    group = WordGroup(name="footer", words=("unsubscribe", "imprint"), match="non_match", points=3)
    finding = ask(Words([group]), with_content("casino casino"))
    assert (finding.points, finding.details) == (3, ("footer: none of its words appears: 3",))
    assert ask(Words([group]), with_content("", subject="Imprint")).points == 0


def test_groups_add_up_and_negative_points_speak_for_a_mail():
    """Each group that scored has a line, in the groups' order."""
    groups = [WordGroup(name="bad", words=("casino",), points=2.5), WordGroup(name="good", words=("invoice 4711",), points=-3)]
    finding = ask(Words(groups), with_content("Casino night, invoice 4711"))
    assert (finding.points, len(finding.details)) == (-0.5, 2)
    assert Words(groups).lowest_points == -10


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        ("<p>lot<b>te</b>ry</p>", "text/html; charset=utf-8", "8bit"),
        ("<p>&#108;ottery</p>", "text/html; charset=utf-8", "8bit"),
        ("lot<!-- x -->tery", "text/html", "8bit"),
        ("lottery".encode("utf-16"), "text/plain; charset=utf-16", "8bit"),
        (base64.encodebytes(b"the lottery"), "text/plain", "base64"),
        ("lot=\r\ntery", "text/plain", "quoted-printable"),
        ("=6Cottery", "text/html; charset=iso-8859-1", "quoted-printable"),
        ("\u043b\u043eterey lottery".encode("koi8-r"), "text/plain; charset=koi8-r", "8bit"),
        ("lottery", "text/plain; charset=no-such-thing", "8bit"),
    ],
)
def test_words_are_found_behind_every_encoding(body, kind, encoding):
    """Transfer encodings, character sets and HTML hide nothing."""
    assert points(with_content(body, kind, encoding=encoding), "lottery") == 1


def test_all_text_parts_are_read_but_no_attachment():
    """Plain and HTML alternatives count both; an attached text and other types do not."""
    parts = {
        "text/plain": b"casino",
        "text/html": b"<b>casino</b>",
        "text/plain; x=1\r\nContent-Disposition: attachment; filename=a.txt": b"casino",
        "text/csv": b"casino",
        "application/pdf": b"casino",
        "message/rfc822": b"Subject: inner\r\n\r\ncasino",
    }
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    raw += b"".join(b"--b\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + body + b"\r\n" for kind, body in parts.items()) + b"--b--\r\n"
    assert points(judged(raw), "casino") == 3


def test_appearances_are_counted_up_to_a_bound():
    """More could change nothing, and would cost time."""
    assert appearances("casino " * 5000, "casino") == MOST_APPEARANCES


def test_without_groups_or_content_there_is_nothing_to_say():
    """No groups: no points. No content yet: it says so."""
    assert ask(Words([]), with_content("casino")).points == 0
    finding = ask(Words([WordGroup(name="g", words=("x",))]), judged(content=False))
    assert (finding.points, finding.failed) == (0, "the content is not here yet")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"words": ()}, "f: filters.word_groups[0].words: is empty; write 1 to 2000 words"),
        (
            {"words": ("a",) * 201, "search": "regex"},
            "f: filters.word_groups[0].words: has 201 words; write 1 to 200 words in a regex group",
        ),
        ({"words": ("ok", " ")}, "f: filters.word_groups[0].words[1]: is blank; write 1 to 500 characters"),
        ({"words": ("x" * 501,)}, "f: filters.word_groups[0].words[0]: 'xxxxxxxxxxxxxxxxxxxx' has 501 characters"),
        ({"words": ("\u200b",)}, "f: filters.word_groups[0].words[0]: '\\u200b' has nothing visible; write letters"),
        ({"words": ("*?",), "search": "wildcard"}, "f: filters.word_groups[0].words[0]: '*?' is found in every mail"),
        ({"words": ("a", "(b"), "search": "regex"}, "f: filters.word_groups[0].words[1]: '(b' is no RE2 expression (missing ): (b)"),
        ({"words": (r"(?<=a)b",), "search": "regex"}, "f: filters.word_groups[0].words[0]: '(?<=a)b' is no RE2 expression ("),
        ({"words": (r"(a)\1",), "search": "regex"}, "f: filters.word_groups[0].words[0]: '(a)\\\\1' is no RE2 expression (invalid escape"),
        ({"words": ("x*",), "search": "regex"}, "f: filters.word_groups[0].words[0]: 'x*' is found in every mail"),
        (
            {"words": tuple(rf"{n}\pL{{200}}" for n in range(20)), "search": "regex"},
            "f: filters.word_groups[0].words: cannot be searched together (",
        ),
        ({"words": ("a",), "points": 0}, "f: filters.word_groups[0].points: 0 changes nothing; write at least 0.1"),
        ({"words": ("a",), "points": float("nan")}, "f: filters.word_groups[0].points: nan changes nothing"),
    ],
)
def test_a_group_that_cannot_work_is_refused_with_the_place_and_the_mend(keys, sentence):
    """Nothing that RE2 cannot search in linear time, that finds nothing or finds everything, is saved."""
    (fault,) = word_group_faults([WordGroup(name="g", **keys)], "f")
    assert str(fault).startswith(sentence)


def test_two_groups_of_one_name_are_refused():
    """A track must say which one it was."""
    group = WordGroup(name="g", words=("a",))
    assert [fault.path for fault in word_group_faults([group, group], "f")] == ["f: filters.word_groups[1].name"]


word = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(word, min_size=1, max_size=4), st.sampled_from(["simple", "wildcard", "regex"]), st.text(max_size=60))
def test_a_group_that_passes_the_check_never_raises(words, search, text):
    """Whatever is accepted is compiled and searched, with any text."""
    groups = [WordGroup(name=f"g{number}", words=(one,), search=search, points=1) for number, one in enumerate(words)]
    groups = [group for group in groups if not list(word_group_faults([group], "f"))]
    assert ask(Words(groups), with_content(text)).points >= 0


letters = st.text("abcß é", min_size=1, max_size=5).map(str.strip).filter(bool)


@given(st.lists(letters, min_size=1, max_size=5), st.text("abcß é.,\n", max_size=40))
def test_simple_words_are_found_as_a_plain_search_finds_them(words, text):
    """One pattern for the group finds a word exactly where a search word by word does."""
    folded = " ".join("".join(char if char.isalnum() else " " if char.isspace() else "|" for char in text.casefold()).split())
    cells = f" {folded} ".replace("|", " | ")

    def stands_alone(one):
        target, at = " ".join(one.casefold().split()), -1
        while (at := cells.find(target, at + 1)) >= 0:
            if not cells[at - 1].isalnum() and not cells[at + len(target)].isalnum():
                return True
        return False

    # A joint pattern and single ones agree on whether any word appears.
    assert (appearances(text, *words) > 0) == any(map(stands_alone, words))
