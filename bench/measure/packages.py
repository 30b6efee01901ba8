# SPDX-License-Identifier: Apache-2.0
"""What a benchmark needs of Debian and lacks: installed where we may, and never started as a service of this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from measure.place import tell

_POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked by every package before it starts a service; 101 is no."""
_LONGEST_S = 900.0


def provide(programs: Mapping[str, str]) -> str:
    """Install the packages of the programs that are missing (`{program: package}`); says what is lacking, '' when nothing is."""
    missing = sorted({package for program, package in programs.items() if not found(program)})
    if not missing:
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"these packages are missing: {' '.join(missing)}; install them as root (apt-get install {' '.join(missing)})"
    tell(f"installing {' '.join(missing)}")
    forbids_services = not _POLICY.exists()
    if forbids_services:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            if trouble := _apt_get(command):
                return trouble
    finally:
        if forbids_services:
            _POLICY.unlink()
    return next((f"{package} has brought no {program}" for program, package in programs.items() if not found(program)), "")


def found(program: str) -> str | None:
    """Give a program's path, those of administrators included; None when it is missing."""
    return shutil.which(program, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/sbin")


def _apt_get(command: list[str]) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            ["apt-get", "-q", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LONGEST_S,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return f"apt-get {command[0]} was not through after {_LONGEST_S:g} s"
    if done.returncode:
        sys.stderr.write(done.stdout[-2000:])
        return f"apt-get {command[0]} ended with {done.returncode}"
    return ""
