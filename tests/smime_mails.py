# SPDX-License-Identifier: Apache-2.0
"""Whole mails with other programs, both ways: each kind of protection, and one around another, as rows of the interop page."""

from collections.abc import Callable, Sequence
from email import message_from_bytes
from typing import NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, Person, authority, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.layer import SignedLayer
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign, wrap
from mail_peers import MailPeer

Step = tuple[str, str]
"""What is done with a content: ("sign", form) or ("encrypt", cipher)."""


class Row(NamedTuple):
    """One kind of mail: how it is made, step by step, and what it is called."""

    name: str
    steps: tuple[Step, ...]


_CLEAR, _OPAQUE = ("sign", "clear"), ("sign", "opaque")
_CBC, _GCM = ("encrypt", "aes-256-cbc"), ("encrypt", "aes-256-gcm")
ROWS = (
    Row("multipart/signed", (_CLEAR,)),
    Row("opaque signature", (_OPAQUE,)),
    Row("encrypted, aes-128-cbc", (("encrypt", "aes-128-cbc"),)),
    Row("encrypted, aes-256-cbc", (_CBC,)),
    Row("encrypted, aes-256-gcm", (_GCM,)),
    Row("multipart/signed, then encrypted, aes-256-cbc", (_CLEAR, _CBC)),
    Row("opaque signature, then encrypted, aes-256-cbc", (_OPAQUE, _CBC)),
    Row("multipart/signed, then encrypted, aes-256-gcm", (_CLEAR, _GCM)),
    Row("triple wrapped, multipart/signed, aes-256-cbc", (_CLEAR, _CBC, _CLEAR)),
    Row("triple wrapped, opaque signatures, aes-256-cbc", (_OPAQUE, _CBC, _OPAQUE)),
)
WHO = person("rsa")
CONTENT = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=C3=BC=C3=9Fe\r\n\r\n.\r\nFrom here a line=\r\n is long.\r\n"
)
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))


def ours(row: Row) -> bytes:
    """Write the mail ourselves."""
    raw = f"From: {WHO.name}@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n".encode() + CONTENT
    signers, to = (Signer(WHO.private, WHO.certificate, default_scheme(WHO.certificate)),), [addressee(WHO.certificate)]
    kinds = dict(row.steps)
    sign_as = SignAs("opaque" if kinds.get("sign") == "opaque" else "multipart")
    encrypt_as = EncryptAs(WRITTEN[kinds.get("encrypt", "aes-256-cbc")])
    names = [step[0] for step in row.steps]
    if names == ["sign"]:
        written = sign(raw, signers, NOW, sign_as)
    elif names == ["encrypt"]:
        written = encrypt(raw, to, encrypt_as)
    else:
        write = seal if names == ["sign", "encrypt"] else wrap
        written = write(raw, signers, NOW, to, sign_as=sign_as, encrypt_as=encrypt_as)
    assert isinstance(written, bytes), written
    return written


def theirs(peer: MailPeer, row: Row, who: Person = WHO) -> bytes:
    """Let a peer write it, one step around the other."""
    mail = CONTENT
    for step, how in row.steps:
        content = entity_of(mail)
        mail = peer.sign(content, who, how) if step == "sign" else peer.encrypt(content, who, how)  # type: ignore[arg-type]
    head, blank, body = mail.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"from:")]
    return f"From: {who.name}@example.org\r\n".encode() + b"\r\n".join(lines) + blank + body


def taken_off_by(peer: MailPeer, row: Row, mail: bytes, who: Person = WHO) -> bytes:
    """Let a peer take off what the steps put on, the last one first."""
    for step, _ in reversed(row.steps):
        mail = peer.verify(mail) if step == "sign" else peer.decrypt(mail, who)
    return mail


def entity_of(mail: bytes) -> bytes:
    """Leave a mail's own fields out, so that it becomes a content."""
    head, blank, body = mail.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    inside = False
    for line in head.split(b"\r\n"):
        inside = inside if line[:1] in (b" ", b"\t") else line.lower().startswith(b"content-")
        if inside:
            kept.append(line)
    return b"\r\n".join(kept) + blank + body


def text_of(content: bytes) -> str:
    """Give what people read, by Python's own library."""
    payload = message_from_bytes(content).get_payload(decode=True)
    return payload.decode().replace("\r\n", "\n").strip("\n") if isinstance(payload, bytes) else ""


TEXT = text_of(CONTENT)


def read_by(peer: MailPeer, row: Row, mail: bytes) -> str:
    """Say what is wrong with what a peer reads, '' when nothing is."""
    text = text_of(taken_off_by(peer, row, mail))
    return "" if text == TEXT else f"another text: {text[:60]!r}"


def read_by_us(row: Row, mail: bytes) -> str:
    """Say what is wrong with what we read, '' when nothing is."""
    reading = read(mail, ring(WHO))
    kinds = [isinstance(layer, SignedLayer) for layer in reading.layers]
    if kinds != [step == "sign" for step, _ in reversed(row.steps)]:
        return f"layers {kinds}: {[layer.fault for layer in reading.layers]}"
    if row.steps[0][0] == "sign":
        found = report(reading, Asked(TRUST, NOW.replace(year=2030)))
        if found.verdict != "valid_bound":
            return f"{found.verdict}: {found.reason} {found.findings}"
    broken = [layer for layer in reading.layers if isinstance(layer, SignedLayer) and not layer.intact]
    if broken:
        return f"{broken[0].findings} {[one.reason for one in broken[0].judgements]}"
    return "" if text_of(reading.content) == TEXT else f"another text: {reading.content[:200]!r}"


def tries(peer: MailPeer, peers: Sequence[MailPeer], row: Row) -> tuple[Callable[[], str], Callable[[], str], list[Callable[[], object]]]:
    """Give what is tried of a row: the peer reads ours, we read the peer's, and the peer reads what others wrote."""
    mail = ours(row)
    others = [lambda one=one: taken_off_by(peer, row, theirs(one, row)) for one in peers]
    return (lambda: read_by(peer, row, mail)), (lambda: read_by_us(row, theirs(peer, row))), others
