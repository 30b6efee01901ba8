# SPDX-License-Identifier: Apache-2.0
"""What each event says to people: what happened, in words, with its fields filled in (`events_telling`).

Of several sentences the first whose `when` holds is said; the last one has none. Pages translate them (`words/de.events.toml`), the API
and the command line say them as they stand. The technical catalogue is `docs/reference/events.md`, written from the classes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from gatepost.monitoring.kinds import thing

Fields = Mapping[str, Any]
When = Callable[[Fields], bool]


class Say(NamedTuple):
    """One sentence, with a place for each field that it tells."""

    text: str
    when: When | None = None


def _are(**values: object) -> When:
    return lambda fields: all(fields.get(name) == value for name, value in values.items())


def _is_no_thing(fields: Fields) -> bool:
    return not thing(str(fields.get("kind")), str(fields.get("subject")))


def _phrase(english: str) -> str:
    """Mark what pages say anew in the reader's language."""
    return english


PHRASES: Final[Mapping[str, str]] = {
    # At what work something failed.
    "incidents": _phrase("looking for incidents"),
    "telling of incidents": _phrase("telling of incidents"),
    "recipients' answers": _phrase("keeping what next hops said of recipients"),
    "handover": _phrase("handing mails over for delivery"),
    "commit": _phrase("writing mails"),
    "shipping tracks": _phrase("telling the intranet of mails"),
    "renewing the lease": _phrase("keeping hold of the mails in work"),
    "removing blobs": _phrase("removing large mails that are no longer needed"),
    "claiming due mail": _phrase("taking due mails from the queue"),
    "spooling a large mail": _phrase("writing a large mail"),
    "reading which proxies are trusted": _phrase("reading which proxies are trusted"),
    "looking for what other gateways were told": _phrase("looking for what other gateways were told"),
    "claiming the blobs": _phrase("taking possession of the folder of large mails"),
    "sweeping the store": _phrase("tidying up the database"),
    # Why somebody could not sign in.
    "wrong password": _phrase("wrong password"),
    "wrong code": _phrase("wrong code"),
    "used code": _phrase("the code had been used already"),
    "the one-time password is over": _phrase("the time of the one-time password is over"),
    "TOTP is enrolled already": _phrase("an authenticator had been set up already"),
    "unknown": _phrase("there is no account of this name"),
    "disabled": _phrase("the account is disabled"),
    "locked": _phrase("the account is locked"),
    "changed meanwhile": _phrase("the account was changed meanwhile"),
}
"""What the code writes into `what`, and into the reason of a sign-in, and how it is said."""
LEVELS: Final[Mapping[str, str]] = {"message": _phrase("message"), "warning": _phrase("warning"), "error": _phrase("error")}
"""How grave an incident is."""

SENTENCES: Final[Mapping[str, Sequence[Say]]] = {
    # Processes
    "process.started": (Say("The process {process} is ready for its work."),),
    "process.ended": (
        Say("The process {process} ended without having been told to: {status}. It is started again at once.", _are(restart_in_s=0)),
        Say("The process {process} ended without having been told to: {status}. Pause before it is started again: {restart_in_s}."),
    ),
    "process.draining": (Say("The process {process} was told to end, and finishes what it has begun."),),
    "process.not_started": (
        Say("The system could not start the process {process}. Pause before it is tried again: {restart_in_s}. Reason: {reason}"),
    ),
    "process.killed": (
        Say(
            "The process {process} was told to end, did not in time ({after_s}), and was killed. What it had begun is begun anew at the "
            "next start."
        ),
    ),
    "process.unexpected": (
        Say("Something happened that should not, a defect of the program ({where}): {error}. Please report it with what stands below."),
    ),
    # Mails and their tracks
    "delivery.stale_settlement": (
        Say(
            "What became of the mail to {recipient} was told too late and was not recorded: another process had taken the mail over. "
            "Message track: {track}."
        ),
    ),
    "delivery.route_down": (
        Say(
            "Several mails in a row did not get through: {route}. Mails that go there wait, and one is tried each minute. "
            "Last failure: {reason}"
        ),
    ),
    "delivery.route_reached": (Say("Mails get through again, or none wait any more: {route}."),),
    "tracking.lost": (
        Say("Message tracks of refused mails were given up, for more came than could be kept until they were stored: {tracks}."),
    ),
    "tracking.refused": (
        Say("Message tracks that a gateway told could not be read and are not kept: {tracks}. Reason of the last one: {reason}"),
    ),
    "tracking.stray": (
        Say(
            "For the message tracks of these days there was no place yet, and they had to be moved: {days}. Either the intranet was not "
            "running, or a clock is wrong."
        ),
    ),
    "tracking.dropped": (
        Say("Retention: the details of the message tracks of these days were deleted: {days}.", _are(what="details")),
        Say("Retention: the message tracks of these days were deleted: {days}."),
    ),
    "store.trouble": (
        Say(
            "A gateway or the console could not do a piece of its work. As long as a gateway's database or disk does not work, new mail "
            "is put off and senders try again. Could not be done: {what}. Reason: {reason}"
        ),
    ),
    # Links and commands
    "command.done": (
        Say("{peer} wanted this to be done, which was refused: {operation}. Reason: {reason}", _are(outcome="refused")),
        Say(
            "{peer} sent the same command once more: {operation}. It had been carried out already, and was not again.",
            _are(outcome="repeated"),
        ),
        Say("{peer} had this done: {operation}."),
    ),
    "link.trouble": (
        Say(
            "The link to {link} does not work, or what comes from there cannot be taken over. It is tried again, and nothing is lost. "
            "Reason: {reason}"
        ),
    ),
    "link.restored": (Say("The link to {link} works."),),
    "link.peer_refused": (
        Say("A call over the network was turned away. Reason: {reason}", _are(client="")),
        Say("A call over the network from {client} was turned away. Reason: {reason}"),
    ),
    "role.paired": (Say("{peer} was paired from {client} by a one-time token, and may call this machine from now on."),),
    "role.parted": (Say("The pairing with {peer} was ended."),),
    # The configuration
    "configuration.made": (Say("{author} made version {version} of the configuration. Differences: {changes}. Reason: {reason}"),),
    "configuration.taken": (
        Say("The process {process} works with version {version} of the configuration now.", _are(before=0)),
        Say("The process {process} works with version {version} of the configuration now, before with version {before}."),
    ),
    "configuration.kept": (Say("Version {newer} of the configuration does not work here; version {version} holds on. Reason: {reason}"),),
    "configuration.seed_ignored": (
        Say(
            "The file {path} was changed after it had been imported. That has no effect: the configuration of the console holds. "
            "To put the file in force: gatepost config apply."
        ),
    ),
    # Events and incidents
    "events.lost": (
        Say(
            "More happened than the event log takes from one process within a minute, or while it could not be reached. "
            "Events that stand only in the log of the process: {events}."
        ),
    ),
    "events.refused": (Say("Events that another machine told could not be read and are not kept. Reason: {reason}"),),
    "incident.opened": (
        Say("Something needs care ({severity}): {kind}.", _is_no_thing),
        Say("Something needs care ({severity}): {kind}: {subject}."),
    ),
    "incident.changed": (
        Say("An incident is graver, or less grave, than before ({severity}): {kind}.", _is_no_thing),
        Say("An incident is graver, or less grave, than before ({severity}): {kind}: {subject}."),
    ),
    "incident.check_trouble": (
        Say(
            "It could not be found out whether this is so: {kind}. Until it can, no incident of this kind opens, and none closes. "
            "Reason: {reason}"
        ),
    ),
    "incident.notice_trouble": (
        Say("It could not be found out who is to be told of incidents; it is tried again. Reason: {reason}", _are(target="")),
        Say(
            "The webhook {target} could not be told of incidents for three days; it is given up. Reason: {reason}",
            _are(channel="webhook", given_up=True),
        ),
        Say("The webhook {target} could not be told of incidents; it is tried again. Reason: {reason}", _are(channel="webhook")),
        Say("{target} could not be told of incidents by mail for three days; it is given up. Reason: {reason}", _are(given_up=True)),
        Say("{target} could not be told of incidents by mail; it is tried again. Reason: {reason}"),
    ),
    # The administrators' door
    "access.sign_in_refused": (
        Say("Somebody at {client} tried to sign in: {reason}.", _are(account="")),
        Say("{account} could not sign in from {client}: {reason}."),
    ),
    "access.account_locked": (
        Say(
            "After failed attempts in a row the account {account} is locked until {until}; the last came from {client}. It unlocks by "
            "itself; another administrator can do so sooner."
        ),
    ),
    "access.sign_in_trouble": (Say("{account} cannot sign in, by no fault of his own: the second proof cannot be read. Reason: {reason}"),),
    "access.token_refused": (Say("The REST API was called from {client} without a token that is good."),),
    # Certificates
    "tls.certificate_taken": (
        Say("The process {process} shows a new certificate to whoever connects from now on: {certificate}, valid until {ends_at}."),
    ),
    "tls.certificate_kept": (
        Say("The new certificate cannot be used: {certificate}. The process {process} shows the one so far on. Reason: {reason}"),
    ),
}
