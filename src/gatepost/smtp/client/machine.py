# SPDX-License-Identifier: Apache-2.0
"""The client's whole dialogue on one connection, without I/O: bytes in, actions out.

The transport feeds what the wire brought and does what the actions say, in order. A next hop that
answers before it was asked, or with what is no reply, is not talked to any longer: its answers could
no longer be told apart, and a mail could be taken for delivered that was not.
"""

from gatepost.message.addresses import Address
from gatepost.smtp.client.capabilities import Capabilities
from gatepost.smtp.client.opening import Opening
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.probe import Probe
from gatepost.smtp.client.reading import ReplyReader
from gatepost.smtp.client.terms import Action, Outcome, Phase, Security, Signal, Verdict, local_failure
from gatepost.smtp.client.transaction import Transaction

_EARLY = local_failure("4.5.0", "The next hop answered before it was asked")


class ClientMachine:
    """One connection's dialogue: an opening, then any number of mails and questions, then QUIT."""

    __slots__ = ("_ending", "_opening", "_reader", "_transaction", "progress")

    def __init__(self, hostname: str, security: Security = "none", user: str = "", password: str = "") -> None:
        self._reader = ReplyReader()
        self._opening = Opening(hostname, security, user, password)
        self._transaction: Transaction | Probe | None = None
        self._ending = False
        self.progress = 0
        """Whole replies so far; time limits begin anew when it grows, not for each byte."""

    @property
    def phase(self) -> Phase:
        """Tell what is waited for."""
        if self._ending:
            return "ending"
        transaction = self._transaction
        if transaction is not None:
            return transaction.phase if transaction.outcome is None else "idle"
        return self._opening.phase

    @property
    def capabilities(self) -> Capabilities:
        """Tell what the next hop offers; all off until it said so."""
        return self._opening.capabilities

    @property
    def failure(self) -> Verdict | None:
        """Tell why the connection cannot be used; None while it can or may."""
        return self._opening.failure

    @property
    def outcome(self) -> Outcome | None:
        """Tell what became of the last mail or question begun."""
        return self._transaction.outcome if self._transaction is not None else None

    def receive(self, untrusted: bytes) -> list[Action]:
        """Take bytes from the wire."""
        reader = self._reader
        actions: list[Action] = []
        for reply in reader.feed(untrusted):
            self.progress += 1
            if self._ending:
                return [Signal.CLOSE]
            part = self._part()
            if actions and reply.code != 421:
                return self.lost(_EARLY)
            actions = part.reply(reply) if part is not None else [Signal.CLOSE]
            if actions and actions[-1] is Signal.START_TLS:
                reader.clear()  # whatever came in the clear with this reply is not the next hop's word
                return actions
            if actions and actions[-1] is Signal.CLOSE:
                return actions
        if reader.malformed:
            return self.lost(local_failure("4.5.0", f"The next hop does not speak SMTP: {reader.malformed}"))
        if actions and reader.unfinished:
            return self.lost(_EARLY)
        return actions

    def secured(self) -> list[Action]:
        """Take it that the handshake is done."""
        return self._opening.secure()

    def begin(self, mail: Outgoing) -> list[Action]:
        """Begin a mail; the last one must have its outcome."""
        self._transaction = Transaction(mail, self._opening.capabilities, reset=self._unclean)
        return self._transaction.begin()

    def ask(self, address: Address) -> list[Action]:
        """Begin to ask for a recipient; the last mail or question must have its outcome."""
        self._transaction = Probe(address, self._opening.capabilities, reset=self._unclean)
        return self._transaction.begin()

    @property
    def _unclean(self) -> bool:
        last = self._transaction
        return last is not None and not last.clean

    def content(self, piece: bytes) -> list[Action]:
        """Take the next piece of streamed content, after Signal.CONTENT."""
        return self._transaction.content(piece) if isinstance(self._transaction, Transaction) else []

    def content_end(self) -> list[Action]:
        """Take the end of streamed content."""
        return self._transaction.content_end() if isinstance(self._transaction, Transaction) else []

    def lost(self, verdict: Verdict) -> list[Action]:
        """Take it that the connection ended, or must end, for this reason."""
        part = None if self._ending else self._part()
        return part.lost(verdict) if part is not None else [Signal.CLOSE]

    def quit(self) -> list[Action]:
        """End the dialogue in order."""
        self._ending = True
        return [b"QUIT\r\n"]

    def _part(self) -> Opening | Transaction | Probe | None:
        """Tell which part of the dialogue awaits a reply; None when none does."""
        if self._transaction is not None:
            return self._transaction if self._transaction.outcome is None else None
        return None if self._opening.phase == "idle" else self._opening
