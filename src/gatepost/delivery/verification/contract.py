# SPDX-License-Identifier: Apache-2.0
"""What the verification of recipients promises (docs/internals/verification.md has it as tables).

Promises:

* A question is MAIL FROM:<> and one RCPT; no mail is ever begun to be sent by it.
* "unknown" is said only after the next hop itself has refused the recipient with a 5xx reply to RCPT. Whatever else
  goes wrong is "no_answer": the client is told 451 and comes again.
* An address is asked for by one question at a time, however many wait for its answer; questions at one time are
  limited for each route and in all, and so is their time.
* A next hop that takes any recipient is found out once a day, by a name that nobody has, and is then not asked.
* A next hop that was not heard three times in a row is asked once for each `NO_ANSWER_S`, not for each recipient.
* Only a tenant's own domains are asked for, and an answer for one tenant is never given to another.
* Who is listed by name needs no question: an enabled address is known, a disabled one unknown. A list that changes while a next
  hop is asked wins over the answer.
* What is remembered is bounded, and a flood of unknown names does not push out the answers of real recipients.
"""

from typing import Literal, NamedTuple, Protocol

from gatepost.message.addresses import Address

Existence = Literal["known", "unknown", "no_answer"]

KNOWN_S = 7 * 86_400.0
UNKNOWN_S = 2 * 3_600.0
DOMAIN_S = 86_400.0
"""How long it holds that a domain's next hop takes anything, or that it does not."""
LISTED_S = 60.0
"""How long `receive` may remember what a list says; a change of the list makes it forget at once."""
NO_ANSWER_S = 30.0
"""How long a recipient without an answer is not asked for again. `receive` gets what is left of it, so the two never add up."""


class Judgement(NamedTuple):
    """What is known of a recipient, and for how long from now."""

    existence: Existence
    lifetime_s: float
    whole_domain: bool = False
    """Whether it holds for every address of the domain: its next hop takes anything."""


class Listing(Protocol):
    """Recipients that are known by name, whatever a next hop says."""

    def listed(self, tenant_id: int, address: Address) -> bool | None:
        """Tell whether an address is enabled; None when it is on no list."""

    def has_users(self, tenant_id: int) -> bool:
        """Tell whether a tenant has a list at all."""


class Unlisted:
    """No list."""

    def listed(self, tenant_id: int, address: Address) -> bool | None:
        """Know nobody."""
        return None

    def has_users(self, tenant_id: int) -> bool:
        """Have nobody."""
        return False
