# SPDX-License-Identifier: Apache-2.0
"""The outermost layer: every answer carries the headers that keep a browser strict, no request is larger than its limit.

Nothing but our own files is ever loaded (Content Security Policy Level 3): no inline script or style, no frame around us, no base.
"""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatepost.telemetry.log import emit_unexpected

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers would not say the origin of our own forms either
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURED: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=31536000",  # RFC 6797
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Added where the connection is TLS; elsewhere browsers take the one for nothing and complain of the other."""
BODY_BYTES: Final = 4_194_304


class Headers:
    """Wraps an application; `body_bytes` bounds what a request may carry."""

    def __init__(self, application: ASGIApp, body_bytes: int = BODY_BYTES) -> None:
        self._application = application
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        secured = scope.get("scheme") == "https"
        left = self._body_bytes
        began = False

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
            return message

        async def dressed(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, **(SECURED if secured else {})}.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._application(scope, bounded, dressed)
        except BodyTooLarge:
            if began:
                raise
            await _say(dressed, 413, f"The request is larger than {self._body_bytes} bytes.\n")
        except Exception as error:
            if began:
                raise
            emit_unexpected(f"the web's {scope['path']}", error)
            await _say(dressed, 500, "Something unexpected happened; the log of the console says what.\n")


async def _say(send: Send, status: int, said: str) -> None:
    """Answer in plain text where no application does."""
    content = said.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class BodyTooLarge(Exception):
    """A request carries more than the limit."""
