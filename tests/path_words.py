# SPDX-License-Identifier: Apache-2.0
"""Every sentence that a mail's path can write into its track, and where it stands in the code.

Most are declared (`contracts.sentence`): all modules of the declaring rooms are loaded, and asked. Rooms that declare nothing say
theirs as literals and f-strings; these are read out of the code, with a hole for each value: "the key has {} bits".
"""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final

from gatepost.contracts.sentence import AUTHENTICATION, DECISION, DELIVERY, LIST, SEPARATOR, Sentence, declared, places
from web_words import PACKAGE

DECLARING: Final = ("contracts", "filters", "rules", "mailflow")
_HOLE: Final = re.compile(r"\{[^{}]*\}")
_AUTHENTICATING: Final = tuple(
    f"protection/mailauth/{name}.py"
    for name in (
        *("arc/chain", "arc/validate", "dkim/check", "dkim/field", "dkim/key", "dkim/verify"),
        *("dmarc/evaluate", "spf/check", "spf/evaluate", "spf/parse"),
    )
)
_CALLS: Final[Mapping[str, tuple[tuple[str, int | str], ...]]] = {
    DECISION: (("StoreFull", 0), ("StoreAway", 0), ("TrackHead", "reason")),
    DELIVERY: (("local_failure", 1), ("Unroutable", 1), ("NoExchanger", 1), ("Attempt", 3)),
}
"""By scope, what a call is given that is a sentence, by its place or name."""
_IN_CALLS: Final[Mapping[str, tuple[str, ...]]] = {
    DECISION: ("delivery/handover/client.py", "tracking/head.py"),
    DELIVERY: ("delivery", "smtp/client", "dns/exchangers.py", "tracking/outcome.py"),
}
_STATUS: Final = re.compile(r"^[245][0-9]{2} [245]\.[0-9]+\.[0-9]+ ")
_LISTED_IN_CODE: Final = ("smtp/client/connection.py:_WAITED_FOR", "smtp/client/reading.py:malformed")


def sentences() -> tuple[Sentence, ...]:
    """Load the declaring rooms and give their sentences."""
    for path in _modules():
        _loaded(path)
    return tuple(declared())


def holes(text: str) -> str:
    """Give a sentence with a bare hole for each place."""
    return _HOLE.sub("{}", text)


def undeclared() -> dict[str, set[str]]:
    """Give, by scope, the sentences of rooms that declare nothing, with holes."""
    found = {scope: set(_in_calls(scope)) for scope in _CALLS}
    found[AUTHENTICATION] = {part for name in _AUTHENTICATING for text in _literals(_read(name)) for part in _parts(text)}
    found[LIST] = set(_listed())
    return found


def said_wrongly() -> list[str]:
    """Give the calls of `say` whose places are not those of their sentence, or whose sentence cannot be told."""
    return [f"{path.relative_to(PACKAGE)}: {one}" for path in _modules() for one in wrong_calls(_loaded(path), ast.parse(path.read_text()))]


def wrong_calls(module: object, tree: ast.Module) -> Iterator[str]:
    """Give those of one file."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "say":
            spoken = [_found(module, ast.unparse(one)) for one in _meant(call.func.value, tree)]
            given = {one.arg for one in call.keywords}
            if not spoken or call.args or any(not isinstance(one, Sentence) or set(places(one.text)) != given for one in spoken):
                yield ast.unparse(call)


def _meant(node: ast.expr, tree: ast.Module) -> list[ast.expr]:
    """Give the sentences that may be meant: the one that is named, or each that a name of the function was given."""
    if isinstance(node, ast.Name):
        for one in ast.walk(tree):
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.IfExp) and ast.unparse(one.targets[0]) == node.id:
                return [one.value.body, one.value.orelse]
    return [node]


def _modules() -> Iterator[Path]:
    for room in DECLARING:
        yield from (path for path in sorted((PACKAGE / room).rglob("*.py")) if path.name != "sentence.py")


def _loaded(path: Path) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"))


def _found(module: object, dotted: str) -> object:
    at: object | None = module
    for name in dotted.split("."):
        at = getattr(at, name, None)
    return at


def _read(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text())


def _texts(node: ast.AST) -> Iterator[str]:
    """Give what an expression may be, with holes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)


def _literals(tree: ast.Module) -> Iterator[str]:
    """Give each text of a file that people read: one of words with blanks, or a value after another."""
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    passed |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) not in passed:
            yield from (text for text in _texts(node) if _is_sentence(text))


def _is_sentence(text: str) -> bool:
    return text == "{}: {}" or (" " in text.strip() and re.search("[a-z]{2}", text) is not None)


def _parts(text: str) -> Iterator[str]:
    yield from (part for part in text.split(SEPARATOR) if part != "{}")


def _in_calls(scope: str) -> Iterator[str]:
    for path in _files(_IN_CALLS[scope]):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            for name, place in _CALLS[scope]:
                if isinstance(call.func, ast.Name) and call.func.id == name:
                    for node in _given(call, place):
                        yield from (_with_status(name, text) for text in _texts(node))


def _with_status(name: str, text: str) -> str:
    return f"{{}} {text}" if name == "local_failure" else _STATUS.sub("{} ", text)


def _given(call: ast.Call, place: int | str) -> list[ast.expr]:
    if isinstance(place, int):
        return call.args[place : place + 1]
    return [one.value for one in call.keywords if one.arg == place]


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        path = PACKAGE / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _listed() -> Iterator[str]:
    for one in _LISTED_IN_CODE:
        path, _, name = one.partition(":")
        for node in ast.walk(_read(path)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            if any(getattr(target, "id", getattr(target, "attr", "")) == name for target in targets):
                values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]  # type: ignore[attr-defined]
                yield from (text for value in values for text in _texts(value) if text)
