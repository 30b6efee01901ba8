# SPDX-License-Identifier: Apache-2.0
"""A mail's path as stations from the client to the next hops, each with what was found there and why. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gatepost.contracts.sentence import DECISION, DELIVERY
from gatepost.web.frame.words import Words, _


class Station(NamedTuple):
    """One stop of a mail; `mood` is good, bad, wait or empty."""

    title: str
    at: float | None
    mood: str
    lines: tuple[str, ...]


_STATES: Mapping[str, tuple[str, str]] = {
    "delivered": ("good", _("Delivered")),
    "deferred": ("wait", _("Not delivered for now")),
    "bounced": ("bad", _("Given up")),
    "dropped": ("bad", _("Removed from the queue")),
}


def stations(track: Mapping[str, Any], words: Words) -> Sequence[Station]:
    """Give the stations of a track as `tracking` tells it."""
    return [_arrival(track, words), _decision(track, words), *(_attempt(one, track, words) for one in track["attempts"])]


def _arrival(track: Mapping[str, Any], words: Words) -> Station:
    lines = []
    if track["client"]:
        lines.append(words("Client {client}", client=track["client"]) + (f" ({track['helo']})" if track["helo"] else ""))
        tls = f"{track['tls_protocol']} {track['tls_cipher']}".strip()
        lines.append(words("Encrypted with {tls}", tls=tls) if tls else words("Not encrypted on its way here"))
    if track["connector"]:
        lines.append(words("Receive connector {connector}", connector=track["connector"]))
    if track["count"] > 1:
        lines.append(words("Stands for {n} refused mails of the same kind within a minute", n=words.figure(track["count"])))
    title = words("Received by {gateway}", gateway=track["gateway"]) if track["gateway"] else words("Received")
    return Station(title, track["sent_at"], "", tuple(lines))


def _decision(track: Mapping[str, Any], words: Words) -> Station:
    lines = [words("Rule {rule}", rule=track["rule"]) if track["rule"] else words("No rule was asked")]
    if track["filters"]:
        said = words("{points} of {threshold} points", points=f"{track['scl']:g}", threshold=f"{track['threshold']:g}")
        lines.append(said)
    if track["reason"]:
        lines.append(words("Reason: {reason}", reason=words.told(track["reason"], DECISION)))
    if track["reply"]:
        lines.append(words("The client was told: {reply}", reply=track["reply"]))
    decided = track["decided"]
    if decided == "permanently_blocked":
        return Station(words("Refused for good"), None, "bad", tuple(lines))
    if decided == "temporarily_blocked":
        return Station(words("Refused for now"), None, "wait", tuple(lines))
    return Station(words("Accepted"), None, "good", tuple(lines))


def _attempt(attempt: Mapping[str, Any], track: Mapping[str, Any], words: Words) -> Station:
    mood, title = _STATES.get(attempt["state"], ("", attempt["state"]))
    known = track["recipients"]
    who = [known[place] for place in attempt["recipients"] if 0 <= place < len(known)] if attempt["recipients"] else known
    lines = [words("For {recipients}", recipients=", ".join(who))] if who else []
    if attempt["host"]:
        lines.append(words("Next hop {host}", host=attempt["host"]))
        tls = attempt["tls"]
        lines.append(words("Encrypted with {tls}", tls=tls) if tls else words("Not encrypted to the next hop"))
    if attempt["connector"]:
        lines.append(words("Send connector {connector}", connector=attempt["connector"]))
    if attempt["reply"]:
        lines.append(words("Answer: {reply}", reply=words.told(attempt["reply"], DELIVERY)))
    return Station(words(title), attempt["at"], mood, tuple(lines))
