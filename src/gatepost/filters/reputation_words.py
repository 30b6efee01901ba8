# SPDX-License-Identifier: Apache-2.0
"""What the filter `reputation` says: one sentence for each check that scored, and one for each that had no answer."""

from typing import Final

from gatepost.contracts.sentence import AUTHENTICATION, Sentence

NAME: Final = "reputation"

NO_SIGN: Final = Sentence(NAME, "no sign of a doubtful sender")
SIGNS: Final = Sentence(NAME, "{count} signs of a doubtful sender")
SCORED: Final = Sentence(NAME, "{finding}, {points:+g}")

# --- the client ---------------------------------------------------------------------------------------------------------------------

NOT_ENCRYPTED: Final = Sentence(NAME, "the connection was not encrypted")
NO_NAME: Final = Sentence(NAME, "{address} has no name (PTR)")
DYNAMIC_NAME: Final = Sentence(NAME, "{name} looks like the name of a dynamic address")
NO_WAY_BACK: Final = Sentence(NAME, "{name} does not lead back to {address}")
NAMES_UNKNOWN: Final = Sentence(NAME, "names of {address}: no answer from the DNS")
ADDRESSES_UNKNOWN: Final = Sentence(NAME, "addresses of {name}: no answer from the DNS")

# --- the envelope -------------------------------------------------------------------------------------------------------------------

NULL_MX: Final = Sentence(NAME, "MAIL FROM's domain {domain} takes no mail (null MX)")
NO_ADDRESS: Final = Sentence(NAME, "MAIL FROM's domain {domain} has no address")
SENDER_UNKNOWN: Final = Sentence(NAME, "MX and addresses of {domain}: no answer from the DNS")

# --- the mail's authentication ------------------------------------------------------------------------------------------------------

NO_ANSWER: Final = Sentence(AUTHENTICATION, "no answer from the DNS")
NOT_AUTHENTICATED: Final = Sentence(NAME, "SPF, DKIM and DMARC: the mail has not been authenticated")
SPF_FAILS: Final = Sentence(NAME, "SPF of {domain} fails")
SPF_FAILS_SOFTLY: Final = Sentence(NAME, "SPF of {domain} fails softly")
SPF_UNKNOWN: Final = Sentence(NAME, "SPF of {domain}: {reason}")
DKIM_BROKEN: Final = Sentence(NAME, "DKIM of {domain} is broken ({reason})")
DKIM_UNKNOWN: Final = Sentence(NAME, "DKIM of {domain}: {reason}")
DMARC_FAILS: Final = Sentence(NAME, "DMARC of {domain} fails (policy {policy})")
DMARC_FAILS_TESTING: Final = Sentence(NAME, "DMARC of {domain} fails (policy {policy}, one level less for testing)")
DMARC_UNKNOWN: Final = Sentence(NAME, "DMARC of {domain}: {reason}")
AUTHORS_UNKNOWN: Final = Sentence(NAME, "DMARC of the authors: {reason}")
NO_AUTHOR: Final = Sentence(NAME, "DMARC cannot tell the author ({reason})")
OWN_DOMAIN: Final = Sentence(NAME, "From names the own domain {domain}, but the mail comes from outside")
