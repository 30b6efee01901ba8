# SPDX-License-Identifier: Apache-2.0
"""One mail's dialogue: MAIL, RCPT for each recipient, DATA, content, and a verdict for each recipient.

With PIPELINING all commands up to DATA are one write (RFC 2920 §3.1), else each waits for its reply.
A next hop that takes DATA although it refused everybody gets a lone dot. The mail is handed over only
by the reply to the final dot; whatever ends the dialogue before it is temporary for all recipients
that were not refused by then.
"""

from gatepost.smtp.client.capabilities import Capabilities
from gatepost.smtp.client.outgoing import Outgoing, mail_command, needs_smtputf8, rcpt_command, sender_is_ascii
from gatepost.smtp.client.stuffing import END, BareLineEnd, Stuffer, stuffed
from gatepost.smtp.client.terms import Action, Outcome, Phase, Signal, Verdict, local_failure, verdict_of
from gatepost.smtp.replies import Reply

_BARE = local_failure("5.6.11", "The mail holds a bare <CR> or <LF> and cannot be sent")
_UTF8 = local_failure("5.6.7", "An address needs SMTPUTF8, which the next hop does not offer")
_INJECTION = local_failure("5.5.4", "An address or parameter of the envelope holds a line end")
_EARLY = local_failure("4.5.0", "The next hop answered before the content was sent")
_MISPLACED = local_failure("4.5.0", "The next hop asked for content that was not announced")


class Transaction:
    """The part of a dialogue that hands one mail over; `outcome` is its end."""

    __slots__ = (
        "_accepted",
        "_asked",
        "_at",
        "_begun",
        "_commands",
        "_content",
        "_data_at",
        "_mail",
        "_mail_at",
        "_pipelined",
        "_refused",
        "_stuffer",
        "_verdicts",
        "clean",
        "outcome",
        "phase",
    )

    def __init__(self, mail: Outgoing, offered: Capabilities, *, reset: bool) -> None:
        self._mail = mail
        self._verdicts: list[Verdict | None] = [None] * len(mail.recipients)
        self._stuffer = Stuffer()
        self._content = b""
        self._accepted = 0
        self._at = 0
        self._begun = False
        self._refused = False
        self._pipelined = offered.pipelining
        self.outcome: Outcome | None = None
        self.phase: Phase = "command"
        self.clean = not reset
        """Whether the next hop holds no transaction of ours; if not, the next one begins with RSET."""
        self._asked = self._sendable(offered)
        self._mail_at = 1 if reset else 0
        self._data_at = self._mail_at + len(self._asked) + 1
        commands = ["RSET\r\n"] if reset else []
        commands.append(mail_command(mail, offered))
        commands.extend([rcpt_command(mail.recipients[number], offered) for number in self._asked])
        commands.append("DATA\r\n")
        self._commands = commands

    def _sendable(self, offered: Capabilities) -> list[int]:
        """Number the recipients that this next hop can be asked for (RFC 6531 §3.2)."""
        mail = self._mail
        everyone = list(range(len(mail.recipients)))
        if offered.smtputf8 or not needs_smtputf8(mail):
            return everyone
        asked = [number for number in everyone if mail.recipients[number].address.is_ascii] if sender_is_ascii(mail) else []
        for number in set(everyone).difference(asked):
            self._verdicts[number] = _UTF8
        return asked

    def begin(self) -> list[Action]:
        """Give the first commands; content and envelope that must not be sent are refused before them."""
        if not self._asked:
            return self._settle()
        wire = "".join(self._commands).encode()
        if not wire.count(b"\r") == wire.count(b"\n") == len(self._commands):
            return self._settle(_INJECTION)
        if not self._mail.streamed:
            try:
                self._content = stuffed(self._mail.trace + self._mail.inline)
            except BareLineEnd:
                return self._settle(_BARE)
        self.clean = False
        return [wire if self._pipelined else self._commands[0].encode()]

    def reply(self, reply: Reply) -> list[Action]:
        """Take the next reply."""
        if reply.code == 421:
            return self.lost(Verdict("temporary", reply))
        at = self._at
        self._at = at + 1
        if 300 <= reply.code < 400 and at != self._data_at:
            return self.lost(_MISPLACED)
        if at > self._data_at:
            return self._end_answered(reply)
        if at == self._data_at:
            return self._data_answered(reply)
        if at > self._mail_at:
            self._rcpt_answered(self._asked[at - self._mail_at - 1], reply)
        elif at == self._mail_at:
            self._mail_answered(reply)
        return self._next()

    def lost(self, verdict: Verdict) -> list[Action]:
        """Take it that the connection ended before the dialogue did."""
        self._settle(verdict, lost=True)
        return [Signal.SETTLED, Signal.CLOSE]

    def content(self, piece: bytes) -> list[Action]:
        """Give the wire form of the next piece of streamed content, without the trace."""
        try:
            return [self._stuffer.piece(piece)]
        except BareLineEnd:
            return self.lost(_BARE)

    def content_end(self) -> list[Action]:
        """Give the end of streamed content; from now on the next hop may take the mail."""
        try:
            end = self._stuffer.end()
        except BareLineEnd:
            return self.lost(_BARE)
        self.phase = "data_end"
        return [end]

    def _mail_answered(self, reply: Reply) -> None:
        self._begun = True
        if not 200 <= reply.code < 300:
            self._refused = True
            self._fill(verdict_of(reply))

    def _rcpt_answered(self, number: int, reply: Reply) -> None:
        if self._refused:
            return  # its reply only says that MAIL was refused
        if 200 <= reply.code < 300:
            self._accepted += 1
        elif reply.code == 552:  # an old way to say 452, too many recipients (RFC 5321 §4.5.3.1.10)
            self._verdicts[number] = Verdict("temporary", reply)
        else:
            self._verdicts[number] = verdict_of(reply)

    def _next(self) -> list[Action]:
        at = self._at
        if at == self._data_at:
            self.phase = "data_start"
        if self._pipelined:
            return []
        if self._refused or (at == self._data_at and not self._accepted):
            return self._settle()
        return [self._commands[at].encode()]

    def _data_answered(self, reply: Reply) -> list[Action]:
        if reply.code != 354:
            return self._settle(Verdict("permanent" if reply.code >= 500 else "temporary", reply))
        self.phase = "data_end"
        if not self._accepted:
            return [END]
        if not self._mail.streamed:
            return [self._content]
        self.phase = "data_block"
        trace = self.content(self._mail.trace)
        return trace if self.outcome is not None else [*trace, Signal.CONTENT]

    def _end_answered(self, reply: Reply) -> list[Action]:
        if self.phase == "data_block":
            return self.lost(verdict_of(reply) if reply.code >= 400 else _EARLY)
        self.clean = True
        return self._settle(verdict_of(reply))

    def _fill(self, verdict: Verdict) -> None:
        self._verdicts = [verdict if earlier is None else earlier for earlier in self._verdicts]

    def _settle(self, verdict: Verdict | None = None, *, lost: bool = False) -> list[Action]:
        """Give `verdict` to all recipients that have none yet."""
        if verdict is not None:
            self._fill(verdict)
        self.outcome = Outcome(tuple(known for known in self._verdicts if known is not None), lost, self._begun)
        return [Signal.SETTLED]
