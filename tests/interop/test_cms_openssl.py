# SPDX-License-Identifier: Apache-2.0
"""`openssl cms` as the peer, both ways, in each algorithm that it has: it reads what we write, and we read what it writes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cms_people import NOW, Person, authority_file, person, ring
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.keys import PKCS1, Transport
from gatepost.encryption.cms.policy import STRICT, Policy
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.signed.write import sign

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

CONTENT = b"Content-Type: text/plain\r\n\r\n" + bytes(range(256)) * 40 + b"\r\n"
SCHEMES = {
    "rsa-sha256": ("rsa", Scheme("rsa-pkcs1", "sha256")),
    "rsa-sha384": ("rsa", Scheme("rsa-pkcs1", "sha384")),
    "rsa-sha512": ("rsa", Scheme("rsa-pkcs1", "sha512")),
    "pss-sha256": ("rsa", Scheme("rsa-pss", "sha256", 32)),
    "pss-sha384": ("rsa", Scheme("rsa-pss", "sha384", 48)),
    "pss-sha512": ("rsa", Scheme("rsa-pss", "sha512", 64)),
    "p256-sha256": ("p256", Scheme("ecdsa", "sha256")),
    "p384-sha384": ("p384", Scheme("ecdsa", "sha384")),
    "p521-sha512": ("p521", Scheme("ecdsa", "sha512")),
}
TRANSPORTS = {
    "pkcs1": PKCS1,
    "oaep-sha1": Transport("oaep", "sha1", "sha1"),
    "oaep-sha256": Transport("oaep", "sha256", "sha256"),
    "oaep-sha512": Transport("oaep", "sha512", "sha512"),
    "oaep-mixed": Transport("oaep", "sha256", "sha1"),
}
CURVES = ("p256", "p384", "p521")


def openssl(folder: Path, *arguments: str | Path, given: bytes) -> bytes:
    """Let openssl do one operation on bytes; what it says when it cannot is the test's failure."""
    (folder / "in").write_bytes(given)
    command = ["openssl", "cms", "-in", folder / "in", "-out", folder / "out", "-binary", *arguments]
    answer = subprocess.run(command, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    return (folder / "out").read_bytes()


def signer(kind: str, scheme: Scheme, **how: bool) -> Signer:
    one = person(kind)
    return Signer(one.private, one.certificate, scheme, **how)


def to(one: Person, **how: object) -> Addressee:
    made = addressee(one.certificate, **how)
    assert isinstance(made, Addressee), made
    return made


def signed(data: bytes) -> SignedData:
    found = read(data)
    assert isinstance(found, SignedData), found
    return found


def opened(data: bytes, one: Person, policy: Policy = STRICT) -> Decrypted:
    enveloped = read(data)
    assert isinstance(enveloped, Enveloped), enveloped
    found = decrypt(enveloped, ring(one), policy)
    assert isinstance(found, Decrypted), found
    return found


@pytest.mark.parametrize("by_key", [False, True], ids=["issuer", "key"])
@pytest.mark.parametrize("detached", [False, True], ids=["opaque", "detached"])
@pytest.mark.parametrize("name", SCHEMES)
def test_openssl_verifies_what_we_sign(name: str, detached: bool, by_key: bool, tmp_path: Path):
    """In each scheme, opaque and detached, the signer named either way; the chain holds and CAdES attributes too."""
    data = sign(CONTENT, [signer(*SCHEMES[name], by_key=by_key)], NOW, detached=detached)
    (tmp_path / "content").write_bytes(CONTENT)
    outside = ["-content", tmp_path / "content"] if detached else []
    arguments = ["-verify", "-inform", "DER", "-CAfile", authority_file(tmp_path), "-cades", *outside]
    assert openssl(tmp_path, *arguments, given=data) == CONTENT


FORMS = [(name, form, attributes) for name in SCHEMES for form in ("der", "ber") for attributes in (True, False)]
LACKED = {form for form in FORMS if form[0].startswith("pss") and form[1:] != ("der", True)}
"""openssl 3.0 fails with "illegal zero content" when it shall sign with PSS in pieces, or without attributes."""


@pytest.mark.parametrize(("name", "form", "attributes"), [form for form in FORMS if form not in LACKED])
def test_we_verify_what_openssl_signs(name: str, form: str, attributes: bool, tmp_path: Path):
    """In each scheme, with signed attributes and without, in DER and in BER with its pieces."""
    kind, scheme = SCHEMES[name]
    certificate, key = person(kind).files(tmp_path)
    options = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", f"rsa_pss_saltlen:{scheme.salt_length}"] if scheme.kind == "rsa-pss" else []
    options += [] if attributes else ["-noattr"]
    options += ["-stream"] if form == "ber" else ["-noindef"]
    command = ["-sign", "-nodetach", "-outform", "DER", "-signer", certificate, "-inkey", key, "-md", scheme.digest, *options]
    data = signed(openssl(tmp_path, *command, given=CONTENT))
    [judgement] = verify(data)
    assert (judgement.verdict, judgement.reason) == ("intact", "")
    assert judgement.scheme == scheme
    assert judgement.certificate == person(kind).certificate
    assert (judgement.signing_time is not None) == attributes
    assert data.content is not None
    assert bytes(data.content.whole()) == CONTENT


def test_we_verify_detached_signatures_with_cades_attributes(tmp_path: Path):
    """The signing-certificate attribute of openssl fits, and the name by key is found."""
    certificate, key = person("rsa").files(tmp_path)
    command = ["-sign", "-outform", "DER", "-signer", certificate, "-inkey", key, "-md", "sha512", "-cades", "-keyid"]
    data = signed(openssl(tmp_path, *command, given=CONTENT))
    [judgement] = verify(data, CONTENT)
    assert (judgement.verdict, judgement.findings) == ("intact", ())
    [broken] = verify(data, CONTENT + b"\n")
    assert broken.verdict == "broken"


def test_several_signers_are_judged_each(tmp_path: Path):
    """Both ways, with an RSA and a curve's key beside each other."""
    ours = sign(CONTENT, [signer(*SCHEMES["rsa-sha256"]), signer(*SCHEMES["p384-sha384"])], NOW)
    assert openssl(tmp_path, "-verify", "-inform", "DER", "-CAfile", authority_file(tmp_path), given=ours) == CONTENT
    first, second = person("rsa").files(tmp_path), person("p256").files(tmp_path)
    both = ["-signer", first[0], "-inkey", first[1], "-signer", second[0], "-inkey", second[1]]
    theirs = openssl(tmp_path, "-sign", "-nodetach", "-outform", "DER", *both, given=CONTENT)
    assert [judgement.verdict for judgement in verify(signed(theirs))] == ["intact", "intact"]


@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("by_key", [False, True], ids=["issuer", "key"])
def test_openssl_decrypts_what_we_encrypt_to_rsa(cipher: str, transport: str, by_key: bool, tmp_path: Path):
    """With each cipher and each way of key transport."""
    data = encrypt(CONTENT, [to(person("rsa"), transport=TRANSPORTS[transport], by_key=by_key)], WRITTEN[cipher])
    certificate, key = person("rsa").files(tmp_path)
    command = ["-decrypt", "-inform", "DER", "-recip", certificate, "-inkey", key]
    assert openssl(tmp_path, *command, given=data) == CONTENT


@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("by_key", [False, True], ids=["issuer", "key"])
def test_openssl_decrypts_what_we_encrypt_to_curves(cipher: str, curve: str, by_key: bool, tmp_path: Path):
    """With each cipher and each curve."""
    data = encrypt(CONTENT, [to(person(curve), by_key=by_key)], WRITTEN[cipher])
    certificate, key = person(curve).files(tmp_path)
    command = ["-decrypt", "-inform", "DER", "-recip", certificate, "-inkey", key]
    assert openssl(tmp_path, *command, given=data) == CONTENT


@pytest.mark.parametrize("form", ["der", "ber"])
@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_we_decrypt_what_openssl_encrypts_to_rsa(cipher: str, transport: str, form: str, tmp_path: Path):
    """With each cipher and each way of key transport, in DER and in BER; openssl's default OAEP has SHA-1."""
    way = TRANSPORTS[transport]
    certificate, _ = person("rsa").files(tmp_path)
    options = ["-stream" if form == "ber" else "-noindef", "-outform", "DER", f"-{cipher}", "-recip", certificate]
    if way.kind == "oaep":
        options += ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{way.digest}", "-keyopt", f"rsa_mgf1_md:{way.mask_digest}"]
    found = opened(openssl(tmp_path, "-encrypt", *options, given=CONTENT), person("rsa"))
    assert (found.content, found.cipher, found.authenticated) == (CONTENT, cipher, cipher.endswith("gcm"))


@pytest.mark.parametrize("digest", ["", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"])
@pytest.mark.parametrize("curve", CURVES)
def test_we_decrypt_what_openssl_encrypts_to_curves(cipher: str, curve: str, digest: str, tmp_path: Path):
    """With each curve and each digest of the key derivation; openssl's default is SHA-1."""
    certificate, _ = person(curve).files(tmp_path)
    options = ["-keyopt", f"ecdh_kdf_md:{digest}"] if digest else []
    data = openssl(tmp_path, "-encrypt", "-outform", "DER", f"-{cipher}", "-recip", certificate, *options, given=CONTENT)
    assert opened(data, person(curve)).content == CONTENT


def test_openssl_names_recipients_by_key_and_we_find_them(tmp_path: Path):
    """RSA and curves in one object, each finds its own entry."""
    certificates = [person(kind).files(tmp_path)[0] for kind in ("rsa", "p256")]
    both = [part for certificate in certificates for part in ("-recip", certificate)]
    data = openssl(tmp_path, "-encrypt", "-outform", "DER", "-aes-128-gcm", "-keyid", *both, given=CONTENT)
    assert opened(data, person("rsa")).content == CONTENT
    assert opened(data, person("p256")).content == CONTENT


@pytest.mark.parametrize("cipher", [("-des3",), ("-des3", "-des3-wrap"), ("-aes-256-cbc", "-des3-wrap")])
@pytest.mark.parametrize("kind", ["rsa", "p256", "p521"])
def test_triple_des_is_read_by_policy_alone(tmp_path: Path, kind: str, cipher: tuple[str, ...]):
    """Of the content as of the key that a curve's key wraps. Without policy the answer is that it is forbidden."""
    certificate, _ = person(kind).files(tmp_path)
    data = openssl(tmp_path, "-encrypt", "-outform", "DER", *cipher, "-recip", certificate, given=CONTENT)
    assert opened(data, person(kind), Policy(triple_des=True)).content == CONTENT
    enveloped = read(data)
    assert isinstance(enveloped, Enveloped)
    if kind == "rsa" and "-des3" not in cipher:
        return
    refused = decrypt(enveloped, ring(person(kind)))
    assert not isinstance(refused, Decrypted)
    assert refused.kind == "forbidden"


def test_sha1_is_verified_by_policy_alone(tmp_path: Path):
    """With it the judgement says so."""
    certificate, key = person("rsa").files(tmp_path)
    data = signed(
        openssl(tmp_path, "-sign", "-nodetach", "-outform", "DER", "-signer", certificate, "-inkey", key, "-md", "sha1", given=CONTENT)
    )
    assert [judgement.verdict for judgement in verify(data)] == ["unknown"]
    [judgement] = verify(data, policy=Policy(sha1=True))
    assert judgement.verdict == "intact"
    assert "sha1" in judgement.findings


def test_a_large_content_goes_both_ways(tmp_path: Path):
    """Five megabytes, in openssl's many pieces and in our one."""
    content = bytes(range(256)) * 20_000
    certificate, key = person("rsa").files(tmp_path)
    theirs = openssl(tmp_path, "-encrypt", "-stream", "-outform", "DER", "-aes-256-gcm", "-recip", certificate, given=content)
    assert opened(theirs, person("rsa")).content == content
    ours = encrypt(content, [to(person("rsa"))])
    assert openssl(tmp_path, "-decrypt", "-inform", "DER", "-recip", certificate, "-inkey", key, given=ours) == content
