# SPDX-License-Identifier: Apache-2.0
"""`gatepost mail`: sign, encrypt, decrypt and verify a mail file with S/MIME, without a gateway.

Files are read as they would stand on the wire. A password is given by reference, `file:/PATH` or `env:NAME`. What is wrong with a
file, a time or an address is told in one sentence, with exit code 2; 3 is `verify`'s alone, where nobody knows of revocation.
"""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from cyclopts import App, Parameter

from gatepost.cli.mail_input import bytes_of, mail_in
from gatepost.cli.output import console, plain, print_json, standard_output
from gatepost.config.secrets import resolve
from gatepost.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from gatepost.roles.mail_file import Identity, Report

File = Annotated[Path, Parameter(help="A mail file; - reads standard input.")]
Out = Annotated[Path | None, Parameter(name=["--out", "-o"], help="Where the mail is written; absent, or -: standard output.")]
Key = Annotated[Path, Parameter(help="A PKCS#12 file with the private key and its certificate.")]
Keys = Annotated[tuple[Path, ...], Parameter(help="A PKCS#12 file with a private key; may be given several times.", negative=())]
Password = Annotated[str, Parameter(help="The password of the PKCS#12 file, by reference: file:/PATH or env:NAME.")]
At = Annotated[str, Parameter(help="The time to work at, as 2026-11-25T22:00Z; absent: now. Verifying: when the mail came.")]
Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Legacy = Annotated[bool, Parameter(help="Read SHA-1, RSA of 1,024 bits and Triple-DES too.", negative=())]
Protect = Annotated[bool, Parameter(help="Protect From, Subject and their like with the content (RFC 9788).", negative=())]
EightBit = Literal["reencoded", "opaque", "refused"]
Hide = Literal["none", "baseline", "shy"]
T = TypeVar("T")

_GOOD = ("valid_bound", "valid_domain", "valid")
_BEGINS_WITH_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:").match
_NEVER = datetime.max.replace(tzinfo=UTC)

mail = App(name="mail", help="Sign, encrypt, decrypt and verify a mail file.")


@mail.command
def sign(
    file: File,
    *,
    key: Key,
    out: Out = None,
    password: Password = "",
    opaque: Annotated[bool, Parameter(help="Sign opaque: only S/MIME readers can show the mail.", negative=())] = False,
    pss: Annotated[bool, Parameter(help="Sign with RSASSA-PSS where the key is RSA.", negative=())] = False,
    eight_bit: Annotated[EightBit, Parameter(help="What becomes of a mail that is not in 7 bit.")] = "reencoded",
    protect_headers: Protect = False,
    remove_signatures: Annotated[bool, Parameter(help="Take off the signatures that are there, first.", negative=())] = False,
    at: At = "",
) -> int:
    """Sign a mail; one that is signed already stays as it is unless its signatures are removed."""
    from gatepost.roles.mail_file import Signing, sign_file, unsigned_file

    when = _time(at)
    signing = Signing(_signing(key, password, when), when, opaque, pss, eight_bit, protect_headers)
    raw = _mail(file)
    _write(out, sign_file(unsigned_file(raw) if remove_signatures else raw, signing))
    return 0


@mail.command
def encrypt(
    file: File,
    *,
    recipient: Annotated[tuple[Path, ...], Parameter(help="A recipient's certificate; may be given several times.", negative=())],
    out: Out = None,
    cipher: Annotated[
        str, Parameter(help="aes-256-cbc, which everybody reads, or aes-256-gcm, and both with 128 and 192.")
    ] = "aes-256-cbc",
    oaep: Annotated[bool, Parameter(help="Encrypt to RSA keys with OAEP.", negative=())] = False,
    protect_headers: Protect = False,
    hide: Annotated[
        Hide, Parameter(help="What is hidden of a protected header: the subject; names and the date's zone as well.")
    ] = "baseline",
    legacy_display: Annotated[
        bool, Parameter(help="Show hidden fields in the text, to readers that cannot find them.", negative=())
    ] = False,
    key: Annotated[Path | None, Parameter(help="Sign first, with the key in this PKCS#12 file.")] = None,
    password: Password = "",
    at: At = "",
) -> int:
    """Encrypt a mail to one recipient or several; with a key it is signed first."""
    from gatepost.roles.mail_file import CIPHERS, Encrypting, Signing, encrypt_file, recipients

    if cipher not in CIPHERS:
        raise UsageError(f"{cipher!r} is no cipher that is written; choose one of {', '.join(CIPHERS)}")
    if (legacy_display or hide != "baseline") and not protect_headers:
        raise UsageError("--hide and --legacy-display speak of a protected header; give --protect-headers too")
    if not recipient:
        raise UsageError("there is nobody to encrypt to; give --recipient a certificate")
    when = _time(at)
    signing = None if key is None else Signing(_signing(key, password, when), when)
    to = _each(recipient, lambda untrusted, source: recipients(untrusted, when, source))
    encrypting = Encrypting(to, cipher, oaep, protect_headers, hide, legacy_display)
    _write(out, encrypt_file(_mail(file), encrypting, signing))
    return 0


@mail.command
def decrypt(
    file: File,
    *,
    key: Keys,
    out: Out = None,
    password: Password = "",
    unauthenticated: Annotated[
        Literal["held", "neutralised"], Parameter(help="What becomes of content that could have been changed unnoticed.")
    ] = "neutralised",
    remove_signatures: Annotated[bool, Parameter(help="Take off the signatures inside.", negative=())] = False,
    legacy: Legacy = False,
    json: Json = False,
) -> int:
    """Decrypt a mail; exit code 1 when it stays closed or is held back."""
    from gatepost.roles.mail_file import decrypt_file

    if json and _is_standard(out):
        raise UsageError("--json tells of the mail and the mail itself has no place then; give -o a file")
    opened = decrypt_file(_mail(file), _identities(key, password), unauthenticated, removed=remove_signatures, legacy=legacy)
    released = opened.pieces is not None and opened.release != "plain"
    if released:
        assert opened.pieces is not None
        _write(out, *opened.pieces)
    if json:
        layers = [{"cipher": getattr(one, "cipher", None), "form": getattr(one, "form", None)} for one in opened.reading.layers]
        with standard_output():
            print_json({"release": opened.release, "reason": opened.reason, "layers": layers, "findings": opened.findings})
    elif not released:
        print(f"The mail was not decrypted: {opened.reason}.", file=sys.stderr)
    return 0 if released else 1


@mail.command
def verify(
    file: File,
    *,
    trust: Annotated[tuple[Path, ...], Parameter(help="A trusted authority's certificates; may be given several times.", negative=())] = (),
    key: Keys = (),
    password: Password = "",
    at: At = "",
    from_: Annotated[str, Parameter(name="--from", help="Bind to this address instead of the mail's From.")] = "",
    on_behalf: Annotated[
        tuple[str, ...], Parameter(help="A domain whose people may write for each other: there the Sender may sign.", negative=())
    ] = (),
    revocation: Annotated[Literal["soft", "hard"], Parameter(help="Whether unknown revocation may pass.")] = "soft",
    crl: Annotated[tuple[Path, ...], Parameter(help="A revocation list; nothing is fetched.", negative=())] = (),
    ocsp: Annotated[tuple[Path, ...], Parameter(help="An OCSP response, in DER.", negative=())] = (),
    legacy: Legacy = False,
    json: Json = False,
) -> int:
    """Judge a mail's signature: 0 it holds and is From's, 1 it does not, 3 nobody can say whether it was revoked and that is demanded."""
    from gatepost.roles.mail_file import Verifying, anchors, response, revocation_lists, verify_file

    lists, responses = _each(crl, revocation_lists), [response(bytes_of(one), str(one)) for one in ocsp]
    asked = Verifying(_each(trust, anchors), _time(at), from_, revocation == "hard", lists, responses, legacy, on_behalf)
    report = verify_file(_mail(file), _identities(key, password), asked)
    with standard_output():
        if json:
            print_json(_as_data(report))
        else:
            _tell(report)
    return 0 if report.verdict in _GOOD else 3 if report.verdict == "unknown_status" else 1


def _as_data(report: "Report") -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        "bound": report.bound,
        "signers": [signer._asdict() for signer in report.signers],
        "chain": report.chain,
        "revocation": report.revocation,
        "findings": report.findings,
        "reason": report.reason,
    }


def _tell(report: "Report") -> None:
    screen = console()
    screen.print(plain(f"{report.verdict}{': ' + report.reason if report.reason else ''}", "green" if report.verdict in _GOOD else "red"))
    for signer in report.signers:
        addresses = ", ".join(signer.addresses) or "no address"
        screen.print(plain(f"Signed by {signer.subject} ({addresses}), {signer.algorithm} with {signer.digest}"))
    if report.chain:
        screen.print(plain(f"Chain: {' < '.join(report.chain)}; revocation {report.revocation}"))
    if report.findings:
        screen.print(plain(f"Findings: {', '.join(report.findings)}", "yellow"))


def _mail(file: Path) -> bytes:
    """Read a mail as it would stand on the wire; what does not begin with a header field is something else."""
    raw = mail_in(file)
    if _BEGINS_WITH_FIELD(raw) is None:
        name = "standard input" if str(file) == "-" else str(file)
        raise UsageError(f"{name} holds no mail, for it begins with no header field; give a whole mail, as a mail program saves it")
    return raw


def _signing(file: Path, password: str, when: datetime) -> "Identity":
    from gatepost.roles.mail_file import signing_identity

    return signing_identity(_identities((file,), password), when, str(file))


def _identities(files: Sequence[Path], password: str) -> "tuple[Identity, ...]":
    from gatepost.roles.mail_file import identities

    try:
        secret = resolve(password, "--password") if password else ""
    except ConfigError as fault:
        raise UsageError(str(fault)) from None
    return _each(files, lambda untrusted, source: identities(untrusted, secret, source))


def _each(files: Sequence[Path], read: Callable[[bytes, str], tuple[T, ...]]) -> tuple[T, ...]:
    """Read files by one way, given their bytes and their names; what all of them hold."""
    return tuple(one for file in files for one in read(bytes_of(file), str(file)))


def _time(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except ValueError:
        raise UsageError(f"{text!r} is no time; write one like 2026-11-25T22:00Z") from None
    except OverflowError:
        when = _NEVER
    # What is earlier no certificate can say, and from what is later nothing could be counted.
    if not 1950 <= when.year <= 9998:
        raise UsageError(f"{text!r} is a time in which there is no mail; write one from 1950 to 9998")
    return when


def _is_standard(out: Path | None) -> bool:
    return out is None or str(out) == "-"


def _write(out: Path | None, *written: bytes | bytearray | memoryview) -> None:
    if out is None or _is_standard(out):
        with standard_output():
            sys.stdout.buffer.writelines(written)
        return
    try:
        with out.open("wb") as file:
            file.writelines(written)
    except OSError as fault:
        raise UsageError(f"{out} cannot be written ({fault.strerror}); name another file") from None
