# SPDX-License-Identifier: Apache-2.0
"""What the audit calls a change, by the operation in its entry."""

from collections.abc import Mapping
from typing import Final

from gatepost.web.frame.words import _

OPERATIONS: Final[Mapping[str, str]] = {
    "access.administrator.add": _("Administrator added"),
    "access.administrator.change": _("Administrator changed"),
    "access.administrator.lock": _("Account locked after wrong attempts"),
    "access.administrator.password": _("Password replaced by its owner"),
    "access.administrator.totp": _("Authenticator set up"),
    "access.session.end": _("Session ended"),
    "access.sign_in": _("Signed in"),
    "access.token.make": _("Token made"),
    "access.token.revoke": _("Token revoked"),
    "config.apply": _("Configuration applied"),
    "config.draft.discard": _("Draft discarded"),
    "monitoring.webhook.change": _("Webhook changed"),
    "monitoring.webhook.create": _("Webhook added"),
    "monitoring.webhook.remove": _("Webhook removed"),
    "monitoring.webhook.renew_secret": _("Secret of a webhook renewed"),
    "people.field.add": _("Additional field added"),
    "people.field.change": _("Additional field changed"),
    "people.field.remove": _("Additional field removed"),
    "people.partner.add": _("Partner added"),
    "people.partner.change": _("Partner changed"),
    "people.partner.remove": _("Partner removed"),
    "people.partner_address.add": _("Address of a partner added"),
    "people.partner_address.change": _("Address of a partner changed"),
    "people.partner_address.remove": _("Address of a partner removed"),
    "people.user.add": _("Corporate user added"),
    "people.user.change": _("Corporate user changed"),
    "people.user.remove": _("Corporate user removed"),
    "queue.drop": _("Mails dropped from a queue"),
    "queue.retry": _("Mails of a queue tried at once"),
    "role.join": _("Gateway joined"),
    "role.leave": _("Gateway parted"),
}
"""An entry with another one, as a later version may have written it, is shown with its operation alone."""
