# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per noun, and this border, at which every failure becomes a sentence.

Exit codes: 0 done; 1 a negative answer (refused, not valid, nothing found); 2 wrong use; 3 could not, and a sentence on standard
error says why. As sysexits has them, so that no answer is taken for one: 70 a defect of Gatepost, 74 an answer that could not be
written. Commands are imported when they are called.
"""

import io
import os
import sys
from collections.abc import Sequence

from gatepost import __version__
from gatepost.errors import GatepostError

DONE, NEGATIVE, WRONG_USE, COULD_NOT = 0, 1, 2, 3
DEFECT = 70
"""EX_SOFTWARE of sysexits: a program that stops on a defect has found nothing out."""
INTERRUPTED = 130
"""As a shell tells of SIGINT: 128 + 2."""


def main(tokens: Sequence[str] | None = None) -> int:
    """Carry out one command line and give its exit code."""
    words = list(sys.argv[1:] if tokens is None else tokens)
    if words == ["--version"]:
        print(f"gatepost {__version__}")
        return DONE
    _take_any_letter()
    try:
        from gatepost.cli.app import carry_out

        return _finish(carry_out(words))
    except GatepostError as failure:
        return _say(str(failure), failure.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away; what Python would still flush has nowhere to go.
        from gatepost.cli.output import forget_output

        forget_output()
        return DONE
    except SystemExit:
        raise
    except BaseException as defect:  # a panic in a library that is not Python is no Exception
        return _say(_whereabouts(defect), DEFECT)


def _take_any_letter() -> None:
    """Let a terminal that has no letter for something show it by its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _finish(code: int) -> int:
    from gatepost.cli.output import standard_output

    with standard_output():
        return code


def _say(sentence: str, code: int) -> int:
    print("gatepost: " + " ".join(sentence.split()), file=sys.stderr)
    return code


def _whereabouts(defect: BaseException) -> str:
    trace = defect.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "an unknown place"
    return f"a defect of Gatepost stopped this command ({type(defect).__name__} at {where}: {defect})"
