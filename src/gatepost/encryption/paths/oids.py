# SPDX-License-Identifier: Apache-2.0
"""Object identifiers of certificates, lists and responses, as contents octets (RFC 5280, RFC 6960, RFC 9598)."""

from gatepost.encryption.cms.oids import encoded

_CE = "2.5.29."
_PE = "1.3.6.1.5.5.7.1."
_KP = "1.3.6.1.5.5.7.3."

SUBJECT_KEY = encoded(_CE + "14")
KEY_USAGE = encoded(_CE + "15")
SUBJECT_NAMES = encoded(_CE + "17")
ISSUER_NAMES = encoded(_CE + "18")
BASIC_CONSTRAINTS = encoded(_CE + "19")
LIST_NUMBER = encoded(_CE + "20")
LIST_REASON = encoded(_CE + "21")
INVALIDITY_DATE = encoded(_CE + "24")
DELTA_LIST = encoded(_CE + "27")
ISSUING_POINT = encoded(_CE + "28")
CERTIFICATE_ISSUER = encoded(_CE + "29")
NAME_CONSTRAINTS = encoded(_CE + "30")
LIST_POINTS = encoded(_CE + "31")
POLICIES = encoded(_CE + "32")
MAPPINGS = encoded(_CE + "33")
AUTHORITY_KEY = encoded(_CE + "35")
POLICY_CONSTRAINTS = encoded(_CE + "36")
EXTENDED_USAGE = encoded(_CE + "37")
FRESHEST_LIST = encoded(_CE + "46")
INHIBIT_ANY_POLICY = encoded(_CE + "54")
EXPIRED_ON_LIST = encoded(_CE + "60")
AUTHORITY_ACCESS = encoded(_PE + "1")
SUBJECT_ACCESS = encoded(_PE + "11")
NO_CHECK = encoded("1.3.6.1.5.5.7.48.1.5")
BASIC_RESPONSE = encoded("1.3.6.1.5.5.7.48.1.1")

ANY_POLICY = encoded("2.5.29.32.0")
ANY_USAGE = encoded("2.5.29.37.0")
EMAIL_PROTECTION = encoded(_KP + "4")
OCSP_SIGNING = encoded(_KP + "9")

EMAIL_ADDRESS = encoded("1.2.840.113549.1.9.1")
INTERNATIONAL_MAILBOX = encoded("1.3.6.1.5.5.7.8.9")

DSA_WITH = {
    encoded("1.2.840.10040.4.3"): "sha1",
    encoded("2.16.840.1.101.3.4.3.2"): "sha256",
}
