# SPDX-License-Identifier: Apache-2.0
"""Make a DKIM-Signature field for a mail (RFC 6376 §5, RFC 8463).

    prepare    what is to be signed, as one digest; needs the mail, not the key
    Draft      gives the whole field once the digest is signed
    sign       both at once, where the private key is at hand

Promises: the mail is not changed and the field stands above it; it is folded at 78 columns where names allow;
what a mail holds never makes it raise, only settings that cannot work do (ValueError).
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from gatepost.message.domains import a_label
from gatepost.message.headers import Headers
from gatepost.message.parse import parse
from gatepost.message.raw import Raw
from gatepost.message.tree import Message
from gatepost.protection.mailauth.dkim.canonical import relaxed_body, simple_body
from gatepost.protection.mailauth.dkim.field import SIGNED_NAMES
from gatepost.protection.mailauth.dkim.header import SignedHeader

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

SIGNED = (
    "from",
    "reply-to",
    "subject",
    "date",
    "to",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
)
"""What is signed unless told otherwise (RFC 6376 §5.4.1)."""
OVERSIGNED = frozenset({"from", "subject", "date", "to", "content-type"})
"""Of those, what is listed once more than it occurs, so that nobody can add another (RFC 6376 §5.4)."""

_COLUMNS = 76
_FIELD_NAME = re.compile(r"[!-9;-~]+").fullmatch
_PADDING, _HASHED = PKCS1v15(), Prehashed(SHA256())


class Draft(NamedTuple):
    """A signature field that lacks only its value."""

    unsigned: bytes
    """The field up to and with `b=`."""
    digest: bytes
    """SHA-256 of all that is signed."""

    def field(self, signature: bytes) -> bytes:
        """Give the whole field, CRLF included."""
        text = base64.b64encode(signature)
        lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
        return self.unsigned + b"".join(b"\r\n\t" + line for line in lines) + b"\r\n"


def sign(
    raw: Raw,
    *,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: float,
    headers: Sequence[str] = SIGNED,
    oversigned: Collection[str] = OVERSIGNED,
    canonicalization: str = "relaxed/relaxed",
    identity: str = "",
    valid_s: int | None = None,
) -> bytes:
    """Sign a mail with a key and give the field to put above it. `now` is in seconds since 1970, `valid_s` sets x=."""
    draft = prepare(
        parse(raw),
        domain=domain,
        selector=selector,
        algorithm=algorithm_of(key),
        now=now,
        headers=headers,
        oversigned=oversigned,
        canonicalization=canonicalization,
        identity=identity,
        valid_s=valid_s,
    )
    return draft.field(sign_digest(key, draft.digest))


def prepare(
    message: Message,
    *,
    domain: str,
    selector: str,
    algorithm: str,
    now: float,
    headers: Sequence[str] = SIGNED,
    oversigned: Collection[str] = OVERSIGNED,
    canonicalization: str = "relaxed/relaxed",
    identity: str = "",
    valid_s: int | None = None,
) -> Draft:
    """Put together what is to be signed; `algorithm` is `rsa-sha256` or `ed25519-sha256`."""
    header_form, _, body_form = canonicalization.partition("/")
    if header_form not in ("simple", "relaxed") or body_form not in ("simple", "relaxed"):
        raise ValueError(f"canonicalization {canonicalization!r} is none of simple and relaxed, with a slash between them")
    tags = ["v=1", f"a={algorithm}", f"c={canonicalization}", *signer_tags(domain, selector, identity), f"t={int(now)}"]
    if valid_s is not None:
        tags.append(f"x={int(now) + valid_s}")
    names = listed_names(message.headers, headers, oversigned)
    unsigned = unsigned_field("DKIM-Signature", tags, names, body_hash(message, body_form == "relaxed"))
    data = SignedHeader(message.headers, message.raw).data(names, header_form == "relaxed", unsigned)
    return Draft(unsigned, hashlib.sha256(data).digest())


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """Sign a SHA-256 digest (RFC 6376 §3.3, RFC 8463 §3)."""
    return key.sign(digest, _PADDING, _HASHED) if isinstance(key, RSAPrivateKey) else key.sign(digest)


def algorithm_of(key: PrivateKey) -> str:
    """Name a key's algorithm as a= does."""
    return "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"


def signer_tags(domain: str, selector: str, identity: str = "") -> list[str]:
    """Check and write d=, s= and i=. ValueError when they are no names, or `identity` is outside the domain."""
    own, key_name = a_label(domain), a_label(selector)
    if own is None or key_name is None:
        raise ValueError(f"{domain!r} is no domain, or {selector!r} no selector")
    tags = [f"d={own}", f"s={key_name}"]
    if identity:
        local, at, of = identity.rpartition("@")
        if not at or not f".{of.lower()}".endswith("." + own) or not all("!" <= c <= "~" and c not in ";=" for c in local):
            raise ValueError(f"identity {identity!r} does not belong to {own}")
        tags.append(f"i={local}@{of.lower()}")
    return tags


def listed_names(headers: Headers, wanted: Iterable[str], oversigned: Collection[str]) -> list[str]:
    """List the names of the fields that are signed: each as often as it occurs, oversigned ones once more."""
    names: list[str] = []
    for name in dict.fromkeys(name.lower() for name in wanted):
        if not _FIELD_NAME(name):
            raise ValueError(f"{name!r} is no name of a header field")
        names += [name] * (headers.count(name) + (name in oversigned))
    if "from" not in names:
        names.insert(0, "from")
    return names[:SIGNED_NAMES] if "from" in names[:SIGNED_NAMES] else ["from", *names[: SIGNED_NAMES - 1]]


def body_hash(message: Message, is_relaxed: bool) -> str:
    """Hash a mail's body and give it as bh= has it."""
    hasher, root = hashlib.sha256(), message.root
    for block in (relaxed_body if is_relaxed else simple_body)(root.raw, root.body_start, root.end):
        hasher.update(block)
    return base64.b64encode(hasher.digest()).decode("ascii")


def unsigned_field(name: str, tags: Sequence[str], names: Sequence[str], hashed_body: str) -> bytes:
    """Write a signature field up to and with `b=`, folded."""
    pieces = [*(f" {tag};" for tag in tags), f" h={names[0]}", *(f":{name}" for name in names[1:]), f"; bh={hashed_body};", " b="]
    return folded(name, pieces)


def folded(name: str, pieces: Iterable[str]) -> bytes:
    """Write a field's pieces one after the other, on a new line where one is full; a piece is never cut."""
    lines, line = [], name + ":"
    for piece in pieces:
        if len(line) + len(piece) > _COLUMNS:
            lines.append(line)
            line = "\t" + piece.lstrip(" ")
        else:
            line += piece
    return "\r\n".join([*lines, line]).encode("ascii")
