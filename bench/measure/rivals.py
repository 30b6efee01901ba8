# SPDX-License-Identifier: Apache-2.0
"""The two gateways that are compared, each with its port and its processes, both relaying to the same next hop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.postfix import Postfix
from gatepost.testing.tls import CertificateFiles


class Rival(NamedTuple):
    """A running gateway: where it listens and the process above all its processes."""

    name: str
    port: int
    root: int
    beside: int
    """The other gateway's root: idle meanwhile, and none of the disturbers."""


@contextmanager
def rivals(folder: Path, hop: int, tls: CertificateFiles, receive: int) -> Iterator[tuple[Rival, Rival]]:
    """Run Postfix and Gatepost side by side; both offer STARTTLS with the same certificate and relay all mail to port `hop`."""
    postfix = Postfix(folder / "postfix", relay_to=hop, tls=tls)
    # As shipped: what is set here is only where to listen and where mail goes.
    gatepost = Gateway(folder / "gatepost", relay_all_to(hop), tls=tls, receive=receive)
    with postfix, gatepost:
        roots = postfix.master_pid, gatepost.supervisor_pid
        yield Rival("postfix", postfix.port, *roots), Rival("gatepost", gatepost.port, *reversed(roots))
