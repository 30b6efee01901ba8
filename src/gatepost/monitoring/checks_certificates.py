# SPDX-License-Identifier: Apache-2.0
"""Which TLS certificates run out, and which renewed ones cannot be used: from what the processes that show them tell.

    fewer than 14 days left, or a third of its life if that is less   a warning
    fewer than 3 days left, or a tenth                                an error
    the files hold what cannot be taken                               an error, when it lasts

Of one that lives for days alone the usual days would be its whole life.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from gatepost.monitoring.record import Finding, Level, Look
from gatepost.smtp.certificate import CertificateState

EXPIRING: Final = "certificate.expiring"
KEPT: Final = "certificate.kept"
_DAY_S: Final = 86_400.0
_WARNING_S: Final = 14 * _DAY_S
_WARNING_SHARE: Final = 1 / 3
_ERROR_S: Final = 3 * _DAY_S
_ERROR_SHARE: Final = 1 / 10


class Certificates(NamedTuple):
    """What is known of those that are shown now."""

    shown: Sequence[tuple[str, CertificateState]]
    """Whose, as `berlin/receive`, and how it does; several processes of one name tell each for itself."""
    silent: tuple[str, ...] = ()
    """Gateways that do not answer."""


AskCertificates = Callable[[], Awaitable[Certificates]]


async def certificates_expiring(ask: AskCertificates, now: float) -> Look:
    """Look for certificates that run out; of several processes of one name the first to run out is told."""
    told = await ask()
    found: dict[str, Finding] = {}
    for subject, one in sorted(told.shown, key=lambda shown: shown[1].ends_at):
        if level := expiry_level(one, now):
            details = {"ends_at": round(one.ends_at), "certificate": one.file}
            found.setdefault(subject, Finding(EXPIRING, subject, level, details))
    return Look(tuple(found.values()), told.silent)


async def certificates_kept(ask: AskCertificates) -> Look:
    """Look for renewed certificates that cannot be used."""
    told = await ask()
    found: dict[str, Finding] = {}
    for subject, one in told.shown:
        if one.kept:
            found.setdefault(subject, Finding(KEPT, subject, "error", {"certificate": one.file, "reason": one.kept}))
    return Look(tuple(found.values()), told.silent)


def expiry_level(one: CertificateState, now: float) -> Level | None:
    """Give how grave it is that a certificate runs out; None while it is not, or when that is unknown."""
    if not one.ends_at:
        return None
    left, life = one.ends_at - now, one.ends_at - one.begins_at
    if left < min(_ERROR_S, life * _ERROR_SHARE):
        return "error"
    return "warning" if left < min(_WARNING_S, life * _WARNING_SHARE) else None
