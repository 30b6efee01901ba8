# SPDX-License-Identifier: Apache-2.0
"""What a signature field says: who signed, with which key, what, and how (RFC 6376 §3.5).

Promises: any bytes give a `Signature`; what is wrong with it is its `fault`, and domain and selector are kept
as far as they could be read, so that a report can name them. Nothing here looks at the mail or the DNS.
"""

import re

import msgspec

from gatepost.message.domains import a_label
from gatepost.protection.mailauth.dkim.tags import Tags, decode_base64, decode_number, items_of, parse_tags, value_of, without_space

SIGNED_NAMES = 256
"""Names that h= may list."""

_ALGORITHMS = {
    b"rsa-sha256": ("rsa", "sha256"),
    b"rsa-sha1": ("rsa", "sha1"),
    b"ed25519-sha256": ("ed25519", "sha256"),
}
_FORMS = {
    b"simple": (False, False),
    b"simple/simple": (False, False),
    b"simple/relaxed": (False, True),
    b"relaxed": (True, False),
    b"relaxed/simple": (True, False),
    b"relaxed/relaxed": (True, True),
}
"""c=, and whether header and body are relaxed; the body is simple unless told."""
_QUOTED = re.compile(rb"=([0-9A-F]{2})")
_FIELD_NAMES = re.compile(rb"[!-9;-~]++(?:[ \t\r\n]*+:[ \t\r\n]*+[!-9;-~]++)*+").fullmatch


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key made which signature; the part that DKIM-Signature, ARC-Message-Signature and ARC-Seal share."""

    domain: str = ""
    """d=, in A-labels and lower case."""
    selector: str = ""
    algorithm: str = ""
    """a=, in lower case."""
    key_type: str = ""
    hash_name: str = ""
    value: bytes = b""
    """b=, decoded."""
    blank: tuple[int, int] = (0, 0)
    """Where b= stands in the field's value; these bytes are not signed."""
    start: str = ""
    """The first 8 characters of b= (RFC 6008 §4)."""
    fault: str = ""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over header fields and a body."""

    signer: Signer = Signer()
    identity: str = ""
    names: tuple[str, ...] = ()
    """h=, in lower case."""
    relaxed_header: bool = False
    relaxed_body: bool = False
    body_hash: bytes = b""
    body_length: int | None = None
    expires_at: int | None = None
    fault: str = ""


def parse_signature(untrusted: bytes) -> Signature:
    """Read the value of a DKIM-Signature field."""
    tags = parse_tags(untrusted)
    if tags is None:
        return Signature(fault="the field is no well-formed list of tags")
    signer = read_signer(tags)
    identity, fault = _identity(tags, signer.domain) if b"i" in tags else ("", "")
    if value_of(tags, b"v") != b"1":
        fault = "v= is not 1"
    elif b"q" in tags and b"dns/txt" not in items_of(tags[b"q"].value.lower()):
        fault = "q= names no way to the key that is known"
    return read_signature(tags, signer, identity, fault)


def read_signer(tags: Tags) -> Signer:
    """Take from a tag list who signed: a=, b=, d=, s=, and whether t= is a time."""
    domain, selector = _name(value_of(tags, b"d")), _name(value_of(tags, b"s"))
    algorithm = value_of(tags, b"a").lower()
    key_type, hash_name = _ALGORITHMS.get(algorithm, ("", ""))
    written = tags.get(b"b")
    value = decode_base64(written.value) if written else None
    fault = ""
    if not domain:
        fault = "d= is missing or no domain"
    elif not selector:
        fault = "s= is missing or no selector"
    elif not key_type:
        fault = "a= is missing or no algorithm that is known"
    elif not value:
        fault = "b= is missing or no base64"
    elif b"t" in tags and decode_number(tags[b"t"].value) is None:
        fault = "t= is no time"
    return Signer(
        domain=domain,
        selector=selector,
        algorithm=algorithm[:32].decode("ascii", "replace"),
        key_type=key_type,
        hash_name=hash_name,
        value=value or b"",
        blank=(written.start, written.end) if written else (0, 0),
        start=without_space(written.value[:64])[:8].decode("ascii", "replace") if written else "",
        fault=fault,
    )


def read_signature(tags: Tags, signer: Signer, identity: str = "", fault: str = "") -> Signature:
    """Take from a tag list what DKIM and ARC signatures over a mail share; `fault` is one that was found before."""
    names, fault_of_names = _signed_names(value_of(tags, b"h"))
    forms = _FORMS.get(value_of(tags, b"c").lower() if b"c" in tags else b"simple")
    body_hash = decode_base64(value_of(tags, b"bh"))
    length, expires_at, fault_of_numbers = _numbers(tags) if b"l" in tags or b"x" in tags else (None, None, "")
    fault = fault or signer.fault
    if not fault and not body_hash:
        fault = "bh= is missing or no base64"
    elif not fault and forms is None:
        fault = "c= names no canonicalization that is known"
    return Signature(
        signer=signer,
        identity=identity or ("@" + signer.domain if signer.domain else ""),
        names=names,
        relaxed_header=forms is not None and forms[0],
        relaxed_body=forms is not None and forms[1],
        body_hash=body_hash or b"",
        body_length=length,
        expires_at=expires_at,
        fault=fault or fault_of_names or fault_of_numbers,
    )


def _numbers(tags: Tags) -> tuple[int | None, int | None, str]:
    """Read l= and x=, both optional."""
    length = expires_at = None
    if b"l" in tags:
        length = decode_number(tags[b"l"].value)
        if length is None:
            return None, None, "l= is no number"
    if b"x" in tags:
        expires_at = decode_number(tags[b"x"].value)
        if expires_at is None:
            return length, None, "x= is no time"
        signed_at = decode_number(value_of(tags, b"t"))
        if signed_at is not None and expires_at <= signed_at:
            return length, expires_at, "x= is not later than t="
    return length, expires_at, ""


def _signed_names(value: bytes) -> tuple[tuple[str, ...], str]:
    if value.count(b":") >= SIGNED_NAMES:
        return (), f"h= names more than {SIGNED_NAMES} fields"
    if not _FIELD_NAMES(value):
        return (), "h= is missing or no list of field names"
    names = tuple(without_space(value).decode("ascii").lower().split(":"))
    return names, "" if "from" in names else "h= does not name From"


def _identity(tags: Tags, domain: str) -> tuple[str, str]:
    """Read i=, which may be quoted-printable and must lie in the signer's domain (RFC 6376 §3.5)."""
    decoded = _QUOTED.sub(lambda match: bytes([int(match[1], 16)]), without_space(tags[b"i"].value))
    local, at, untrusted_domain = decoded.decode("utf-8", "replace").rpartition("@")
    own = a_label(untrusted_domain)
    if not at or own is None or (own != domain and not own.endswith("." + domain)):
        return "", "i= is no identity within d="
    if not local.isprintable() or len(local) > 320:
        return "@" + own, "i= has characters that no address has"
    return f"{local}@{own}", ""


def _name(value: bytes) -> str:
    """Read a domain or selector (RFC 8616 §5 allows U-labels); '' when it is none."""
    try:
        return a_label(value.decode()) or "" if value else ""
    except UnicodeDecodeError:
        return ""
