# SPDX-License-Identifier: Apache-2.0
"""Mails as a gateway of some size sees them within 30 days, as rows of the tracks' store and without a gateway.

2,000 partner domains and 5,000 own addresses by Zipf's law, 40 writers a domain; nine in ten inbound; nine in ten delivered, the
rest refused, pending, bounced or partial. Times are even over the period. Details are those of real heads with other names: a
few hundred are encoded, deflated and used in turn, because they are only stored.
"""

import itertools
import os
import random
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from gatepost.tracking.apply_fates import BOUNCED, DEFERRED, DELIVERED
from gatepost.tracking.codec import compose, encode_head, encode_outcome
from gatepost.tracking.partitions import track_of
from gatepost.tracking.record import AttachmentEntry, Attempt, FilterEntry, OperationEntry, Status, TrackHead, TrackOutcome
from gatepost.tracking.store_details import pack
from gatepost.tracking.store_rows import AUTHOR, RECIPIENT, SENDER, AddressRow, DetailsRow, Summary

DAYS = 30
OWN = "example.com"
DOMAINS, OWN_USERS, WRITERS = 2000, 5000, 40
RULES = ("All other inbound mails", "Partners", "Newsletters", "Strict")
_TEMPLATES = 400
_WORDS = (
    "offer",
    "invoice",
    "meeting",
    "report",
    "order",
    "delivery",
    "contract",
    "question",
    "answer",
    "newsletter",
    "update",
    "travel",
    "project",
    "schedule",
    "minutes",
)
_STATUSES = (
    (Status.SUCCESS, 900),
    (Status.PERMANENTLY_BLOCKED, 70),
    (Status.DELIVERY_PENDING, 5),
    (Status.DISPATCHER_ERROR, 20),
    (Status.PARTIAL_SUCCESS, 5),
)
_FATES = {Status.SUCCESS: DELIVERED, Status.DELIVERY_PENDING: DEFERRED, Status.DISPATCHER_ERROR: BOUNCED, Status.PARTIAL_SUCCESS: DELIVERED}


class Rows(NamedTuple):
    """The rows of one mail."""

    summary: Summary
    addresses: list[AddressRow]
    details: DetailsRow


class Mails:
    """An endless supply, the same for the same seed but for the random part of names."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.domains = [f"partner{number}.example" for number in range(DOMAINS)]
        self.own = [f"user{number}@{OWN}" for number in range(OWN_USERS)]
        self._domain_weights = _zipf(DOMAINS)
        self._own_weights = _zipf(OWN_USERS)
        self._statuses = [status for status, weight in _STATUSES for _ in range(weight)]
        self.details = [self._details() for _ in range(_TEMPLATES)]

    def partner(self) -> tuple[str, str]:
        """Give a partner's address and its domain."""
        draw = self.random.random
        domain = self.domains[bisect(self._domain_weights, draw())]
        return f"person{int(draw() * WRITERS)}@{domain}", domain

    def own_address(self) -> str:
        """Give an own address."""
        return self.own[bisect(self._own_weights, self.random.random())]

    def rows(self, at_ms: int, number: int) -> Rows:
        """Give the rows of one mail."""
        draw = self.random.random
        key = at_ms.to_bytes(6, "big") + os.urandom(9)
        (partner, partner_domain), own = self.partner(), self.own_address()
        inbound = draw() < 0.9
        sender, recipient = (partner, own) if inbound else (own, partner)
        status = self._statuses[int(draw() * 1000)]
        fate = _FATES.get(status, 0)
        subject = f"{_WORDS[number % 15]} {_WORDS[number // 15 % 15]} {number}"
        words = ""
        if number % 10 == 0:
            subject = f"Rückfrage: {subject}"
            words = subject.lower()
        writer, reader = SENDER | AUTHOR, RECIPIENT
        sender_domain, recipient_domain = (partner_domain, OWN) if inbound else (OWN, partner_domain)
        summary = Summary(
            0,
            key,
            at_ms / 1000,
            0 if inbound else 1,
            status,
            2000 + int(draw() * draw() * 200_000),
            round(draw() * 4, 1),
            1,
            f"<{key[6:].hex()}.{number}@mail.{partner_domain}>",
            subject,
            words,
            f"{sender}\n{sender}\n{recipient}",
            f"192.0.2.{number % 250}",
            RULES[0 if draw() < 0.8 else number % 4],
            "" if fate else "550 5.7.1 This message was refused; the administrator finds the reason under its track",
            "gateway.example",
            bytes((fate,)),
        )
        people = [
            AddressRow(0, key, sender, sender_domain, writer),
            AddressRow(0, key, recipient, recipient_domain, reader),
        ]
        return Rows(summary, people, DetailsRow(0, key, 0, self.details[number % _TEMPLATES]))

    def batches(self, mails: int, begin: float, size: int = 5000) -> Iterator[list[Rows]]:
        """Yield so many mails over the days from `begin` (Unix time) on, in the order of their times."""
        start, step = int(begin * 1000), DAYS * 86_400_000 / mails
        for first in range(0, mails, size):
            yield [self.rows(start + int(number * step), number) for number in range(first, min(first + size, mails))]

    def _details(self) -> bytes:
        """Give the details of a made-up mail, as long as those of real ones."""
        (partner, domain), own, draw = self.partner(), self.own_address(), self.random
        head = TrackHead(
            track=track_of(os.urandom(1).rjust(6, b"\1") + os.urandom(9)),
            tenant_id=0,
            sent_at=draw.random() * 1e9,
            direction="inbound",
            status=Status.DELIVERY_PENDING,
            message_id=f"<{os.urandom(12).hex()}@mail.{domain}>",
            subject=" ".join(draw.sample(_WORDS, 5)),
            size=draw.randint(2000, 90_000),
            sender=partner,
            header_from=(partner,),
            recipients=(own,),
            rule=draw.choice(RULES),
            threshold=4.0,
            scl=draw.random() * 4,
            gateway="gateway.example",
            connector="192.0.2.25:25",
            client=f"192.0.2.{draw.randint(1, 250)}",
            helo=f"mail.{domain}",
            tls_protocol="TLSv1.3",
            tls_cipher="TLS_AES_256_GCM_SHA384",
            milliseconds=draw.random() * 30,
            configuration_version=12,
            filters=tuple(
                FilterEntry(name, draw.random(), draw.random(), 1, draw.random(), f"{said} {domain}", "", details)
                for name, said, details in (
                    ("realtime_blocklists", "on 1 of 3 realtime blocklists:", ("zen.example 127.0.0.4",)),
                    ("reputation", "no sign of a doubtful sender", ()),
                    ("words", "word groups:", ("gambling 2.0: lottery × 1",)),
                    ("character_sets", "", ()),
                )
            ),
            operations=(
                OperationEntry(
                    "DmarcValidationEntry",
                    _json(
                        result="pass",
                        author_domain=domain,
                        policy="reject",
                        policy_domain=domain,
                        spf_aligned=True,
                        dkim_aligned=True,
                        spf={"result": "pass", "domain": domain, "reason": f"ip4:192.0.2.0/24 of {domain}"},
                        helo_spf={"result": "none", "domain": f"mail.{domain}"},
                    ),
                ),
                OperationEntry(
                    "DkimSignatureEntry", _json(result="pass", domain=domain, selector="s1", algorithm="rsa-sha256", key_bits=2048)
                ),
            ),
            attachments=(
                AttachmentEntry(f"{draw.choice(_WORDS)}-{draw.randint(1, 99999)}.pdf", "application/pdf", draw.randint(10_000, 900_000)),
            ),
        )
        attempt = Attempt(
            draw.random() * 1e9,
            (0,),
            "delivered",
            f"250 2.0.0 Ok: queued as {os.urandom(5).hex().upper()}",
            "mx.example.com:25",
            "TLSv1.3",
            "smart host",
        )
        return pack(compose(encode_head(head), [encode_outcome(TrackOutcome(head.track, 0, (attempt,)))]))


def _zipf(count: int) -> list[float]:
    weights = list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))
    return [weight / weights[-1] for weight in weights]


def _json(**data: object) -> bytes:
    return msgspec.json.encode(data)
