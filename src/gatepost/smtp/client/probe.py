# SPDX-License-Identifier: Apache-2.0
"""A question in place of a mail: MAIL FROM:<> and one RCPT, whose reply is the answer. DATA is never said.

The transaction is left open; what follows on the connection begins with RSET, or is QUIT. Only a reply to RCPT
judges the recipient, and only one that speaks of him: whatever else is refused is temporary here.
"""

from gatepost.message.addresses import Address
from gatepost.smtp.client.capabilities import Capabilities
from gatepost.smtp.client.outgoing import rcpt_command
from gatepost.smtp.client.terms import Action, Outcome, Phase, Signal, Verdict, local_failure, verdict_of
from gatepost.smtp.envelope import Recipient
from gatepost.smtp.replies import Reply

_UTF8 = local_failure("5.6.7", "The address needs SMTPUTF8, which the next hop does not offer")
_INJECTION = local_failure("5.5.4", "The address holds a line end")
_MISPLACED = local_failure("4.5.0", "The next hop asked for content that was not announced")

_OF_THE_DIALOGUE = frozenset({500, 502, 503, 504, 530, 552, 555})
"""Replies to RCPT that speak of the command, of authentication or of a full mailbox, not of who exists (RFC 5321 §4.3.2, RFC 4954 §6)."""


class Probe:
    """The part of a dialogue that asks for one recipient; `outcome` is its end, with one verdict."""

    __slots__ = ("_at", "_begun", "_commands", "_pipelined", "_refused", "_unsendable", "clean", "outcome", "phase")

    def __init__(self, address: Address, offered: Capabilities, *, reset: bool) -> None:
        mail = "MAIL FROM:<>\r\n" if address.is_ascii else "MAIL FROM:<> SMTPUTF8\r\n"
        rcpt = rcpt_command(Recipient(address), offered)
        self._commands = ["RSET\r\n", mail, rcpt] if reset else [mail, rcpt]
        self._unsendable: Verdict | None = None
        if "\r" in rcpt[:-2] or "\n" in rcpt[:-2]:
            self._unsendable = _INJECTION
        elif not address.is_ascii and not offered.smtputf8:
            self._unsendable = _UTF8
        self._pipelined = offered.pipelining
        self._at = 0
        self._begun = False
        self._refused: Verdict | None = None
        self.outcome: Outcome | None = None
        self.phase: Phase = "command"
        self.clean = not reset
        """Whether the next hop holds no transaction of ours; if not, the next one begins with RSET."""

    def begin(self) -> list[Action]:
        """Give the first commands; an address that must not be sent has its verdict at once."""
        if self._unsendable is not None:
            return self._settle(self._unsendable)
        self.clean = False
        return [("".join(self._commands) if self._pipelined else self._commands[0]).encode()]

    def reply(self, reply: Reply) -> list[Action]:
        """Take the next reply."""
        if reply.code == 421:
            return self.lost(Verdict("temporary", reply))
        if 300 <= reply.code < 400:
            return self.lost(_MISPLACED)
        self._at += 1
        left = len(self._commands) - self._at
        if left == 1:
            self._begun = True
            if not 200 <= reply.code < 300:
                self._refused = Verdict("temporary", reply)
        if left == 0:
            return self._settle(self._refused or _judged(reply))
        if self._pipelined:
            return []
        return self._settle(self._refused) if self._refused else [self._commands[self._at].encode()]

    def lost(self, verdict: Verdict) -> list[Action]:
        """Take it that the connection ended before the answer."""
        self._settle(verdict, lost=True)
        return [Signal.SETTLED, Signal.CLOSE]

    def _settle(self, verdict: Verdict, *, lost: bool = False) -> list[Action]:
        self.outcome = Outcome((verdict,), lost, self._begun)
        return [Signal.SETTLED]


def _judged(reply: Reply) -> Verdict:
    return Verdict("temporary", reply) if reply.code in _OF_THE_DIALOGUE else verdict_of(reply)
