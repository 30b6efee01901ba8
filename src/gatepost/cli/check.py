# SPDX-License-Identifier: Apache-2.0
"""`gatepost check`: the structure and the defects of a mail file, as the gateway sees them.

The file is read as it would stand on the wire: a leading mbox `From ` line goes, and a file that has LF
alone at every line end gets CRLF. What still holds a bare CR or LF would be refused, as on the wire.
"""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from gatepost.cli.judge import judge
from gatepost.cli.mail_input import mail_in
from gatepost.cli.output import console, plain, print_json, table
from gatepost.config.limits import MessageLimits
from gatepost.config.loader import DEFAULT_BOOTSTRAP
from gatepost.message.defects import SENTENCES
from gatepost.message.parse import parse
from gatepost.message.tree import Entity, Message

_SHOWN_FIELDS = ("from", "to", "subject", "date", "message-id")


def check(
    file: Annotated[Path, Parameter(help="A mail file; - reads standard input.")],
    *,
    client_ip: Annotated[str, Parameter(help="The client's address; with it, and --rcpt, the mail is judged as the gateway would.")] = "",
    helo: Annotated[str, Parameter(help="What the client says in EHLO.")] = "localhost",
    mail_from: Annotated[str, Parameter(help="The envelope's sender; <> for none.")] = "<>",
    rcpt: Annotated[tuple[str, ...], Parameter(help="A recipient; may be given several times.", negative=())] = (),
    dns_zone: Annotated[Path | None, Parameter(help="Answer questions to the DNS from this zone file alone.")] = None,
    config: Annotated[Path, Parameter(help="The bootstrap file, when the mail is judged.")] = Path(DEFAULT_BOOTSTRAP),
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
) -> int:
    """Show the structure and the defects of a mail file, or judge it; exit code 1 when the gateway would refuse it."""
    if client_ip or rcpt:
        question = {"client_ip": client_ip, "helo": helo, "mail_from": mail_from, "recipients": rcpt}
        return judge(mail_in(file), {**question, "dns_zone": str(dns_zone or "")}, config, json=json)
    limits = MessageLimits()
    raw = mail_in(file)
    mail = parse(raw, limits)
    refusals = _refusals(raw, mail, limits)
    if json:
        print_json(_as_data(file, mail, refusals))
    else:
        _show(mail, refusals)
    return 1 if refusals else 0


def _refusals(raw: bytes, mail: Message, limits: MessageLimits) -> list[str]:
    refusals = []
    crlf = raw.count(b"\r\n")
    if raw.count(b"\r") != crlf or raw.count(b"\n") != crlf:
        refusals.append("It holds a bare CR or LF, which is how mails are smuggled (550 5.6.11).")
    if mail.exceeded:
        refusals.append(f"It exceeds the limit message.{mail.exceeded} (554 5.6.0).")
    if mail.received_count >= limits.received:
        refusals.append(f"It has {mail.received_count} Received fields, which looks like a loop (554 5.4.6).")
    return refusals


def _as_data(file: Path, mail: Message, refusals: list[str]) -> dict[str, Any]:
    return {
        "file": str(file),
        "size_bytes": len(mail.raw),
        "accepted": not refusals,
        "refusals": refusals,
        "defects": [{"name": name, "sentence": SENTENCES.get(name, "")} for name in mail.defects],
        "headers": _headers(mail),
        "structure": [_entity_data(level, entity) for level, entity in _levels(mail.root)],
    }


def _entity_data(level: int, entity: Entity) -> dict[str, Any]:
    return {
        "level": level,
        "content_type": entity.content_type.full,
        "content_transfer_encoding": entity.encoding,
        "filename": entity.filename,
        "header_start": entity.header_start,
        "body_start": entity.body_start,
        "end": entity.end,
        "size_bytes": entity.size_bytes,
    }


def _headers(mail: Message) -> dict[str, str]:
    found = ((name, mail.headers.first(name)) for name in _SHOWN_FIELDS)
    return {name.replace("-", "_"): field.decoded for name, field in found if field}


def _levels(root: Entity) -> list[tuple[int, Entity]]:
    """Give each entity with its depth, in the order of the bytes."""
    waiting, found = [(0, root)], []
    while waiting:
        level, entity = waiting.pop()
        found.append((level, entity))
        waiting.extend((level + 1, child) for child in reversed(entity.children))
    return found


def _show(mail: Message, refusals: list[str]) -> None:
    screen = console()
    for name, text in _headers(mail).items():
        screen.print(plain(f"{name.replace('_', '-').capitalize() + ':':<12}{text}"))
    parts = table("part", "encoding", "bytes", "file name", right=("bytes",))
    for level, entity in _levels(mail.root):
        branch = "  " * (level - 1) + "└ " if level else ""
        parts.add_row(plain(branch + entity.content_type.full), plain(entity.encoding), f"{entity.size_bytes:,}", plain(entity.filename))
    screen.print(parts)
    for name in mail.defects:
        screen.print(plain(f"Defect {name}: {SENTENCES.get(name, '')}", "yellow"))
    for refusal in refusals:
        screen.print(plain(f"Refused: {refusal}", "red"))
    if not mail.defects and not refusals:
        screen.print(plain("No defects.", "green"))
