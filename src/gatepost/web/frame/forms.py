# SPDX-License-Identifier: Apache-2.0
"""What a person typed, and what is wrong with it: nothing typed is lost, each fault stands at its field."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from starlette.datastructures import UploadFile
from starlette.requests import Request

FIELDS: Final = 2_000
FIELD_BYTES: Final = 1_048_576


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
            return int(written)
        except ValueError:
            self.fault(name, "is not a whole number", "write digits only")
            return default

    def fill(self, **defaults: Any) -> None:
        """Give what stands in fields that were not sent."""
        self._values = {**defaults, **self._values}

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


async def read(request: Request) -> Form:
    """Read a form that was sent (URL-encoded or multipart); files come as their bytes under their name."""
    sent = await request.form(max_fields=FIELDS, max_files=4, max_part_size=FIELD_BYTES)
    values: dict[str, Any] = {}
    for name, value in sent.multi_items():
        content: Any = await value.read() if isinstance(value, UploadFile) else value
        values.setdefault(name, []).append(content)
    return Form(values)


def asked(request: Request) -> Form:
    """Read what stands in the address after `?`."""
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        values.setdefault(name, []).append(value)
    return Form(values)
