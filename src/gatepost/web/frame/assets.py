# SPDX-License-Identifier: Apache-2.0
"""Our own files and the pinned ones of others, served under names that hold their checksum, so that browsers keep them for good.

`static/` holds what is ours, `static/vendor/` what the build hook laid there. Each file is read once, at its first use, and held
compressed. Only names that were found in the folder are looked at, so whatever is asked for, nothing else is touched, and nothing but
them is remembered.
"""

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER: Final = Path(str(files("gatepost.web.frame") / "static"))
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
_FOR_GOOD: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """One file: its bytes as gzip, and its type."""

    packed: bytes
    media_type: str
    mark: str
    """The beginning of its SHA-256."""


def asset(name: str) -> Asset | None:
    """Give a file by its path below `static`; None when there is none that may be served."""
    path = _files().get(name)
    return _read(path) if path is not None else None


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Path]:
    """Find what may be served, by its path below the folder."""
    found = (path for path in FOLDER.rglob("*") if path.suffix in _TYPES and path.is_file())
    return {path.relative_to(FOLDER).as_posix(): path for path in found}


@lru_cache(maxsize=256)
def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(gzip.compress(content, 9, mtime=0), _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])


def address(name: str) -> str:
    """Give the address of a file for a page; raises FileNotFoundError when it is missing, as after an incomplete build."""
    found = asset(name)
    if found is None:
        raise FileNotFoundError(f"{name} is missing below {FOLDER}; install Gatepost anew (pip install .), which lays it there")
    return f"/static/{found.mark}/{name}"


async def serve(request: Request) -> Response:
    """Answer `/static/MARK/NAME`."""
    found = asset(request.path_params["name"])
    if found is None or found.mark != request.path_params["mark"]:
        return PlainTextResponse("Not found\n", 404)
    headers = {"Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(gzip.decompress(found.packed), media_type=found.media_type, headers=headers)
