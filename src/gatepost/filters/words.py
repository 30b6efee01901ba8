# SPDX-License-Identifier: Apache-2.0
"""The filter `words`: words of the administrator's groups in the subject and in the readable text of the bodies.

A group that looks for matches gives its points for each appearance; one that looks for non-matches gives them
once when none of its words appears. Points may be negative and speak for a mail. Read: at most 1 MiB of text.
"""

from collections import Counter
from collections.abc import Sequence

from gatepost.config.rules import WordGroup
from gatepost.contracts.filter import Finding, Stage
from gatepost.contracts.judged import Direction, Judged
from gatepost.filters.word_patterns import MOST_APPEARANCES, WordPattern, any_of, fold
from gatepost.message.readable_text import Readable, readable_text

_WORDS_SHOWN = 10
_LONGEST_SHOWN = 60


class Words:
    """The filter with its groups; made once for a configuration. Raises `re2.error` for groups that `word_group_faults` refuses."""

    name = "words"
    stage: Stage = "content"
    directions: tuple[Direction, ...] = ("inbound", "outbound")

    def __init__(self, groups: Sequence[WordGroup]) -> None:
        self._groups = [(group, WordPattern(group)) for group in groups]
        # Most mails hold none of the words: one pass over all groups at once tells it.
        of_match = [(group, pattern) for group, pattern in self._groups if group.match == "match" and group.area != "subject"]
        self._any = {folded: any_of([pattern for _, pattern in of_match if pattern.folded == folded]) for folded in (True, False)}
        self._kinds = {pattern.folded for _, pattern in self._groups}

    async def judge(self, mail: Judged) -> Finding:
        """Count the words of every group."""
        if mail.message is None:
            return Finding(self.name, failed="the content is not here yet")
        if not self._groups:
            return Finding(self.name)
        readable = readable_text(mail.message)
        texts = _Texts(readable, self._kinds)
        hopeless = {kind for kind in self._kinds if (joint := self._any[kind]) is not None and joint.search(texts.body[kind]) is None}
        points, details, groups_hit = 0.0, [], []
        for group, pattern in self._groups:
            scored, detail = _score(group, pattern, texts, pattern.folded in hopeless)
            if detail:
                points += scored
                details.append(detail)
                groups_hit.append(group.name)
        cut = "; the text beyond 1 MiB was not read" if readable.cut else ""
        said = f"words of {', '.join(groups_hit)}" if groups_hit else "no words of any group"
        return Finding(self.name, round(points, 6), said + cut, tuple(details))


class _Texts:
    """The subject and the body, each in the forms that the groups need."""

    __slots__ = ("body", "subject")

    def __init__(self, readable: Readable, kinds: set[bool]) -> None:
        self.subject = {kind: _form(readable.subject, kind) for kind in kinds}
        self.body = {kind: _form(readable.body, kind) for kind in kinds}


def _form(text: str, folded: bool) -> bytes:
    return fold(text) if folded else text.encode("utf-8", "replace")


def _score(group: WordGroup, pattern: WordPattern, texts: _Texts, hopeless: bool) -> tuple[float, str]:
    """Give a group's points, and the line that explains them, '' when it gives none."""
    searched = []
    if group.area != "body":
        searched.append(texts.subject[pattern.folded])
    if group.area != "subject" and not (hopeless and group.match == "match"):
        searched.append(texts.body[pattern.folded])
    if group.match == "non_match":
        if any(pattern.appears(text) for text in searched):
            return 0.0, ""
        return group.points, f"{group.name}: none of its words appears: {group.points:g}"
    found = [word for text in searched for word in pattern.appearances(text)][:MOST_APPEARANCES]
    if not found:
        return 0.0, ""
    points = round(len(found) * group.points, 6)
    return points, f"{group.name}: {_shown(found)}: {len(found)} x {group.points:g} = {points:g}"


def _shown(found: list[bytes]) -> str:
    counts = Counter(" ".join(word.decode("utf-8", "replace").split())[:_LONGEST_SHOWN] for word in found)
    shown = ", ".join(f"{word} ({count})" if count > 1 else word for word, count in counts.most_common(_WORDS_SHOWN))
    return shown if len(counts) <= _WORDS_SHOWN else f"{shown} and {len(counts) - _WORDS_SHOWN} more"
