# SPDX-License-Identifier: Apache-2.0
"""A small network of its own for a benchmark: generator, gateway, next hop and name server, none of them on loopback.

    generator 203.0.113.1-200 ---- .254 gateway 198.51.100.1 ---- .2 sink
                                               198.51.100.5 ---- .6 names

Judges of mail treat clients on loopback and in private networks as friends, so the clients have RFC 5737's addresses
and stand in a network namespace each. Nothing in here has a way to the outside.

Nothing can stay behind: all runs in namespaces of processes, mounts and networks that the kernel takes away, with all
that is in them, when their first process ends, and that process dies with the one that started it.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from gatepost.testing.processes import all_processes, tree
from measure.packages import found
from measure.senders import DOMAINS, NETWORK

GENERATOR, SINK, NAMES = "generator", "sink", "names"
GATEWAY_ADDRESS = str(NETWORK + 254)
SINK_ADDRESS = "198.51.100.2"
NAMES_ADDRESS = "198.51.100.6"
PROGRAMS = {"ip": "iproute2", "unshare": "util-linux", "mount": "mount"}

_NETNS = Path("/run/netns")
_MACHINE = _NETNS / ".machine"
"""Where the whole machine's processes are seen from inside."""
_KERNEL_THREADS = 2
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def run_isolated(module: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    """Run a module as the first process of namespaces of its own, and wait; gives what it wrote to standard output."""
    command = [found("unshare") or "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--", sys.executable, "-m", module]
    return subprocess.run(
        [*command, *arguments], stdout=subprocess.PIPE, check=False, cwd=Path(__file__).parents[1], preexec_fn=_die_together
    )


def _die_together() -> None:
    # `unshare` holds all the rest; it must not survive us, whatever ends us.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def build(resolv_conf: Path) -> None:
    """Put the network together, from within `run_isolated`; names are resolved as `resolv_conf` says."""
    if os.getpid() != 1:
        raise OSError("this is not the first process of a namespace; nothing was changed")
    os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"
    # Before our own /proc comes: of the machine's processes the disturbing ones must be known.
    _NETNS.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "tmpfs", str(_NETNS))
    _MACHINE.mkdir()
    _run("mount", "--bind", "/proc", str(_MACHINE))
    _run("mount", "-t", "proc", "proc", "/proc")
    resolv_conf.write_text(f"nameserver {NAMES_ADDRESS}\n")
    _run("mount", "--bind", str(resolv_conf), str(Path("/etc/resolv.conf").resolve()))
    _run("ip", "link", "set", "lo", "up")
    for name, ours, theirs in (
        (GENERATOR, f"{GATEWAY_ADDRESS}/24", [f"{NETWORK + number}/24" for number in range(1, DOMAINS + 1)]),
        (SINK, "198.51.100.1/30", [f"{SINK_ADDRESS}/30"]),
        (NAMES, "198.51.100.5/30", [f"{NAMES_ADDRESS}/30"]),
    ):
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "gateway", "netns", name)
        _run("ip", "address", "add", ours, "dev", name)
        _run("ip", "link", "set", name, "up")
        lines = [f"address add {address} dev gateway" for address in theirs]
        _run("ip", "-n", name, "-batch", "-", said="\n".join(["link set lo up", "link set gateway up", *lines]))


def inside(namespace: str) -> list[str]:
    """Give the command that runs another command within one of the other hosts."""
    return ["ip", "netns", "exec", namespace]


def listening_socket(namespace: str, address: str, port: int) -> socket.socket:
    """Give a socket that listens on an address of another host."""
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            # A thread may stand in another network than its process; a socket stays where it was made.
            with (_NETNS / namespace).open() as handle:
                if _LIBC.setns(handle.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"the network {namespace} cannot be entered")
            made.append(socket.create_server((address, port), backlog=4096))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def foreign_s() -> float:
    """Give the CPU seconds that processes of the machine have used which are none of ours and no kernel threads."""
    processes = all_processes(_MACHINE)
    known = set(tree([_KERNEL_THREADS, int(os.readlink(_MACHINE / "self"))], processes))
    return sum(one.cpu_s for pid, one in processes.items() if pid not in known)


def _run(*command: str, said: str = "") -> None:
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
