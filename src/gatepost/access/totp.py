# SPDX-License-Identifier: Apache-2.0
"""The second proof: codes of six digits from a shared secret and the time (RFC 6238).

Promises: a code is good in its 30 s and in those before and after; its step is told, so that whoever keeps the last one
accepts none twice (RFC 6238 section 5.2); the secret leaves this room once, at enrolment, else it is sealed.
"""

from typing import Final

import msgspec

from gatepost.access.sealing import KeyFile

ISSUER: Final = "Gatepost"
STEP_S: Final = 30
_DIGITS = 6


class Enrolment(msgspec.Struct, frozen=True):
    """What an authenticator needs to know; shown while it is being enrolled, never later."""

    secret: str
    """In base32, for those who type it."""
    uri: str
    """`otpauth://...`, for a QR code."""


def new_secret() -> str:
    """Make a secret of 160 bits, in base32."""
    import pyotp

    return pyotp.random_base32()


def enrolment(secret: str, name: str) -> Enrolment:
    """Say a secret as authenticators take it."""
    import pyotp

    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER))


def step_of(secret: str, untrusted_code: str, now: float) -> int | None:
    """Give the step of a code that is good now; None when it is not."""
    import pyotp
    from pyotp.exceptions import OTPVerificationError

    code = "".join(untrusted_code[:20].split())
    if len(code) != _DIGITS or not (code.isascii() and code.isdigit()):
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None


def sealed(key: KeyFile, secret: str, tenant_id: int, name: str) -> bytes:
    """Seal somebody's secret. Raises: GatepostError."""
    return key.seal(secret.encode(), _bound(tenant_id, name))


def opened(key: KeyFile, kept: bytes, tenant_id: int, name: str) -> str:
    """Give somebody's secret. Raises: SealBroken, GatepostError."""
    return key.open(kept, _bound(tenant_id, name)).decode()


def _bound(tenant_id: int, name: str) -> str:
    return f"the TOTP secret of {name} (tenant {tenant_id})"
