# SPDX-License-Identifier: Apache-2.0
"""The text that a reader sees: HTML to text, which parts are read, and how much of them."""

import gc
import weakref
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.message import readable_text as module
from gatepost.message.html_text import html_text
from gatepost.message.parse import parse
from gatepost.message.readable_text import BODY_BYTES, PARTS, readable_text
from shared_corpora import wire_mails


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one two"),
        ("one<br>two<hr/>three", "one two three"),
        ("lot<b>te</b>ry lot<span style='x'></span>tery lot<xyz>tery", "lottery lottery lottery"),
        ("<td>a</td><td>b</td>", "a b"),
        ("a<B>b</B>c<TD>d", "abc d"),
        ("via<!-- > -->gra", "viagra"),
        ("<!-->shown", "shown"),
        ("<!--->shown", "shown"),
        ("a<!-- x --!>b", "ab"),
        ("a<!-- never closed <p>b", "a"),
        ("<script>if (a<b) x();</script>shown", "shown"),
        ("<STYLE type='a'>p{}</style >shown", "shown"),
        ("a<script>never closed <p>b", "a"),
        ("<!-- <script> -->shown", "shown"),
        ("<script><!--</script>shown", "shown"),
        ("<styles>shown</styles>", "shown"),
        ("1 < 2 <3 & 4 > 3", "1 < 2 <3 & 4 > 3"),
        ("<a href='x", ""),
        ("<!doctype html><?xml version='1'?>shown", "shown"),
        ("&lt;b&gt; &amp;amp; &euro;&eacute", "<b> &amp; €é"),
        ("&#8364;&#x20AC;&#x20ac&#128;", "€€€€"),
        ("&#0;&#xD800;&#1114112;&unknown;&;", "\ufffd\ufffd\ufffd&unknown;&;"),
        ("a&nbsp;b&#160;c", "a b\u00a0c"),
        ("ca&shy;sino", "ca\u00adsino"),
        ("x<b>&#121;</b>z", "xyz"),
    ],
)
def test_html_is_read_as_a_browser_shows_it(html, text):
    """Tags go, blocks part words and other tags do not, what is hidden is gone, references are characters."""
    assert " ".join(html_text(html).split(" ")).strip().replace("  ", " ") == text


pieces = st.sampled_from(
    ["<p>", "</p>", "<b>", "</b>", "<i x='1'>", "<br>", "one", " two ", "&amp;", "<td>", "<!-- c -->", "<style>s{}</style>"]
)


class _Independent(HTMLParser):
    """What the standard library's parser sees of the same text."""

    def __init__(self):
        super().__init__()
        self.seen, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag == "style"

    def handle_endtag(self, tag):
        self.hidden -= tag == "style"

    def handle_data(self, data):
        if not self.hidden:
            self.seen.append(data)


@given(st.lists(pieces, max_size=20).map("".join))
def test_an_independent_parser_sees_the_same_letters(html):
    """Blanks apart, the text is what the standard library's parser gives."""
    judge = _Independent()
    judge.feed(html)
    judge.close()
    assert "".join(html_text(html).split()) == "".join("".join(judge.seen).split())


@given(st.text(st.sampled_from("<>!-/&#;axp 'b"), max_size=200))
def test_any_text_is_read_and_never_grows(html):
    """Nothing raises."""
    assert len(html_text(html)) <= len(html)


def mail(kind, body, encoding="8bit"):
    """Parse a mail of one part."""
    return parse(b"Subject: s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s" % (kind, encoding.encode(), body))


def test_a_long_body_is_cut_at_a_whole_character():
    """The first bytes are read and it is said that there was more."""
    readable = readable_text(mail(b"text/plain; charset=utf-8", "ж€".encode() * BODY_BYTES))
    assert readable.cut
    assert set(readable.body) == {"ж", "€"}
    assert len(readable.body.encode()) in range(BODY_BYTES - 4, BODY_BYTES + 1)
    assert not readable_text(mail(b"text/plain", b"x" * BODY_BYTES)).cut


def test_all_parts_share_one_bound():
    """Many parts cost no more than one; the number of parts is bounded too."""
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
    two = readable_text(mail(b"multipart/mixed; boundary=b", part % (b"x" * BODY_BYTES) + part % b"y" + b"--b--"))
    assert (two.cut, "y" in two.body) == (True, False)
    many = readable_text(mail(b"multipart/mixed; boundary=b", part % b"y" * (PARTS + 1) + b"--b--"))
    assert (many.cut, many.body.count("y")) == (True, PARTS)


def test_a_text_is_read_once_and_forgotten_with_its_mail():
    """Two filters share one reading; nothing outlives the mail."""
    message = mail(b"text/plain", b"x")
    assert readable_text(message) is readable_text(message)
    held = weakref.ref(message)
    assert held in module._read.keyrefs()
    del message
    gc.collect()
    assert held() is None and held not in module._read.keyrefs()


@pytest.mark.parametrize(
    ("kind", "body", "ascii_only"),
    [
        (b"text/plain", b"x", True),
        (b"text/html", b"<p>x &amp; y", True),
        (b"text/html", b"<p>&#1078;", False),
        (b"text/plain; charset=utf-8", "ж".encode(), False),
        (b"text/plain; charset=utf-16", "ж".encode("utf-16"), False),
        (b"text/plain; charset=iso-2022-jp", "日".encode("iso-2022-jp"), False),
    ],
)
def test_it_is_told_cheaply_whether_all_is_ascii(kind, body, ascii_only):
    """By the decoded text, never by the bytes on the wire."""
    assert readable_text(mail(kind, body)).is_ascii is ascii_only


def test_every_mail_of_the_corpora_can_be_read():
    """Real mails, broken ones among them, give text and no exception."""
    read = 0
    for _, raw in wire_mails("mail-real"):
        readable = readable_text(parse(raw))
        read += bool(readable.body or readable.subject)
    assert read > 100
