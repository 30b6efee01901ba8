# SPDX-License-Identifier: Apache-2.0
"""Who may be sent a report: never nobody, never a report's own sender, and no stranger whose name was forged.

Backscatter is a report that goes to somebody who never sent the mail, because its MAIL FROM was forged.
"""

import re

from gatepost.delivery.queue.record import NewMail

_BULK = re.compile(rb"^(?:Precedence[ \t]*:[ \t]*(?:bulk|list|junk)\b|List-Id[ \t]*:|Auto-Submitted[ \t]*:(?![ \t]*no\b))", re.I | re.M)
_REPORT = re.compile(rb"^Content-Type[ \t]*:(?:[^\r\n]|\r\n[ \t])*?multipart/report\b", re.I | re.M)


def may_report(mail: NewMail, headers: bytes, *, external: bool, authenticated: bool | None = None) -> bool:
    """Whether the mail's sender may be sent a report about it.

    `external`: the mail came from outside, from a sender whose domain we do not own. `authenticated`: whether SPF,
    DKIM or DMARC ties him to the mail; None when nobody has checked.

    To an external sender a report leaves only when he is tied to the mail. Where nobody has checked he still gets
    it: we have said 250 and so promised to deliver or to tell (RFC 5321 §6.1); a mail that is silently lost breaks
    that promise, which is worse than a report too many. Mail that says it is bulk, from a list or automatic is the
    exception: nobody waits for an answer to it, and it is the bulk of what carries forged senders.
    """
    sender = mail.envelope.sender
    if sender is None or not sender.domain or _REPORT.search(headers):
        return False
    if not external:
        return True
    if authenticated is None:
        return not _BULK.search(headers)
    return authenticated
