# SPDX-License-Identifier: Apache-2.0
"""One verdict on a mail's signatures.

The signatures that count are those below the last encryption that was opened: one around ciphertext says nothing of who wrote
what is inside. All of them must be intact. The outermost of these speaks for the mail: all its signers must be trusted at the
time they signed, and one must be bound to From. Where readers differ in which one they show, each must pass that alone, and the
weakest answer is the mail's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from gatepost.encryption.cms.identifier import issuer_and_serial, key_identifier
from gatepost.encryption.cms.name_text import name_for_people
from gatepost.encryption.cms.signed.judgement import Judgement
from gatepost.encryption.smime.binding import Bond, DomainCertificates, Shown, bind, shown_by
from gatepost.encryption.smime.header_protection import changed_outside, differing, from_differs, protected_header
from gatepost.encryption.smime.layer import BREAKING, EncryptedLayer, SignedLayer
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.encryption.smime.reading import Reading
from gatepost.encryption.smime.trust import Chain, Judge, Revocation, Trust
from gatepost.message.mailboxes import Mailbox
from gatepost.message.tree import Entity

Verdict = Literal[
    "valid_bound",  # intact, trusted, and every shown sender is the signer
    "valid_domain",  # the same by a certificate that signs for the sender's whole domain, or by a Sender who may write for it
    "valid",  # intact and trusted, and there is neither From nor Sender to bind to
    "valid_mismatch",  # intact and trusted, and the mail shows another sender
    "valid_untrusted",  # intact, and the chain leads to nobody whom we trust
    "unknown_status",  # intact and trusted, and nobody could say whether it was revoked, where policy demands it
    "unverifiable",  # nobody can say: no certificate, or an algorithm that is not used
    "broken",
    "unsigned",
]

GOOD: frozenset[Verdict] = frozenset({"valid_bound", "valid_domain", "valid"})
_CLOCKS_DIFFER = timedelta(minutes=10)
_NO_DOMAINS: Mapping[str, frozenset[bytes]] = {}


class SignerReport(NamedTuple):
    """Who signed, by his certificate."""

    subject: str
    addresses: tuple[str, ...]
    serial: str
    digest: str
    algorithm: str


class Report(NamedTuple):
    """What is to be told of a mail's signatures."""

    verdict: Verdict
    bound: bool
    signers: tuple[SignerReport, ...]
    chain: tuple[str, ...]
    """The subjects from the signer who decides to the anchor."""
    revocation: Revocation
    findings: tuple[str, ...]
    reason: str
    """One sentence, with both addresses where From is not the signer; empty when there is nothing to say."""


class Asked(NamedTuple):
    """What the verdict depends on beside the mail."""

    trust: Trust
    received: datetime
    """When the mail came, with its time zone: no signature is believed to be younger."""
    domains: DomainCertificates = _NO_DOMAINS
    revocation_must_be_known: bool = False
    shown: Shown | None = None
    """Whom to bind to instead of the mail's From."""
    delegating: frozenset[str] = frozenset()
    """Domains whose people may write for each other: there a Sender's signature counts for From."""


def report(reading: Reading, asked: Asked) -> Report:
    """Judge a mail that was read."""
    layers = deciding(reading)
    findings: list[str] = list(
        dict.fromkeys((*reading.all_findings, *(one for layer in layers for who in layer.judgements for one in who.findings)))
    )
    signers = tuple(_signer(who) for layer in layers for who in layer.judgements)
    if not layers:
        if (protected := protected_header(reading.mail, reading.inner)) is not None and from_differs(reading.mail, protected):
            findings.append("from-differs")
        return Report("unverifiable" if reading.limit else "unsigned", False, (), (), "unchecked", tuple(findings), _unsigned(reading))
    if verdict := _damage(reading, layers):
        return Report(verdict[0], False, signers, (), "unchecked", tuple(findings), verdict[1])
    nested = "nested-signatures" in reading.findings
    answers = _answers(reading, layers if nested else layers[:1], asked)
    worst = min(answers, key=lambda answer: _WEAKEST.index(answer.verdict))
    findings.extend(one for answer in answers for one in answer.findings)
    reason = _of_nested(layers, worst.reason) if nested and worst.reason else worst.reason
    bound = worst.verdict in ("valid_bound", "valid_domain")
    revocation = _worst([answer.revocation for answer in answers])
    return Report(worst.verdict, bound, signers, _subjects(worst.chain), revocation, tuple(dict.fromkeys(findings)), reason)


class _Answer(NamedTuple):
    """What the signers of one layer come to."""

    verdict: Verdict
    reason: str
    findings: tuple[str, ...]
    chain: Chain
    """Of the signer who decides."""
    revocation: Revocation


_WEAKEST: tuple[Verdict, ...] = ("valid_untrusted", "valid_mismatch", "unknown_status", "valid_domain", "valid_bound", "valid")


def _answers(reading: Reading, layers: tuple[SignedLayer, ...], asked: Asked) -> list[_Answer]:
    """Judge the layers in order, up to the first that is not trusted, as its signers are."""
    answers: list[_Answer] = []
    for layer in layers:
        answers.append(_answer(reading, layer, asked))
        if answers[-1].verdict == "valid_untrusted":
            break
    return answers


def _answer(reading: Reading, layer: SignedLayer, asked: Asked) -> _Answer:
    chains = _chains(layer, asked)
    bond, place, odd, shown = _bond(reading, layer, asked)
    revocation = _worst([chain.revocation for chain in chains])
    verdict, reason = _verdict(chains, bond, revocation, asked)
    if verdict == "valid_mismatch" or (bond == "sender" and not reason):
        reason = _why_not(odd) or _both(shown, _signer(layer.judgements[place]), odd)
    chain = chains[place] if chains[-1].trusted else chains[-1]
    return _Answer(verdict, reason, (*odd, *(one for chain in chains for one in chain.findings)), chain, revocation)


def deciding(reading: Reading) -> tuple[SignedLayer, ...]:
    """Give the signatures that count, outermost first."""
    found: list[SignedLayer] = []
    for layer in reading.layers:
        if isinstance(layer, SignedLayer):
            if "certificates-only" not in layer.findings:
                found.append(layer)
        elif layer.fault is None:
            found.clear()
    return tuple(found)


def is_encrypted(reading: Reading) -> bool:
    """Say whether the mail as it came was encrypted, outside or directly below a signature."""
    return any(isinstance(layer, EncryptedLayer) and "encrypted-below-signatures" not in layer.findings for layer in reading.layers)


def _unsigned(reading: Reading) -> str:
    """Say why there is no signature that counts."""
    if reading.limit:
        return f"the mail {reading.limit}, so it was not read whole"
    last = reading.layers[-1] if reading.layers else None
    if isinstance(last, EncryptedLayer) and last.fault is not None:
        return f"the mail is encrypted and stays closed ({last.fault.reason}), so nobody can say whether it is signed inside"
    return "nothing in this mail is signed as a whole"


def _damage(reading: Reading, layers: tuple[SignedLayer, ...]) -> tuple[Verdict, str] | None:
    breaking = BREAKING.intersection((*reading.findings, *(one for layer in layers for one in layer.findings)))
    if breaking:
        fault = next((layer.fault.reason for layer in layers if layer.fault), "")
        # Beyond a limit alone nothing is known of the signature: it is not said to be broken.
        if breaking == {"limit-exceeded"} and any(layer.fault and layer.fault.kind == "too-large" for layer in layers):
            return "unverifiable", fault
        if reading.limit and not fault:
            return "broken", f"the mail {reading.limit}, so it was not read whole"
        return "broken", fault or f"the mail is not one whole signed content ({', '.join(sorted(breaking))})"
    bad = [who for layer in layers for who in layer.judgements if who.verdict != "intact"]
    broken = next((who for who in bad if who.verdict == "broken"), None)
    if broken is not None:
        return "broken", broken.reason
    if bad or not all(layer.judgements for layer in layers):
        return "unverifiable", bad[0].reason if bad else "there is no signature"
    return None


def _chains(layer: SignedLayer, asked: Asked) -> list[Chain]:
    """Judge the signers in order, up to the first who is not trusted: with him the mail is not, and each may cost time."""
    judge = asked.trust.beside(layer.certificates, layer.revocations, asked.received)
    chains: list[Chain] = []
    for who in layer.judgements:
        chains.append(_chain(who, judge, asked.received))
        if not chains[-1].trusted:
            break
    return chains


def _chain(who: Judgement, judge: Judge, received: datetime) -> Chain:
    assert who.certificate is not None
    trouble = purpose_of(who.certificate).objection
    if trouble:
        return Chain(False, trouble, (who.certificate,))
    signed = who.signing_time
    late = signed is None or signed > received + _CLOCKS_DIFFER
    return judge.judge(who.certificate, received if late or signed is None else min(signed, received))


def _bond(reading: Reading, layer: SignedLayer, asked: Asked) -> tuple[Bond, int, list[str], Shown]:
    """Give how the best signer is bound, which one that is, what is odd about the binding, and whom the mail shows."""
    odd: list[str] = []
    limits = reading.mail.root.limits
    mail = reading.mail
    shown = asked.shown or shown_by(mail.headers, limits, lambda: _header_of(mail.root))
    protected = protected_header(reading.mail, reading.inner)
    if protected is not None and asked.shown is None:
        if from_differs(reading.mail, protected):
            odd.append("from-differs")
        encrypted = any(isinstance(one, EncryptedLayer) for one in reading.layers)
        hidden = protected.mode == "cipher" or (not protected.mode and encrypted)
        names = (changed_outside if hidden else differing)(reading.mail, protected)
        if any(name != "from" or "from-differs" not in odd for name in names):
            odd.append("header-differs")
        shown = shown.beside(shown_by(protected.headers, limits, lambda: _header_of(protected.entity)))
    best: tuple[Bond, int, tuple[str, ...]] = ("mismatch", 0, ())
    order: tuple[Bond, ...] = ("bound", "domain", "sender", "nothing", "mismatch")
    for place, who in enumerate(layer.judgements):
        assert who.certificate is not None
        bond, findings = bind(shown, purpose_of(who.certificate), who.certificate.digest("sha256"), asked.domains, asked.delegating)
        if place == 0 or order.index(bond) < order.index(best[0]):
            best = (bond, place, findings)
    odd.extend(best[2])
    return ("mismatch" if "from-differs" in odd else best[0]), best[1], odd, shown.decided()


def _header_of(entity: Entity) -> bytes:
    return bytes(entity.raw[entity.header_start : entity.header_end])


def _verdict(chains: list[Chain], bond: Bond, revocation: Revocation, asked: Asked) -> tuple[Verdict, str]:
    if not chains[-1].trusted:
        return "valid_untrusted", chains[-1].reason
    if revocation == "revoked":
        return "valid_untrusted", "a certificate of the chain was revoked"
    if bond == "mismatch":
        return "valid_mismatch", ""
    if revocation != "good" and asked.revocation_must_be_known:
        why = next((chain.reason for chain in chains if chain.reason), "")
        return "unknown_status", why or "nobody could say whether a certificate of the chain was revoked"
    return _BONDS[bond], ""


_BONDS: dict[Bond, Verdict] = {"bound": "valid_bound", "domain": "valid_domain", "sender": "valid_domain", "nothing": "valid"}


_NAMES: Mapping[str, str] = {
    "from-repeated": "the mail has more than one From",
    "from-without-address": "the mail's From names somebody who has no address",
    "name-is-other-address": "the mail shows its sender under a name that reads as another address",
    "from-unreadable": "the mail's From is written so that only some readers take it for one",
    "hidden-field": "the mail's header holds a line end that only some readers see, and behind it what they show or how they show it",
    "answers-elsewhere": "the mail shows its sender under a name that nobody certified, and answers to it go elsewhere",
}


def _why_not(odd: list[str]) -> str:
    """Say what is wrong with a From whose addresses are all the signer's; '' where that is not the matter."""
    if {"from-not-signer", "from-differs", "signed-by-sender"}.intersection(odd):
        return ""
    return next((reason for finding, reason in _NAMES.items() if finding in odd), "")


def _both(shown: Shown, signer: SignerReport, odd: list[str]) -> str:
    """Name the shown sender and the signer, as whoever reads a mismatch wants to compare them."""
    addresses = list(dict.fromkeys(map(str, shown.addresses)))
    named = ", ".join(addresses[:3]) + (" and others" if len(addresses) > 3 else "") or "nobody"
    head = "outside and inside its protection the mail shows" if "from-differs" in odd else "the mail shows"
    return f"{head} {named} as its sender, and {', '.join(signer.addresses[:3]) or signer.subject or 'nobody'} signed it"


def _of_nested(layers: tuple[SignedLayer, ...], reason: str) -> str:
    """Name the signers of all layers, outermost first, before what is wrong with one of them."""
    named = [
        " and ".join(", ".join(who.addresses[:3]) or who.subject or "nobody" for who in map(_signer, layer.judgements)) for layer in layers
    ]
    return f"one signature lies inside another, {' around '.join(f'that of {who}' for who in named)}: {reason}"


def _worst(states: list[Revocation]) -> Revocation:
    order: tuple[Revocation, ...] = ("revoked", "unknown", "unchecked", "good")
    return min(states, key=order.index)


def _signer(who: Judgement) -> SignerReport:
    digest, algorithm = ("", "") if who.scheme is None else (who.scheme.digest, who.scheme.kind)
    if who.certificate is None:
        return SignerReport(*_named(who), digest, algorithm)
    purpose = purpose_of(who.certificate)
    return SignerReport(purpose.subject, tuple(map(str, purpose.addresses)), purpose.serial, digest, algorithm)


def _named(who: Judgement) -> tuple[str, tuple[str, ...], str]:
    """Say how the object names a signer whose certificate is not there."""
    by_issuer = issuer_and_serial(who.signer.name)
    if by_issuer is None:
        return f"whoever holds the key {(key_identifier(who.signer.name) or b'').hex()}", (), ""
    serial = f"{int.from_bytes(by_issuer[1], signed=True):x}"
    return f"whoever holds certificate {serial} of {name_for_people(by_issuer[0])}", (), serial


def _subjects(chain: Chain) -> tuple[str, ...]:
    return tuple(purpose_of(one).subject for one in chain.path)


def shown_address(mailbox: Mailbox) -> Shown:
    """Bind to one given address."""
    return Shown(1, (mailbox,), ())
