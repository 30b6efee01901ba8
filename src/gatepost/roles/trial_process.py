# SPDX-License-Identifier: Apache-2.0
"""A process that judges one mail for the console, and ends.

DESCRIPTION
    Reads a trial from standard input, judges its mail as `gatepost check` does, writes the answer to standard output.
SECURITY
    Eats a hostile mail. Opens no store, holds no key, sends nothing; memory, time and files are limited. It asks the DNS as the
    configuration says.
DIAGNOSTICS
    None of its own; whoever started it tells why there is no answer.
BUGS
    None known.
"""

import asyncio
import resource
import sys

import msgspec

from gatepost.config.loader import read_configuration_text
from gatepost.errors import GatepostError
from gatepost.roles.judge_file import FileVerdict, Question, judge_file

_MEMORY_BYTES = 1 << 30
_CPU_S = 25
_FILE_BYTES = 1 << 26


class Trial(msgspec.Struct, array_like=True, frozen=True):
    """What the process is given: a mail in wire form, its envelope, and the configuration as its canonical text."""

    question: Question
    document: str
    hostname: str
    raw: bytes


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What it gives: a verdict, or a sentence that says why there is none."""

    verdict: FileVerdict | None
    trouble: str = ""


def main() -> None:
    """Answer one trial."""
    for kind, limit in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    trial = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Trial)
    try:
        configuration = read_configuration_text(trial.document, "the configuration")
        answer = Answer(asyncio.run(judge_file(trial.raw, trial.question, configuration, trial.hostname)))
    except GatepostError as fault:
        answer = Answer(None, str(fault))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    main()
