# SPDX-License-Identifier: Apache-2.0
"""Certificate paths: who vouches for a certificate, and whether somebody took it back (RFC 5280 §6, RFC 6960).

    validator.Validator(anchors, revocations, demands).validate(certificate, intermediates, when)   an Outcome
    demands.Demands     what the certificate must be good for, and what finding out may cost
    outcome.Outcome     trusted, untrusted or unknown; the path; each certificate's revocation; why
    source.Revocations  the interface of who has lists and responses; this room fetches nothing

Promises: any bytes are taken and none raises; work is bounded in time and number by `demands.Limits`; what nobody could say is
`unknown`, never good; a list or a response is believed only from who may sign it. Trust in a name is not spoken of here: whether
the certificate is the sender's is another question.
"""
