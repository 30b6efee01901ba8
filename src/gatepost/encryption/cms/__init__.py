# SPDX-License-Identifier: Apache-2.0
"""The Cryptographic Message Syntax (RFC 5652, RFC 5083) on the primitives of `cryptography`: bytes in, typed results out.

    content.read(untrusted)                      what the bytes are: SignedData, Enveloped, OtherContent, or a Fault
    signed.verify.verify(data, content)          one Judgement for each signer: intact, broken or unknown, and why
    signed.write.sign(content, signers, when)    SignedData, opaque or detached
    enveloped.decrypt.decrypt(data, keys)        the plaintext, or a Fault that says nothing a forger could use
    enveloped.encrypt.encrypt(content, to)       EnvelopedData (CBC) or AuthEnvelopedData (GCM)

Promises: any bytes are taken and none raises; what they cost in time and memory is bounded by `limits.Limits`; nothing
here does I/O, reads a clock or asks who may be trusted. A certificate's chain is another room's business: "intact" says
that the key in that certificate made this signature over this content, no more. A private key is an interface
(`keys.py`), so that it can live in another process. A key is found by what the recipient's entry names, never by trial.
"""
