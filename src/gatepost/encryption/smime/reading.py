# SPDX-License-Identifier: Apache-2.0
"""Take a mail's layers of protection off, outermost first (RFC 8551 §3, RFC 2634 §1.1).

A layer counts only where it is the whole of what is inside the one before: a part that is encrypted beside others is never
opened, so that nobody can have a stranger's ciphertext decrypted into his own mail. An encryption is opened in the open,
below encryptions, or below one signature, as triple wrapping has it; below several somebody passes on another's mail.
"""

import re
from typing import NamedTuple

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import OtherContent
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.enveloped.ciphers import CIPHERS
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.keys import KeyRing
from gatepost.encryption.cms.oids import DATA, dotted
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.verify import verify_by
from gatepost.encryption.cms.space import LARGE, Space
from gatepost.encryption.smime.canonical import bare_line_ends, canonical, is_paired, lay_out
from gatepost.encryption.smime.carried import carried
from gatepost.encryption.smime.clear_signed import read_clear_signed
from gatepost.encryption.smime.enclosed import Enclosed, body_of, defects_of, encoding_of, held_bytes, inside
from gatepost.encryption.smime.form import form_of_mail, is_protection_below, is_unread
from gatepost.encryption.smime.layer import EncryptedLayer, Finding, Layer, SignedLayer
from gatepost.encryption.smime.parts import are_different
from gatepost.encryption.smime.policy import READ, ReadPolicy
from gatepost.message import defects
from gatepost.message.headers import Headers
from gatepost.message.tree import Message


class Reading(NamedTuple):
    """A mail's layers, and what lies inside the last one that was read."""

    mail: Message
    layers: tuple[Layer, ...]
    contents: tuple[Message, ...]
    """What lies inside each layer that was taken off; a MIME entity as a rule."""
    findings: tuple[Finding, ...]
    limit: str = ""
    """What ended the reading too early, as said of the mail: 'exceeds the limit ...'; empty when it was read to its end."""

    @property
    def inner(self) -> Message:
        """The innermost content; the whole mail when it has no layer."""
        return self.contents[-1] if self.contents else self.mail

    @property
    def content(self) -> bytes:
        """The innermost content's octets."""
        return bytes(self.inner.raw)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Everything odd about the mail and its layers, each once."""
        return tuple(dict.fromkeys([one for found in (*self.layers, self) for one in found.findings]))

    @property
    def innermost_encryption(self) -> tuple[int, EncryptedLayer] | None:
        """The encryption that lies inside all others, and its place among the layers; None when there is none."""
        found = None
        for place, layer in enumerate(self.layers):
            if isinstance(layer, EncryptedLayer):
                found = place, layer
        return found


_Step = tuple[Layer, Message | None]
"""A layer, and what lies inside; None when it was not opened."""

_MARKS = re.compile(rb";\s*+(?:hp|protected-headers)\*?+\s*+=\s*+(\"[^\"]*+\"|[^\s;]*+)", re.IGNORECASE).findall
_STRAY = frozenset({defects.HEADER_WITHOUT_COLON, defects.MBOX_FROM_LINE})
_DOUBLE = frozenset({defects.DUPLICATE_CONTENT_TYPE, defects.DUPLICATE_TRANSFER_ENCODING})


def read(untrusted_raw: bytes, keys: KeyRing | None = None, policy: ReadPolicy = READ) -> Reading:
    """Read a mail's layers; without keys encryption stays closed."""
    mail = message = inside(untrusted_raw, policy.message)
    layers: list[Layer] = []
    contents: list[Message] = []
    findings: list[Finding] = []
    limit, cut_out = "", 0
    while (form := form_of_mail(message)) != "none":
        if layers:
            policy = policy.after(layers[-1].overhead_bytes, held_bytes(message) + cut_out)
        cut_out = message.size_bytes if form == "multipart" and isinstance(message, Enclosed) else 0
        if message.exceeded or len(layers) >= policy.layers or cut_out > policy.inside_bytes:
            limit = _limit(message, len(layers), policy)
            break
        if _is_ambiguous_type(message):
            findings.append("ambiguous-type")
        if has_stray_line(message):
            findings.append("stray-line")
        if form == "multipart":
            step: _Step = read_clear_signed(message.entity if isinstance(message, Enclosed) else message.root, policy)
        else:
            step = _opaque(message, layers, keys, policy)
        layer, content = step
        if layers and _is_ambiguous(layers[-1], layer):
            findings.append("nested-signatures")
        layers.append(layer)
        if content is None:
            break
        message = content
        contents.append(message)
    if form == "none" and message.outline is None and is_unread(message):
        limit = _limit(message, 0, policy)
    elif form == "none" and is_protection_below(message):
        findings.append("protection-inside-only")
    if layers and ((seen := message.outline) is None or seen.is_double or seen.content_type.defects):
        findings.extend(_of_mark(message))
    ended = (_of_limit(len(layers), policy),) if limit else ()
    return Reading(mail, tuple(layers), tuple(contents), (*findings, *ended), limit)


def has_stray_line(message: Message) -> bool:
    """Say whether a line of the header is no field."""
    return message.outline is None and not _STRAY.isdisjoint(defects_of(message)) and bool(message.headers.stray)


def _of_limit(layers: int, policy: ReadPolicy) -> Finding:
    return "too-many-layers" if layers >= policy.layers else "limit-exceeded"


def _limit(message: Message, layers: int, policy: ReadPolicy) -> str:
    """Say which limit it is that keeps a message from being read further."""
    if message.exceeded:
        return f"exceeds the limit message.{message.exceeded}"
    if layers >= policy.layers:
        return f"has more than {policy.layers} signatures and encryptions inside each other"
    return "holds more inside its layers than is kept of them"


def _is_ambiguous_type(message: Message) -> bool:
    """Say whether the entity itself, and not a part of it, has a second type or encoding."""
    if message.outline is not None:
        return message.outline.is_double and _says_two(message.headers)
    if not _DOUBLE.intersection(defects_of(message)):
        return False
    return _says_two(message.headers)


def _says_two(headers: Headers) -> bool:
    return are_different(headers, "content-type") or are_different(headers, "content-transfer-encoding")


def _of_mark(content: Message) -> tuple[Finding, ...]:
    """Say so where readers may differ in whether fields stand inside (RFC 9788), for the mark that tells them is named twice."""
    seen = content.outline
    is_twice = seen.is_double if seen is not None else not _DOUBLE.isdisjoint(defects_of(content))
    if not is_twice and defects.DUPLICATE_PARAMETER not in content.content_type.defects:
        return ()
    types = content.headers.all("content-type")
    values = {value.strip(b'" ').lower() for field in types for value in _MARKS(field.raw)}
    in_doubt = len(values) > 1 or (values and are_different(content.headers, "content-type"))
    return ("ambiguous-type",) if in_doubt else ()


def _is_ambiguous(outer: Layer, inner: Layer) -> bool:
    """Say whether two layers are signatures that readers will tell apart differently: a clear one shows what is inside to everybody."""
    return isinstance(outer, SignedLayer) and isinstance(inner, SignedLayer) and "multipart" in (outer.form, inner.form)


def _opaque(message: Message, outer: list[Layer], keys: KeyRing | None, policy: ReadPolicy) -> _Step:
    seen = message.outline
    octets, malformed = carried(encoding_of(message) if seen is None else seen.encoding, body_of(message), policy.cms.size_bytes)
    odd: list[Finding] = ["malformed-encoding"] if malformed else []
    said = message.content_type.parameters.get("smime-type", "").lower()
    cms = octets if isinstance(octets, Fault) else read_cms(octets, policy.cms)
    del octets  # the object alone holds its memory
    if isinstance(cms, SignedData):
        if said not in ("", "signed-data", "signed-receipt", "certs-only"):
            odd.append("type-differs")
        return _signed(cms, odd, policy)
    if isinstance(cms, Enveloped):
        if said not in ("", "authenveloped-data" if cms.authenticated else "enveloped-data"):
            odd.append("type-differs")
        return _enveloped(cms, odd, outer, keys, policy)
    fault = cms
    if isinstance(cms, OtherContent):
        fault = Fault("unsupported", f"content of type {dotted(cms.content_type)} is not read")
    assert isinstance(fault, Fault)
    if said in ("enveloped-data", "authenveloped-data"):
        around: tuple[Finding, ...] = ("signed-ciphertext",) if outer and isinstance(outer[-1], SignedLayer) else ()
        return EncryptedLayer(False, "", (*odd, *around, _unread(fault)), fault), None
    return SignedLayer("opaque", (), (), (), (*odd, _unread(fault)), fault), None


def _unread(fault: Fault) -> Finding:
    return "limit-exceeded" if fault.kind == "too-large" else "unreadable"


def _signed(cms: SignedData, odd: list[Finding], policy: ReadPolicy) -> _Step:
    certificates = tuple(one for one in cms.certificates() if isinstance(one, Certificate))
    fault: Fault | None = None
    if cms.content is None:
        odd.append("no-signers" if cms.signers or not certificates else "certificates-only")
    else:
        if not cms.signers:
            odd.append("no-signers")
        if cms.content_type != DATA:
            odd.append("other-content")
        try:
            cms.content.check()
        except Refusal as refusal:  # the content's pieces are only read here
            odd.append("unreadable")
            fault = refusal.fault
    judgements = verify_by(certificates, cms, policy=policy.algorithms)
    content = None if cms.content is None or fault else inside(cms.content.take(), policy.message)
    return SignedLayer("opaque", judgements, certificates, cms.revocations, tuple(odd), fault, cms.overhead_bytes), content


def _enveloped(cms: Enveloped, odd: list[Finding], outer: list[Layer], keys: KeyRing | None, policy: ReadPolicy) -> _Step:
    cipher = CIPHERS.get(cms.cipher.oid)
    name = cipher.name if cipher else dotted(cms.cipher.oid)
    if outer and isinstance(outer[-1], SignedLayer):
        odd.append("signed-ciphertext")
    if not cms.authenticated:
        odd.append("unauthenticated")
    if len(outer) > 1 and isinstance(outer[-1], SignedLayer) and isinstance(outer[-2], SignedLayer):
        odd.append("encrypted-below-signatures")
        return EncryptedLayer(cms.authenticated, name, tuple(odd), Fault("forbidden", "it lies below several signatures")), None
    if keys is None:
        return EncryptedLayer(cms.authenticated, name, tuple(odd), Fault("not-addressed", "no key was given")), None
    opened = decrypt(cms, keys, policy.algorithms)
    if not isinstance(opened, Decrypted):
        return EncryptedLayer(cms.authenticated, name, tuple(odd), opened), None
    if opened.content_type != DATA:
        return EncryptedLayer(cms.authenticated, name, tuple(odd), Fault("unsupported", "what is encrypted is no MIME entity")), None
    if len(opened.content) <= LARGE:
        content: bytes | Fault = canonical(opened.content)
    else:
        plain = [opened.content]
        del opened
        content = _canonical(plain, policy.cms.size_bytes)
    if isinstance(content, Fault):
        return EncryptedLayer(cms.authenticated, name, tuple(odd), content), None
    return EncryptedLayer(cms.authenticated, name, tuple(odd), None, cms.overhead_bytes), inside(content, policy.message)


def _canonical(plain: list[bytes], most: int) -> bytes | Fault:
    """Give a large decrypted content as it may stand on the wire; where nobody else holds it, it is changed in its place."""
    size = len(plain[0])
    if is_paired(plain[0]) or not (missing := bare_line_ends(plain[0])):
        return plain[0]
    if size + missing > most:
        return Fault("too-large", f"{size + missing} bytes with whole line ends are more than the {most} that are read")
    space = Space(plain.pop())
    lay_out(space, missing)
    return space.octets()
