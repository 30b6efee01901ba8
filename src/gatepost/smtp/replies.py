# SPDX-License-Identifier: Apache-2.0
"""Every answer that Gatepost gives, by name (RFC 5321 §4.2, RFC 3463, RFC 5248).

A reply is a value: code, enhanced code and text. Its text is public; reasons that only the
administrator may read go to the log.
"""

from functools import lru_cache
from typing import NamedTuple


class Reply(NamedTuple):
    """One SMTP answer. `enhanced` is empty where RFC 2034 §4 forbids it; `closes` ends the session."""

    code: int
    enhanced: str
    text: str
    closes: bool = False

    @property
    def accepts(self) -> bool:
        """Whether the answer is positive (2xx or 3xx)."""
        return self.code < 400

    @property
    def temporary(self) -> bool:
        """Whether the client may try again later (4xx)."""
        return 400 <= self.code < 500

    def wire(self) -> bytes:
        """Give the bytes that go onto the wire, line end included."""
        return _wire(self)

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"


@lru_cache(maxsize=256)  # nearly all that is ever said are the few below
def _wire(reply: Reply) -> bytes:
    lead = f"{reply.enhanced} " if reply.enhanced else ""
    *first, last = reply.text.split("\n")
    lines = [f"{reply.code}-{lead}{line}\r\n" for line in first]
    return ("".join(lines) + f"{reply.code} {lead}{last}\r\n").encode()


def queued(track: str) -> Reply:
    """Give the answer that makes a mail ours: only after its commit (RFC 5321 §6.1)."""
    return Reply(250, "2.0.0", f"Ok: queued as {track}")


# Success and progress
OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
CHUNK_OK = Reply(250, "2.0.0", "Chunk received")
SEND_CONTENT = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
CANNOT_VERIFY = Reply(252, "2.5.0", "Cannot verify the user, but will take mail for it")
BYE = Reply(221, "2.0.0", "Bye", closes=True)
TLS_READY = Reply(220, "2.0.0", "Ready to start TLS")
AUTH_CONTINUE_USER = Reply(334, "", "VXNlcm5hbWU6")
AUTH_CONTINUE_PASSWORD = Reply(334, "", "UGFzc3dvcmQ6")
AUTH_CONTINUE_EMPTY = Reply(334, "", "")
AUTH_OK = Reply(235, "2.7.0", "Authenticated")

# The session cannot go on
SHUTTING_DOWN = Reply(421, "4.3.2", "Service shutting down, try again later", closes=True)
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, try again later", closes=True)
CLIENT_BLOCKED = Reply(421, "4.7.1", "Refused for now because of earlier mail, try again later", closes=True)
TIMED_OUT = Reply(421, "4.4.2", "Timed out", closes=True)
STORE_AWAY_BANNER = Reply(421, "4.3.0", "The mail store is away, try again later", closes=True)
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors", closes=True)
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands without a mail", closes=True)
NOT_SMTP = Reply(554, "5.5.1", "This is a mail server", closes=True)
PROXY_REFUSED = Reply(421, "4.3.5", "The proxy header cannot be read", closes=True)

# Wrong commands
UNKNOWN_COMMAND = Reply(500, "5.5.2", "Command not recognised")
LINE_TOO_LONG = Reply(500, "5.5.6", "Line too long")
BARE_LINE_END_IN_COMMAND = Reply(500, "5.5.2", "A command ends with <CR><LF> and holds neither alone, nor NUL", closes=True)
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
BAD_ARGUMENTS = Reply(501, "5.5.4", "Syntax error in the arguments")
BAD_PARAMETER = Reply(555, "5.5.4", "Parameter not recognised or not allowed")
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO or HELO first")
MAIL_FIRST = Reply(503, "5.5.1", "MAIL first")
RECIPIENT_FIRST = Reply(554, "5.5.1", "No valid recipients")
NESTED_MAIL = Reply(503, "5.5.1", "A mail transaction is already open")
DATA_AFTER_CHUNKS = Reply(503, "5.5.1", "DATA cannot follow BDAT, send RSET")
TLS_UNAVAILABLE = Reply(502, "5.5.1", "TLS is not offered here")
TLS_ACTIVE = Reply(503, "5.5.1", "TLS is already active")
TLS_INJECTION = Reply(554, "5.7.0", "Data after STARTTLS before TLS has begun", closes=True)
TLS_REQUIRED = Reply(530, "5.7.0", "Must issue a STARTTLS command first")

# Addresses and authorisation
BAD_SENDER_ADDRESS = Reply(553, "5.1.7", "Sender address has wrong syntax")
BAD_RECIPIENT_ADDRESS = Reply(553, "5.1.3", "Recipient address has wrong syntax")
UTF8_NOT_ANNOUNCED = Reply(553, "5.6.7", "Address needs SMTPUTF8 on the MAIL command")
UNABLE_TO_RELAY = Reply(550, "5.7.1", "Unable to relay")
RECIPIENT_UNVERIFIED = Reply(451, "4.4.1", "The recipient cannot be verified now, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
AUTH_UNAVAILABLE = Reply(502, "5.5.1", "Authentication is not offered here")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required for authentication")
AUTH_UNKNOWN_MECHANISM = Reply(504, "5.5.4", "Authentication mechanism not supported")
AUTH_TWICE = Reply(503, "5.5.1", "Already authenticated")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_MALFORMED = Reply(501, "5.5.2", "Cannot decode the response")
AUTH_FAILED = Reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_BUSY = Reply(454, "4.7.0", "Authentication is busy, try again later")
AUTH_REQUIRED = Reply(530, "5.7.0", "Authentication required")

# Content
TOO_BIG = Reply(552, "5.3.4", "Message exceeds the size limit")
BARE_LINE_END = Reply(550, "5.6.11", "The mail holds a bare <CR> or <LF>", closes=True)
TOO_MANY_CHUNKS = Reply(554, "5.5.1", "Too many chunks", closes=True)
MAIL_LOOP = Reply(554, "5.4.6", "Too many hops, this looks like a mail loop")
DISCARDED = Reply(550, "5.7.1", "Message discarded by policy")
MALFORMED_CONTENT = Reply(554, "5.6.0", "The mail's structure exceeds what is processed here")

# Ours to mend
STORE_FULL = Reply(452, "4.3.1", "Insufficient system storage, try again later")
STORE_AWAY = Reply(451, "4.3.0", "The mail store is away, try again later")
LOCAL_ERROR = Reply(451, "4.3.0", "Local error, try again later")
