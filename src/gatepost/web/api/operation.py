# SPDX-License-Identifier: Apache-2.0
"""One operation of the API, and the table of them: what a function's decorator and annotations say of it.

    @operations.get("track.show", "/tracks/{track}", "monitoring:read")
    async def show(call: Call, asked: OneTrack) -> Track | Missing:
        \"\"\"Tell all that is known of a mail.\"\"\"

`asked` is what stands in path and query, `body` what was sent; the answer's problems are those of the annotation.
"""

import types
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import msgspec

from gatepost.access.record import TokenUse
from gatepost.contracts.actor import Actor
from gatepost.web.api.problem import Problem, Stopped, invalid
from gatepost.web.house import House

Do = Callable[..., Awaitable[Any]]
Function = TypeVar("Function", bound=Do)


class Call:
    """One call of one operation."""

    def __init__(self, house: House, use: TokenUse, client: str, if_match: int | None = None) -> None:
        self.house, self.use, self.client, self.if_match = house, use, client, if_match
        self.headers: dict[str, str] = {}
        """Of the answer."""

    @property
    def tenant_id(self) -> int:
        """Whose call it is."""
        return self.use.token.tenant_id

    @property
    def actor(self) -> Actor:
        """Who changes something."""
        return self.use.actor(self.client)

    def tag(self, number: int) -> None:
        """Say which version or revision is answered."""
        self.headers["ETag"] = f'"{number}"'

    def rests_on(self, name: str, said: int | None) -> int:
        """Give the version or revision that a change rests on: the field's, or `If-Match`. Raises: Stopped without either."""
        if said is not None and self.if_match is not None and said != self.if_match:
            raise Stopped(invalid(f"{name} and If-Match name different ones; leave one out"))
        seen = said if said is not None else self.if_match
        if seen is None:
            raise Stopped(Problem.said(428, f"say which one the change rests on: `{name}`, or If-Match with the ETag that you have seen"))
        return seen

    @property
    def late(self) -> int:
        """The status of a change that rests on what no longer holds."""
        return 409 if self.if_match is None else 412


class Operation(NamedTuple):
    """What the API can do for one name."""

    name: str
    """Of the private API's operation."""
    method: str
    path: str
    right: str
    """'' needs none but a token."""
    do: Do
    asked: type[msgspec.Struct] | None
    body: Any
    answer: Any
    problems: Mapping[int, tuple[type[Problem], ...]]
    """By status."""
    house: bool
    """Only for the house's own administrators."""
    if_match: bool
    private_body: str
    """The argument of the private API that the body is; '' where its fields are arguments."""

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return self.path.replace(":path}", "}")

    @property
    def area(self) -> str:
        """What it is grouped under."""
        return self.path.split("/")[1]

    @property
    def says(self) -> tuple[str, str]:
        """Its summary and the rest of its description."""
        summary, _, rest = (self.do.__doc__ or "").partition("\n")
        return summary.strip(), " ".join(rest.split())


class Operations:
    """A table of operations."""

    def __init__(self) -> None:
        self._all: dict[str, Operation] = {}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._all.values())

    def get(self, name: str, path: str, right: str, **more: Any) -> Callable[[Function], Function]:
        """Add a question."""
        return self._add("GET", name, path, right, **more)

    def post(self, name: str, path: str, right: str, **more: Any) -> Callable[[Function], Function]:
        """Add what is neither a question with a short answer nor a whole thing's change."""
        return self._add("POST", name, path, right, **more)

    def put(self, name: str, path: str, right: str, **more: Any) -> Callable[[Function], Function]:
        """Add what makes or changes a thing whose name the caller gives."""
        return self._add("PUT", name, path, right, **more)

    def patch(self, name: str, path: str, right: str, **more: Any) -> Callable[[Function], Function]:
        """Add what changes a part."""
        return self._add("PATCH", name, path, right, **more)

    def delete(self, name: str, path: str, right: str, **more: Any) -> Callable[[Function], Function]:
        """Add what removes a thing."""
        return self._add("DELETE", name, path, right, **more)

    def _add(
        self,
        method: str,
        name: str,
        path: str,
        right: str,
        *,
        answer: Any = None,
        house: bool = False,
        if_match: bool = False,
        private_body: str = "",
    ) -> Callable[[Function], Function]:
        """Add an operation; `answer` describes one that the function gives in plain values."""

        def add(do: Function) -> Function:
            if name in self._all:
                raise ValueError(f"there are two operations {name}")
            hints = typing.get_type_hints(do, include_extras=True)
            given = hints.pop("return")
            kinds = typing.get_args(given) if typing.get_origin(given) in (types.UnionType, typing.Union) else (given,)
            problems: dict[int, tuple[Any, ...]] = {}
            for status, kind in chain.from_iterable(_by_status(one) for one in kinds if _is_problem(one)):
                problems[status] = (*problems.get(status, ()), kind)
            told = [kind for kind in kinds if not _is_problem(kind)]
            shape = answer if answer is not None else typing.Union[tuple(told)]  # noqa: UP007 - built of a list
            asked, body = hints.get("asked"), hints.get("body")
            self._all[name] = Operation(name, method, path, right, do, asked, body, shape, problems, house, if_match, private_body)
            return do

        return add


def _is_problem(kind: Any) -> bool:
    plain = typing.get_origin(kind) or kind
    return isinstance(plain, type) and issubclass(plain, Problem)


def _by_status(kind: Any) -> list[tuple[int, Any]]:
    return [(status, kind) for status in typing.get_args(typing.get_type_hints(typing.get_origin(kind) or kind)["status"])]
