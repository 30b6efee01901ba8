# SPDX-License-Identifier: Apache-2.0
"""The filter `character_sets`: mail in scripts that nobody here reads.

It gives its points when more than a share of the letters in subject and bodies belong to scripts that are not
allowed. A text of more than 4,096 characters is judged by that many of them, taken at equal distances.
"""

import difflib
import math
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from gatepost.config.rules import CharacterSets as Settings
from gatepost.contracts.filter import NO_CONTENT, Finding, Stage
from gatepost.contracts.judged import Direction, Judged
from gatepost.contracts.sentence import Sentence
from gatepost.errors import ConfigError
from gatepost.message.readable_text import readable_text
from gatepost.message.scripts import SCRIPTS, script_of

_SAMPLE = 4096
_CHARACTERS_REMEMBERED = 4096
_SCRIPTS_SHOWN = 3

_SHARE = Sentence("character_sets", "{script}: {share:.0%} of the letters")
_TOO_MANY = Sentence("character_sets", "{share:.0%} of the letters are {scripts}, more than {limit:.0%}")


class CharacterSets:
    """The filter with its settings; made once for a configuration."""

    name = "character_sets"
    stage: Stage = "content"
    directions: tuple[Direction, ...] = ("inbound",)
    lowest_points = 0.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._allowed = frozenset(settings.allowed)
        self._latin_allowed = "Latin" in self._allowed

    async def judge(self, mail: Judged) -> Finding:
        """Weigh the scripts of a mail's letters."""
        if mail.message is None:
            return Finding(self.name, failed=NO_CONTENT.text)
        readable = readable_text(mail.message)
        if self._latin_allowed and readable.is_ascii:
            return Finding(self.name)
        letters = _letters(f"{readable.subject}\n{readable.body}")
        foreign = {script: count for script, count in letters.most_common() if script not in self._allowed}
        share = sum(foreign.values()) / max(sum(letters.values()), 1)
        if not foreign or share <= self._settings.share:
            return Finding(self.name)
        total = sum(letters.values())
        shown = tuple(_SHARE.say(script=script, share=count / total) for script, count in list(foreign.items())[:_SCRIPTS_SHOWN])
        said = _TOO_MANY.say(share=share, scripts=", ".join(list(foreign)[:_SCRIPTS_SHOWN]), limit=self._settings.share)
        return Finding(self.name, self._settings.points, said, shown)


def character_set_faults(settings: Settings, source: str) -> Iterator[ConfigError]:
    """Yield what is wrong with the settings, in the file's order."""
    where = f"{source}: filters.character_sets"
    for index, script in enumerate(settings.allowed):
        if script not in SCRIPTS:
            near = difflib.get_close_matches(script.capitalize(), SCRIPTS, n=1)
            mend = f"write {near[0]}" if near else f"write one of {', '.join(sorted(SCRIPTS))}"
            yield ConfigError(f"{where}.allowed[{index}]", f"{script!r} is no script known here", mend)
    if not settings.allowed:
        yield ConfigError(f"{where}.allowed", "is empty, so every letter is foreign", 'write scripts, as ["Latin", "Common"]')
    for key, value in (("share", settings.share), ("points", settings.points)):
        if not math.isfinite(value):
            yield ConfigError(f"{where}.{key}", f"{value} is no number", "write a finite number")


def _letters(text: str) -> Counter[str]:
    """Count a text's letters by their script."""
    counts: Counter[str] = Counter()
    for character, count in Counter(text[:: -(-len(text) // _SAMPLE) or 1]).items():
        script = _script(character)
        if script:
            counts[script] += count
    return counts


@lru_cache(maxsize=_CHARACTERS_REMEMBERED)
def _script(character: str) -> str:
    return script_of(character) if character.isalpha() else ""
