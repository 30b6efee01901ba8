# SPDX-License-Identifier: Apache-2.0
"""Every sentence that pages say, as the code and the templates have it; and what of a template nobody could translate.

A sentence is what stands, as a literal, in a call that says it: `_("...")`, `words("...", name=value)`, `words.number("one", "many", n)`,
`form.fault("field", "cause", "mend")`, and in the rooms below the web the calls of `SAYING`, whose sentences pages translate. There
an f-string is the sentence "it has {0} characters", its values numbered. `python tests/web_words.py` prints what has no German yet.
"""

import ast
import json
import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, nodes

from gatepost.versioning.edit_fields import Field, fields
from gatepost.versioning.edit_sections import sections

PACKAGE: Final = Path(__file__).parent.parent / "src" / "gatepost"
WEB: Final = PACKAGE / "web"


class Sentence(NamedTuple):
    """One sentence of the pages, and who says it."""

    text: str
    where: str
    values: frozenset[str] | None = None
    """The names of the values that are filled in here; None where that happens elsewhere."""


class Saying(NamedTuple):
    """Which arguments of a call are sentences."""

    positions: tuple[int, ...]
    names: tuple[str, ...] = ()


_WEB_SAYING: Final[Mapping[str, Saying]] = {
    "_": Saying((0,)),
    "words": Saying((0,)),
    "self": Saying((0,)),
    "number": Saying((0, 1)),
    "fault": Saying((1, 2), ("cause", "mend")),
    "Fault": Saying((1, 2), ("cause", "mend")),
    "show": Saying((), ("title",)),
}
SAYING: Final[Mapping[str, Mapping[str, Saying]]] = {
    "web/frame": _WEB_SAYING,
    "web/console": _WEB_SAYING,
    "monitoring": {
        "Kind": Saying((0, 1, 2), ("title", "meaning", "what_to_do")),
        "Detail": Saying((1,), ("title",)),
        "Say": Saying((0,), ("text",)),
        "_phrase": Saying((0,)),
    },
    "people": {"Fault": Saying((1, 2), ("cause", "mend"))},
}
"""By room: the calls whose arguments pages show to people. The API speaks English to programs."""
_FILLS: Final = ("words", "self", "number", "_")
_FILLED_BY_ITSELF: Final = {"number": {"n"}}


# --- what is said -----------------------------------------------------------------------------------------------------------------


def sentences() -> list[Sentence]:
    """Give every sentence of the pages."""
    found = [one for path in templates() for one in said_in_template(path.read_text(), place(path))]
    for room, saying in SAYING.items():
        for path in sorted((PACKAGE / room).rglob("*.py")):
            found += said_in_code(path.read_text(), place(path), saying)
    return [*found, *manuals()]


def manuals() -> Iterator[Sentence]:
    """Give the manual of each field of the configuration, which stands below its input."""

    def below(section: str, described: Iterable[Field]) -> Iterator[Sentence]:
        for field in described:
            if field.manual:
                yield Sentence(field.manual, f"config/{section}.{field.name}")
            yield from below(section, field.fields)

    for section in sections():
        yield from below(section, fields(section))


def templates() -> list[Path]:
    """Give the template of each page."""
    return sorted(WEB.rglob("*.html"))


def place(path: Path) -> str:
    """Name a file for people."""
    return str(path.relative_to(PACKAGE)) if path.is_relative_to(PACKAGE) else path.name


def said_in_code(code: str, where: str, saying: Mapping[str, Saying] = _WEB_SAYING) -> list[Sentence]:
    """Give the sentences of a Python file."""
    found = []
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""
        known = saying.get(name)
        if known is None:
            continue
        arguments = [call.args[at] for at in known.positions if at < len(call.args)]
        arguments += [one.value for one in call.keywords if one.arg in known.names]
        values = None
        if name in _FILLS and name != "_" and all(one.arg for one in call.keywords):
            values = frozenset(f"{one.arg}" for one in call.keywords) | _FILLED_BY_ITSELF.get(name, set())
        found += [Sentence(text, f"{where}:{call.lineno}", values) for one in arguments for text in _literals(one) if text]
    return found


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        numbers = iter(range(len(node.values)))
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else f"{{{next(numbers)}}}" for one in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from _literals(one)


def said_in_template(source: str, where: str) -> list[Sentence]:
    """Give the sentences of a template."""
    found = []
    for call in _parsed(source).find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else call.node.attr if isinstance(call.node, nodes.Getattr) else ""
        known = _WEB_SAYING.get(name)
        if known is None or name not in _FILLS:
            continue
        values = None
        if call.dyn_kwargs is None:
            values = frozenset(one.key for one in call.kwargs) | _FILLED_BY_ITSELF.get(name, set())
        arguments = [call.args[at] for at in known.positions if at < len(call.args)]
        found += [Sentence(text, f"{where}:{call.lineno}", values) for one in arguments for text in _constants(one)]
    return found


def _constants(node: nodes.Expr | None) -> Iterator[str]:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _constants(node.expr1)
        yield from _constants(node.expr2)
    elif isinstance(node, nodes.Or | nodes.And):
        yield from _constants(node.left)
        yield from _constants(node.right)


def _parsed(source: str) -> nodes.Template:
    return Environment(autoescape=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(source)


def unsayable(code: str, where: str) -> list[str]:
    """Give the calls of a web file that build a sentence out of pieces, which no catalogue can hold."""
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and node.args)
    said = ((node, node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")) for node in calls)
    return [
        f"{where}:{node.lineno}: {ast.unparse(node)[:100]}"
        for node, name in said
        if name in ("_", "words") and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]


# --- the catalogues ---------------------------------------------------------------------------------------------------------------


def catalogues(language: str = "de") -> dict[Path, dict[str, str]]:
    """Give each catalogue of a language."""
    return {path: tomllib.loads(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob(f"words/{language}*.toml"))}


def placeholders(text: str) -> set[str]:
    """Give the names of the values that a sentence has room for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


# --- what a template says past the catalogues --------------------------------------------------------------------------------------

ALLOWED: Final = frozenset({"Gatepost", "SCL", "ms", "TLS", "SMTP", "API", "REST", "JSON", "CSV", "ID", "UTC", "TOTP"})
"""Words that are the same in every language."""
_READ: Final = (
    "alt",
    "aria-description",
    "aria-label",
    "aria-placeholder",
    "aria-roledescription",
    "data-ask",
    "label",
    "placeholder",
    "title",
)
_LABELS: Final = ("ask", "heading", "hint", "label", "options", "placeholder", "text", "title")
"""Parameters of macros that people read."""
_HOLE: Final = "\ue000"
_ATTRIBUTES: Final = re.compile(r"""(?:[a-z-]+=(?:"[^"]*"|'[^']*')\s*)+""")
_WORD: Final = re.compile(r"[^\W\d_]+")


def bare_texts(source: str, where: str, macros: Mapping[str, list[str]]) -> list[str]:
    """Give what a template says that no catalogue translates; `macros` are the parameters of each macro, by its name."""
    template = _parsed(source)
    reader = _Reader()
    reader.feed("".join(_flat(template.body)))
    reader.close()
    found = reader.said
    for call in template.find_all(nodes.Call):
        name = call.node.name if isinstance(call.node, nodes.Name) else call.node.attr if isinstance(call.node, nodes.Getattr) else ""
        given = {**dict(zip(macros.get(name, []), call.args, strict=False)), **{one.key: one.value for one in call.kwargs}}
        if name in macros:
            found += [(text, call.lineno) for label in _LABELS for text in _labels(given.get(label))]
    return [f"{where}:{line}: {text!r}" for text, line in found if set(_WORD.findall(text)) - ALLOWED]


def macros_of(sources: Iterable[str]) -> dict[str, list[str]]:
    """Give the parameters of each macro of these templates."""
    return {macro.name: [one.name for one in macro.args] for source in sources for macro in _parsed(source).find_all(nodes.Macro)}


def _labels(node: nodes.Node | None) -> Iterator[str]:
    if isinstance(node, nodes.List | nodes.Tuple):
        for one in node.items:
            yield from _labels(one.items[-1] if isinstance(one, nodes.Tuple) and one.items else one)
    elif isinstance(node, nodes.Expr):
        yield from _constants(node)


def _flat(body: Iterable[nodes.Node]) -> Iterator[str]:
    """Give a template's text in its order, every branch of it; what an expression will say is a hole, its literals are text."""
    for node in body:
        if isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Output):
            yield from _flat(node.nodes)
        elif isinstance(node, nodes.Expr):
            yield "".join(_constants(node)) or _HOLE
        else:
            for field in ("body", "elif_", "else_"):
                yield from _flat(getattr(node, field, None) or ())


class _Reader(HTMLParser):
    """Collects what people read of a page: texts, and the attributes that are shown or read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int]] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in ("script", "style")
        self.said += [(value, self.getpos()[0]) for name, value in attrs if name in _READ and value]
        given = dict(attrs)
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            self.said.append((given.get("value") or "", self.getpos()[0]))

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        text = data.strip()
        if _ATTRIBUTES.fullmatch(text):  # A macro that is used inside a tag.
            within = _Reader()
            within.feed(f"<p {text}>")
            self.said += [(value, self.getpos()[0]) for value, _ in within.said]
        elif text and not self._unread:
            self.said.append((text, self.getpos()[0]))


def missing() -> dict[str, list[str]]:
    """Give the sentences that have no German, by the catalogue where they belong: beside the template or the code that says them first."""
    known = {english for catalogue in catalogues().values() for english in catalogue}
    found: dict[str, list[str]] = {}
    for one in sentences():
        if one.text not in known:
            parts = Path(one.where).parts
            found.setdefault("/".join(parts[: 2 if parts[0] == "web" else 1]) + "/words/de.toml", []).append(one.text)
            known.add(one.text)
    return found


if __name__ == "__main__":
    for catalogue, texts in missing().items():
        print(f"# {catalogue}")
        for text in texts:
            print(f'{json.dumps(text, ensure_ascii=False)} = ""')
