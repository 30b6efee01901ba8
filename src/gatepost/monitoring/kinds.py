# SPDX-License-Identifier: Apache-2.0
"""The catalogue of kinds: what each is called, what it means, what to do, where, and how it is looked at.

One table. Pages translate the sentences (`words/de.toml`), mails and the command line say them as they stand.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Form = Literal["text", "seconds", "bytes", "percent", "number", "moment"]


class Detail(NamedTuple):
    """One field of a finding's details, and what people call it."""

    field: str
    title: str
    form: Form = "text"


class Kind(NamedTuple):
    """One kind of incident."""

    title: str
    meaning: str
    what_to_do: str
    page: str
    """The console's page that leads to it."""
    details: tuple[Detail, ...] = ()
    every_s: float = 60.0
    limit_s: float = 20.0
    """A look that takes longer says nothing."""
    patience_s: float = 0.0
    """How long a finding must last before it opens an incident."""
    frees_mail: bool = False
    """When one heals, mails may leave again: what waits for another try is tried at once."""
    about_a_thing: bool = True
    """Whether the subject names one of several things; else it is a word for the program alone, and people are not shown it."""


_REASON = Detail("reason", "Reason")

KINDS: Mapping[str, Kind] = {
    "link.away": Kind(
        "A gateway does not answer",
        "The intranet cannot reach this gateway, or cannot apply what it tells. The gateway goes on receiving and delivering "
        "mail; its message tracks arrive later.",
        "Check that the gateway runs, that its machine can be reached and that it has the same version as the intranet.",
        "/configuration/connected-systems",
        (_REASON,),
        every_s=10.0,
        limit_s=15.0,
        patience_s=20.0,
        frees_mail=True,
    ),
    "link.lagging": Kind(
        "A link lags behind",
        "What one role must tell the other has waited for more than five minutes, though they reach each other. Message tracks are "
        "incomplete, or a change has not arrived.",
        "Look at the load of the machines and at the log of the intranet; the backlog must shrink by itself.",
        "/configuration/connected-systems",
        (
            Detail("to_fetch", "Waits on the gateway", "number"),
            Detail("to_fetch_age_s", "The oldest since", "seconds"),
            Detail("to_send", "Waits on the intranet", "number"),
            Detail("to_send_age_s", "The oldest since", "seconds"),
        ),
    ),
    "version.kept": Kind(
        "A process works with an older configuration",
        "The newest version of the configuration does not work on this gateway; the process keeps the one it has.",
        "Read the reason, mend the setting or the machine, and apply the configuration again; or roll back.",
        "/configuration/connected-systems",
        (Detail("version", "Version in force", "number"), _REASON),
        every_s=30.0,
    ),
    "queue.stuck": Kind(
        "Mail waits for more than an hour",
        "The oldest mail to this domain has waited for more than an hour. It is tried again by itself; senders are told when its "
        "time is over.",
        "Read the last answer of the next hop in the queue. Mend the connector or ask the other side; then try the queue again.",
        "/monitoring/email-queues",
        (
            Detail("waiting", "Mails that wait", "number"),
            Detail("oldest_age_s", "The oldest since", "seconds"),
        ),
    ),
    "connector.down": Kind(
        "A next hop of a send connector does not answer",
        "Connections to the next hop of this send connector failed several times in a row. Mail for it waits; one attempt a minute "
        "is made.",
        "Check the next hop, its address in the connector, and the firewall between.",
        "/configuration/email-routing",
        (Detail("hosts", "Next hops"), _REASON),
        every_s=30.0,
    ),
    "store.filling": Kind(
        "A database is filling up",
        "The database, or the disk it lies on, is 70 % full or more; at 90 % this becomes a warning. When it is full no mail is taken.",
        "Look which tables are large. Shorten the retention of message tracks, mend links whose backlog grows, or give it more room.",
        "/troubleshooting",
        (
            Detail("percent", "Full", "percent"),
            Detail("used_bytes", "Size", "bytes"),
            Detail("free_bytes", "Free", "bytes"),
            Detail("where", "Where"),
        ),
    ),
    "store.away": Kind(
        "A gateway cannot use its database",
        "The gateway answers, but its database does not. New mail is refused for the moment, senders try again.",
        "Check the database server, or the disk, that the reason names.",
        "/troubleshooting",
        (_REASON,),
        every_s=15.0,
        limit_s=15.0,
        patience_s=10.0,
        frees_mail=True,
    ),
    "process.ending": Kind(
        "A process keeps ending",
        "This process has ended by itself three times or more within ten minutes; it is started again each time. While a receiving "
        "process is away connections wait for the next one, while the delivering one is away senders try again later. Nothing that "
        "was accepted is lost.",
        "Read the log of this machine around the last end. An exit code has its reason in the line before it. SIGKILL as a rule "
        "means that the machine had no memory left: give it more. Any other signal is a defect: update, or report it with the "
        "log. The incident closes ten minutes after the last end.",
        "/monitoring/event-viewer?name=process.",
        (Detail("ends", "Ends within ten minutes", "number"), Detail("ended_by", "The last one by")),
        every_s=30.0,
    ),
    "certificate.expiring": Kind(
        "A TLS certificate expires soon",
        "The certificate that this process shows on its listeners runs out soon, or has run out. Then whoever checks it does not "
        "connect any more: browsers warn, and mail of senders that insist on TLS stays with them.",
        "Renew it, and lay certificate and key where `tls` names them; they are taken without a restart. If that is done by a "
        "program, read why its last run failed. If the files are newer than what is shown, the event log says why.",
        "/monitoring/event-viewer?name=tls.",
        (Detail("ends_at", "Valid until", "moment"), Detail("certificate", "File")),
    ),
    "certificate.kept": Kind(
        "A renewed TLS certificate cannot be used",
        "The files of certificate and key have changed, but cannot be used. The pair so far is shown on, until it runs out; a "
        "process that starts anew meanwhile cannot.",
        "Read the reason. Both files must belong together, the key must have no password, and the user that Gatepost runs as must "
        "be able to read both. What is mended is taken within half a minute.",
        "/monitoring/event-viewer?name=tls.",
        (Detail("certificate", "File"), _REASON),
        every_s=30.0,
        patience_s=60.0,
    ),
    "legacy.waiting": Kind(
        "Message tracks of an older version cannot be converted",
        "Some message tracks that an older version wrote could not be converted. They are kept, but no search finds them.",
        "Ask for help with the reason that `gatepost track legacy` shows; nothing is lost meanwhile.",
        "/monitoring/message-tracking",
        (Detail("refused", "Tracks", "number"),),
        every_s=300.0,
        about_a_thing=False,
    ),
    "notices.nowhere": Kind(
        "Notices go nowhere",
        "No administrative address is set, so nobody is told of incidents by mail.",
        "Set the administrative address of the house; domains may have one of their own.",
        "/configuration/advanced-settings",
        about_a_thing=False,
    ),
}


def kind_of(name: str) -> Kind:
    """Give a kind; one that this program does not know any more has its name for a title."""
    return KINDS.get(name) or Kind(name, "This program does not know this kind of incident.", "Update Gatepost.", "/")


def thing(kind: str, subject: str) -> str:
    """Give what an incident is about, as people know it; '' where there is only one thing it could be about."""
    return subject if kind_of(kind).about_a_thing else ""
