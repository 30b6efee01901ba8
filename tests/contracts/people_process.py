# SPDX-License-Identifier: Apache-2.0
"""A process that adds, changes and removes users until it is killed; each change that was acknowledged is a line on stdout.

python people_process.py FOLDER URL SEED
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from contracts.people_house import ANN, House, form
from gatepost.people.answers import Removed, Saved
from gatepost.people.record import User
from gatepost.storage.opening import open_store


async def work(house: House, name: str, dice: random.Random) -> None:
    """Change people for ever."""
    users = house.people.users
    mine: list[User] = []
    number = 0
    while True:
        number += 1
        if len(mine) < 4 or dice.random() < 0.5:
            answer = await users.save(ANN, form(f"{name}{number}@a.example", f"-{name}{number}@b.example"))
            assert isinstance(answer, Saved)
            mine.append(answer.row)
        elif dice.random() < 0.5:
            one = mine.pop()
            assert isinstance(await users.remove(ANN, one.id, one.revision), Removed)
        else:
            one = mine.pop()
            answer = await users.save(ANN, form(f"{name}{number}@b.example", enabled=dice.random() < 0.5), one.id, one.revision)
            assert isinstance(answer, Saved)
            mine.append(answer.row)
        os.write(1, b"changed\n")


async def main() -> None:
    """Open the store and change people from several sides."""
    folder, url, seed = sys.argv[1:4]
    house = House(open_store(url, "intranet", Path(folder)))
    await asyncio.gather(*(work(house, f"s{seed}x{number}n", random.Random(f"{seed}{number}")) for number in range(4)))


if __name__ == "__main__":
    asyncio.run(main())
