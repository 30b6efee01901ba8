# SPDX-License-Identifier: Apache-2.0
"""Read what a request carries into the Structs of its operation; whatever does not fit is refused with its place."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect
from starlette.requests import Request

from gatepost.web.api.operation import Operation
from gatepost.web.api.problem import Place, Problem, Stopped, invalid, pointer
from gatepost.web.api.values import PATTERNS

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?\Z")
_LITERALS: Final = {"true": True, "false": False}
_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$?\.?(?P<at>.*)`)?\Z", re.DOTALL)
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(?P<key>.*)`\Z", re.DOTALL)
_PATTERN = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'\Z", re.DOTALL)
_TAG = re.compile(r'"(?P<number>[0-9]{1,15})"\Z')


def asked(operation: Operation, request: Request) -> msgspec.Struct | None:
    """Read path and query. Raises: Stopped."""
    sent = request.query_params.multi_items()
    if operation.asked is None:
        if sent:
            raise Stopped(_parameter(sent[0][0], "there is no such parameter here"))
        return None
    fields = _parameters(operation.asked)
    untrusted: dict[str, Any] = dict(request.path_params)
    for name, text in sent:
        field = fields.get(name)
        if field is None or name in request.path_params:
            raise Stopped(_parameter(name, "there is no such parameter here"))
        if field.is_list:
            untrusted.setdefault(name, []).append(text)
        elif name in untrusted:
            raise Stopped(_parameter(name, "it stands there twice"))
        else:
            untrusted[name] = text
    read = {name: value if fields[name].is_text else _literal(value) for name, value in untrusted.items()}
    _check_texts(read)
    try:
        return msgspec.convert(read, operation.asked)
    except msgspec.ValidationError as fault:
        what, at = _parts(fault)
        raise Stopped(_parameter(at.partition("[")[0], what)) from None


async def body(operation: Operation, request: Request) -> Any:
    """Read the body. Raises: Stopped; BodyTooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if operation.body is None:
        if await request.body():
            raise Stopped(invalid("Nothing is to be sent here.", status=400))
        return None
    if kind != "application/json":
        raise Stopped(Problem.said(415, "Send JSON, with Content-Type: application/json."))
    untrusted_content = await request.body()
    try:
        read = _decoder(operation.name, operation.body).decode(untrusted_content)
        if b"\\u0000" in untrusted_content:
            _check_texts(msgspec.json.decode(untrusted_content))
        return read
    except msgspec.ValidationError as fault:
        what, at = _parts(fault)
        raise Stopped(invalid(f"The body does not fit: {what}.", (Place(what, pointer(at)),))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Stopped(invalid("The body is not JSON, or too deep.", status=400)) from None


def if_match(operation: Operation, request: Request) -> int | None:
    """Read which version or revision a change rests on (RFC 9110 section 13.1.1), where the operation asks. Raises: Stopped."""
    said = request.headers.get("if-match")
    if said is None or not operation.if_match:
        return None
    found = _TAG.match(said.strip())
    if found is None:
        raise Stopped(_parameter("If-Match", "it is not the ETag of one answer"))
    return int(found["number"])


class Parameter(NamedTuple):
    """How one parameter is written."""

    is_list: bool
    is_text: bool


@cache
def _parameters(model: type[msgspec.Struct]) -> Mapping[str, Parameter]:
    kind = inspect.type_info(model)
    assert isinstance(kind, inspect.StructType)
    return {field.encode_name: _parameter_of(field.type) for field in kind.fields}


def _parameter_of(kind: inspect.Type) -> Parameter:
    kinds = list(_bare(kind))
    lists = any(isinstance(one, inspect.VarTupleType) for one in kinds)
    return Parameter(lists, lists or any(isinstance(one, inspect.StrType | inspect.LiteralType) for one in kinds))


def _bare(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _bare(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _bare(one)
    else:
        yield kind


@cache
def _decoder(name: str, model: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model)


def _literal(text: str) -> Any:
    if text in _LITERALS:
        return _LITERALS[text]
    return msgspec.json.decode(text) if _NUMBER.match(text) else text


def _check_texts(value: Any) -> None:
    """Refuse NUL, which no text of a store can hold. Raises: Stopped."""
    if isinstance(value, str):
        if "\0" in value:
            raise Stopped(invalid("A text holds a NUL character; leave it out."))
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _check_texts(name)
            _check_texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            _check_texts(one)


def _parts(fault: msgspec.ValidationError) -> tuple[str, str]:
    """Give what is wrong, and the path of where."""
    found = _WHERE.match(str(fault))
    what, at = (found["what"], found["at"] or "") if found else (str(fault), "")
    if field := _FIELD.match(what):
        at = f"{at}.{field['key']}".lstrip(".")
    if pattern := _PATTERN.match(what):
        what = PATTERNS.get(pattern["pattern"], "it is not written as it must be; the API's document says how")
    return what[:1].lower() + what[1:], at


def _parameter(name: str, what: str) -> Problem:
    return invalid(f"{name[:60]}: {what}", (Place(what, parameter=name[:200]),))
