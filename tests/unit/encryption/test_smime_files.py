# SPDX-License-Identifier: Apache-2.0
"""`gatepost mail` on files: what each command writes, says and ends with."""

import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from cms_people import NOW, authority, authority_file, person
from gatepost.cli.mail import mail
from gatepost.errors import UsageError
from gatepost.message.parse import parse

MAIL = b"From: anna@example.org\nTo: bob@example.org\nSubject: Plan\n\nAll is well.\n"
AT = ("--at", NOW.isoformat())


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write a mail, two people's keys and certificates, and the authority's certificate."""
    monkeypatch.setenv("GATEPOST_TEST_PASSWORD", "open sesame")
    (tmp_path / "mail.eml").write_bytes(MAIL)
    for name in ("anna", "bob"):
        one = person("p256", name)
        certificate = x509.load_der_x509_certificate(one.certificate.encoded)
        store = pkcs12.serialize_key_and_certificates(
            name.encode(), one.secret, certificate, [authority()[1]], BestAvailableEncryption(b"open sesame")
        )
        (tmp_path / f"{name}.p12").write_bytes(store)
        (tmp_path / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    authority_file(tmp_path)
    return tmp_path


@pytest.fixture
def run(files, capfd):
    """Carry a command out; gives its exit code and what was printed."""

    def ran(*words: str):
        code = mail(
            [word.replace("@/", f"{files}/") for word in words], exit_on_error=False, print_error=False, result_action="return_value"
        )
        return code, capfd.readouterr().out

    return ran


ANNA = ("--key", "@/anna.p12", "--password", "env:GATEPOST_TEST_PASSWORD")
BOB = ("--key", "@/bob.p12", "--password", "env:GATEPOST_TEST_PASSWORD")
TRUST = ("--trust", "@/ca.crt")


def test_a_signed_file_verifies(run):
    """The JSON names the verdict, the signer, the chain and what was found; the exit code is 0."""
    assert run("sign", "@/mail.eml", "-o", "@/signed.eml", *ANNA, *AT)[0] == 0
    code, out = run("verify", "@/signed.eml", *TRUST, *AT, "--json")
    told = json.loads(out)
    assert code == 0
    assert list(told) == ["verdict", "bound", "signers", "chain", "revocation", "findings", "reason"]
    assert list(told["signers"][0]) == ["subject", "addresses", "serial", "digest", "algorithm"]
    assert told["verdict"] == "valid_bound"
    assert told["bound"] is True
    [signer] = told["signers"]
    assert signer["subject"] == "CN=anna,O=Example  Org"
    assert (signer["addresses"], signer["digest"], signer["algorithm"]) == (["anna@example.org"], "sha256", "ecdsa")
    assert int(signer["serial"], 16) > 0
    assert (len(told["chain"]), told["revocation"], told["findings"]) == (2, "unknown", [])


def test_the_exit_codes_of_verify(run, files):
    """1 broken, untrusted or another's; 3 revocation unknown where it must be known; 0 where there is nothing to bind to."""
    run("sign", "@/mail.eml", "-o", "@/signed.eml", *ANNA, *AT)
    assert run("verify", "@/signed.eml", *AT)[0] == 1
    assert run("verify", "@/signed.eml", *TRUST, *AT, "--from", "bob@example.org")[0] == 1
    assert run("verify", "@/signed.eml", *TRUST, *AT, "--from", "anna@example.org")[0] == 0
    assert run("verify", "@/signed.eml", *TRUST, *AT, "--revocation", "hard")[0] == 3
    assert run("verify", "@/mail.eml", *TRUST, *AT)[0] == 1
    signed = (files / "signed.eml").read_bytes()
    (files / "changed.eml").write_bytes(signed.replace(b"All is well", b"All is lost"))
    assert run("verify", "@/changed.eml", *TRUST, *AT)[0] == 1
    (files / "bare.eml").write_bytes(signed.replace(b"From: anna@example.org\r\n", b""))
    code, out = run("verify", "@/bare.eml", *TRUST, *AT, "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "valid")


def test_a_revocation_list_is_believed(run, files):
    """With a list that holds nothing against the signer hard policy is met; with one that does the chain is not trusted."""
    key, root = authority()
    anna = x509.load_der_x509_certificate(person("p256", "anna").certificate.encoded)
    run("sign", "@/mail.eml", "-o", "@/signed.eml", *ANNA, *AT)
    for revoked, code in ((False, 0), (True, 1)):
        builder = x509.CertificateRevocationListBuilder(root.subject, NOW - datetime.timedelta(1), NOW + datetime.timedelta(1))
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
        builder = builder.add_extension(x509.CRLNumber(1), False)
        if revoked:
            entry = x509.RevokedCertificateBuilder(anna.serial_number, NOW - datetime.timedelta(2))
            builder = builder.add_revoked_certificate(entry.build())
        (files / "ca.crl").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        ended, out = run("verify", "@/signed.eml", *TRUST, *AT, "--revocation", "hard", "--crl", "@/ca.crl", "--json")
        assert ended == code
        assert json.loads(out)["revocation"] == ("revoked" if revoked else "good")


def test_a_sender_signs_for_from_in_the_named_domain_alone(run, files):
    """Without the option, or with another domain, the mail is somebody else's; the answer names both either way."""
    (files / "mail.eml").write_bytes(MAIL.replace(b"From: anna@", b"Sender: anna@example.org\nFrom: boss@"))
    run("sign", "@/mail.eml", "-o", "@/signed.eml", *ANNA, *AT)
    for words, code, verdict in (
        ((), 1, "valid_mismatch"),
        (("--on-behalf", "example.com"), 1, "valid_mismatch"),
        (("--on-behalf", "Example.ORG"), 0, "valid_domain"),
    ):
        ended, out = run("verify", "@/signed.eml", *TRUST, *AT, *words, "--json")
        told = json.loads(out)
        assert (ended, told["verdict"], told["bound"]) == (code, verdict, code == 0)
        assert "boss@example.org" in told["reason"]
        assert "anna@example.org" in told["reason"]


def test_what_is_hidden_of_a_header(run, files):
    """The shy policy hides names too, and with a legacy display the hidden fields stand in the text; the recipient gets all back."""
    (files / "mail.eml").write_bytes(MAIL.replace(b"From: anna@example.org", b"From: Anna A. <anna@example.org>"))
    shy = ("--protect-headers", "--hide", "shy", "--legacy-display", "--cipher", "aes-256-gcm")
    run("encrypt", "@/mail.eml", "-o", "@/sealed.eml", "--recipient", "@/bob.crt", *shy)
    sealed = (files / "sealed.eml").read_bytes()
    assert b"From: anna@example.org\r\n" in sealed
    assert b"Anna A." not in sealed
    assert run("decrypt", "@/sealed.eml", "-o", "@/plain.eml", *BOB)[0] == 0
    mail = parse((files / "plain.eml").read_bytes())
    assert (mail.headers.text("from"), mail.headers.text("subject")) == ("Anna A. <anna@example.org>", "Plan")
    assert mail.root.body == b"All is well.\r\n"


def test_an_encrypted_file_is_opened_by_its_recipient_alone(run, files):
    """The other one gets exit code 1 and nothing is written."""
    assert run("encrypt", "@/mail.eml", "-o", "@/sealed.eml", "--recipient", "@/bob.crt", "--cipher", "aes-256-gcm")[0] == 0
    code, out = run("decrypt", "@/sealed.eml", "-o", "@/plain.eml", *BOB, "--json")
    assert (code, json.loads(out)["release"]) == (0, "authenticated")
    assert parse((files / "plain.eml").read_bytes()).root.body == b"All is well.\r\n"
    assert run("decrypt", "@/sealed.eml", "-o", "@/none.eml", *ANNA)[0] == 1
    assert not (files / "none.eml").exists()


def test_signed_and_encrypted_in_one_go(run, files):
    """With a key the mail is signed inside; who has the recipient's key verifies it there."""
    run("encrypt", "@/mail.eml", "-o", "@/sealed.eml", "--recipient", "@/bob.crt", "--protect-headers", *ANNA, *AT)
    assert b"Subject: [...]" in (files / "sealed.eml").read_bytes()
    code, out = run("verify", "@/sealed.eml", *TRUST, *AT, *BOB, "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "valid_bound")
    assert run("decrypt", "@/sealed.eml", "-o", "@/plain.eml", *BOB)[0] == 0
    opened = (files / "plain.eml").read_bytes()
    assert parse(opened).headers.text("subject") == "Plan"
    assert b"multipart/signed" in opened


def test_unauthenticated_content_is_held_where_asked(run):
    """Under CBC and unsigned nobody vouches for it."""
    run("encrypt", "@/mail.eml", "-o", "@/sealed.eml", "--recipient", "@/bob.crt")
    assert run("decrypt", "@/sealed.eml", *BOB, "--unauthenticated", "held")[0] == 1
    assert run("decrypt", "@/sealed.eml", *BOB)[1].endswith("All is well.\r\n")


def test_a_mail_goes_to_standard_output(run):
    """Without -o the mail is printed, octet by octet."""
    code, out = run("sign", "@/mail.eml", "--opaque", *ANNA, *AT)
    assert code == 0
    assert "smime-type=signed-data" in out


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "@/absent.eml"),
        ("verify", "@/mail.eml", "--trust", "@/absent.crt"),
        ("verify", "@/mail.eml", "--trust", "@/mail.eml"),
        ("verify", "@/mail.eml", "--from", "nobody"),
        ("verify", "@/mail.eml", "--at", "yesterday"),
        ("sign", "@/mail.eml", "--key", "@/anna.p12"),
        ("sign", "@/mail.eml", "--key", "@/mail.eml"),
        ("sign", "@/mail.eml", "--key", "@/anna.p12", "--password", "open sesame"),
        ("sign", "@/mail.eml", "--key", "@/anna.p12", "--password", "env:GATEPOST_TEST_ABSENT"),
        ("encrypt", "@/mail.eml", "--recipient", "@/bob.crt", "--cipher", "des"),
        ("encrypt", "@/mail.eml", "--recipient", "@/bob.crt", "--hide", "shy"),
        ("encrypt", "@/mail.eml", "--recipient", "@/bob.crt", "--legacy-display"),
        ("verify", "@/mail.eml", "--on-behalf", "no domain"),
        ("encrypt", "@/mail.eml", "-o", "@/no/such/folder", "--recipient", "@/bob.crt"),
    ],
)
def test_what_cannot_be_read_is_a_wrong_use(run, words):
    """Exit code 2, and one sentence that says how to mend it; a password never stands in it."""
    with pytest.raises(UsageError) as fault:
        run(*words)
    assert fault.value.exit_code == 2
    assert ";" in str(fault.value)
    assert "open sesame" not in str(fault.value)
