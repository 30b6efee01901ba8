# SPDX-License-Identifier: Apache-2.0
"""bench/console: how long each page takes over many tracks, how soon the first one is there, and what the console's process costs.

A single machine makes its stores; its intranet's is filled with mails of 30 days (`search_mails`), which the console then counts for
its charts. It is started anew: the time from the start of the supervisor to the first page is measured. An administrator signs in as
in a browser, and each page is asked for again and again, in turn, over one connection; a page's time runs from the request to the
last byte of its HTML. 10 million tracks on PostgreSQL, 1 million on SQLite; quick: 30,000.

Exit code 1 when a page's p95 is above 200 ms, the first page comes later than 6 s, or the process takes more than 120 MiB (PSS).
"""

import json
import statistics
import sys
import time
from typing import Any, NamedTuple

import httpx2
import psycopg
import pyotp

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.roles.control import ask, console_path
from gatepost.storage.opening import find_target
from gatepost.storage.sqlite import connect
from gatepost.testing.gateway import Gateway, loopback_listener, relay_all_to
from gatepost.testing.ports import LOOPBACK, free_port
from gatepost.testing.processes import pss_mib
from measure import engines, place, search_fill
from measure.place import tell

PAGE_S, FIRST_PAGE_S, PSS_MIB = 0.2, 6.0, 120.0
_MAILS = {engines.SQLITE: 1_000_000, engines.POSTGRESQL: 10_000_000}
_QUICK_MAILS = 30_000
_COUNTING_S = 1_800.0
_PASSWORD = "a sentence that is easy to remember"
_MARK = "INSERT INTO traffic_uncounted (day, tenant_id, track) SELECT day, -1, X'' FROM message_track_day WHERE true ON CONFLICT DO NOTHING"
_COUNT = """INSERT INTO traffic_hour (tenant_id, hour, direction, status, mails, bytes)
    SELECT tenant_id, floor(sent_at / 3600)::bigint, direction, status, sum(mails), sum(size) FROM message_track GROUP BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, hour, direction, status) DO NOTHING"""
_COUNT_REFUSED = """INSERT INTO refusal_hour (tenant_id, hour, filter, mails)
    SELECT tenant_id, hour, filter, sum(mails) FROM traffic_hour, unnest(ARRAY['words', 'reputation', '']) filter
    WHERE status IN (3, 4) GROUP BY 1, 2, 3 ON CONFLICT (tenant_id, hour, filter) DO NOTHING"""
"""As many rows as there would be; which filters spoke stands in the details, which nobody reads here."""
PAGES = (
    "",
    "monitoring/message-tracking",
    "monitoring/message-tracking?last=7d&result=permanently_blocked",
    "monitoring/message-tracking?last=30d&between1=example.com",
    "monitoring/message-tracking?last=24h&subject=invoice",
    "monitoring/message-tracking?last=24h&filter=words",
    "monitoring/message-tracking?last=30d&client=192.0.2.1",
    "monitoring/email-queues",
    "monitoring/event-viewer",
    "incidents",
    "people/owned-domains",
    "people/corporate-users",
    "people/partners",
    "configuration/rules",
    "configuration/email-routing",
    "configuration/changes",
    "configuration/changes/history",
    "configuration/connected-systems",
    "configuration/advanced-settings",
    "troubleshooting",
    "troubleshooting/audit",
    "administrators",
    "account",
)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and judge; exit code 3 when it cannot be run here."""
    parser = place.arguments(__doc__ or "")
    engines.add_argument(parser, both=True)
    parser.add_argument("--mails", type=int, help="so many tracks instead")
    parser.add_argument("--rounds", type=int, help="ask for each page so often")
    options = parser.parse_args(arguments)
    stores = engines.BOTH if options.store == "both" else (options.store,)
    if lacking := next(filter(None, map(engines.why_not, stores)), ""):
        tell(f"bench/console: {lacking}")
        return 3
    rounds = options.rounds or (10 if options.quick else 60)
    reports = [_measure(name, options.mails or (_QUICK_MAILS if options.quick else _MAILS[name]), rounds) for name in stores]
    print(json.dumps(reports) if options.json else "\n\n".join(map(_table, reports)))
    return 1 if any(report["broken"] for report in reports) else 0


def _measure(name: str, mails: int, rounds: int) -> dict[str, Any]:
    folder = place.folder(f"console-{name}")
    settings = {"max_wal_size": "8GB", **search_fill.SETTINGS} if name == engines.POSTGRESQL else None
    with engines.engine(name, folder / "postgres", settings) as engine:
        listeners = [loopback_listener(), Listener(address=LOOPBACK, port=free_port(), tls="none", serves="console")]
        gateway = Gateway(folder / "gateway", relay_all_to(free_port()), listeners=listeners, stores=engine.stores)
        with gateway:
            gateway.wait_for_console()
        tell(f"{name}: filling {mails:,} tracks")
        search_fill.fill(gateway.bootstrap, mails)
        _mark(gateway.bootstrap)
        began = time.monotonic()
        with gateway:
            first_page_s = _first_page(gateway, began)
            _count(gateway)
            pss_before = _pss(gateway)
            taken = _ask(_signed_in(gateway), rounds)
            return _report(name, mails, first_page_s, pss_before, _pss(gateway), taken)


def _mark(bootstrap: Bootstrap) -> None:
    """Have what was filled in past the console counted: on SQLite by itself, on PostgreSQL by one quick statement."""
    target = find_target(bootstrap.stores.intranet, "stores.intranet")
    if target is None:
        connection = connect(f"{bootstrap.data}/intranet.sqlite", owned=True)
        connection.execute(_MARK)
        connection.close()
        return
    with psycopg.connect(bootstrap.stores.intranet, autocommit=True) as server:
        server.execute(_COUNT)
        server.execute(_COUNT_REFUSED)


def _first_page(gateway: Gateway, began: float) -> float:
    while True:
        try:
            if httpx2.get(f"{_url(gateway)}sign-in", timeout=5).status_code == 200:
                return time.monotonic() - began
        except httpx2.TransportError:
            time.sleep(0.02)


def _count(gateway: Gateway) -> None:
    """Wait until the charts know of all mails."""
    end = time.monotonic() + _COUNTING_S
    told = 0.0
    while True:
        now = time.time()
        path = console_path(gateway.bootstrap)
        left = ask(path, "traffic.series", after=now - 86_400, before=now, timeout_s=60.0)["days_uncounted"]
        if not left:
            return
        if time.monotonic() > end:
            sys.exit(f"{left} days were not counted within {_COUNTING_S:g} s")
        if time.monotonic() - told > 30:
            tell(f"  {left} days are still to be counted")
            told = time.monotonic()
        time.sleep(0.5)


def _signed_in(gateway: Gateway) -> httpx2.Client:
    """Take an administrator through the door, as a browser does."""
    made = ask(console_path(gateway.bootstrap), "access.admin", author="bench", name="bench", change={"one_time_password": True})
    client = httpx2.Client(base_url=_url(gateway), follow_redirects=True, timeout=30)
    page = client.post("sign-in", data={"name": "bench", "password": made["one_time_password"]}).text
    page = client.post(
        "sign-in", data={"ticket": _between(page, 'name="ticket" value="', '"'), "new_password": _PASSWORD, "again": _PASSWORD}
    ).text
    code = pyotp.TOTP(_between(page, 'id="secret">', "<").strip()).now()
    answer = client.post("sign-in", data={"ticket": _between(page, 'name="ticket" value="', '"'), "code": code})
    if "sign-out" not in answer.text:
        sys.exit("the administrator could not sign in")
    return client


def _ask(client: httpx2.Client, rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {}
    pages = [page for page in PAGES if client.get(page).status_code == 200]  # each once, so that templates are compiled
    for _ in range(rounds):
        for page in pages:
            began = time.perf_counter()
            client.get(page).raise_for_status()
            taken.setdefault(page or "start page", []).append(time.perf_counter() - began)
    return taken


class _Page(NamedTuple):
    page: str
    p50_ms: float
    p95_ms: float


def _report(name: str, mails: int, first_page_s: float, before: float, after: float, taken: dict[str, list[float]]) -> dict[str, Any]:
    pages = [
        _Page(page, round(statistics.median(times) * 1000, 1), round(statistics.quantiles(times, n=20)[18] * 1000, 1))
        for page, times in taken.items()
    ]
    broken = [one.page for one in pages if one.p95_ms > PAGE_S * 1000]
    broken += ["first page"] * (first_page_s > FIRST_PAGE_S) + ["memory"] * (after > PSS_MIB)
    return {
        "bench": "console",
        "engine": name,
        "tracks": mails,
        "first_page_s": round(first_page_s, 2),
        "pss_mib_before": round(before, 1),
        "pss_mib": round(after, 1),
        "pages": [one._asdict() for one in pages],
        "limits": {"page_s": PAGE_S, "first_page_s": FIRST_PAGE_S, "pss_mib": PSS_MIB},
        "broken": broken,
    }


def _table(report: dict[str, Any]) -> str:
    head = (
        f"{report['engine']}, {report['tracks']:,} tracks: first page after {report['first_page_s']} s; "
        f"console {report['pss_mib_before']} MiB, {report['pss_mib']} MiB after all pages"
    )
    rows = [f"{one['page']:70} {one['p50_ms']:>8} {one['p95_ms']:>8}" for one in report["pages"]]
    return "\n".join([head, f"{'page':70} {'p50 ms':>8} {'p95 ms':>8}", *rows, f"above a limit: {', '.join(report['broken']) or 'none'}"])


def _between(text: str, before: str, after: str) -> str:
    return text.partition(before)[2].partition(after)[0]


def _url(gateway: Gateway) -> str:
    return f"http://{LOOPBACK}:{gateway.bootstrap.listeners[-1].port}/"


def _pss(gateway: Gateway) -> float:
    return sum(pss_mib([pid]) for pid in gateway.running()["console"])


if __name__ == "__main__":
    sys.exit(main())
