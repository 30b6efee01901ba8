# SPDX-License-Identifier: Apache-2.0
"""Authentication-Results: written for our own findings, read of others, removed where forged (RFC 8601).

    Authentication-Results: mx.example.net;
        spf=pass smtp.mailfrom=example.com;
        dkim=pass header.d=example.com header.s=key1 header.a=rsa-sha256 header.b=kqh3WUKq;
        arc=none;
        dmarc=pass header.from=example.com policy.dmarc=reject

Promises: no text of a stranger ends a line, a quoted string or a result of a field that is written here; reading never
raises and takes bounded time, whatever the field holds.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from gatepost.contracts.authentication import Arc, Authentication, DkimSignature, Dmarc, Spf
from gatepost.message.domains import a_label
from gatepost.message.headers import Headers, unfold
from gatepost.message.parameters import skip_blanks, unescape

_LINE = 76
_REASON = 200
_VALUE = 320
_LONGEST_FIELD = 16_384
_RESULTS = 100
_COMMENT_DEPTH = 32

# The first is RFC 2045's token; the second is what RFC 8601 allows besides: an address or "@domain" of token characters.
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+").fullmatch
_MAILBOX = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*@[0-9A-Za-z._-]+").fullmatch
_NOT_PRINTABLE = re.compile(r"[^ -~]+")

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"?', re.DOTALL)
_WORD = re.compile(r'[^\s;()"=]*+')
_NAME = re.compile(r'[^\s;()"=./]*+')
_PLAIN_VALUE = re.compile(r'[^\s;()"]*+')


class Property(NamedTuple):
    """What a result was about: `header.d=example.com` is kind `header`, name `d`."""

    kind: str
    name: str
    value: str


class MethodResult(NamedTuple):
    """The result of one method; method and result in lower case."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()


class AuthenticationResults(NamedTuple):
    """One field; `authserv_id` is as written, '' where the field has none, `results` is empty for "none"."""

    authserv_id: str
    results: tuple[MethodResult, ...] = ()


def authentication_results(authserv_id: str, found: Authentication) -> bytes:
    """Give the whole header field, folded, with its CRLF."""
    results = [_spf(found.spf)]
    if found.helo_spf.domain:
        results.append(_spf(found.helo_spf))
    results += [_dkim(one) for one in found.dkim] or [["dkim=none"]]
    results += [_arc(found.arc), _dmarc(found.dmarc)]
    lines = [f"Authentication-Results: {_written(authserv_id, _VALUE)};"]
    for number, result in enumerate(results, 1):
        line = "\t"
        for part in result:
            if len(line) > 1 and len(line) + len(part) >= _LINE:
                lines.append(line.rstrip(" "))
                line = "\t"
            line += f"{part} "
        lines.append(line.rstrip(" ") + (";" if number < len(results) else ""))
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _spf(spf: Spf) -> list[str]:
    return _result("spf", spf.result, spf.reason, {f"smtp.{spf.identity}": spf.domain})


def _dkim(one: DkimSignature) -> list[str]:
    properties = {"header.d": one.domain, "header.i": one.identity, "header.s": one.selector}
    return _result("dkim", one.result, one.reason, properties | {"header.a": one.algorithm, "header.b": one.signature_start})


def _arc(arc: Arc) -> list[str]:
    return _result("arc", arc.result, arc.reason, {"header.oldest-pass": str(arc.oldest_pass) if arc.result == "pass" else ""})


def _dmarc(dmarc: Dmarc) -> list[str]:
    return _result("dmarc", dmarc.result, dmarc.reason, {"header.from": dmarc.author_domain, "policy.dmarc": dmarc.policy or ""})


def _result(method: str, result: str, reason: str, properties: dict[str, str]) -> list[str]:
    parts = [f"{method}={result}"]
    if reason:
        parts.append(f"reason={_written(reason, _REASON)}")
    parts += [f"{name}={_written(value, _VALUE)}" for name, value in properties.items() if value]
    return parts


def _written(untrusted: str, longest: int) -> str:
    """Give a text as token, address or quoted string of printable ASCII."""
    text = untrusted[:longest]
    if _TOKEN(text) or _MAILBOX(text):
        return text
    text = _NOT_PRINTABLE.sub("?", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def forged_fields(headers: Headers, authserv_ids: Collection[str]) -> list[tuple[int, int]]:
    """Give the spans of the Authentication-Results fields that claim to be ours and must be removed (RFC 8601 §5).

    When in doubt a field is ours: the name may stand in quotes, in a comment, or between characters that some reader drops.
    """
    ours = {one.lower() for one in authserv_ids}
    return [(field.start, field.end) for field in headers.all("authentication-results") if _claims(field.raw, ours)]


def _claims(untrusted: bytes, ours: set[str]) -> bool:
    text = unfold(untrusted[:_LONGEST_FIELD])
    field = parse_results(text)
    name = field.authserv_id if field else ""
    if _NOT_PRINTABLE.sub("", name).lower() in ours or (not name.isascii() and a_label(name) in ours):
        return True
    head = _NOT_PRINTABLE.sub("", text.partition(";")[0]).lower()
    return any(word.rstrip(".") in ours for word in re.split(r'[\s"();,/=]+', head))


def parse_results(untrusted: bytes | str) -> AuthenticationResults | None:
    """Read the value of an Authentication-Results field; None when nothing in it can be read."""
    text = unfold(untrusted[:_LONGEST_FIELD]) if isinstance(untrusted, bytes) else untrusted[:_LONGEST_FIELD]
    return _Reading(text).field()


class _Reading:
    """The place in one field's text."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def field(self) -> AuthenticationResults | None:
        self._skip()
        authserv_id = self._quoted_or(_WORD)
        self._skip()
        if self._next("="):  # some leave the name out and begin with the first result
            authserv_id, self.at = "", 0
        elif not self._to_semicolon():
            return AuthenticationResults(authserv_id) if authserv_id else None
        results = []
        for result in self._results():
            results.append(result)
            if len(results) >= _RESULTS:
                break
        return AuthenticationResults(authserv_id, tuple(results)) if authserv_id or results else None

    def _results(self) -> Iterator[MethodResult]:
        while self.at < len(self.text):
            self._skip()
            method = self._match(_NAME).lower()
            self._skip()
            if self._next("/"):  # the method's version
                self._skip()
                self._match(_NAME)
                self._skip()
            if method and self._next("="):
                self._skip()
                yield self._one(method, self._match(_WORD).lower())
            if not self._to_semicolon():
                return

    def _one(self, method: str, result: str) -> MethodResult:
        reason = ""
        properties: list[Property] = []
        while True:
            self._skip()
            kind = self._match(_NAME)
            if not kind:
                return MethodResult(method, result, reason, tuple(properties))
            self._skip()
            name = ""
            if self._next("."):
                self._skip()
                name = self._match(_WORD)
                self._skip()
            if self._next("="):
                self._skip()
                value = self._quoted_or(_PLAIN_VALUE)
                if name:
                    properties.append(Property(kind.lower(), name.lower(), value))
                elif kind.lower() == "reason":
                    reason = value

    def _skip(self) -> None:
        self.at, _ = skip_blanks(self.text, self.at, _COMMENT_DEPTH, [])

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        assert match is not None  # each pattern matches nothing too
        self.at = match.end()
        return match[0]

    def _quoted_or(self, pattern: re.Pattern[str]) -> str:
        """Read a quoted string and what is joined to it, as in `"a b"@example.com`, or a plain one."""
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is None:
            return self._match(pattern)
        self.at = quoted.end()
        return unescape(quoted[1]) + (self._match(pattern) if self.text.startswith("@", self.at) else "")

    def _next(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += 1
            return True
        return False

    def _to_semicolon(self) -> bool:
        """Go behind the next semicolon that is in no comment and no quoted string; False when there is none."""
        while True:
            self._skip()
            if self._next(";"):
                return True
            if self.at >= len(self.text):
                return False
            before = self.at
            self._quoted_or(_PLAIN_VALUE)
            self.at += self.at == before
