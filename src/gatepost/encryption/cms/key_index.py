# SPDX-License-Identifier: Apache-2.0
"""Decryption keys by the names that a recipient's entry may use: issuer and serial number, key identifier (RFC 5652 §6.2).

An issuer that is not found octet by octet is looked for once more in the form that equal names share.
"""

from gatepost.encryption.cms.certificate import Certificate, usual_key_identifier
from gatepost.encryption.cms.identifier import Identifier, by_issuer, by_key, issuer_and_serial
from gatepost.encryption.cms.keys import DecryptionKey
from gatepost.encryption.cms.names import normalised


class KeyIndex:
    """A `KeyRing` in memory; older certificates of a key are added beside newer ones."""

    __slots__ = ("_keys", "_normalised")

    def __init__(self) -> None:
        self._keys: dict[Identifier, DecryptionKey] = {}
        self._normalised: dict[Identifier, DecryptionKey] = {}

    def add(self, certificate: Certificate, key: DecryptionKey) -> None:
        """Add a key under its certificate's names."""
        issuer, key_name = certificate.names
        self._keys[issuer] = key
        # A certificate that gives no key identifier is named by what RFC 5280 §4.2.1.2 would have made it.
        self._keys[key_name or by_key(usual_key_identifier(certificate))] = key
        self._normalised[by_issuer(normalised(certificate.issuer), certificate.serial)] = key

    def find(self, name: Identifier) -> DecryptionKey | None:
        """Give the key of that name; None when it is not ours."""
        key = self._keys.get(name)
        if key is not None:
            return key
        parts = issuer_and_serial(name)
        if parts is None:
            return None
        issuer, serial = parts
        return self._normalised.get(by_issuer(normalised(issuer), serial))
