# SPDX-License-Identifier: Apache-2.0
"""The text that a reader of an HTML body sees, for filters that count words and letters.

Promises: never raises; takes time linear in its input, whatever the nesting, because tags are passed over
one by one and no tree is built; gives at most as much text as it was given. It is no sanitiser: what it gives
may hold anything, and is never shown as HTML.
"""

import re
from html.entities import html5

# What is not shown at all. An unclosed one hides the rest, as it does in browsers (WHATWG HTML §13.2.5).
_HIDDEN = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|(script|style|template|noembed|noframes|iframe|xmp)(?=[\s/>])[^<>]*+>?.*?(?:</\1(?=[\s/>])[^<>]*+>?|\Z))",
    re.IGNORECASE | re.DOTALL,
)
_BETWEEN = re.compile(r"<(?<=[\w;]<)/?[a-zA-Z][^<>]*+>(?:</?[a-zA-Z][^<>]*+>)*+(?=[\w&])")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|button|caption|center|dd|details|div|dl|dt|fieldset|figure|footer|form|h[1-6]|head|"
    r"header|hr|html|img|input|li|main|nav|ol|optgroup|option|p|pre|section|select|summary|table|tbody|td|textarea|tfoot|th|thead|title|"
    r"tr|ul)(?=[\s/>])",
    re.IGNORECASE,
)
# An angle bracket inside a tag begins the next one, so no text is looked at twice.
_TAG = re.compile(r"<[/!?a-zA-Z][^<>]*+>?")
_REFERENCE = re.compile(r"&(?:#(?:([0-9]{1,7}+)|[xX]([0-9a-fA-F]{1,6}+))|([A-Za-z][A-Za-z0-9]{1,31}+));?")


_MOST_TAGS = 20_000
"""With more of them, every tag parts words: a mail made to be slow is read a little worse, never slowly."""
_MOST_REFERENCES = 20_000


def html_text(untrusted_html: str) -> str:
    """Give the shown text: tags that part words as blanks, character references resolved."""
    text = untrusted_html
    if "<" in text:
        text = _HIDDEN.sub("", text)
        if text.count("<") <= _MOST_TAGS:
            text = _BETWEEN.sub(_joint, text)
        text = _TAG.sub(" ", text)
    if "&" in text:
        text = _REFERENCE.sub(_character, text.replace("&nbsp;", " "), _MOST_REFERENCES)
    return text


def _joint(tags: "re.Match[str]") -> str:
    """Say what tags between two letters are: nothing, as in `lot<b>te</b>ry` and `lot<x>tery`, unless one begins a block."""
    return " " if _BLOCK.search(tags[0]) else ""


def _character(reference: "re.Match[str]") -> str:
    decimal, hexadecimal, name = reference.groups()
    if name is not None:
        # Browsers take some names without their semicolon; a longer run of letters is no name (WHATWG HTML §13.5).
        return html5.get(name + ";") or reference[0]
    number = int(decimal) if decimal else int(hexadecimal, 16)
    if number in _WINDOWS_1252:
        return _WINDOWS_1252[number]
    if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return chr(number)


_WINDOWS_1252 = {number: bytes((number,)).decode("cp1252", "replace") for number in range(0x80, 0xA0)}
"""References to control characters mean what Windows shows for them (WHATWG HTML §13.2.5.80)."""
