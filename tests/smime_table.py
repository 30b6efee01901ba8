# SPDX-License-Identifier: Apache-2.0
"""Try every algorithm and every kind of mail with every peer, both ways, and write what came of it: `python tests/smime_table.py`.

Writes docs/reference/smime-interop.md. A cell says pass, FAIL, or that the peer lacks it, with the peer's own words. A peer
lacks what it cannot write, and what it refuses to read from the other programs as well; whatever else fails is ours.
"""

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from cms_peers import Peer, PeerSaid, peers_at_hand
from cms_people import NOW, Person, person, ring
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.keys import PKCS1, Transport
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.signed.write import sign
from mail_peers import MailPeer, mail_peers_at_hand
from smime_mails import ROWS, tries

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "smime-interop.md"
CONTENT = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"A line of a mail.\r\n" * 200

SCHEMES: dict[str, tuple[str, Scheme]] = {
    **{f"RSA PKCS#1 v1.5, {name}": ("rsa", Scheme("rsa-pkcs1", name)) for name in ("sha256", "sha384", "sha512")},
    **{f"RSASSA-PSS, {name}": ("rsa", Scheme("rsa-pss", name, size)) for name, size in (("sha256", 32), ("sha384", 48), ("sha512", 64))},
    "ECDSA P-256, sha256": ("p256", Scheme("ecdsa", "sha256")),
    "ECDSA P-384, sha384": ("p384", Scheme("ecdsa", "sha384")),
    "ECDSA P-521, sha512": ("p521", Scheme("ecdsa", "sha512")),
    "Ed25519, sha512": ("ed25519", Scheme("ed25519", "sha512")),
}
WAYS: dict[str, tuple[str, str, Transport]] = {
    "RSA PKCS#1 v1.5": ("rsa", "pkcs1", PKCS1),
    "RSA OAEP, sha256": ("rsa", "oaep-sha256", Transport("oaep", "sha256", "sha256")),
    "RSA OAEP, sha512": ("rsa", "oaep-sha512", Transport("oaep", "sha512", "sha512")),
    "ECDH P-256": ("p256", "sha256", PKCS1),
    "ECDH P-384": ("p384", "sha384", PKCS1),
    "ECDH P-521": ("p521", "sha512", PKCS1),
    "X25519": ("x25519", "hkdf-sha256", PKCS1),
}


class Cell(NamedTuple):
    """What came of one try; `said` are the peer's words, or ours."""

    peer: str
    what: str
    outcome: str
    said: str = ""


def attempt(peer: Peer | MailPeer, what: str, operation: Callable[[], str], others: Sequence[Callable[[], object]] = ()) -> Cell:
    """Try one thing. What the peer refuses it lacks, when it refuses the same from each of the others too."""
    try:
        wrong = operation()
    except PeerSaid as said:
        return Cell(peer.name, what, "FAIL" if any(map(succeeds, others)) else "lacks", str(said))
    return Cell(peer.name, what, "FAIL" if wrong else "pass", wrong)


def succeeds(operation: Callable[[], object]) -> bool:
    """Say whether a peer does something."""
    try:
        operation()
    except PeerSaid:
        return False
    return True


def read_ours(peer: Peer, signed: bytes) -> str:
    peer.verify(signed, CONTENT)
    return ""


def verify_theirs(signed: bytes) -> str:
    data = read(signed)
    if not isinstance(data, SignedData):
        return str(data)
    whole = b"" if data.content is None else bytes(data.content.whole())
    judged = verify(data)
    return "" if whole == CONTENT and [one.verdict for one in judged] == ["intact"] else str([one.reason for one in judged])


def decrypt_theirs(sealed: bytes, who: Person) -> str:
    data = read(sealed)
    opened = decrypt(data, ring(who)) if isinstance(data, Enveloped) else data
    return "" if isinstance(opened, Decrypted) and opened.content == CONTENT else str(opened)


def encrypted(who: Person, way: Transport, cipher: str) -> bytes:
    to = addressee(who.certificate, transport=way)
    assert isinstance(to, Addressee)
    return encrypt(CONTENT, [to], WRITTEN[cipher])


def cells(peer: Peer, peers: Sequence[Peer]) -> list[Cell]:
    """Try everything with one peer."""
    return [cell for name in SCHEMES for cell in signatures(peer, peers, name)] + [
        cell for name in WAYS for cipher in WRITTEN for cell in encryptions(peer, peers, name, cipher)
    ]


def signatures(peer: Peer, peers: Sequence[Peer], name: str) -> list[Cell]:
    """Sign and verify by one scheme."""
    kind, scheme = SCHEMES[name]
    who = person(kind)
    ours = sign(CONTENT, [Signer(who.private, who.certificate, scheme)], NOW)
    others = [lambda one=one: peer.verify(one.sign(CONTENT, who, scheme), CONTENT) for one in peers]
    return [
        attempt(peer, f"reads {name}", lambda: read_ours(peer, ours), others),
        attempt(peer, f"writes {name}", lambda: verify_theirs(peer.sign(CONTENT, who, scheme))),
    ]


def encryptions(peer: Peer, peers: Sequence[Peer], name: str, cipher: str) -> list[Cell]:
    """Encrypt and decrypt in one way, with one cipher."""
    kind, way, transport = WAYS[name]
    who = person(kind)
    sealed = encrypted(who, transport, cipher)
    others = [lambda one=one: peer.decrypt(one.encrypt(CONTENT, who, cipher, way), who) for one in peers]
    return [
        attempt(peer, f"reads {name}, {cipher}", lambda: "" if peer.decrypt(sealed, who) == CONTENT else "another content", others),
        attempt(peer, f"writes {name}, {cipher}", lambda: decrypt_theirs(peer.encrypt(CONTENT, who, cipher, way), who)),
    ]


_LABELS = {"lacks": "peer lacks it"}


def mail_cells(peer: MailPeer, peers: Sequence[MailPeer]) -> list[Cell]:
    """Try every kind of mail with one peer."""
    found: list[Cell] = []
    for row in ROWS:
        reads, writes, others = tries(peer, peers, row)
        found += [attempt(peer, f"reads {row.name}", reads, others), attempt(peer, f"writes {row.name}", writes)]
    return found


def page(objects: dict[str, list[Cell]], mails: dict[str, list[Cell]]) -> str:
    """Write the page."""
    words: dict[str, int] = {}
    lines = [
        "# S/MIME with other programs", "",
        "Generated by `python tests/smime_table.py`. Each row is tried with each program on one content: *reads* is what",
        "we write and the program verifies or decrypts, *writes* the other way round. A peer lacks what it cannot write,",
        "and what it refuses to read from the other programs too; its own words are below.",
        "", "## Whole mails", "",
        "gpgsm knows no MIME: what a mailer puts around it is made by Python's library. Keys are RSA of 2048 bits.", "",
        *_table(mails, words), "", "## Objects, in each algorithm", "", *_table(objects, words), "", "## What they say", "",
    ]  # fmt: skip
    lines += [f"{number}. {text}" for text, number in words.items()]
    return "\n".join(lines) + "\n"


def _table(found: dict[str, list[Cell]], words: dict[str, int]) -> list[str]:
    """Write one table; `words` are the notes so far, and take up its own."""
    names = list(found)
    by_what: dict[str, dict[str, Cell]] = {}
    for name, cells_ in found.items():
        for cell in cells_:
            by_what.setdefault(cell.what, {})[name] = cell
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for what, row in by_what.items():
        shown = []
        for name in names:
            cell = row[name]
            note = f" [{words.setdefault(f'{name}: {_without_addresses(cell.said)}', len(words) + 1)}]" if cell.said else ""
            shown.append(_LABELS.get(cell.outcome, cell.outcome) + note)
        lines.append(f"| {what} | {' | '.join(shown)} |")
    return lines


def _without_addresses(said: str) -> str:
    """Take out what differs from run to run: openssl's thread, keys, places in memory."""
    said = re.sub(r"^[0-9A-F]+:error:", "error:", said)
    return re.sub(r"'[0-9A-F]{40}'", "the key", said).replace("|", "/")


def try_all(folder: Path) -> tuple[dict[str, list[Cell]], dict[str, list[Cell]]]:
    """Try everything with every peer at hand: objects, then mails."""
    peers, mail_peers = peers_at_hand(folder / "objects"), mail_peers_at_hand(folder / "mails")
    try:
        return {peer.name: cells(peer, peers) for peer in peers}, {peer.name: mail_cells(peer, mail_peers) for peer in mail_peers}
    finally:
        for one in (*peers, *mail_peers):
            one.close()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="cms_table_") as folder:
        objects, mails = try_all(Path(folder))
    PAGE.write_text(page(objects, mails))
    failed = False
    for found in (objects, mails):
        for peer, tried in found.items():
            print(peer, {outcome: sum(cell.outcome == outcome for cell in tried) for outcome in ("pass", "lacks", "FAIL")})
            for cell in tried:
                if cell.outcome == "FAIL":
                    failed = True
                    print("  ", cell.what, "-", cell.said)
    return failed


if __name__ == "__main__":
    sys.exit(main())
