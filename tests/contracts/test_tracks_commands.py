# SPDX-License-Identifier: Apache-2.0
"""`gatepost track` as a person and a script meet it, asked of a console with a real store."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from contracts.track_mails import NOON, Console, change, head, name, outcome
from gatepost.cli import main
from gatepost.replication.commands import Commands
from gatepost.roles.control import ControlServer
from gatepost.storage.opening import open_store
from gatepost.tracking.record import Attempt, Status, TrackOutcome

GOOD = head(NOON)
REFUSED = head(
    NOON - 60,
    status=Status.PERMANENTLY_BLOCKED,
    reply="550 5.7.1 refused",
    reason="spam",
    subject="[bold]cheap pills",
    scl=6.0,
    count=3,
)
Say = Callable[..., Awaitable[int]]


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Console]:
    """Give a console's tracks, served on its socket: one mail that was delivered, one that was refused."""
    store = open_store("sqlite", "intranet", tmp_path)
    console = Console(store)
    server = ControlServer(tmp_path / "run" / "console.sock", console.service.commands(), Commands(store))
    await server.start()
    await console.tell(change(GOOD, outcome(GOOD, "deferred", reply="451 later")), change(REFUSED), change(None, outcome(GOOD, after=60.0)))
    yield console
    await server.close()
    await store.close()


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Give the command line of the machine where that console runs."""
    config = tmp_path / "gatepost.toml"
    config.write_text(f'data = "{tmp_path}"\n')

    async def said(*words: str) -> int:
        return await asyncio.to_thread(main, ["track", *words, "--config", str(config)])

    return said


async def test_a_search_is_a_table_for_people_and_json_for_scripts(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Newest first; text from mails cannot move the cursor or turn the line."""
    await told.tell(change(head(NOON - 120, subject="\x1b[31mre\u202ed", sender="a\tb@c.example")))
    assert await say("search") == 0
    shown = capfd.readouterr().out
    assert shown.index(GOOD.track) < shown.index(REFUSED.track)
    assert "success" in shown and "permanently_blocked ×3" in shown and "[bold]cheap" in shown and "[31mre" in shown
    assert "\x1b" not in shown and "\u202e" not in shown
    assert await say("search", "--json", "bob@example.com", "--status", "success") == 0
    answer = json.loads(capfd.readouterr().out)
    assert [one["track"] for one in answer["tracks"]] == [GOOD.track]
    assert answer["tracks"][0]["message_id"] == GOOD.message_id and answer["next"] == ""


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["search", GOOD.track], [GOOD]),
        (["search", "<4711@mail.partner.example>"], [GOOD, REFUSED]),
        (["search", "partner.example", "--between", "example.com"], [GOOD, REFUSED]),
        (["search", "--between", "bob@example.com", "--between", "*alice*", "--from", "2026-11-25"], [GOOD, REFUSED]),
        (["search", "--from", "2026-11-25T12:00", "--to", "2026-11-25T13:00:00+00:00"], [GOOD]),
        (["search", "--from", "2026-11-25T13:00:00+01:00"], [GOOD]),
        (["search", "--status", "success", "--status", "permanently_blocked"], [GOOD, REFUSED]),
        (["search", "--min-scl", "5"], [REFUSED]),
        (["search", "--limit", "1"], [GOOD]),
        (["search", "--subject", "offer", "--from", "2026-11-01"], [GOOD]),
        (["search", "--tenant", "1"], []),
        (["search", "--direction", "outbound"], []),
    ],
)
async def test_options_narrow_a_search(
    told: Console, say: Say, capfd: pytest.CaptureFixture[str], words: list[str], found: list[object]
) -> None:
    """Exit code 1 when nothing is found."""
    assert await say(*words, "--json") == (0 if found else 1)
    assert [one["track"] for one in json.loads(capfd.readouterr().out)["tracks"]] == [mail.track for mail in found]  # type: ignore[attr-defined]


async def test_show_explains_a_mail_in_sentences(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Who, what, which rule, each filter's points and reason, each delivery with its TLS, and what it came to."""
    assert await say("show", GOOD.track) == 0
    assert capfd.readouterr().out.splitlines() == [
        "2026-11-25 12:00:00: inbound mail from Alice@partner.example, written by alice@partner.example, to bob@example.com, "
        "“An offer”, 4.6 KiB.",
        "192.0.2.1, which called itself mail.partner.example, brought it to gateway.example at 192.0.2.25:25, with TLSv1.3 "
        "TLS_AES_256_GCM_SHA384.",
        "Message-ID <4711@mail.partner.example>.",
        "Rule “All other inbound mails” owns it; its 1.5 points stay below the threshold 4 (configuration 7).",
        "Filter reputation gave 1.5 points (0.75 × 2) in 0.2 ms: no name for its address.",
        "  192.0.2.1",
        "Action disclaimer: appended.",
        "DmarcValidationEntry: result pass, policy reject.",
        "Attached: offer.pdf (application/pdf, 3.9 KiB).",
        "2026-11-25 12:00:01: not delivered to bob@example.com for now by mx.example.com:25 over TLSv1.3, send connector “smart host”: "
        "451 later.",
        "2026-11-25 12:01:00: delivered to bob@example.com by mx.example.com:25 over TLSv1.3, send connector “smart host”: 250 2.0.0 Ok.",
        "In all, it was delivered to all recipients.",
    ]


async def test_show_says_why_a_mail_was_refused(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """With what the client was told, the reason, and how many it stands for."""
    assert await say("show", REFUSED.track) == 0
    shown = capfd.readouterr().out
    assert "The client was told: 550 5.7.1 refused" in shown and "The reason: spam." in shown
    assert "its 6 points reach the threshold 4" in shown and "It stands for 3 refused mails" in shown
    assert "In all, it was refused for good." in shown and "\x1b" not in shown


async def test_a_mail_that_was_refused_before_its_content_is_told_as_such(
    told: Console, say: Say, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not as one without a subject."""
    mail = head(NOON, status=Status.TEMPORARILY_BLOCKED, size=0, subject="", header_from=(), message_id="")
    await told.tell(change(mail))
    assert await say("show", mail.track) == 0
    assert "to bob@example.com, whose content was not read." in capfd.readouterr().out


async def test_show_in_json_is_snake_case_and_whole(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """With the structures' own names, and the same explanation."""
    assert await say("show", GOOD.track, "--json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert (answer["status"], answer["decided"], answer["threshold"]) == ("success", "delivery_pending", 4.0)
    assert answer["filters"][0]["multiplier"] == 2
    assert answer["operations"] == [{"kind": "DmarcValidationEntry", "data": {"result": "pass", "policy": "reject"}}]
    assert [one["state"] for one in answer["attempts"]] == ["deferred", "delivered"]
    assert len(answer["explanation"]) == 12
    assert not [key for key in answer if key != key.lower()]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["show", name(NOON - 7)], 1, "there is no track"),
        (["show", GOOD.track, "--tenant", "1"], 1, "there is no track"),
        (["show", "nobody"], 1, "a track's name is 24 letters, up to V, and digits"),
        (["search", "hello"], 1, "is neither an address nor a domain"),
        (["search", "--last", "soon"], 2, "is not written as 30min, 2h or 7d"),
        (["search", "--last", "2h", "--from", "2026-11-25"], 2, "--last is the period until now"),
        (["search", "--from", "yesterday"], 2, "is no time"),
        (["export"], 2, "name the tracks to export, or narrow a search"),
        (["export", GOOD.track, "--last", "2h"], 2, "not both"),
        (["export", name(NOON - 7)], 1, "there is no track"),
        (["import", "/nowhere/at/all"], 3, "/nowhere/at/all: cannot be read"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(
    told: Console, say: Say, capfd: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    """On standard error, with the exit code that scripts go by."""
    assert await say(*words) == code
    captured = capfd.readouterr()
    assert sentence in captured.err and captured.err.count("\n") == 1 and not captured.out


async def test_tracks_go_to_a_file_and_come_back(told: Console, say: Say, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By name or by a search, and the import says what was new."""
    file = tmp_path / "tracks.json"
    assert await say("export", "--from", "2026-11-25", "--output", str(file)) == 0
    assert capfd.readouterr().out == f"2 tracks were written to {file}.\n"
    assert await say("export", GOOD.track) == 0
    printed = capfd.readouterr().out
    assert printed == file.read_text().splitlines(keepends=True)[0]
    assert await say("import", str(file)) == 0
    assert capfd.readouterr().out == "0 tracks were imported, 2 known already.\n"
    await told.service.upkeep.drop_before(int(NOON // 86_400) + 1)
    assert await say("import", str(file), "--json") == 0
    assert json.loads(capfd.readouterr().out) == {"imported": 2, "known": 0}
    assert await say("export", GOOD.track) == 0
    assert capfd.readouterr().out == printed


async def test_a_long_file_is_imported_in_several_calls(told: Console, say: Say, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And searches give all of it back, page by page."""
    mails = [head(NOON + 100 + number, message_id=f"<{number}@long.example>") for number in range(250)]
    await told.tell(*map(change, mails))
    file = tmp_path / "tracks.json"
    assert await say("export", "--between", "partner.example", "--output", str(file), "--json") == 0
    assert json.loads(capfd.readouterr().out) == {"exported": 252}
    await told.service.upkeep.drop_before(int(NOON // 86_400) + 1)
    file.write_text("[" + ",\n".join(file.read_text().splitlines()) + "]")
    assert await say("import", str(file), "--json") == 0
    assert json.loads(capfd.readouterr().out) == {"imported": 252, "known": 0}
    assert len(await told.found(limit=1000)) == 252


async def test_a_file_with_one_bad_track_imports_nothing(
    told: Console, say: Say, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is checked whole before the first track is written."""
    file = tmp_path / "tracks.json"
    await say("export", "--from", "2026-11-25", "--output", str(file))
    await told.service.upkeep.drop_before(int(NOON // 86_400) + 1)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace('"FromExternal"', '"FromNowhere"')]))
    capfd.readouterr()
    assert await say("import", str(file)) == 1
    said = capfd.readouterr().err
    assert f"{file}: track 2 (byte {len(lines[0].encode()) + 1}): Direction: 'FromNowhere' is none of" in said
    assert "nothing was imported" in said
    assert await told.found() == []


async def test_the_conversion_of_older_tracks_can_be_watched(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 once it has drained."""
    assert await say("legacy") == 0
    assert capfd.readouterr().out == "0 wait, 0 were converted, 0 cannot be.\n"
    await told.store.perform(
        lambda connection, _: [
            connection.execute("INSERT INTO message_tracking_legacy_entry (tenant_id, form, payload) VALUES (0, 0, x'00')")
        ],
        None,
    )
    assert await say("legacy", "--json") == 1
    assert json.loads(capfd.readouterr().out) == {"waiting": 1, "refused": 0, "converted": 0}


async def test_upkeep_converts_what_came_without_being_asked(tmp_path: Path) -> None:
    """In the background, as soon as it has come; and ends when told to."""
    converted = asyncio.Event()
    mail = head(NOON)

    def convert(payload: bytes) -> bytes:
        return change(mail)[1]

    store = open_store("sqlite", "intranet", tmp_path)
    console = Console(store, converters={0: convert})
    real = console.service.legacy.convert

    async def watched() -> int:
        dealt = await real()
        if dealt:
            converted.set()
        return dealt

    console.service.legacy.convert = watched  # type: ignore[method-assign]
    await console.service.start()
    await console.tell((0, b"old"), form=0)
    await asyncio.wait_for(converted.wait(), 10)
    assert await console.found() == [mail.track]
    await console.service.close()
    await store.close()


async def test_a_hostile_outcome_does_not_break_the_explanation(told: Console, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Places that nobody has, states that nobody knows, times beyond the calendar."""
    odd = Attempt(9e15, (99, -1), "{state}", "{0}\x1b[2J", "{who}", "", "", 9e15)
    await told.tell((0, change(None, TrackOutcome(GOOD.track, 0, (odd,)))[1]))
    assert await say("show", GOOD.track) == 0
    shown = capfd.readouterr().out
    assert "at an impossible time: {state} for nobody by {who}" in shown and "\x1b" not in shown
    assert await say("export", GOOD.track) == 0
