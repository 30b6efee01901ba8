# SPDX-License-Identifier: Apache-2.0
"""`gatepost mail` with whatever files and times people give it: a sentence and exit code 2, and nothing else."""

import base64
import io
import json
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from cms_people import NOW, authority, authority_file, person
from gatepost.cli import main
from gatepost.encryption.cms import der, oids
from gatepost.message.parse import parse
from key_files import PASSWORD, key_file

MAIL = b"From: anna@example.org\nTo: bob@example.org\nSubject: Plan\n\nAll is well.\n"
GARBAGE = bytes(range(255, -1, -1)) * 9
AT = NOW.isoformat()


def pem(kind: str, octets: bytes) -> bytes:
    body = base64.encodebytes(octets).decode()
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".encode()


def broken_pem(kind: str) -> bytes:
    return f"-----BEGIN {kind}-----\nMIIB#notbase64\nQUJ\n-----END {kind}-----\n".encode()


def revocation_list(*revoked: x509.Certificate, made=NOW, number: int = 1, critical: bool = False) -> bytes:
    key, root = authority()
    day = NOW - NOW.replace(day=NOW.day - 1)
    builder = x509.CertificateRevocationListBuilder(root.subject, made - day, made + day)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    builder = builder.add_extension(x509.CRLNumber(number), False)
    if critical:
        builder = builder.add_extension(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0"), True)
    for one in revoked:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(one.serial_number, made - day * 2).build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def certified(secret: object, common: str, *extensions: tuple[x509.ExtensionType, bool], days: int = 900) -> x509.Certificate:
    """Certify a key by the authority, from some days ago until as many days later, or a day ago where that is negative."""
    key, root = authority()
    day = NOW - NOW.replace(day=NOW.day - 1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    end = NOW + day * days if days > 0 else NOW - day
    builder = x509.CertificateBuilder(root.subject, name, secret.public_key(), x509.random_serial_number(), NOW - day * 899, end)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, hashes.SHA256())


def store(secret: object, certificate: x509.Certificate) -> bytes:
    encryption = BestAvailableEncryption(PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"x", secret, certificate, [authority()[1]], encryption)


def library(name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(person("p256", name).certificate.encoded)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """Write good files of every kind, and bad ones."""
    folder = tmp_path_factory.mktemp("mail_command")
    (folder / "directory").mkdir()
    (folder / "empty").write_bytes(b"")
    (folder / "garbage").write_bytes(GARBAGE)
    (folder / "mail.eml").write_bytes(MAIL)
    authority_file(folder)
    for name in ("anna", "bob"):
        one = person("p256", name)
        (folder / f"{name}.p12").write_bytes(store(one.secret, library(name)))
        (folder / f"{name}.crt").write_bytes(library(name).public_bytes(Encoding.PEM))
    secret = person("p256", "anna").secret
    (folder / "anna.key").write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "ca.der").write_bytes(authority()[1].public_bytes(Encoding.DER))
    (folder / "ca.crl").write_bytes(revocation_list())
    (folder / "password").write_text(PASSWORD + "\n")
    for kind in ("CERTIFICATE", "PKCS12", "X509 CRL"):
        (folder / f"broken {kind}").write_bytes(broken_pem(kind))
    (folder / "truncated").write_bytes((folder / "anna.crt").read_bytes()[:200])
    (folder / "malformed").write_bytes(pem("CERTIFICATE", b"\x30\x03\x02\x01\x05"))
    return folder


@pytest.fixture
def run(house, capfd):
    """Carry a command out in the house's folder; gives its exit code, its output and what it said to people."""

    def ran(*words: str, stdin: bytes | None = None) -> tuple[int, bytes, str]:
        before = sys.stdin
        if stdin is not None:
            sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
        try:
            code = main(["mail", *(word.replace("@/", f"{house}/") for word in words)])
        finally:
            sys.stdin = before
        out, err = capfd.readouterr()
        return code, out.encode(), err

    return ran


PW = ("--password", "file:@/password")
ANNA, BOB = ("--key", "@/anna.p12", *PW), ("--key", "@/bob.p12", *PW)
TRUST = ("--trust", "@/ca.crt")
AS_IT_SHOULD_BE = {
    "sign": ("@/mail.eml", *ANNA, "--at", AT),
    "encrypt": ("@/mail.eml", "--recipient", "@/bob.crt", *ANNA, "--at", AT),
    "decrypt": ("@/mail.eml", *BOB),
    "verify": ("@/mail.eml", *TRUST, *BOB, "--at", AT, "--crl", "@/ca.crl"),
}
"""A whole command line of each."""

NEVER = ("@/absent", "@/directory", "@/empty", "@/garbage", "@/mail.eml", "@/broken CERTIFICATE", "@/broken PKCS12", "@/broken X509 CRL")
TIMES = ("9999-12-31T23:59Z", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "1949-12-31", "yesterday", "2026-02-30", "", " ")
BAD = {
    "FILE": (*(one for one in NEVER if one != "@/mail.eml"), "@/anna.crt", "@/anna.p12", "@/ca.crl", "@/ca.der", "-"),
    "--key": (*NEVER, "@/anna.crt", "@/anna.key", "@/ca.der", "@/ca.crl", "@/truncated"),
    "--recipient": (*NEVER, "@/anna.key", "@/anna.p12", "@/ca.crl", "@/ca.crt", "@/truncated", "@/malformed"),
    "--trust": (*NEVER, "@/anna.key", "@/anna.p12", "@/ca.crl", "@/truncated", "@/malformed"),
    "--crl": (*NEVER, "@/anna.crt", "@/ca.der", "@/anna.key", "@/anna.p12", "@/truncated"),
    "--ocsp": (*NEVER, "@/anna.crt", "@/ca.der", "@/anna.key", "@/anna.p12", "@/ca.crl"),
    "--out": ("@/directory", "@/absent/file", "@/mail.eml/file"),
    "--password": (
        "open sesame",
        "file:@/absent",
        "file:@/directory",
        "file:@/empty",
        "file:@/garbage",
        "env:GATEPOST_ABSENT",
        "env:",
        "-",
    ),
    "--at": TIMES[:-2],
    "--from": ("nobody", "@", "a@b@c", "anna@example.org, bob@example.org", "\x00"),
    "--on-behalf": ("no domain", "", "a@b", "."),
    "--cipher": ("des", ""),
    "--hide": ("shy", "all"),
    "--eight-bit": ("kept",),
    "--unauthenticated": ("kept",),
    "--revocation": ("none",),
}
OPTIONS = {
    "sign": ("FILE", "--key", "--password", "--out", "--at", "--eight-bit"),
    "encrypt": ("FILE", "--recipient", "--key", "--password", "--out", "--cipher", "--hide", "--at"),
    "decrypt": ("FILE", "--key", "--password", "--out", "--unauthenticated"),
    "verify": ("FILE", "--trust", "--key", "--password", "--at", "--from", "--on-behalf", "--revocation", "--crl", "--ocsp"),
}
CASES = [(command, option, bad) for command, options in OPTIONS.items() for option in options for bad in BAD[option]]


def with_bad(command: str, option: str, bad: str) -> list[str]:
    """Give the command line with one thing wrong in it."""
    words = list(AS_IT_SHOULD_BE[command])
    if option == "FILE":
        words[0] = bad
    elif option in words:
        words[words.index(option) + 1] = bad
    else:
        words += [option, bad]
    return words


@pytest.mark.parametrize(("command", "option", "bad"), CASES, ids=[" ".join(case) for case in CASES])
def test_what_is_wrong_is_one_sentence_and_exit_code_2(run, house, command, option, bad):
    """What, where and how to mend it; nothing on standard output, no traceback, no library's warning, no secret."""
    if command == "decrypt" and option == "--out":
        sealed(run)
        words = ["@/sealed.eml", *BOB, "--out", bad]
    else:
        words = with_bad(command, option, bad)
    code, out, err = run(command, *words, stdin=b"")
    assert (code, out) == (2, b""), err
    assert err.startswith("gatepost: ")
    assert err.count("\n") == 1
    assert "defect" not in err
    assert "Traceback" not in err
    assert "open sesame" not in err
    if not err.startswith(("gatepost: Invalid", "gatepost: Parameter", "gatepost: Unknown", "gatepost: Command")):
        assert ";" in err
    if bad.startswith("@/"):
        assert Path(bad[2:]).parts[0] in err


def sealed(run) -> None:
    run("encrypt", "@/mail.eml", "-o", "@/sealed.eml", "--recipient", "@/bob.crt", "--cipher", "aes-256-gcm", "--at", AT)


@pytest.mark.parametrize("command", AS_IT_SHOULD_BE)
def test_as_it_should_be_it_works(run, command):
    """The table's command lines are in order but for what is made wrong in them; the mail is neither signed nor encrypted."""
    code, _, err = run(command, *AS_IT_SHOULD_BE[command])
    assert (code, "gatepost:" in err) == ({"sign": 0, "encrypt": 0, "decrypt": 1, "verify": 1}[command], False)


OUTS = ((), ("-o", "-"), ("--out", "-"), ("-o=-",))


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("first", [True, False])
def test_each_command_works_in_a_pipe(run, out, first):
    """`-` reads standard input wherever it stands, and as -o it writes standard output, as no -o does."""

    def words(*options: str) -> tuple[str, ...]:
        return ("-", *options) if first else (*options, "-")

    code, signed, err = run("sign", *words(*ANNA, *out, "--at", AT), stdin=MAIL)
    assert (code, err) == (0, "")
    code, told, err = run("verify", *words(*TRUST, "--at", AT), stdin=signed)
    assert (code, told[:11], err) == (0, b"valid_bound", "")
    code, closed, err = run("encrypt", *words("--recipient", "@/bob.crt", *out, "--at", AT), stdin=signed)
    assert (code, err) == (0, "")
    code, opened, err = run("decrypt", *words(*BOB, *out), stdin=closed)
    assert (code, err) == (0, "")
    assert parse(opened).root.children[0].body == b"All is well.\r\n"


def test_a_pipe_between_processes(house):
    """The same, with a shell's own pipes."""
    gatepost = f"{sys.executable} -m gatepost mail"
    key = f"--key anna.p12 --password file:{house}/password --at {AT}"
    line = f"{gatepost} sign - {key} < mail.eml | {gatepost} verify --trust ca.crt --at {AT} -; echo $?"
    answer = subprocess.run(["bash", "-c", line], cwd=house, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("valid_bound")
    assert answer.stdout.endswith("\n0\n")
    assert answer.stderr == ""


def test_standard_input_and_output_that_are_not_there(house):
    """Closed, or full: a sentence."""
    sign = f"{sys.executable} -m gatepost mail sign - --key anna.p12 --password file:{house}/password --at {AT}"
    verify = f"{sys.executable} -m gatepost mail verify --json mail.eml --at {AT}"
    for line, words in (
        (f"{sign} <&-", "standard input"),
        (f"{sign} < mail.eml > /dev/full", "standard output"),
        (f"{verify} > /dev/full", "standard output"),
    ):
        answer = subprocess.run(["bash", "-c", line], cwd=house, capture_output=True, text=True, check=False)
        assert answer.returncode == (74 if "/dev/full" in line else 2), answer
        assert (answer.stdout, answer.stderr.count("\n"), words in answer.stderr) == ("", 1, True), answer


def test_json_has_no_place_beside_the_mail(run):
    """Both on standard output would be neither."""
    sealed(run)
    for out in OUTS:
        code, told, err = run("decrypt", "@/sealed.eml", *BOB, "--json", *out)
        assert (code, told, "--json" in err) == (2, b"", True)


def test_a_hyphen_is_no_file_beside_the_mail(run):
    """Standard input can be read once; a key or a certificate is named."""
    for option in ("--key", "--trust", "--crl", "--ocsp"):
        code, out, err = run("verify", "@/mail.eml", option, "-", stdin=b"")
        assert (code, out) == (2, b"")
        assert err.count("\n") == 1


def short() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


CRITICAL = (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0"), True)
SERVER = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
UNFIT = {
    "short": (short, (), 900, "an RSA key of 1024 bits is too short"),
    "expired": (lambda: ec.generate_private_key(ec.SECP256R1()), (), -1, "has expired"),
    "server": (lambda: ec.generate_private_key(ec.SECP256R1()), (SERVER,), 900, "extended key usage"),
    "critical": (lambda: ec.generate_private_key(ec.SECP256R1()), (CRITICAL,), 900, "critical extension 1.2.3.4"),
    "strange": (lambda: ec.generate_private_key(ec.SECP256K1()), (), 900, "secp256k1"),
}


@pytest.mark.parametrize(("case", "options"), list(product(UNFIT, [(), ("--pss",), ("--oaep",)])))
def test_nothing_is_written_with_or_to_what_is_not_for_it(run, house, case, options):
    """A short key, an expired certificate, one for servers, one that says more than is understood: each is named, nothing is written."""
    make, extensions, days, why = UNFIT[case]
    secret = make()
    certificate = certified(secret, case, *extensions, days=days)
    (house / "unfit.p12").write_bytes(store(secret, certificate))
    (house / "unfit.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    for words in (
        ("sign", "@/mail.eml", "--key", "@/unfit.p12", *PW),
        ("encrypt", "@/mail.eml", "--recipient", "@/unfit.crt"),
        ("encrypt", "@/mail.eml", "--recipient", "@/bob.crt", "--recipient", "@/unfit.crt"),
        ("encrypt", "@/mail.eml", "--recipient", "@/bob.crt", "--key", "@/unfit.p12", *PW),
    ):
        if ("--oaep" in options and words[0] == "sign") or ("--pss" in options and words[0] == "encrypt"):
            continue
        code, out, err = run(*words, *options, "--at", AT)
        assert (code, out, err.count("\n")) == (2, b"", 1), err
        assert "unfit." in err
        assert why in err


def test_mail_to_an_expired_key_is_opened(run, house):
    """Old mail stays to be read; only nothing new is written to it."""
    secret = ec.generate_private_key(ec.SECP256R1())
    (house / "old.p12").write_bytes(store(secret, certified(secret, "old", days=-1)))
    (house / "old.crt").write_bytes(certified(secret, "old", days=900).public_bytes(Encoding.PEM))
    (house / "old.p12").write_bytes(store(secret, x509.load_pem_x509_certificate((house / "old.crt").read_bytes())))
    early = (NOW.replace(year=NOW.year + 4)).isoformat()
    assert run("encrypt", "@/mail.eml", "-o", "@/old.eml", "--recipient", "@/old.crt", "--at", AT)[0] == 0
    assert run("encrypt", "@/mail.eml", "--recipient", "@/old.crt", "--at", early)[0] == 2
    assert run("decrypt", "@/old.eml", "--key", "@/old.p12", *PW)[0] == 0


def test_a_file_with_several_keys_opens_the_mail_of_each(run, house):
    """In either order; and a renewed certificate does not hide the one before."""
    people = [person("p256", name) for name in ("anna", "bob")]
    (house / "several.p12").write_bytes(key_file([one.secret for one in people], [one.certificate.encoded for one in people]))
    for name in ("anna", "bob"):
        run("encrypt", "@/mail.eml", "-o", "@/to.eml", "--recipient", f"@/{name}.crt", "--cipher", "aes-256-gcm", "--at", AT)
        code, out, _ = run("decrypt", "@/to.eml", "--key", "@/several.p12", *PW)
        assert (code, out.endswith(b"All is well.\r\n")) == (0, True)


def test_of_several_keys_that_sign_none_is_chosen(run, house):
    """A guess would sign in somebody's name; with one that signs and one that does not, it is clear which is meant."""
    anna, bob, carol = person("p256", "anna"), person("p256", "bob"), person("x25519", "carol")
    (house / "several.p12").write_bytes(key_file([anna.secret, bob.secret], [anna.certificate.encoded, bob.certificate.encoded]))
    code, out, err = run("sign", "@/mail.eml", "--key", "@/several.p12", *PW, "--at", AT)
    assert (code, out, err.count("\n"), "2 keys" in err) == (2, b"", 1, True)
    (house / "pair.p12").write_bytes(key_file([carol.secret, anna.secret], [carol.certificate.encoded, anna.certificate.encoded]))
    code, signed, _ = run("sign", "@/mail.eml", "--key", "@/pair.p12", *PW, "--at", AT)
    assert code == 0
    assert run("verify", "-", *TRUST, "--at", AT, stdin=signed)[0] == 0


def test_of_a_keys_certificates_the_newest_signs(run, house):
    """As when it is renewed and the old one has not ended yet."""
    secret = person("p256", "anna").secret
    usual = (x509.SubjectAlternativeName([x509.RFC822Name("anna@example.org")]), False)
    old, new = certified(secret, "old", usual), library("anna")
    (house / "renewed.p12").write_bytes(key_file([secret], [one.public_bytes(Encoding.DER) for one in (old, new)]))
    _, signed, _ = run("sign", "@/mail.eml", "--key", "@/renewed.p12", *PW, "--at", AT)
    _, told, _ = run("verify", "-", *TRUST, "--at", AT, stdin=signed)
    assert b"CN=anna" in told


def signed_file(run) -> None:
    run("sign", "@/mail.eml", "-o", "@/signed.eml", *ANNA, "--at", AT)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"made": NOW.replace(year=NOW.year - 1)}, "a list is too old"),
        ({"critical": True}, "the critical extension 1.2.3.4"),
    ],
)
def test_why_a_list_was_not_used_is_in_the_answer(run, house, made, words):
    """Among the findings whatever the verdict; in the reason where it decided."""
    signed_file(run)
    (house / "unused.crl").write_bytes(revocation_list(**made))
    for policy, code in (("soft", 0), ("hard", 3)):
        ended, out, _ = run("verify", "@/signed.eml", *TRUST, "--at", AT, "--crl", "@/unused.crl", "--revocation", policy, "--json")
        told = json.loads(out)
        assert ended == code
        [finding] = told["findings"]
        assert finding.startswith("revocation-source: ")
        assert words in finding
        assert "CN=anna" in finding
        assert (words in told["reason"]) == (policy == "hard")


def test_a_list_of_a_stranger_is_named_too(run, house):
    """It is a readable list, so it is no wrong use; it says nothing about the signer."""
    signed_file(run)
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stranger")])
    day = NOW - NOW.replace(day=NOW.day - 1)
    made = x509.CertificateRevocationListBuilder(name, NOW - day, NOW + day).sign(secret, hashes.SHA256())
    (house / "stranger.crl").write_bytes(made.public_bytes(Encoding.PEM))
    code, out, _ = run("verify", "@/signed.eml", *TRUST, "--at", AT, "--crl", "@/stranger.crl", "--revocation", "hard", "--json")
    told = json.loads(out)
    assert (code, told["verdict"]) == (3, "unknown_status")
    assert "a list is of another issuer" in told["reason"]
    assert any("a list is of another issuer" in one for one in told["findings"])


def test_a_responder_without_an_answer_is_named_too(run, house):
    """A response that says `try later` can be read, and says nothing."""
    signed_file(run)
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    (house / "later.der").write_bytes(later.public_bytes(Encoding.DER))
    code, out, _ = run("verify", "@/signed.eml", *TRUST, "--at", AT, "--ocsp", "@/later.der", "--revocation", "hard", "--json")
    assert code == 3
    assert "try later" in json.loads(out)["reason"]


def test_equal_lists_in_any_order(run, house):
    """One that revokes and one that does not, of one time and number: revoked, whichever is given first."""
    signed_file(run)
    (house / "good.crl").write_bytes(revocation_list())
    (house / "revoking.crl").write_bytes(revocation_list(library("anna")))
    for lists in (("good", "revoking"), ("revoking", "good")):
        given = [word for one in lists for word in ("--crl", f"@/{one}.crl")]
        assert run("verify", "@/signed.eml", *TRUST, "--at", AT, "--revocation", "hard", *given)[0] == 1


def test_a_short_keys_signature_is_for_old_mail(run, house):
    """RSA of 1,024 bits is verified with --legacy alone."""
    from gatepost.encryption.cms.certificate import Certificate
    from gatepost.encryption.cms.local_key import LocalKey
    from gatepost.encryption.cms.scheme import Scheme
    from gatepost.encryption.cms.signed.signer import Signer
    from gatepost.encryption.smime.writing import sign

    secret = short()
    usual = (x509.SubjectAlternativeName([x509.RFC822Name("anna@example.org")]), False)
    certificate = Certificate(certified(secret, "short", usual).public_bytes(Encoding.DER))
    written = sign(MAIL.replace(b"\n", b"\r\n"), [Signer(LocalKey(secret), certificate, Scheme("rsa-pkcs1", "sha256"))], NOW)
    assert isinstance(written, bytes)
    assert run("verify", "-", *TRUST, "--at", AT, stdin=written)[0] == 1
    code, told, _ = run("verify", "-", *TRUST, "--at", AT, "--legacy", stdin=written)
    assert (code, b"short-key" in told) == (0, True)


def test_a_defect_of_ours_has_an_exit_code_of_its_own(run, monkeypatch):
    """Nobody takes it for unknown revocation, which is 3."""

    def explode(*_: object) -> None:
        raise ZeroDivisionError("a surprise")

    monkeypatch.setattr("gatepost.roles.mail_file.verify_file", explode)
    code, out, err = run("verify", "@/mail.eml")
    assert (code, out, "a defect of Gatepost" in err) == (70, b"", True)


def with_negative_serial(secret: object, common: str) -> bytes:
    """Certify a key under a number that no library writes."""
    key, _ = authority()
    made = certified(secret, common, (x509.SubjectAlternativeName([x509.RFC822Name("anna@example.org")]), False))
    body = made.tbs_certificate_bytes
    start = body.index(b"\xa0\x03\x02\x01\x02\x02") + 7
    body = body[:start] + bytes((body[start] | 0x80,)) + body[start + 1 :]
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return der.sequence(body, der.sequence(der.oid(oids.SHA256_WITH_RSA), der.NULL), der.bit_string(signature))


def of_a_long_country(secret: object, _: str) -> bytes:
    key, root = authority()
    with warnings.catch_warnings(action="ignore"):
        name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "GERMANY", _validate=False)])
    day = NOW - NOW.replace(day=NOW.day - 1)
    builder = x509.CertificateBuilder(root.subject, name, secret.public_key(), 99, NOW - day, NOW + day)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name("anna@example.org")]), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("make", [with_negative_serial, of_a_long_country])
def test_strangers_certificates_make_no_noise(house, make):
    """What a library warns of is not for people; nothing is on standard error while such a mail is signed, sealed, opened and verified."""
    secret = ec.generate_private_key(ec.SECP256R1())
    certificate = make(secret, "odd")
    (house / "odd.p12").write_bytes(key_file([secret], [certificate]))
    (house / "odd.crt").write_bytes(certificate)
    gatepost = f"{sys.executable} -W always -m gatepost mail"
    key = f"--key odd.p12 --password file:{house}/password"
    for line, start in (
        (f"sign mail.eml -o odd.eml {key} --at {AT}", ""),
        (f"verify odd.eml --trust ca.crt --at {AT}", "valid_bound"),
        (f"encrypt mail.eml -o odd.eml --recipient odd.crt {key} --at {AT}", ""),
        (f"verify odd.eml --trust ca.crt --trust odd.crt --at {AT} {key}", "valid_bound"),
        (f"decrypt odd.eml {key}", "From: "),
    ):
        answer = subprocess.run(["bash", "-c", f"{gatepost} {line}"], cwd=house, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stderr) == (0, ""), answer
        assert answer.stdout.startswith(start)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_without_a_letter_is_no_defect(house, encoding):
    """People read its number; JSON is UTF-8 everywhere."""
    secret = ec.generate_private_key(ec.SECP256R1())
    address = (x509.SubjectAlternativeName([x509.RFC822Name("anna@example.org")]), False)
    (house / "letter.p12").write_bytes(key_file([secret], [certified(secret, "Äpfel 林檎", address).public_bytes(Encoding.DER)]))
    gatepost = f"PYTHONIOENCODING={encoding} {sys.executable} -m gatepost mail"
    key = f"--key letter.p12 --password file:{house}/password"
    verify = f"{gatepost} verify letter.eml --trust ca.crt --at {AT}"
    subprocess.run(["bash", "-c", f"{gatepost} sign mail.eml -o letter.eml {key} --at {AT}"], cwd=house, check=True)
    text, data = (
        subprocess.run(["bash", "-c", line], cwd=house, capture_output=True, check=False) for line in (verify, f"{verify} --json")
    )
    assert (text.returncode, text.stderr, data.returncode, data.stderr) == (0, b"", 0, b"")
    assert "Äpfel 林檎".encode(encoding, "backslashreplace") in text.stdout
    assert json.loads(data.stdout)["signers"][0]["subject"] == "CN=Äpfel 林檎"
