# SPDX-License-Identifier: Apache-2.0
"""The URL of a PostgreSQL store, read by ourselves: libpq's complaints would quote it, with the password in it.

    postgresql://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?PARAMETER=VALUE&...]

For a unix socket the host is left out and `host=/FOLDER` is a parameter. Letters with a meaning are percent-encoded.
"""

from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from gatepost.errors import ConfigError

SCHEMES = ("postgresql://", "postgres://")
PARAMETERS = frozenset(
    {
        "channel_binding",
        "host",
        "passfile",
        "port",
        "require_auth",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
    }
)
"""What may be said of a connection; what we need ourselves (time limits, keep-alive, encoding) is ours."""

_MEND = "write postgresql://USER@HOST:PORT/DATABASE"


class PostgresUrl(NamedTuple):
    """Where a store is: `shown` to people without its password, and as libpq's keywords."""

    shown: str
    keywords: dict[str, str]


def parse_url(untrusted_url: str, key: str) -> PostgresUrl:
    """Read a URL; raises ConfigError, with the setting's `key` as its path and without the URL's text."""
    scheme = next((scheme for scheme in SCHEMES if untrusted_url.startswith(scheme)), "")
    if not scheme:
        raise ConfigError(key, "this is neither `sqlite` nor the URL of a PostgreSQL database", _MEND)
    if not untrusted_url.isprintable() or " " in untrusted_url:
        raise ConfigError(key, "the URL holds a space or a control character", "percent-encode it, as %20")
    before, question, query = untrusted_url.removeprefix(scheme).partition("?")
    authority, _, name = before.partition("/")
    login, _, place = authority.rpartition("@")
    user, _, password = login.partition(":")
    if "#" in untrusted_url or "/" in name:
        raise ConfigError(key, "the URL goes on after the database's name", f"{_MEND}, with # and / percent-encoded")
    keywords = _hosts(place, key)
    keywords.update({"user": unquote(user), "password": unquote(password), "dbname": unquote(name)})
    for parameter, value in parse_qsl(query, keep_blank_values=True) if question else ():
        if parameter not in PARAMETERS:
            raise ConfigError(key, "the URL has a parameter that is not known", f"these are: {', '.join(sorted(PARAMETERS))}")
        keywords[parameter] = value
    keywords = {keyword: value for keyword, value in keywords.items() if value}
    if "dbname" not in keywords:
        raise ConfigError(key, "the URL names no database", _MEND)
    return PostgresUrl(_shown(keywords), keywords)


def _hosts(place: str, key: str) -> dict[str, str]:
    hosts, ports = [], []
    for one in place.split(","):
        host, colon, port = one.rpartition(":") if not one.endswith("]") else (one, "", "")
        if not colon:
            host, port = one, ""
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ConfigError(key, "the URL's port is no number from 1 to 65535", _MEND)
        hosts.append(unquote(host.removeprefix("[").removesuffix("]")))
        ports.append(port)
    return {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}


def _shown(keywords: dict[str, str]) -> str:
    user = f"{quote(keywords['user'])}@" if "user" in keywords else ""
    hosts, ports = keywords.get("host", "localhost").split(","), keywords.get("port", "").split(",")
    if len(ports) != len(hosts):
        ports = [ports[0]] * len(hosts)
    if hosts[0].startswith("/"):
        port = f"&port={ports[0]}" if ports[0] else ""
        return f"postgresql://{user}/{quote(keywords['dbname'])}?host={hosts[0]}{port}"
    places = [f"{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}" for host, port in zip(hosts, ports, strict=True)]
    return f"postgresql://{user}{','.join(places)}/{quote(keywords['dbname'])}"
