# SPDX-License-Identifier: Apache-2.0
"""The mail room against thousands of real and tortured mails, and against what other parsers made of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gatepost.message import defects
from gatepost.message.auto import is_bounce_or_auto
from gatepost.message.decode import decoded, text_of
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.parse import parse
from gatepost.message.splice import splice
from gatepost.message.tree import Entity
from shared_corpora import corpus, wire_form, wire_mails

Shape = tuple[str, list[Any]]


@pytest.mark.parametrize(("topic", "at_least"), [("mime", 360), ("mail-real", 750), ("dsn", 340)])
def test_no_mail_raises_and_untouched_mail_is_identical(topic: str, at_least: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Every mail is parsed and read to the last field and leaf without an exception, and leaves as it came."""
    count = 0
    for name, wire in wire_mails(topic):
        message = parse(wire)
        assert set(message.defects) <= set(defects.SENTENCES), name
        assert message.exceeded is None, name
        for entity in message.walk():
            assert 0 <= entity.header_start <= entity.header_end <= entity.body_start <= entity.end <= len(wire), name
            assert isinstance(entity.filename, str)
            for field in entity.headers:
                assert wire[field.value_start : field.end] == field.raw, name
                assert isinstance(field.decoded, str)
                parse_mailboxes(field.raw, entity.limits)
            if entity.is_leaf:
                text_of(entity)
        assert splice(wire, []) == wire, name
        count += 1
    with capsys.disabled():
        print(f"\n{topic}: {count} mails parsed, {count} identical")
    assert count >= at_least


def test_every_bounce_and_report_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """No mail of the collection of bounces, reports and auto-replies would ever be answered."""
    mails = list(wire_mails("dsn"))
    answered = [name for name, wire in mails if not is_bounce_or_auto(parse(wire), null_sender=False)]
    with capsys.disabled():
        print(f"\ndsn: {len(mails) - len(answered)} of {len(mails)} known as bounce or auto-generated")
    assert answered == []


def test_people_are_seldom_taken_for_machines() -> None:
    """Of the real mails in which no field says that a list or a machine sent them, few are held for a machine's."""
    says_so = re.compile(rb"(?im)^(?:list-[a-z-]+|precedence|mailing-list|x-auto[a-z-]*|auto-submitted|feedback-id|return-path: *<>)")
    plain = [wire for _, wire in wire_mails("mail-real") if not says_so.search(wire) and re.search(rb"(?im)^from:", wire)]
    wrong = sum(is_bounce_or_auto(parse(wire), null_sender=False) for wire in plain)
    assert len(plain) > 300
    assert wrong <= len(plain) * 0.04


def ours(entity: Entity, empty_multipart: str) -> Shape:
    """Reduce a tree to leaves, multiparts and messages."""
    if entity.content_type.maintype == "multipart" and (entity.children or entity.content_type.boundary):
        return ("multipart" if entity.children else empty_multipart, [ours(child, empty_multipart) for child in entity.children])
    return ("message" if entity.children else "leaf", [ours(child, empty_multipart) for child in entity.children])


def stalwart(mail: dict[str, Any], part: int = 0) -> Shape:
    """Reduce a part of Stalwart's answer in the same way."""
    ((kind, value),) = mail["parts"][part]["body"].items()
    if kind == "Multipart":
        return ("multipart", [stalwart(mail, child) for child in value])
    return ("message", [stalwart(value)]) if kind == "Message" else ("leaf", [])


def mime4j(events: str) -> Shape:
    """Reduce mime4j's event stream in the same way."""
    stack: list[Shape] = [("", [])]
    for closing, name in re.findall(r"<(/?)(message|multipart|body-part)>", events):
        if closing:
            stack.pop()
        else:
            node: Shape = (name, [])
            stack[-1][1].append(node)
            stack.append(node)

    def reduced(node: Shape) -> Shape:
        if node[1] and node[1][0][0] == "multipart":
            return ("multipart", [reduced(child) for child in node[1][0][1]])
        return ("message", [reduced(node[1][0])]) if node[1] else ("leaf", [])

    return reduced(stack[0][1][0])


def report(capsys: pytest.CaptureFixture[str], what: str, differ: list[str], count: int) -> None:
    with capsys.disabled():
        print(f"\n{what}: {count - len(differ)} of {count} agree; differ: {', '.join(differ) or 'none'}")


def test_structure_agrees_with_stalwart(capsys: pytest.CaptureFixture[str]) -> None:
    """The tree is Stalwart's for every regular mail; malformed ones may differ, and then a defect is named."""
    folder = corpus("mime") / "stalwart-mail-parser"
    differ, count = [], 0
    for path in sorted(folder.rglob("*.eml")):
        message = parse(wire_form(path.read_bytes()))
        count += 1
        if ours(message.root, "multipart") != stalwart(json.loads(path.with_suffix(".crlf.json").read_bytes())):
            differ.append(path.relative_to(folder).as_posix())
            assert message.defects, path
    report(capsys, "stalwart structure", differ, count)
    assert count - len(differ) >= 33


def test_structure_agrees_with_mime4j(capsys: pytest.CaptureFixture[str]) -> None:
    """The tree is mime4j's for nearly every mail; where it differs, a defect is named."""
    folder = corpus("mime") / "mime4j"
    differ, count = [], 0
    for path in sorted(folder.rglob("*.msg")):
        message = parse(wire_form(path.read_bytes()))
        count += 1
        if ours(message.root, "multipart") != mime4j(path.with_suffix(".xml").read_text("latin-1")):
            differ.append(path.name)
            assert message.defects, path
    report(capsys, "mime4j structure", differ, count)
    assert count - len(differ) >= 39


def numbered(entity: Entity, number: str = "1") -> list[tuple[str, Entity]]:
    """Number the leaves as mime4j names its decoded bodies."""
    if entity.is_leaf:
        return [(number, entity)]
    return [leaf for place, child in enumerate(entity.children, 1) for leaf in numbered(child, f"{number}_{place}")]


def decoded_bodies(path: Path) -> dict[str, bytes]:
    found = {}
    for body in path.parent.glob(f"{path.stem}_decoded_*"):
        match = re.fullmatch(r"(\d+(?:_\d+)*)\.(?:txt|bin)", body.name[len(path.stem) + len("_decoded_") :])
        if match:
            found[match[1]] = body.read_bytes()
    return found


def test_decoded_bodies_agree_with_mime4j(capsys: pytest.CaptureFixture[str]) -> None:
    """The content of nearly every leaf is what mime4j decoded, line ends aside."""
    differ, count = [], 0
    for path in sorted((corpus("mime") / "mime4j").rglob("*.msg")):
        leaves = dict(numbered(parse(wire_form(path.read_bytes())).root))
        for number, body in decoded_bodies(path).items():
            count += 1
            data = decoded(leaves[number]).data if number in leaves else None
            if data is None or data.replace(b"\r\n", b"\n") != body.replace(b"\r\n", b"\n"):
                differ.append(f"{path.stem} {number}")
    report(capsys, "mime4j decoded bodies", differ, count)
    assert count - len(differ) >= 83
