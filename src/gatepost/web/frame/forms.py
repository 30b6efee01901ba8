# SPDX-License-Identifier: Apache-2.0
"""What a person typed, and what is wrong with it: nothing typed is lost, each fault stands at its field."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from gatepost.web.frame.headers import BodyTooLarge
from gatepost.web.frame.words import _

FIELDS: Final = 2_000
FIELD_BYTES: Final = 1_048_576
STRANGERS_BYTES: Final = 65_536
"""Of a form that comes without a session."""
_URL_ENCODED: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_LONGEST_NUMBER: Final = 15
"""Digits; whatever is longer counts nothing here, and fits into no column."""
TOO_MUCH: Final = _("The form is larger than can be taken; send less at once.")
NO_FORM: Final = _("What was sent is not a form as our pages send it.")


class Unreadable(Exception):
    """What was sent is no form that can be read; `status` and `sentence` are for the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Fault(NamedTuple):
    """What is wrong at a field; '' is the form as a whole."""

    field: str
    cause: str
    mend: str = ""


class Form:
    """The fields of one form: as they were sent, or as a page shows them at first."""

    def __init__(self, values: Mapping[str, Any] | None = None, faults: Iterable[Fault] = ()) -> None:
        self._values: dict[str, Any] = dict(values or {})
        self.faults = list(faults)

    def text(self, name: str, default: str = "") -> str:
        """Give a field's text without blanks around it."""
        value = self._values.get(name, default)
        if isinstance(value, list | tuple):
            value = value[-1] if value else default
        return str(value).strip()

    def raw(self, name: str, default: str = "") -> str:
        """Give a field's text as it was typed, as for a password."""
        value = self._values.get(name, default)
        return str(value[-1] if isinstance(value, list | tuple) and value else value or "")

    def many(self, name: str) -> list[str]:
        """Give all values of a field that may be sent several times; empty ones are left out."""
        value = self._values.get(name, ())
        listed = value if isinstance(value, list | tuple) else [value]
        return [str(one) for one in listed if str(one) != ""]

    def lines(self, name: str) -> list[str]:
        """Give the lines of a text field that say something."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    def file(self, name: str) -> bytes:
        """Give the bytes of a file that was sent; none where there was none."""
        value = self._values.get(name)
        return next((one for one in value if isinstance(one, bytes)), b"") if isinstance(value, list) else b""

    def ticked(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        return self.text(name).lower() in ("on", "true", "1", "yes")

    def whole(self, name: str, default: int | None = None) -> int | None:
        """Give a whole number; a fault at its field when it is none."""
        written = self.text(name)
        if not written:
            return default
        try:
            number = int(written) if len(written) <= _LONGEST_NUMBER else None
        except ValueError:
            number = None
        if number is None:
            self.fault(name, "is not a whole number", "write digits only")
            return default
        return number

    def fill(self, **defaults: Any) -> None:
        """Give what stands in fields that were not sent."""
        self._values = {**defaults, **self._values}

    def put(self, **values: Any) -> None:
        """Give what stands in fields, whatever was sent."""
        self._values |= values

    def fault(self, field: str, cause: str, mend: str = "") -> None:
        """Note what is wrong at a field."""
        self.faults.append(Fault(field, cause, mend))

    def at(self, field: str) -> Sequence[Fault]:
        """Give what is wrong at a field."""
        return [one for one in self.faults if one.field == field]

    @property
    def rest(self) -> Sequence[Fault]:
        """What is wrong where no field shows it; templates ask after they have shown all fields."""
        return [one for one in self.faults if one.field not in self._values or not one.field]

    @property
    def names(self) -> Sequence[str]:
        """The fields there are."""
        return tuple(self._values)


async def read(request: Request, *, known: bool = True) -> Form:
    """Read a form that was sent: URL-encoded, or from who is known multipart, whose files come as their bytes under their name.

    Raises: Unreadable.
    """
    untrusted_kind, options = parse_options_header(request.headers.get("content-type", ""))
    kind = untrusted_kind.decode("latin-1")
    try:
        if not kind:
            return Form()
        if kind == _URL_ENCODED:
            return Form(_listed(_pairs(await _body(request, None if known else STRANGERS_BYTES))))
        if kind == _MULTIPART and known and options.get(b"charset", b"utf-8").lower() == b"utf-8":
            return Form(_listed(await _parts(request)))
    except BodyTooLarge:
        raise Unreadable(413, TOO_MUCH) from None
    except HTTPException as refused:
        # "Maximum number of fields", "maximum size": it has no other way to say which of the two it is.
        fault = Unreadable(413, TOO_MUCH) if "maximum" in refused.detail.lower() else Unreadable(400, NO_FORM)
        raise fault from None
    except (UnicodeError, ClientDisconnect):
        raise Unreadable(400, NO_FORM) from None
    raise Unreadable(415, NO_FORM)


async def _body(request: Request, limit: int | None) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if limit is not None and len(body) > limit:
            raise Unreadable(413, TOO_MUCH)
    return bytes(body)


def _pairs(body: bytes) -> list[tuple[str, Any]]:
    if body.count(b"&") >= FIELDS:
        raise Unreadable(413, TOO_MUCH)
    pairs: list[tuple[str, Any]] = [*parse_qsl(body.decode(errors="replace"), keep_blank_values=True)]
    if any(len(value) > FIELD_BYTES for _name, value in pairs):
        raise Unreadable(413, TOO_MUCH)
    return pairs


async def _parts(request: Request) -> list[tuple[str, Any]]:
    async with request.form(max_fields=FIELDS, max_files=4, max_part_size=FIELD_BYTES) as sent:
        return [(name, await value.read() if isinstance(value, UploadFile) else value) for name, value in sent.multi_items()]


def _listed(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Put together what has one name. No text of ours holds NUL, which not every store can keep."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value.replace("\0", "\ufffd") if isinstance(value, str) else value)
    return values


def asked(request: Request) -> Form:
    """Read what stands in the address after `?`."""
    return Form(_listed(request.query_params.multi_items()))
