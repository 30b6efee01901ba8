# SPDX-License-Identifier: Apache-2.0
"""Problems: what the API answers when it does not do what was asked (RFC 9457).

One sentence for a person; for each fault a JSON pointer (RFC 6901) into the body, or the parameter's name. Promises: a place that
does not exist and one that a token may not see answer the same bytes; nothing of a defect is told.
"""

import re
from collections.abc import Collection, Iterable
from http import HTTPStatus
from typing import Any, Final, Literal, Self

import msgspec

from gatepost.errors import ConfigError, ControlError, GatepostError, StoreFull, UsageError

MEDIA_TYPE: Final = "application/problem+json"
_NAMED = re.compile(r"([a-z_]+): (.+)\Z", re.DOTALL)
_STEP = re.compile(r"[^.\[\]]+")


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault: what is wrong, and where."""

    detail: str
    pointer: str = ""
    """Into the body, as `#/addresses/0/address`."""
    parameter: str = ""
    """Of the path, the query or a header."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not done. Nothing was changed."""

    status: int
    title: str
    detail: str
    """The sentence."""
    type: str = "about:blank"
    errors: tuple[Place, ...] = ()

    @classmethod
    def said(cls, status: int, detail: str, errors: Iterable[Place] = (), **more: Any) -> Self:
        """Make one; `more` are the fields that a kind of problem has besides."""
        return cls(status=status, title=HTTPStatus(status).phrase, detail=detail, errors=tuple(errors), **more)


class Invalid(Problem, frozen=True, kw_only=True):
    """What was sent cannot be understood, or cannot be."""

    status: Literal[400, 422]


class Missing(Problem, frozen=True, kw_only=True):
    """There is no such thing."""

    status: Literal[404]


class Away(Problem, frozen=True, kw_only=True):
    """A gateway is away, or refused."""

    status: Literal[502]


class Stopped(Exception):
    """A request ends with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


MISSING: Final = Missing.said(404, "There is nothing here, or nothing that this token may see.")
DEFECT: Final = Problem.said(500, "The console could not do it; its log says why.")
TOO_LARGE: Final = Problem.said(413, "The request is larger than 4194304 bytes.")
AWAY: Final = Problem.said(503, "The console's store does not answer; try again.")


def missing(detail: str) -> Missing:
    """Say that there is no such thing, to who may know."""
    return Missing.said(404, detail)


def invalid(detail: str, errors: Iterable[Place] = (), *, status: int = 422) -> Invalid:
    """Say that what was sent cannot be."""
    return Invalid.said(status, detail, errors)


def problem_of(error: GatepostError, parameters: Collection[str] = (), fields: Collection[str] = ()) -> Problem:
    """Give the problem that a room's failure is; what the caller could say, in the address or in the body, is told as its place."""
    said = str(error)
    if error.temporary:
        return Problem.said(507 if isinstance(error, StoreFull) else 503, said)
    if isinstance(error, UsageError) and (named := _NAMED.match(said)):
        if named[1] in parameters:
            return invalid(said, (Place(named[2], parameter=named[1]),))
        return invalid(said, (Place(named[2], pointer(named[1])),) if named[1] in fields else ())
    if isinstance(error, ConfigError) and "document" in fields:
        return invalid(said, (Place(said, "#/document"),))
    if isinstance(error, ControlError):
        return missing(said) if error.exit_code == 1 else Away.said(502, said)
    return invalid(said)


def pointer(path: str, below: str = "") -> str:
    """Write a path like `addresses[1].address` as a JSON pointer, below another one."""
    return f"#{below}" + "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in _STEP.findall(path))
