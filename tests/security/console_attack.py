# SPDX-License-Identifier: Apache-2.0
"""What attackers of the console use: its server on a port with the limits that a test wants, bytes as they like them, texts that bite.

with attacked(tmp_path, limits=Limits(head_s=0.5)) as target:
    answer = target.send(b"GET /sign-in HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    answer.status, answer.headers["location"], answer.closed
"""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop

from console_site import Site, open_site
from gatepost.smtp.certificate import Certificate, Identity
from gatepost.testing.ports import LOOPBACK
from gatepost.web.frame.certificate import tls_context
from gatepost.web.frame.forwarded import Proxies
from gatepost.web.frame.gate import LIMITS, Limits
from gatepost.web.frame.serving import WebServer

SCRIPT: Final = "<script>window.stolen = 1</script>"
HOSTILE: Final = (
    "javascript:window.stolen=1//",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "hx-get=/sign-out hx-trigger=load",
    SCRIPT,
    "\"'><img src=x onerror=window.stolen=1>",
    "</textarea></title></style><svg onload=window.stolen=1>",
    "' onmouseover='window.stolen=1' autofocus onfocus='window.stolen=1",
    "{{7*7}}${7*7}#{7*7}<%=7*7%>{% raw %}",
    "{0} {name} {",
    "&lt;b&gt;&amp;&#0;&#x202e;",
    "a\r\nSet-Cookie: gatepost-session=b\r\n\r\n<p>",
    "invoice\u202efdp.exe",
    "pay\u200bpal\u2066.example\u2069",
    "\x00\x07\x1b[31mred\x7f\x9b",
    "]]><!--/*-->*/;}body{display:none}",
)
"""The first four bite at the beginning of a text."""
TEXTS: Final = tuple(" · ".join(HOSTILE[first::4]) for first in range(4))
"""A few at a time, so that reading all pages four times is enough; what bites at its beginning stands there."""
_PATIENCE_S: Final = 20.0


class Answer(NamedTuple):
    """What came back: as much as there was until the server closed, or was silent for long enough."""

    raw: bytes
    closed: bool
    took_s: float
    cpu_s: float
    """What it cost this process, in which both ends are: a machine that is busy does not count."""

    @property
    def status(self) -> int:
        """The status of the first answer; 0 for none."""
        return int(self.raw[9:12]) if self.raw.startswith(b"HTTP/1.1 ") else 0

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the first answer, by their small names."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> str:
        """What stands after the first headers."""
        return self.raw.partition(b"\r\n\r\n")[2].decode(errors="replace")

    @property
    def answers(self) -> int:
        """How many answers there are."""
        return self.raw.count(b"HTTP/1.1 ")


class Target(NamedTuple):
    """A console on a port; `run` carries out a coroutine in its loop."""

    site: Site
    port: int
    run: Callable[[Coroutine[Any, Any, Any]], Any]

    @property
    def url(self) -> str:
        """Where its plain pages are."""
        return f"http://{LOOPBACK}:{self.port}"

    def connect(self, context: ssl.SSLContext | None = None, peer: str = "") -> socket.socket:
        """Open a connection, from another address of this machine where one is named."""
        plain = socket.create_connection((LOOPBACK, self.port), _PATIENCE_S, (peer, 0) if peer else None)
        return context.wrap_socket(plain, server_hostname="console.example") if context else plain

    def send(self, *pieces: bytes, context: ssl.SSLContext | None = None, silence_s: float = _PATIENCE_S, peer: str = "") -> Answer:
        """Send bytes on a connection of their own, and take what comes until the server closes or says nothing for so long."""
        begun, spent = time.monotonic(), time.process_time()

        def answer(closed: bool) -> Answer:
            return Answer(bytes(raw), closed, time.monotonic() - begun, time.process_time() - spent)

        raw = bytearray()
        with self.connect(context, peer) as connection:
            connection.settimeout(silence_s)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while taken := connection.recv(65_536):
                    raw += taken
            except TimeoutError:
                return answer(False)
            except (ConnectionResetError, BrokenPipeError):
                # Closed while we were sending; what was said before that may still be read.
                raw += _rest(connection)
            return answer(True)


def _rest(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except OSError:
        return b""


def request(method: str, path: str, *headers: str, body: bytes = b"", keep: bool = False) -> bytes:
    """Write a request; it asks for the connection to be closed after it, unless it is to be kept."""
    lines = [f"{method} {path} HTTP/1.1", "Host: console.example", *headers]
    lines += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    lines += [] if keep else ["Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


FORM: Final = "Content-Type: application/x-www-form-urlencoded"


@contextmanager
def attacked(
    folder: Path,
    *,
    limits: Limits = LIMITS,
    identity: Identity | None = None,
    proxies: Proxies | None = None,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    **options: Any,
) -> Iterator[Target]:
    """Serve a site from a thread of its own, in the loop that the console has."""
    loop = new_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    stack = AsyncExitStack()

    async def open_() -> tuple[Site, int]:
        site = await stack.enter_async_context(open_site(folder, **options))
        listening = socket.create_server((LOOPBACK, 0))
        certificate = Certificate("console", identity, tls_context) if identity else None
        server = WebServer(site.application, [listening], certificate, limits, proxies)
        server.start()
        stack.push_async_callback(server.close)
        return site, listening.getsockname()[1]

    try:
        site, port = run(open_())
        yield Target(site, port, run)
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def fill(path: str, **known: str) -> str:
    """Write a route's path with values in its places: those that are known, else one that nothing has."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda place: known.get(place[1], "7" if place[0].endswith(":int}") else "nobody"), path)


class Markup(HTMLParser):
    """What a page is made of: its tags, each attribute, its links and forms."""

    LOADING: Final = frozenset({"src", "href", "action", "formaction", "hx-get", "hx-post", "srcset", "data", "poster", "background"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.forms: list[dict[str, Any]] = []
        self.feed(page)
        self.close()

    @property
    def addresses(self) -> list[str]:
        """Whatever the browser loads, follows or sends to."""
        return [value for _tag, name, value in self.attributes if name in self.LOADING]

    @property
    def links(self) -> list[str]:
        """Where one may go from here, on this site."""
        return [value for tag, name, value in self.attributes if tag == "a" and name == "href" and value.startswith("/")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in given.items()]
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "method": given.get("method", "get").lower(), "fields": {}})
        elif tag in ("input", "select", "textarea") and self.forms and "name" in given:
            self.forms[-1]["fields"].setdefault(given["name"], given.get("value", ""))
