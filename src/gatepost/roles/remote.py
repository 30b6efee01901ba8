# SPDX-License-Identifier: Apache-2.0
"""The private API of a console on another machine, asked through its REST API with a token.

`WAYS` is all that has to be known of each operation; a test compares it with the API's own document. Promises: the same answers and
refusals as `control.ask` gives on the console's machine; the token leaves by TLS only, or to this machine itself, and is never told.
"""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from gatepost.errors import ControlError, UsageError

_API = "/api/v1"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PROBLEM = frozenset({"type", "title", "status", "detail", "errors"})
_NOT_SENT = frozenset({"tenant_id", "author"})
"""The token says both."""
_DEFAULT = "default"
"""Stands in a path for a name that is empty: the settings of all partners."""
_SENT_S = 30.0


class Way(NamedTuple):
    """How one operation is asked: what is not in the path stands in the query of GET and DELETE, else in the body."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    """What stands in the query nevertheless."""
    body: str = ""
    """The argument that is the body; '' where the body's fields are arguments."""
    bare: bool = False
    """Nothing is sent."""


_SEEN = ("revision",)
WAYS: Final[Mapping[str, Way]] = {
    "track.search": Way("GET", "/tracks"),
    "track.show": Way("GET", "/tracks/{track}"),
    "track.export": Way("POST", "/tracks/export"),
    "track.import": Way("POST", "/tracks/import"),
    "track.legacy": Way("GET", "/tracks/conversion"),
    "traffic.series": Way("GET", "/traffic"),
    "traffic.refusals": Way("GET", "/traffic/refusals"),
    "role.list": Way("GET", "/gateways"),
    "role.join": Way("POST", "/gateways"),
    "role.leave": Way("DELETE", "/gateways/{name}"),
    "queue.list": Way("GET", "/gateways/{gateway}/queues"),
    "queue.show": Way("GET", "/gateways/{gateway}/queue"),
    "queue.retry": Way("POST", "/gateways/{gateway}/queue/retry"),
    "queue.drop": Way("POST", "/gateways/{gateway}/queue/drop"),
    "event.search": Way("GET", "/events"),
    "incident.list": Way("GET", "/incidents"),
    "incident.show": Way("GET", "/incidents/{number}"),
    "incident.recheck": Way("POST", "/incidents/recheck"),
    "store.usage": Way("GET", "/stores"),
    "webhook.list": Way("GET", "/webhooks"),
    "webhook.create": Way("POST", "/webhooks"),
    "webhook.change": Way("PATCH", "/webhooks/{id}"),
    "webhook.renew_secret": Way("POST", "/webhooks/{id}/secret", bare=True),
    "webhook.remove": Way("DELETE", "/webhooks/{id}"),
    "people.user.list": Way("GET", "/people/users"),
    "people.user.show": Way("GET", "/people/users/{user}"),
    "people.user.add": Way("POST", "/people/users", body="user"),
    "people.user.save": Way("PUT", "/people/users/{id}", _SEEN, "user"),
    "people.user.remove": Way("DELETE", "/people/users/{id}"),
    "people.field.list": Way("GET", "/people/fields"),
    "people.field.save": Way("PUT", "/people/fields/{name}", _SEEN, "field"),
    "people.field.remove": Way("DELETE", "/people/fields/{name}"),
    "people.partner.list": Way("GET", "/people/partners"),
    "people.partner.show": Way("GET", "/people/partners/{domain}"),
    "people.partner.effective": Way("GET", "/people/effective/{name}"),
    "people.partner.save": Way("PUT", "/people/partners/{domain}", _SEEN, "partner"),
    "people.partner.remove": Way("DELETE", "/people/partners/{domain}"),
    "people.partner_address.list": Way("GET", "/people/partners/{domain}/addresses"),
    "people.partner_address.show": Way("GET", "/people/partner-addresses/{address}"),
    "people.partner_address.save": Way("PUT", "/people/partner-addresses/{address}", _SEEN, "address"),
    "people.partner_address.remove": Way("DELETE", "/people/partner-addresses/{address}"),
    "config.export": Way("GET", "/configuration"),
    "config.diff": Way("POST", "/configuration/diff"),
    "config.plan": Way("POST", "/configuration/plan"),
    "config.apply": Way("POST", "/configuration/versions"),
    "config.history": Way("GET", "/configuration/versions"),
    "config.rollback": Way("POST", "/configuration/rollback"),
    "config.status": Way("GET", "/configuration/status"),
    "config.replay": Way("POST", "/configuration/replay"),
    "config.draft.show": Way("GET", "/configuration/draft"),
    "config.draft.change": Way("PATCH", "/configuration/draft"),
    "config.draft.replace": Way("PUT", "/configuration/draft"),
    "config.draft.discard": Way("DELETE", "/configuration/draft"),
    "config.draft.others": Way("GET", "/configuration/drafts"),
    "config.draft.rebase": Way("POST", "/configuration/draft/rebase"),
    "config.draft.apply": Way("POST", "/configuration/draft/apply"),
    "trial.rules": Way("POST", "/trials/rules"),
    "trial.mail": Way("POST", "/trials/mail"),
    "access.self": Way("GET", "/access/self"),
    "access.admins": Way("GET", "/access/administrators"),
    "access.admin": Way("PUT", "/access/administrators/{name}", body="change"),
    "access.token.list": Way("GET", "/access/tokens"),
    "access.token.make": Way("POST", "/access/tokens"),
    "access.token.revoke": Way("DELETE", "/access/tokens/{id}"),
    "access.session.list": Way("GET", "/access/sessions"),
    "access.session.end": Way("DELETE", "/access/sessions/{id}"),
    "access.audit": Way("GET", "/audit"),
}


class Console(NamedTuple):
    """A console on another machine."""

    url: str
    token: str
    ca: str = ""
    """PEM file of the authorities that its certificate may come from; '' are those of this machine."""


class Written(NamedTuple):
    """A call as it is sent."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    content: bytes | None


def ask(console: Console, do: str, /, *, timeout_s: float = _SENT_S, **args: Any) -> Any:
    """Ask a console and give its answer. Raises: ControlError, with exit code 3 when nobody answers, 1 when it refuses; UsageError."""
    import httpx2

    url, call = checked_url(console.url), written(do, args)
    headers = {"Authorization": f"Bearer {console.token}", "Accept": "application/json", "User-Agent": "Gatepost"}
    if call.content is not None:
        headers["Content-Type"] = "application/json"
    verify = _trusted(console.ca) if url.startswith("https:") else False
    try:
        # Nothing of the environment: a proxy, or another password from ~/.netrc, is not what was asked for.
        with httpx2.Client(verify=verify, trust_env=False, timeout=timeout_s) as client:
            answer = client.request(call.method, url + _API + call.path, params=call.query, content=call.content, headers=headers)
    except httpx2.TimeoutException:
        raise ControlError(f"the console at {url} did not answer within {timeout_s:g} s; its log may say why") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as fault:
        raise ControlError(f"the console at {url} cannot be reached ({fault}); check --url, and --ca for its certificate") from None
    return _read(url, answer.status_code, answer.content)


def written(do: str, args: Mapping[str, Any]) -> Written:
    """Give an operation and its arguments as they are sent. Raises: UsageError."""
    if args.get("tenant_id"):
        raise UsageError("--tenant is for this machine's own console; with --url the token says whose it is")
    if do == "people.user.save" and not args.get("id"):
        do, args = "people.user.add", {name: value for name, value in args.items() if name not in ("id", "revision")}
    way = WAYS.get(do)
    if way is None:
        raise UsageError(f"{do} cannot be asked of a console on another machine; run this command there")
    left = {name: value for name, value in args.items() if name not in _NOT_SENT and value is not None}
    body = left.pop(way.body) if way.body else None
    path = "/".join(_step(step, left, body) for step in way.path.split("/"))
    in_query = way.query if way.method not in ("GET", "DELETE") else tuple(left)
    query = tuple((name, _text(one)) for name in in_query if name in left for one in _several(left.pop(name)))
    if not way.body and not way.bare and way.method not in ("GET", "DELETE"):
        body = left
    return Written(way.method, path, query, msgspec.json.encode(body) if body is not None else None)


def checked_url(url: str) -> str:
    """Give a console's address without a slash at its end. Raises: UsageError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
        parts = urlsplit("")
    if not host or parts.query or parts.fragment or parts.username is not None or parts.scheme not in ("https", "http"):
        raise UsageError(f"--url {url!r}: is no address of a console; write https://HOST or https://HOST:PORT")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise UsageError(f"--url {url!r}: would carry the token in clear; write https://, or ask on this machine's own loopback")
    return url.rstrip("/")


def _step(step: str, left: dict[str, Any], body: Any) -> str:
    if not step.startswith("{"):
        return step
    name = step[1:-1]
    value = left.pop(name) if name in left else (body or {}).get(name, "")
    return quote(str(value), safe="") or _DEFAULT


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@lru_cache(maxsize=1)
def _trusted(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except OSError as fault:
        raise UsageError(f"--ca {ca}: cannot be used ({fault.strerror or fault}); name a PEM file of certificates") from None


def _read(url: str, status: int, content: bytes) -> Any:
    try:
        told = msgspec.json.decode(content)
    except msgspec.DecodeError:
        raise ControlError(f"what answers at {url} is no console of Gatepost (status {status}); check --url") from None
    if status == 200:
        return told
    if not isinstance(told, dict) or "detail" not in told:
        raise ControlError(f"what answers at {url} is no console of Gatepost (status {status}); check --url")
    if "outcome" in told:  # a change that was not made, with what its caller needs to know
        return {name: value for name, value in told.items() if name not in _PROBLEM}
    if status == 401:
        raise ControlError(f"the console at {url} does not take this token; it may have ended, or its owner may be disabled")
    refused = ControlError(str(told["detail"]))
    refused.exit_code = 1 if status < 500 and status != 429 else ControlError.exit_code
    raise refused
