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
from measure.engines import Engine, engine
from measure.tracked import Tracked


class Rival(NamedTuple):
    """A running gateway: where it listens and the processes above all its processes."""

    name: str
    port: int
    roots: tuple[int, ...]
    beside: tuple[int, ...]
    """The other gateways' roots: idle meanwhile, and none of the disturbers."""
    host: str = LOOPBACK
    tracked: Tracked | None = None
    """Where each mail leaves a track, which counts as work to be done."""


Rivals = tuple[Rival, ...]
"""In the order of their turns; the first is the yardstick."""


@contextmanager
def rivals(folder: Path, hop: int, tls: CertificateFiles, receive: int, store: str) -> Iterator[Rivals]:
    """Run Postfix and Gatepost side by side; both offer STARTTLS with the same certificate and relay all mail to port `hop`."""
    postfix = Postfix(folder / "postfix", relay_to=hop, tls=tls)
    with postfix, engine(store, folder / "postgres") as kept:
        # As shipped: what is set here is only where to listen, where mail goes and where it is kept.
        gatepost = Gateway(folder / "gatepost", relay_all_to(hop), tls=tls, receive=receive, stores=kept.stores)
        with gatepost:
            theirs = (postfix.master_pid,)
            ours = tracked_rival("gatepost", gatepost, kept, theirs)
            yield Rival("postfix", postfix.port, theirs, ours.roots), ours


def tracked_rival(name: str, gateway: Gateway, kept: Engine, beside: tuple[int, ...], host: str = LOOPBACK) -> Rival:
    """Give a running Gatepost as a rival: its engine's processes are its own, and its tracks are part of its work."""
    gateway.wait_for_console()
    return Rival(name, gateway.port, (gateway.supervisor_pid, *kept.roots), beside, host, Tracked(gateway))
