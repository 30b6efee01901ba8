# SPDX-License-Identifier: Apache-2.0
"""A receiving house without wires and stores, that shows what it tells of each mail."""

from pathlib import Path
from typing import Any

import msgspec

from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.config.rules import FilterSettings, WordGroup
from gatepost.delivery.queue.record import NewMail
from gatepost.dns.twin import Twin
from gatepost.mailflow.directory import Directory
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.message.addresses import Address
from gatepost.roles.judgement import make_judging
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Received
from gatepost.storage.blobs import FileBlobStore
from gatepost.tracking.codec import decode_head
from gatepost.tracking.record import TrackHead

GATEWAY, LISTENER, CLIENT = "gateway.example", "192.0.2.25:25", "192.0.2.1"
ZONE = """
good.example.     MX  10 mx.good.example.
good.example.     TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.good.example. TXT "v=DMARC1; p=reject"
mx.good.example.  A   192.0.2.1
1.2.0.192.in-addr.arpa. PTR mx.good.example.
"""
CONFIGURATION = Configuration(
    owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
    corporate_users=("user@example.com", "other@example.com"),
    filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=4.0),)),
)


class Store:
    """Takes every mail."""

    is_away = False

    def __init__(self) -> None:
        self.mails: list[NewMail] = []

    def commit(self, mail: NewMail) -> "Store":
        self.mails.append(mail)
        return self

    def cancel(self) -> None:
        raise AssertionError("nobody hangs up here")

    async def committed(self) -> bool:
        return True

    async def close(self) -> None:
        pass

    def recalled(self, tenant_id: int, address: Address) -> None:
        return None

    async def recipient_known(self, tenant_id: int, address: Address) -> str:
        return "unknown"

    def listed(self, tenant_id: int, address: Address) -> str:
        return "unknown"


class TrackHouse:
    """One gateway's receiving house, asked as the SMTP server asks it."""

    def __init__(self, folder: Path, configuration: Configuration = CONFIGURATION, **changes: Any) -> None:
        configuration = msgspec.structs.replace(configuration, **changes)
        identities, self.store = Identities(configuration), Store()
        blobs = FileBlobStore(folder / "blobs")
        self.told: list[tuple[int, str, bytes]] = []
        self.house = Receiving(
            configuration,
            identities=identities,
            judging=make_judging(configuration, identities, Twin(ZONE), GATEWAY),
            reporting=Reporting(configuration.delivery, identities, GATEWAY, blobs.beginning, configuration_version=7),
            hostname=GATEWAY,
            handover=self.store,  # type: ignore[arg-type]
            blobs=blobs,
            tell_refused=lambda *told: self.told.append(told),
            configuration_version=7,
        )
        self.desk = ReceptionDesk(self.house, Logins(configuration), Directory(configuration, self.store))  # type: ignore[arg-type]

    async def send(self, content: bytes, *recipients: str, sender: str = "a@good.example", client: str = CLIENT, tls: str = "") -> Reply:
        """Carry a mail through the questions of one transaction; gives the last reply."""
        peer = Peer(client, 4711, LISTENER, helo="mx.good.example", extended=True, tls=tls)
        local, _, domain = sender.rpartition("@")
        envelope = Envelope(Address(local, domain) if sender else None)
        reply = self.desk.mail_from(peer, envelope)
        for written in recipients or ("user@example.com",):
            local, _, domain = written.rpartition("@")
            recipient = Recipient(Address(local, domain))
            answer = self.desk.rcpt_to(peer, envelope, recipient)
            reply = answer if isinstance(answer, Reply) else await answer
            if reply.accepts:
                envelope.recipients.append(recipient)
        if not envelope.recipients:
            return reply
        begins = self.desk.content_begins(peer, envelope)
        reply = begins if isinstance(begins, Reply) else await begins
        if not reply.accepts:
            return reply
        return await self.desk.message(peer, envelope, Received(len(content), content, "", not content.isascii()))

    @property
    def accepted(self) -> TrackHead:
        """The head of the one mail that was committed."""
        (mail,) = self.store.mails
        return decode_head(mail.head)

    @property
    def refused(self) -> TrackHead:
        """The head of the one mail that was refused."""
        ((_, _, head),) = self.told
        return decode_head(head)
