# SPDX-License-Identifier: Apache-2.0
"""What others learn of administrators, sessions, tokens and the audit; no Struct here holds a secret.

Times are Unix time in seconds.
"""

import re
import unicodedata
from functools import cached_property
from typing import Any, Final, NamedTuple

import msgspec

from gatepost.access.roles import holds_all, reach_of, rights_of
from gatepost.contracts.actor import Actor

LANGUAGES: Final = ("en", "de")
AGENT_CHARACTERS: Final = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Came(NamedTuple):
    """Where a sign-in comes from."""

    client: str
    """The IP address."""
    untrusted_agent: str = ""
    """What the browser calls itself."""

    @property
    def agent(self) -> str:
        """The browser's name as it may be shown and kept."""
        return "".join(one if one.isprintable() else " " for one in self.untrusted_agent[:AGENT_CHARACTERS])


class Administrator(msgspec.Struct, frozen=True, dict=True):
    """Somebody who may sign in."""

    tenant_id: int
    name: str
    display_name: str
    roles: tuple[str, ...]
    language: str
    enabled: bool
    has_totp: bool
    one_time_until: float | None
    """Until when his one-time password is good; None when the password is his own."""
    locked_until: float | None
    failures: int
    """Failed attempts in a row."""
    created_at: float
    signed_in_at: float | None

    @cached_property
    def rights(self) -> frozenset[str]:
        """What he may at this moment: nothing while he is not enabled."""
        return rights_of(self.roles) if self.enabled else frozenset()

    @property
    def holds_all(self) -> bool:
        """Whether he manages administrators."""
        return holds_all(self.roles)


class Session(msgspec.Struct, frozen=True):
    """A signed-in browser, with its administrator as he is now."""

    id: str
    """Names it among its administrator's; no secret."""
    administrator: Administrator
    form_token: str
    """What each form of this session must bring along."""
    created_at: float
    seen_at: float
    client: str
    """Where it was begun."""
    agent: str

    @property
    def rights(self) -> frozenset[str]:
        """What it may."""
        return self.administrator.rights

    def may(self, right: str) -> bool:
        """Tell whether it has a right, as `people:write`."""
        return right in self.administrator.rights

    def actor(self, client: str) -> Actor:
        """Give who acts, for what is changed through it from an address."""
        return Actor(self.administrator.name, "console", client, self.administrator.tenant_id)


class Token(msgspec.Struct, frozen=True):
    """An API token as it is listed."""

    tenant_id: int
    id: str
    name: str
    """What its owner calls it."""
    owner: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float
    used_at: float | None
    """To the minute."""
    revoked_at: float | None


class TokenUse(msgspec.Struct, frozen=True, dict=True):
    """A token that was brought and is good, with its owner as he is now."""

    token: Token
    administrator: Administrator

    @cached_property
    def rights(self) -> frozenset[str]:
        """What it may: what its scopes and its owner's roles have in common."""
        return reach_of(self.token.scopes) & self.administrator.rights

    def may(self, right: str) -> bool:
        """Tell whether it has a right, as `people:write`."""
        return right in self.rights

    def actor(self, client: str) -> Actor:
        """Give who acts, for what is changed through it from an address."""
        return Actor(self.administrator.name, "api", client, self.administrator.tenant_id)


class AuditLine(msgspec.Struct, frozen=True):
    """One change, as it was written down."""

    id: int
    at: float
    author: str
    via: str
    client: str
    operation: str
    subject: str
    before: Any
    after: Any


class Refusal(msgspec.Struct, frozen=True):
    """A change that is not made; the sentence says why."""

    sentence: str
    field: str = ""
    """The field of a form that it belongs to; '' for the whole."""


def folded_name(untrusted_name: str) -> str:
    """Give a name as it is kept, in small letters; '' when it cannot be one."""
    name = unicodedata.normalize("NFC", untrusted_name[:200]).strip().lower()
    return name if _NAME.fullmatch(name) else ""


NAME_RULE: Final = "a name has 1 to 64 of the characters a-z, 0-9, '.', '_', '-' and '@', and begins with a letter or a digit"
