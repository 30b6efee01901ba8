# SPDX-License-Identifier: Apache-2.0
"""From the greeting to the first mail: EHLO (or HELO), STARTTLS and EHLO again, AUTH.

What fails here fails for the connection, not for a mail, and so is always temporary: even a 5xx
greeting tells about a server, and another host of the route may do better (RFC 5321 §5.1). Passwords
go over plaintext only on a route that says `none` itself, never because a peer hid its STARTTLS.
"""

from base64 import b64encode
from collections.abc import Callable

from gatepost.smtp.client.capabilities import Capabilities, capabilities_of
from gatepost.smtp.client.terms import Action, Phase, Security, Signal, Verdict, local_failure
from gatepost.smtp.replies import Reply


class Opening:
    """The first part of a dialogue; `failure` or `Signal.READY` ends it."""

    def __init__(self, hostname: str, security: Security, user: str, password: str) -> None:
        self._hostname = hostname.encode("ascii")
        self._security = security
        self._user, self._password = user, password
        self._awaited: Callable[[Reply], list[Action]] = self._greeting
        self.phase: Phase = "greeting"
        self.capabilities = Capabilities()
        self.secured = False
        self.failure: Verdict | None = None

    def reply(self, reply: Reply) -> list[Action]:
        """Take the next reply."""
        if reply.code == 421:
            return self._fail(reply)
        return self._awaited(reply)

    def lost(self, verdict: Verdict) -> list[Action]:
        """Take it that the connection ended."""
        self.failure = verdict
        return [Signal.CLOSE]

    def secure(self) -> list[Action]:
        """Begin anew, for the handshake is done and nothing said before it counts (RFC 3207 §4.2)."""
        self.secured = True
        self.capabilities = Capabilities()
        return self._say(b"EHLO", self._ehlo)

    def _say(self, verb: bytes, awaited: Callable[[Reply], list[Action]]) -> list[Action]:
        self._awaited = awaited
        return [b"%b %b\r\n" % (verb, self._hostname)]

    def _fail(self, reply: Reply) -> list[Action]:
        return self.lost(Verdict("temporary", reply))

    def _greeting(self, reply: Reply) -> list[Action]:
        if reply.code != 220:
            return self._fail(reply)
        self.phase = "command"
        return self._say(b"EHLO", self._ehlo)

    def _ehlo(self, reply: Reply) -> list[Action]:
        if reply.code >= 500:
            return self._say(b"HELO", self._helo)
        if reply.code != 250:
            return self._fail(reply)
        self.capabilities = capabilities_of(reply)
        return self._after_hello()

    def _helo(self, reply: Reply) -> list[Action]:
        return self._after_hello() if reply.code == 250 else self._fail(reply)

    def _after_hello(self) -> list[Action]:
        if not self.secured and self._security != "none":
            if self.capabilities.starttls:
                self._awaited = self._starttls
                return [b"STARTTLS\r\n"]
            if self._security == "required":
                return self.lost(local_failure("4.7.4", "TLS is required, but the next hop offers no STARTTLS"))
        return self._authenticate()

    def _starttls(self, reply: Reply) -> list[Action]:
        if reply.code == 220:
            return [Signal.START_TLS]
        if self._security == "required":
            return self._fail(reply)
        return self._authenticate()

    def _authenticate(self) -> list[Action]:
        if not self._user:
            return self._ready()
        if not self.secured and self._security != "none":
            return self.lost(local_failure("4.7.4", "AUTH is set, but without TLS the password would be sent in the clear"))
        user, password = self._user.encode(), self._password.encode()
        if "PLAIN" in self.capabilities.auth:
            self._awaited = self._authenticated
            return [b"AUTH PLAIN %b\r\n" % b64encode(b"\0%b\0%b" % (user, password))]
        if "LOGIN" in self.capabilities.auth:
            self._awaited = self._login_user
            return [b"AUTH LOGIN\r\n"]
        return self.lost(local_failure("4.7.0", "AUTH is set, but the next hop offers neither PLAIN nor LOGIN"))

    def _login_user(self, reply: Reply) -> list[Action]:
        if reply.code != 334:
            return self._fail(reply)
        self._awaited = self._login_password
        return [b64encode(self._user.encode()) + b"\r\n"]

    def _login_password(self, reply: Reply) -> list[Action]:
        if reply.code != 334:
            return self._fail(reply)
        self._awaited = self._authenticated
        return [b64encode(self._password.encode()) + b"\r\n"]

    def _authenticated(self, reply: Reply) -> list[Action]:
        return self._ready() if reply.code == 235 else self._fail(reply)

    def _ready(self) -> list[Action]:
        self.phase = "idle"
        return [Signal.READY]
