# SPDX-License-Identifier: Apache-2.0
"""The filter `words`: words of the administrator's groups in the subject and in the readable text of the bodies.

A group that looks for matches gives its points for each appearance; one that looks for non-matches gives them
once when none of its words appears. Points may be negative and speak for a mail. Read: at most 768 KiB of bodies.
"""

from collections import Counter
from collections.abc import Sequence

import re2  # type: ignore[import-untyped]  # google-re2 brings no stubs

from gatepost.config.rules import WordGroup
from gatepost.contracts.filter import NO_CONTENT, Finding, Stage
from gatepost.contracts.judged import Direction, Judged
from gatepost.contracts.sentence import AND_MORE, SEPARATOR, Sentence
from gatepost.filters.one_line import one_line
from gatepost.filters.word_patterns import MOST_APPEARANCES, Search, WordPattern, any_of, forms
from gatepost.message.readable_text import readable_text

_WORDS_SHOWN = 10
_LONGEST_SHOWN = 60

_NAME = "words"
_OF_GROUPS = Sentence(_NAME, "words of {groups}")
_OF_NONE = Sentence(_NAME, "no words of any group")
_CUT = Sentence(_NAME, "the text beyond 768 KiB was not read")
_ABSENT = Sentence(_NAME, "{group}: none of its words appears: {points:g}")
_FOUND = Sentence(_NAME, "{group}: {words}: {count} x {each:g} = {total:g}")


class Words:
    """The filter with its groups; made once for a configuration. Raises `re2.error` for groups that `word_group_faults` refuses."""

    name = _NAME
    stage: Stage = "content"
    directions: tuple[Direction, ...] = ("inbound", "outbound")

    def __init__(self, groups: Sequence[WordGroup]) -> None:
        self.lowest_points = -10.0 if any(group.points < 0 for group in groups) else 0.0
        self._groups = [(group, WordPattern(group)) for group in groups]
        self._searches = frozenset(pattern.search for _, pattern in self._groups)
        # Most mails hold none of the words: one pass over all groups at once tells it.
        self._any = {search: any_of(self._of_bodies(search)) for search in self._searches}
        re2.purge()  # its cache would keep the patterns of configurations that are gone

    def _of_bodies(self, search: Search) -> list[WordPattern]:
        groups = ((group, pattern) for group, pattern in self._groups if pattern.search == search)
        return [pattern for group, pattern in groups if group.match == "match" and group.area != "subject"]

    async def judge(self, mail: Judged) -> Finding:
        """Count the words of every group."""
        if mail.message is None:
            return Finding(self.name, failed=NO_CONTENT.text)
        if not self._groups:
            return Finding(self.name)
        readable = readable_text(mail.message)
        subject, body = forms(readable.subject, self._searches), forms(readable.body, self._searches)
        clear = {search for search, joint in self._any.items() if joint is not None and joint.search(body[search]) is None}
        points, details, groups_hit = 0.0, [], []
        for group, pattern in self._groups:
            searched = [subject[pattern.search]] if group.area != "body" else []
            if group.area != "subject" and (group.match == "non_match" or pattern.search not in clear):
                searched.append(body[pattern.search])
            scored, detail = _score(group, pattern, searched)
            if detail:
                points += scored
                details.append(detail)
                groups_hit.append(group.name)
        cut = SEPARATOR + _CUT.text if readable.cut else ""
        said = _OF_GROUPS.say(groups=", ".join(groups_hit)) if groups_hit else _OF_NONE.text
        return Finding(self.name, round(points, 6), one_line(said) + cut, tuple(map(one_line, details)))


def _score(group: WordGroup, pattern: WordPattern, searched: list[bytes]) -> tuple[float, str]:
    """Give a group's points, and the line that explains them, '' when it gives none."""
    if group.match == "non_match":
        if any(pattern.appears(text) for text in searched):
            return 0.0, ""
        return group.points, _ABSENT.say(group=group.name, points=group.points)
    found = [word for text in searched for word in pattern.appearances(text)][:MOST_APPEARANCES]
    if not found:
        return 0.0, ""
    points = round(len(found) * group.points, 6)
    return points, _FOUND.say(group=group.name, words=_shown(found), count=len(found), each=group.points, total=points)


def _shown(found: list[bytes]) -> str:
    counts = Counter(" ".join(word.decode("utf-8", "replace").split())[:_LONGEST_SHOWN] for word in found)
    shown = ", ".join(f"{word} ({count})" if count > 1 else word for word, count in counts.most_common(_WORDS_SHOWN))
    return shown if len(counts) <= _WORDS_SHOWN else AND_MORE.say(shown=shown, more=len(counts) - _WORDS_SHOWN)
