# SPDX-License-Identifier: Apache-2.0
"""S/MIME (RFC 8551, RFC 8550): mails in, mails and findings out.

    reading.read(raw, keys)               the layers of protection, outermost first, and what lies inside the last one
    verify.report(raw, trust, received)   one verdict on a mail's signatures, bound to its From
    opening.open_mail(raw, keys, policy)  the mail in clear, or why not; EFAIL's answer is here
    writing.sign(raw, signers, when)      multipart/signed or opaque
    writing.encrypt(raw, to, cipher)      enveloped, under AES-GCM or AES-CBC
    writing.seal(raw, signers, when, to)  both; `wrap` signs the ciphertext as well
    removal.without_signatures(raw)       the mail as if nobody had signed it

Promises: any bytes are taken and none raises; a mail costs at most a few passes for each of at most eight layers; nothing
here does I/O or reads a clock. What is signed is compared octet by octet as it came; a signature speaks for the whole
mail or for nothing. Who may be trusted is asked of a `Trust` (`trust.py`), keys are the CMS room's interfaces.
"""
