# SPDX-License-Identifier: Apache-2.0
"""A million commands in random order and segments against the model of a session: not one answer may differ.

    .venv/bin/python bench/smtp_state.py [--steps 1000000] [--seed N] [--quick] [--json]

DESCRIPTION. The same model as `tests/unit/smtp/test_session_model.py`, driven without a shrinking search and so a
hundred times faster. The seed is printed; a difference ends the run with exit code 1 and shows the bytes that led to
it. `--quick` takes about ten seconds.
"""

import argparse
import json
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from unit.smtp.session_model import CONTENT, DEADLY, PLAIN, Pair

_MAIL = ["ok"] * 8 + ["refused", "away", "malformed", "path", "utf8", "size"]
_RCPT = ["ok"] * 6 + ["refused", "malformed", "nobody"]
_CONTENT = [*(["plain"] * 6), *CONTENT]


def command(pair: Pair, chance: random.Random) -> bytes:
    """Say one thing, more often the one that leads on."""
    model = pair.model
    if not model.greeted and chance.random() < 0.7:
        return model.hello(b"EHLO")
    match chance.randrange(20):
        case 0:
            return model.hello(chance.choice((b"EHLO", b"HELO")))
        case 1 | 2 | 3 | 4 | 5:
            return model.mail(chance.choice(_MAIL))
        case 6 | 7 | 8 | 9 | 10:
            return model.rcpt(chance.choice(_RCPT))
        case 11 | 12 | 13:
            return model.data(chance.choice(_CONTENT), chance.randrange(4))
        case 14 | 15 | 16:
            return model.bdat(chance.choice(_CONTENT), chance.randrange(12), last=chance.random() < 0.5)
        case 17:
            return model.plain(chance.choice(list(PLAIN)))
        case 18:
            return chance.choice((model.rset, model.starttls))()
        case _:
            return model.deadly(chance.choice(list(DEADLY))) if chance.random() < 0.2 else model.rset()


def run(steps: int, seed: int) -> Pair:
    """Say that many commands, a few at a time, cut anywhere."""
    chance = random.Random(seed)
    pair = Pair()
    while pair.steps < steps:
        pair.model.house_away = chance.random() < 0.05
        for _ in range(chance.randrange(1, 9)):
            pair.add(command(pair, chance))
            if pair.must_flush:
                break
        pair.flush([chance.randrange(4000) for _ in range(chance.choice((0, 1, 3, 20)))], b"MAIL FROM:<s0@example.net>\r\n")
    return pair


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1_000_000, help="commands to say")
    parser.add_argument("--seed", type=int, default=None, help="what makes the run the same again")
    parser.add_argument("--quick", action="store_true", help="half a million commands")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    steps = min(options.steps, 500_000) if options.quick else options.steps
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    began, connections, differences = time.perf_counter(), 0, 0
    try:
        connections = run(steps, seed).connections
    except AssertionError:
        differences = 1
        traceback.print_exc()
    row = {
        "steps": steps,
        "seed": seed,
        "sessions": connections,
        "differences": differences,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print("  ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr)
    if options.json:
        print(json.dumps({"benchmark": "smtp_state", "rows": [row]}))
    return differences


if __name__ == "__main__":
    sys.exit(main())
