# SPDX-License-Identifier: Apache-2.0
"""Hostile certificates, lists and responses: an answer in time, never an exception, never `trusted`."""

import random
import time
import tracemalloc

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.encryption.cms import der
from gatepost.encryption.cms.certificate import Certificate, read_certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.paths.credential import read_credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.extensions import inside
from gatepost.encryption.paths.responses import read_response
from gatepost.encryption.paths.revocation_list import read_list
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from path_authority import MAIL, NOW, Authority, addresses, root
from shared_corpora import corpus

ROUNDS = 400


class House:
    def __init__(self) -> None:
        self.root = root()
        self.issuer = self.root.sub("Issuer")
        self.person = self.issuer.issue("Person", MAIL, addresses("person@example.com"))
        self.lists = [self.root.revoke(), self.issuer.revoke(self.issuer.issue("Gone"))]
        self.response = self.issuer.respond(self.person)


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def changed(data: bytes, chance: random.Random) -> bytes:
    """Change, cut, double or insert something."""
    place, kind = chance.randrange(len(data)), chance.randrange(5)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place]
    if kind == 2:
        return data[:place] + data[place : place + 20] + data[place:]
    if kind == 3:
        return data[:place] + chance.randbytes(chance.randrange(1, 6)) + data[place:]
    return data[:place] + bytes([chance.choice((0, 0x30, 0x7F, 0x80, 0x84, 0xA0, 0xFF))]) + data[place + 1 :]


def test_a_changed_certificate_is_never_trusted(house):
    """Whatever is changed in the person's certificate, the answer is a value, and not `trusted`."""
    chance = random.Random(1)
    validator = Validator([house.root.certificate], Collected(house.lists))
    assert validator.validate(house.person, [house.issuer.certificate], NOW).verdict == "trusted"
    for _ in range(ROUNDS):
        encoded = changed(house.person.encoded, chance)
        certificate = read_certificate(encoded)
        if isinstance(certificate, Fault) or certificate.encoded == house.person.encoded:
            continue
        assert validator.validate(certificate, [house.issuer.certificate], NOW).verdict != "trusted", encoded.hex()


def test_a_changed_intermediate_vouches_for_nobody(house):
    """Whatever is changed in the only intermediate, the path does not hold."""
    chance = random.Random(2)
    for _ in range(ROUNDS):
        certificate = read_certificate(changed(house.issuer.certificate.encoded, chance))
        if isinstance(certificate, Fault) or certificate == house.issuer.certificate:
            continue
        validator = Validator([house.root.certificate], Collected(house.lists))
        assert validator.validate(house.person, [certificate], NOW).verdict != "trusted"


def test_a_changed_list_or_response_says_nothing(house):
    """Whatever is changed in the only list, or the only response, the answer is `unknown`."""
    chance = random.Random(3)
    for _ in range(ROUNDS):
        changed_list, changed_response = changed(house.lists[1], chance), changed(house.response, chance)
        for source in (Collected([house.lists[0], changed_list]), Collected(house.lists[:1], [changed_response])):
            if changed_list == house.lists[1] or changed_response == house.response:
                continue
            outcome = Validator([house.root.certificate], source).validate(house.person, [house.issuer.certificate], NOW)
            assert outcome.verdict == "unknown"


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(data):
    """Certificates, lists and responses of any bytes give a value."""
    certificate = read_certificate(data)
    if isinstance(certificate, Certificate):
        read_credential(certificate)
    assert isinstance(read_list(data), Fault)
    read_response(data)


def test_every_certificate_of_the_corpora_gets_an_answer():
    """Every certificate of the X.509 corpora, some of them broken on purpose, is judged without an exception, within a second."""
    paths = [path for path in sorted(corpus("x509").rglob("*")) if path.suffix in (".crt", ".cer", ".der")]
    everyone = [one for one in (read_certificate(path.read_bytes()) for path in paths) if isinstance(one, Certificate)]
    assert len(everyone) > 200
    validator = Validator(everyone[:20], demands=Demands(revocation=False))
    for certificate in everyone:
        begun = time.thread_time()
        validator.validate(certificate, everyone[:200], NOW)
        assert time.thread_time() - begun < 1


def test_a_crowd_with_one_name_costs_what_the_limits_say(house):
    """Two hundred authorities of the issuer's name that did not sign cost less than a second and 64 MB."""
    crowd = [root("Issuer").issue("Issuer", authority=True, subject_key=f"crowd {number % 7}") for number in range(200)]
    tracemalloc.start()
    begun = time.thread_time()
    outcome = Validator([house.root.certificate]).validate(house.person, crowd, NOW)
    assert time.thread_time() - begun < 1
    assert tracemalloc.get_traced_memory()[1] < 64_000_000
    tracemalloc.stop()
    assert outcome.verdict == "untrusted"


def test_junk_lists_hide_no_revocation_for_long(house):
    """Among many forged lists the real one is used, or the answer is `unknown`; it is never `trusted`."""
    forged = [Authority("Issuer", f"forger {number}").revoke() for number in range(40)]
    real = house.issuer.revoke(house.person)
    for lists in ((*forged, real), (real, *forged)):
        source = Collected((house.lists[0], *lists))
        outcome = Validator([house.root.certificate], source).validate(house.person, [house.issuer.certificate], NOW)
        assert outcome.verdict == "untrusted"


def resigned(data: bytes, signer: Authority, chance: random.Random) -> bytes:
    """Change what a certificate, a list or a basic response says, and sign it anew, as a hostile issuer would."""
    whole = inside(data).enter(0x30)
    signed, algorithm = changed(whole.raw(0x30), chance), whole.raw(0x30)
    signature = signer.key.sign(signed, ECDSA(SHA256()))
    return der.sequence(signed, algorithm, der.bit_string(signature))


def test_what_a_hostile_issuer_signs_raises_nothing(house):
    """Certificates and lists whose contents are damaged and whose signatures hold give a value all the same."""
    chance = random.Random(4)
    for _ in range(ROUNDS):
        person = read_certificate(resigned(house.person.encoded, house.issuer, chance))
        issuer = read_certificate(resigned(house.issuer.certificate.encoded, house.root, chance))
        lists = (resigned(house.lists[0], house.root, chance), resigned(house.lists[1], house.issuer, chance))
        for end in (person, house.person):
            for above in (issuer, house.issuer.certificate):
                if isinstance(end, Fault) or isinstance(above, Fault):
                    continue
                for source in (Collected(house.lists), Collected(lists)):
                    outcome = Validator([house.root.certificate], source, Demands(strict=True)).validate(end, [above], NOW)
                    assert outcome.verdict in ("trusted", "untrusted", "unknown")
                    assert len(outcome.path) == len(outcome.revocation)
