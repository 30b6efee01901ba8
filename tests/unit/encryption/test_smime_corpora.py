# SPDX-License-Identifier: Apache-2.0
"""The collected S/MIME mails: other programs' own expectations, spoofed signatures, and decryption oracles."""

import datetime
import json
from pathlib import Path

import pytest

from cms_people import ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.policy import LEGACY
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.layer import SignedLayer
from gatepost.encryption.smime.opening import Opened, open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import RELEASE, ReadPolicy, ReleasePolicy
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import GOOD, Asked, Report, is_encrypted, report
from gatepost.roles.mail_material import certificates, identities
from shared_corpora import corpus, wire_form

LENIENT = ReadPolicy(algorithms=LEGACY)
TODAY = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
SECRET = b"THIS IS A PGP/MIME ENCRYPTED MESSAGE"


def trusting(anchors) -> PathTrust:
    return PathTrust(Validator(anchors))


def mail(path: Path) -> bytes:
    return wire_form(path.read_bytes())


def keys_of(path: Path, password: str):
    return ring_of(*identities(path.read_bytes(), password, path.name))


def ring_of(*held):
    keys = KeyIndex()
    for one in held:
        keys.add(one.certificate, one.key)
    return keys


def judged(raw: bytes, anchors, keys=None, policy=LENIENT) -> Report:
    return report(read(raw, keys, policy), Asked(trusting(anchors), TODAY))


def authorities_in(path: Path) -> list[Certificate]:
    """Give the authorities that came along with a mail known to be genuine."""
    layer = read(mail(path), None, LENIENT).layers[0]
    assert isinstance(layer, SignedLayer)
    return [one for one in layer.certificates if not purpose_of(one).addresses]


def test_every_thunderbird_mail_is_as_thunderbird_says():
    """Encrypted, signed, and well signed: the same three answers, with SHA-1 and without, for each of its mails."""
    folder = corpus("smime") / "thunderbird"
    expected = json.loads((folder / "expected.json").read_text())
    anchors = certificates((folder / expected["trust_anchor"]).read_bytes(), "")
    bob = keys_of(folder / "Bob.p12", expected["p12_password"])
    compared = 0
    for name, says in expected["messages"].items():
        for key, policy in (("default", ReadPolicy()), ("sha1_allowed", LENIENT)):
            reading = read(mail(folder / name), bob, policy)
            found = report(reading, Asked(trusting(anchors), TODAY))
            if key not in says:  # no assertion at the source; its text and its signature are sound all the same
                assert found.verdict == "valid_bound", name
                continue
            wanted = says[key]["enc"], says[key]["sig"], says[key]["sig_good"]
            assert (is_encrypted(reading), found.verdict != "unsigned", found.verdict in GOOD) == wanted, (name, key, found)
            if says[key].get("text_readable"):
                assert b"This is a test message from Alice to Bob." in reading.content
            compared += 1
    assert compared == 58


def test_no_spoofed_mail_is_shown_as_signed_by_its_sender():
    """Each genuine mail of the collection is bound to its sender, and not one of the spoofed ones."""
    folder = corpus("smime") / "spoofed-signatures"
    genuine_folder = folder / "assets" / "valid-signed"
    anchors = [one for name in ("manager-smime.eml", "eve-smime.eml") for one in authorities_in(genuine_folder / name)]
    genuine = spoofed = 0
    for name, says in json.loads((folder / "expected.json").read_text())["messages"].items():
        found = judged(mail(folder / name), anchors)
        if says["expect"].startswith("genuine"):
            if says["kind"] == "smime":
                genuine += 1
                assert found.verdict == "valid_bound", (name, found)
        else:
            spoofed += 1
            assert found.verdict not in GOOD, (name, found)
            assert not found.bound
    assert genuine == 3
    assert spoofed >= 20


@pytest.mark.parametrize("unauthenticated", ["held", "neutralised"])
def test_no_oracle_mail_leaks(unauthenticated):
    """The original decrypts where policy allows; no mail that carries its ciphertext beside other text does."""
    folder = corpus("smime") / "covert-content"
    keys = keys_of(next(folder.rglob("manager@bigcorporation.pfx")), "test12345678")
    for path in sorted(folder.rglob("*.eml")):
        opened = open_mail(mail(path), keys, ReleasePolicy(unauthenticated), LENIENT)
        text = b"" if opened.mail is None else opened.mail
        if path.name == "00-original-mail.eml" and path.parent.name == "smime":
            assert opened.release == unauthenticated
            assert (SECRET in text) == (unauthenticated == "neutralised")
        else:
            assert opened.release == "plain"
            assert opened.mail == mail(path)
            assert SECRET not in text
            if path.parent.name == "smime":
                assert "protection-inside-only" in opened.findings


def test_protected_headers_are_taken_for_the_mails_own():
    """The subject that was hidden stands in the mail again, and the text is the one expected."""
    folder = corpus("smime") / "protected-headers"
    keys = keys_of(folder / "bob.p12", "bob")
    opened = open_mail(mail(folder / "smime-enc+legacy-disp.eml"), keys, RELEASE, LENIENT)
    inner = wire_form((folder / "smime-enc+legacy-disp.inner").read_bytes())
    assert opened.release == "neutralised"
    assert b"\r\nSubject: BarCorp contract signed, let's go!\r\n" in opened.mail
    assert b"\r\nX-Outer-Subject: ...\r\n" in opened.mail
    assert opened.mail.endswith(inner.partition(b"\r\n\r\n")[2])


def test_a_signed_mail_with_protected_headers_is_bound():
    """The signed From is the one outside and the signer's; the content is the one expected."""
    folder = corpus("smime") / "protected-headers"
    raw = mail(folder / "smime-onepart-signed.eml")
    found = judged(raw, certificates((folder / "sample-ca.pem").read_bytes(), ""))
    assert (found.verdict, found.findings) == ("valid_bound", ("certificate-not-named",))
    body = wire_form((folder / "smime-onepart-signed.inner").read_bytes()).partition(b"\r\n\r\n")[2]
    assert read(raw).content.endswith(body)
    forged = raw.replace(b"From: Alice Lovelace <alice@smime.example>", b"From: Eve <eve@smime.example>", 1)
    other = judged(forged, certificates((folder / "sample-ca.pem").read_bytes(), ""))
    assert other.verdict == "valid_mismatch"
    assert "from-differs" in other.findings


@pytest.mark.parametrize("name", ["fran-oaep_ossl", "fran-oaep-sha256hash_ossl", "fran-ec_ossl-aes128-sha256"])
def test_what_openssl_enveloped_for_thunderbird_opens(name):
    """OAEP with SHA-1 and SHA-256, and agreement on a curve."""
    folder = corpus("smime") / "thunderbird-interop"
    key = folder / ("Fran-ec.p12" if "-ec_" in name else "Fran.p12")
    opened = open_mail(mail(folder / f"{name}.env"), keys_of(key, "nss"), RELEASE, LENIENT)
    assert opened.release == "neutralised", opened
    assert b"text/plain" in opened.mail.lower()


def test_old_examples_are_answered():
    """The mails of RFC 4134 are under algorithms that are not used; each is named, and none is held valid."""
    folder = corpus("smime") / "rfc4134"
    anchors = certificates((folder / "CarlRSASelf.cer").read_bytes(), "")
    for path in sorted(folder.glob("*.eml")):
        assert judged(mail(path), anchors).verdict in ("unverifiable", "unsigned", "broken"), path.name


def test_a_mail_signed_with_sha1_is_what_policy_says():
    """Thunderbird 24 signed it with SHA-1: unverifiable as a rule, and intact but weak where SHA-1 is read."""
    raw = mail(corpus("smime") / "mimekit" / "thunderbird-signed.txt")
    assert judged(raw, (), policy=ReadPolicy()).verdict == "unverifiable"
    found = judged(raw, ())
    assert found.verdict == "valid_untrusted"
    assert "sha1" in found.findings
    assert found.signers[0].addresses == ("fejj@gnome.org",)
    root = certificates((corpus("smime") / "mimekit" / "StartComCertificationAuthority.crt").read_bytes(), "")
    old = PathTrust(Validator(root, demands=Demands(sha1=True)))
    assert report(read(raw, None, LENIENT), Asked(old, TODAY)).verdict == "valid_bound"  # at the signing time, its chain expired since
    assert judged(raw, root).verdict == "valid_untrusted"  # where chains under SHA-1 are not taken


def test_no_collected_mail_is_more_than_it_can_be():
    """Without an anchor nothing is good, and without a key nothing encrypted is released, whatever the file."""
    seen = 0
    for path in sorted(corpus("smime").rglob("*")):
        if path.is_file() and path.suffix not in (".json", ".md", ".txt"):
            raw = mail(path)
            assert judged(raw, ()).verdict not in GOOD
            opened: Opened = open_mail(raw, ring(), RELEASE, LENIENT)
            assert opened.release in ("plain", "closed")
            seen += 1
    assert seen >= 150
