# SPDX-License-Identifier: Apache-2.0
"""A console's site with an administrator, and a client of the API that may do everything."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from api_document import checked
from console_site import Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Give a site over a fresh SQLite store; Anna holds all roles."""
    async with open_site(tmp_path) as opened:
        await opened.administrator("anna")
        yield opened


@pytest.fixture
async def api(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client with a token of all of Anna's rights, below /api/v1."""
    async with checked(site.client(token=await site.token("anna"))) as client:
        yield client
