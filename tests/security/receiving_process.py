# SPDX-License-Identifier: Apache-2.0
"""A process that only receives and writes large mails to a file, so that its memory can be measured from outside.

python receiving_process.py FOLDER plain|TLS        prints the port; ends when standard input does
"""

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvloop

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import server_context
from gatepost.testing.tls import self_signed


class FileSpool:
    """A spool without durability."""

    def __init__(self, folder: Path) -> None:
        self._file = os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR), "wb", buffering=0)

    def write(self, piece: bytes) -> None:
        self._file.write(piece)

    def finish(self) -> str:
        self._file.close()
        return "blob"

    def abort(self) -> None:
        self._file.close()


class Yes:
    """A house that takes everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def mail_from(self, *_: Any) -> replies.Reply:
        return replies.SENDER_OK

    def rcpt_to(self, *_: Any) -> replies.Reply:
        return replies.RECIPIENT_OK

    def content_begins(self, *_: Any) -> replies.Reply:
        return replies.SEND_CONTENT

    async def message(self, *_: Any) -> replies.Reply:
        return replies.queued("t")

    async def authenticate(self, *_: Any) -> replies.Reply:
        return replies.AUTH_FAILED

    def may_be_blocked(self, peer: Any) -> bool:
        return True

    def content_refused(self, *_: Any) -> None:
        return

    def spool(self) -> FileSpool:
        return FileSpool(self._folder)


async def main(folder: Path, layer: str) -> None:
    limits = ReceiveLimits()
    context = server_context(*self_signed(folder)) if layer == "TLS" else None
    tls = (lambda: context) if context is not None else None
    reception = Reception(
        name="test", terms=Terms(hostname="gate.example", limits=limits), service=Yes(folder), gate=Gate(limits), tls=tls,
        implicit_tls=tls is not None,
    )  # fmt: skip
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    listening.setblocking(False)
    await reception.open(listening)
    print(listening.getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))
