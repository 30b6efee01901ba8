# SPDX-License-Identifier: Apache-2.0
"""`notice.submit`: the intranet, which has no SMTP of its own, gives a gateway a mail to an administrator to send."""

import time
from collections.abc import Callable

from gatepost.config.configuration import Configuration
from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.notice import Notice, Site, checked, queued
from gatepost.mailflow.track import new_track
from gatepost.replication.service import Handler, Operation

InForce = Callable[[], tuple[Configuration, int]]
"""Gives the configuration in force and its version."""


def notice_operations(
    queue: Queue, offer: Callable[[ClaimedMail], None], in_force: InForce, hostname: str
) -> dict[str, Handler | Operation]:
    """Give the operation; it answers with the mail's track once the mail is durable in the queue."""

    async def submit(sender: str, recipient: str, content: bytes, tenant_id: int = 0) -> str:
        notice = Notice(new_track(), tenant_id, time.time(), checked(sender, recipient, content))
        configuration, version = in_force()
        site = Site(hostname, version, configuration.delivery, Identities(configuration).is_owned)
        claimed = await queue.commit(queued(notice, site)).committed()
        if claimed is not None:
            offer(claimed)
        return notice.track

    return {"notice.submit": Operation(submit, command=True)}
