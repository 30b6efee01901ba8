# SPDX-License-Identifier: Apache-2.0
"""What `receive` was told of recipients, until it is told that people changed.

Answers and announcements come over one connection, in the order in which the other process made them. So what was answered before a
change is forgotten with its announcement, and what is answered after it rests on the change. Where there is no connection nothing is
announced: whether there are users at all is then not known, and is asked.
"""

from gatepost.delivery.handover.frames import Question
from gatepost.delivery.verification.contract import Existence, Judgement
from gatepost.delivery.verification.memory import Memory
from gatepost.message.addresses import Address


class Recalled:
    """The answers of one process: those of lists alone apart from the others, for a configuration may change which is wanted."""

    __slots__ = ("_is_current", "_mark", "asked", "listed")

    def __init__(self) -> None:
        self.asked, self.listed = Memory(), Memory()
        self._mark, self._is_current = 0, False

    @property
    def has_no_users(self) -> bool:
        """Whether it is known that there is not one user."""
        return self._is_current and not self._mark

    def announced(self, mark: int) -> None:
        """Forget what was told before this change of people; each connection begins by repeating the last one."""
        if mark != self._mark:
            self.asked.forget()
            self.listed.forget()
        self._mark, self._is_current = mark, True

    def disconnected(self) -> None:
        """Expect that people change unheard."""
        self._is_current = False

    def remember(self, question: Question, judgement: Judgement) -> None:
        """Keep an answer."""
        memory = self.listed if question.only_listed else self.asked
        memory.remember(question.tenant_id, question.address, judgement)

    def listed_as(self, tenant_id: int, address: Address) -> Existence | None:
        """Give what lists say of a recipient; None when it has to be asked for."""
        if self.has_no_users:
            return "unknown"
        judgement = self.listed.recall(tenant_id, address)
        return judgement.existence if judgement is not None else None
