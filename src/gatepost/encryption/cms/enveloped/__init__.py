# SPDX-License-Identifier: Apache-2.0
"""EnvelopedData (RFC 5652 §6) and AuthEnvelopedData (RFC 5083): read, decrypt, encrypt.

A content's way is: recipient -> our key -> content key -> content; the way back the other way round.
"""
