# SPDX-License-Identifier: Apache-2.0
"""The gateways that are compared, each with its port and its processes, all relaying to the same next hop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.postfix import Postfix
from gatepost.testing.tls import CertificateFiles


class Rival(NamedTuple):
    """A running gateway: where it listens and the processes above all its processes."""

    name: str
    port: int
    roots: tuple[int, ...]
    beside: tuple[int, ...]
    """The other gateways' roots: idle meanwhile, and none of the disturbers."""
    host: str = LOOPBACK


Rivals = tuple[Rival, ...]
"""In the order of their turns; the first is the yardstick."""


@contextmanager
def rivals(folder: Path, hop: int, tls: CertificateFiles, receive: int) -> Iterator[Rivals]:
    """Run Postfix and Gatepost side by side; both offer STARTTLS with the same certificate and relay all mail to port `hop`."""
    postfix = Postfix(folder / "postfix", relay_to=hop, tls=tls)
    # As shipped: what is set here is only where to listen and where mail goes.
    gatepost = Gateway(folder / "gatepost", relay_all_to(hop), tls=tls, receive=receive)
    with postfix, gatepost:
        ours, theirs = (postfix.master_pid,), (gatepost.supervisor_pid,)
        yield Rival("postfix", postfix.port, ours, theirs), Rival("gatepost", gatepost.port, theirs, ours)
