# SPDX-License-Identifier: Apache-2.0
"""Searches give the same on both engines: what was asked for, newest first, page by page, of one tenant only."""

import random
from itertools import count
from typing import Any

import pytest

from contracts.store_engines import engine  # noqa: F401
from contracts.track_mails import DAY, HOUR, NOON, Console, change, console, head, names, outcome  # noqa: F401
from gatepost.errors import UsageError
from gatepost.tracking.partitions import track_of
from gatepost.tracking.record import Status, TrackHead
from gatepost.tracking.search_terms import STATUSES

MAILS = {
    "plain": head(NOON),
    "umlaut": head(
        NOON - HOUR, subject="Äußerst DRINGENDE Überweisung 100%", sender="Carol@Other.example", header_from=("carol@other.example",)
    ),
    "outbound": head(
        NOON - 2 * HOUR,
        direction="outbound",
        sender="bob@example.com",
        header_from=("bob@example.com",),
        recipients=("alice@partner.example",),
    ),
    "many": head(
        NOON - 3 * HOUR, recipients=("bob@example.com", "carol@example.com", "dave@sub.example.com"), message_id="<many@x.example>"
    ),
    "null": head(NOON - DAY, sender="", header_from=("postmaster@partner.example",), message_id="", size=1),
    "refused": head(NOON - DAY - HOUR, status=Status.PERMANENTLY_BLOCKED, scl=7.0, rule="Strict", client="198.51.100.7", count=12),
    "old": head(NOON - 5 * DAY, scl=-2.0, subject="%_", sender='"a@b c"@partner.example'),
}
NAMES = {mail.track: name for name, mail in MAILS.items()}


@pytest.fixture
async def filled(console: Console) -> Console:  # noqa: F811
    """Give an intranet that knows the mails above, and the same ones of another tenant."""
    await console.tell(*(change(mail) for mail in MAILS.values()))
    plain, many = MAILS["plain"], MAILS["many"]
    await console.tell(change(None, outcome(plain)), change(None, outcome(many, "delivered", 0), outcome(many, "bounced", 1, 2)))
    return console


SEARCHES: list[tuple[dict[str, Any], str]] = [
    ({}, "plain umlaut outbound many null refused old"),
    ({"track": MAILS["many"].track}, "many"),
    ({"track": MAILS["many"].track.lower()}, "many"),
    ({"track": track_of(bytes(15))}, ""),
    ({"track": MAILS["many"].track, "direction": "outbound"}, ""),
    ({"message_id": "<many@x.example>"}, "many"),
    ({"message_id": "many@x.example"}, "many"),
    ({"message_id": "<4711@mail.partner.example>"}, "plain umlaut outbound refused old"),
    ({"message_id": "<>"}, ""),
    ({"between": ["bob@example.com"]}, "plain umlaut outbound many null refused old"),
    ({"between": ["BOB@EXAMPLE.COM"]}, "plain umlaut outbound many null refused old"),
    ({"between": ["carol@other.example"]}, "umlaut"),
    ({"between": ["nobody@example.com"]}, ""),
    ({"between": ["other.example"]}, "umlaut"),
    ({"between": ["@other.example"]}, "umlaut"),
    ({"between": ["sub.example.com"]}, "many"),
    ({"between": ["partner.example"]}, "plain outbound many null refused old"),
    ({"between": ["carol@example.com", "partner.example"]}, "many"),
    ({"between": ["partner.example", "carol@example.com"]}, "many"),
    ({"between": ["example.com", "other.example"]}, "umlaut"),
    ({"between": ["bob@example.com", "alice@partner.example"]}, "plain outbound many refused old"),
    ({"between": ["bob@example.com", "<>"]}, "null"),
    ({"between": ["<>"]}, "null"),
    ({"between": ["*CAROL*"], "before": NOON + 1}, "umlaut many"),
    ({"between": ["*@sub.*"], "after": NOON - 10 * DAY}, "many"),
    ({"between": ["*partner*", "other.example"], "after": NOON - 10 * DAY}, ""),
    ({"between": ['"a@b c"@partner.example']}, "old"),
    ({"subject": "OFFER", "before": NOON + 1}, "plain outbound many"),
    ({"subject": "offer", "after": NOON - 10 * DAY}, "plain outbound many null refused"),
    ({"subject": "überweisung", "before": NOON + 1}, "umlaut"),
    ({"subject": "DRINGENDE ÜBER", "before": NOON + 1}, "umlaut"),
    ({"subject": "0%", "before": NOON + 1}, "umlaut"),
    ({"subject": "%", "after": NOON - 10 * DAY}, "umlaut old"),
    ({"after": NOON - 2.5 * HOUR}, "plain umlaut outbound"),
    ({"before": NOON - 2.5 * HOUR, "after": NOON - 1.5 * DAY}, "many null refused"),
    ({"statuses": ["success"]}, "plain"),
    ({"statuses": ["partial_success", "permanently_blocked"]}, "many refused"),
    ({"statuses": ["success", "delivery_pending"], "after": NOON - 12 * HOUR}, "plain umlaut outbound"),
    ({"statuses": ["success"], "between": ["example.com"]}, "plain"),
    ({"direction": "outbound"}, "outbound"),
    ({"rule": "Strict"}, "refused"),
    ({"client": "198.51.100.7"}, "refused"),
    ({"min_scl": 5.0}, "refused"),
    ({"max_scl": 0.0}, "old"),
    ({"min_scl": 1.5, "max_scl": 1.5}, "plain umlaut outbound many null"),
    ({"limit": 2}, "plain umlaut"),
]


async def test_each_search_finds_what_it_says(filled: Console) -> None:
    """Each kind alone and together, newest first."""
    wrong = {}
    for asked, expected in SEARCHES:
        found = [NAMES[track] for track in await filled.found(**asked)]
        if found != expected.split():
            wrong[str(asked)] = found
    assert wrong == {}


async def test_a_line_tells_what_lists_show(filled: Console) -> None:
    """Addresses as they were written, the status as it is now."""
    (line,) = (await filled.service.search(track=MAILS["many"].track)).tracks
    mail = MAILS["many"]
    assert (line.track, line.sent_at, line.direction, line.status) == (mail.track, mail.sent_at, "inbound", "partial_success")
    assert (line.sender, line.header_from, line.recipients) == (mail.sender, mail.header_from, mail.recipients)
    assert (line.subject, line.size, line.scl, line.rule) == (mail.subject, mail.size, mail.scl, mail.rule)
    assert (line.message_id, line.client, line.reply, line.gateway, line.count) == (mail.message_id, mail.client, "", mail.gateway, 1)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_join_without_a_gap_or_a_repetition(filled: Console, limit: int) -> None:
    """Also when mail comes between two pages."""
    later = count(60)
    for asked in ({}, {"between": ["bob@example.com"]}, {"between": ["example.com"]}, {"statuses": ["delivery_pending", "success"]}):
        whole = await filled.found(**asked)
        pages, cursor = [], ""
        while True:
            page = await filled.service.search(**asked, limit=limit, cursor=cursor)
            pages += [line.track for line in page.tracks]
            await filled.tell(change(head(NOON + next(later))))
            cursor = page.next
            if not cursor:
                break
        assert pages == whole


async def test_no_query_of_one_tenant_gives_a_row_of_another(filled: Console) -> None:
    """Two tenants with the same mails: every search of one gives its own rows, and no name of the other's can be looked up."""
    theirs = [head(mail.sent_at, **{**_fields(mail), "tenant_id": 1}) for mail in MAILS.values()]
    await filled.tell(*(change(mail) for mail in theirs))
    own, foreign = set(names(theirs)), set(NAMES)
    for asked, _ in SEARCHES:
        if "track" not in asked:
            for tenant_id, allowed in ((1, own), (0, foreign), (2, set())):
                assert set(await filled.found(**asked, tenant_id=tenant_id)) <= allowed
    for mail in MAILS.values():
        assert await filled.found(track=mail.track, tenant_id=1) == []
        for asked in (filled.service.show(mail.track, tenant_id=1), filled.service.export([mail.track], tenant_id=1)):
            with pytest.raises(Exception, match="there is no track"):
                await asked
    before = await filled.track(MAILS["plain"])
    await filled.tell((1, change(None, outcome(head(track=MAILS["plain"].track, tenant_id=1), "bounced"))[1]))
    assert await filled.track(MAILS["plain"]) == before


def _fields(mail: TrackHead) -> dict[str, Any]:
    return {name: getattr(mail, name) for name in mail.__struct_fields__ if name not in ("track", "tenant_id", "sent_at")}


async def test_random_searches_agree_with_a_plain_reading(console: Console) -> None:  # noqa: F811
    """Many mails and random questions: the answer is what a look at every mail gives."""
    rng = random.Random(7)
    people = [f"p{number}@{domain}" for number in range(4) for domain in ("a.example", "b.example", "example.com")]
    mails = [
        head(
            NOON - rng.random() * 3 * DAY,
            sender=rng.choice(people),
            header_from=(rng.choice(people),),
            recipients=tuple(rng.sample(people, rng.randint(1, 3))),
            subject=rng.choice(["Red", "blue", "Größe", "x"]),
            status=rng.choice([1, 4, 5]),
            direction=rng.choice(["inbound", "outbound"]),
            scl=float(rng.randint(-3, 9)),
            client=f"192.0.2.{rng.randint(1, 3)}",
        )
        for _ in range(300)
    ]
    await console.tell(*map(change, mails))
    for _ in range(60):
        asked = _random_question(rng, people)
        expected = sorted((mail.track for mail in mails if _fits(mail, asked)), reverse=True)
        assert await console.found(**asked, limit=1000) == expected, asked


def _random_question(rng: random.Random, people: list[str]) -> dict[str, Any]:
    asked: dict[str, Any] = {"after": NOON - rng.random() * 3 * DAY}
    if rng.random() < 0.7:
        sides = [
            rng.choice([rng.choice(people), rng.choice(people).split("@")[1], f"*p{rng.randint(0, 4)}*"]) for _ in range(rng.randint(1, 2))
        ]
        asked["between"] = sides
    if rng.random() < 0.3:
        asked["statuses"] = rng.sample(["success", "permanently_blocked", "delivery_pending"], 2)
    if rng.random() < 0.3:
        asked["subject"] = rng.choice(["r", "BLUE", "GRÖSSE", "größ"])
    if rng.random() < 0.3:
        asked["direction"] = "inbound"
    if rng.random() < 0.3:
        asked |= {"min_scl": 1.0, "max_scl": 6.0}
    if rng.random() < 0.3:
        asked["client"] = "192.0.2.2"
    return asked


def _fits(mail: TrackHead, asked: dict[str, Any]) -> bool:
    people = [mail.sender, *mail.header_from, *mail.recipients]
    sides = [
        any(side.strip("*") in one if "*" in side else one == side if "@" in side else one.endswith("@" + side) for one in people)
        for side in asked.get("between", ())
    ]
    return (
        mail.sent_at >= asked["after"]
        and all(sides)
        and mail.status in [STATUSES[one] for one in asked.get("statuses", STATUSES)]
        and asked.get("subject", "").lower() in mail.subject.lower()
        and asked.get("direction", mail.direction) == mail.direction
        and asked.get("min_scl", -99) <= mail.scl <= asked.get("max_scl", 99)
        and asked.get("client", mail.client) == mail.client
    )


async def test_a_search_that_takes_too_long_says_where_to_go_on(filled: Console) -> None:
    """What it has found so far is given, and its pages still join."""
    clock = iter(range(0, 10_000, 60))
    filled.service._search._clock = lambda: float(next(clock))
    whole, cursor, rounds = [], "", 0
    while True:
        page = await filled.service.search(cursor=cursor)
        whole += [line.track for line in page.tracks]
        rounds += 1
        cursor = page.next
        if not cursor:
            break
        assert page.searched_to is not None and page.searched_to < NOON
    assert whole == list(NAMES) and rounds > 2


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"limit": 0}, "limit: is 1 to 1000"),
        ({"limit": 1001}, "limit"),
        ({"between": ["a.example"] * 3}, "at most two"),
        ({"between": ["hello"]}, "'hello': is neither an address nor a domain"),
        ({"between": [""]}, "neither"),
        ({"between": ["*"]}, "between two asterisks"),
        ({"between": ["a*b"]}, "between two asterisks"),
        ({"between": ["a@b..example"]}, "neither"),
        ({"between": ["x" * 2000]}, "is no text"),
        ({"subject": "a\0b"}, "is no text"),
        ({"track": "nobody"}, "track: 'nobody': a track's name is 24 letters"),
        ({"cursor": "?"}, "cursor"),
        ({"statuses": ["fine"]}, "status: 'fine' is none of none, success"),
        ({"direction": "up"}, "direction: 'up' is none of inbound, outbound"),
        ({"after": 2.0, "before": 1.0}, "after: is not before"),
        ({"after": "yesterday"}, "cannot be understood"),
        ({"client": "192.0.2.0/24"}, "client: '192.0.2.0/24' is no IP address"),
        ({"min_scl": 9, "max_scl": 2}, "max_scl: is below `min_scl`"),
        ({"colour": "red"}, "cannot be understood.*colour"),
        ({"tenant_id": "0; DROP TABLE message_track"}, "cannot be understood"),
    ],
)
async def test_what_cannot_be_understood_is_named(console: Console, asked: dict[str, Any], sentence: str) -> None:  # noqa: F811
    """In one sentence, before anything is asked of the store."""
    with pytest.raises(UsageError, match=sentence):
        await console.service.search(**asked)


async def test_words_of_sql_are_only_words(filled: Console) -> None:
    """Quotes and comments are looked for, and found nowhere."""
    for word in ("'; DROP TABLE message_track; --", "' OR '1'='1", "%", "_", "\\"):
        for asked in (
            {"subject": word, "after": 0.0},
            {"rule": word},
            {"message_id": word},
            {"between": [f"*{word}*"], "after": 0.0},
        ):
            assert len(await filled.found(**asked)) <= 2
    assert len(await filled.found()) == len(MAILS)
