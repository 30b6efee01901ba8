# SPDX-License-Identifier: Apache-2.0
"""Who is told of incidents, when, and what happens when nobody takes the mail, on SQLite and on PostgreSQL."""

import email
import email.policy
from email.message import EmailMessage
from typing import cast

import pytest

from contracts.incidents_house import START, IncidentHouse, stuck
from contracts.store_engines import StoreEngine, engine
from gatepost.monitoring.notice_mail import Letter
from gatepost.monitoring.notice_rows import LATER_S, MOST_TRIES, RETRY_S
from gatepost.monitoring.record import Address, Addressees, Finding
from gatepost.monitoring.sending import Submitted

__all__ = ["engine"]
REFUSED = Submitted("berlin: no answer")
DOUBT = Submitted("berlin: it hung up", doubt=True)
AWAY = Finding("link.away", "berlin", "error", {"reason": "no answer"})


@pytest.fixture
async def house(engine: StoreEngine) -> IncidentHouse:
    """Give incidents whose checks see what the test says."""
    return IncidentHouse(engine.open("intranet"))


def read(letter: Letter) -> EmailMessage:
    """Read a mail as its reader's program does."""
    return cast(EmailMessage, email.message_from_bytes(letter.content, policy=email.policy.default))


async def away(house: IncidentHouse) -> None:
    """Have the link's incident open."""
    await house.look("link.away", AWAY)
    await house.look("link.away", AWAY, after=21)


async def test_what_happens_together_is_one_mail(house: IncidentHouse) -> None:
    """It waits a moment for what has the same cause, then tells all, to the administrative address."""
    await house.look("queue.stuck", stuck("a.example"))
    assert await house.send() > 0
    assert house.letters == []
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"), after=3)
    await house.send(after=3)
    [(letter, _)] = house.letters
    assert (letter.sender, letter.recipient, letter.tenant_id) == ("gatepost@house.example", "admin@house.example", 0)
    mail = read(letter)
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["to"] == "admin@house.example" and mail["from"] == "Gatepost <gatepost@house.example>"
    assert mail["subject"] == "Gatepost: Mail waits for more than an hour: berlin/a.example (and 1 more)"
    said = mail.get_content()
    assert "berlin/a.example" in said and "berlin/b.example" in said and "https://console.example/incidents/" in said
    await house.send(after=3600)
    assert len(house.letters) == 1


async def test_a_link_has_the_address_that_holds_when_the_mail_leaves(house: IncidentHouse) -> None:
    """Not the one of when the incident opened: somebody may have entered it meanwhile."""
    await house.look("queue.stuck", stuck("a.example"))
    house.base_url = "https://gate.example:8443"
    await house.send(after=6)
    said = read(house.letters[0][0]).get_content()
    assert "https://gate.example:8443/incidents/" in said and "console.example" not in said


async def test_an_address_gets_one_mail_in_five_minutes(house: IncidentHouse) -> None:
    """What happens meanwhile is gathered into the next one, healing included."""
    await house.look("queue.stuck", stuck("a.example"))
    await house.send(after=6)
    await house.look("queue.stuck", stuck("b.example"), after=1)
    await house.look("queue.stuck", stuck("b.example"), after=11)
    assert await house.send(after=100) == pytest.approx(60.0)
    await house.send(after=180)
    assert len(house.letters) == 1
    await house.send(after=9)
    assert len(house.letters) == 2
    said = read(house.letters[1][0]).get_content()
    assert "NEW (warning): Mail waits for more than an hour: berlin/b.example" in said
    assert "HEALED (warning): Mail waits for more than an hour: berlin/a.example" in said


async def test_a_mail_that_nobody_takes_is_tried_again_for_three_days(house: IncidentHouse) -> None:
    """After a minute, five, thirty, two hours, then every six; then it is given up, and its trouble stays visible."""
    await house.look("queue.stuck", stuck())
    number = (await house.rows.open(0))[0].id
    house.answers = [REFUSED] * 100
    pauses = []
    await house.send(after=6)
    while len(house.letters) < MOST_TRIES:
        [view] = await house.notices.of_incident(0, number)
        pauses.append(view.due_at - house.now)
        assert view.trouble == REFUSED.trouble and view.told_at is None and not view.given_up
        await house.send(after=view.due_at - house.now)
    assert pauses == [pytest.approx(one) for one in (*RETRY_S, *[LATER_S] * (MOST_TRIES - 1 - len(RETRY_S)))]
    assert house.now - START == pytest.approx(3 * 86_400, rel=0.06)
    await house.send(after=30 * 86_400)
    assert len(house.letters) == MOST_TRIES
    [view] = await house.notices.of_incident(0, number)
    assert view.given_up and view.trouble == REFUSED.trouble


async def test_what_was_refused_may_go_with_later_news_under_another_id(house: IncidentHouse) -> None:
    """Nobody has it, so nothing is told twice."""
    await house.look("queue.stuck", stuck("a.example"))
    house.answers = [REFUSED]
    await house.send(after=6)
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    await house.send(after=60)
    (first, one), (second, other) = house.letters
    assert one != other
    assert "b.example" not in read(first).get_content()
    assert "a.example" in read(second).get_content() and "b.example" in read(second).get_content()


async def test_what_may_have_been_taken_is_repeated_alone_under_the_same_id(house: IncidentHouse) -> None:
    """The gateway knows it as the same mail; later news goes in a mail of its own, which is not lost."""
    await house.look("queue.stuck", stuck("a.example"))
    house.answers = [DOUBT, DOUBT]
    await house.send(after=6)
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    await house.send(after=60)
    await house.send(after=300)
    assert len({identity for _, identity in house.letters}) == 1
    assert len({letter.content for letter, _ in house.letters}) == 1
    assert len({read(letter)["message-id"] for letter, _ in house.letters}) == 1
    await house.send(after=301)
    assert len(house.letters) == 4
    assert "b.example" in read(house.letters[3][0]).get_content() and "a.example" not in read(house.letters[3][0]).get_content()


async def test_a_worker_that_ended_while_it_sent_repeats_under_the_same_id(engine: StoreEngine, house: IncidentHouse) -> None:
    """A crash between handing over and recording it is a doubt like any other."""
    await house.look("queue.stuck", stuck())
    house.now += 6
    sealed = await house.notices.seal(0, "admin@house.example", "", "the id before the crash")
    assert len(sealed) == 1
    await house.send()
    assert [identity for _, identity in house.letters] == ["the id before the crash"]


async def test_a_gateway_that_comes_back_lets_waiting_mail_leave(house: IncidentHouse) -> None:
    """The incident that told of it goes at once, with its healing, instead of in two hours; so does what others wait for."""
    house.addressees = Addressees(house.addressees.house, {"a.example": Address("admin@a.example", "")})
    await away(house)
    await house.look("queue.stuck", stuck("a.example"))
    house.answers = [REFUSED] * 8
    for pause in (6, *RETRY_S[:3]):
        await house.send(after=pause)
    assert len(house.letters) == 8
    await house.look("link.away", after=1)
    await house.look("link.away", after=11)
    await house.send(after=6)
    said = {letter.recipient: read(letter).get_content() for letter, _ in house.letters[8:]}
    assert set(said) == {"admin@house.example", "admin@a.example"}
    ours = said["admin@house.example"]
    assert "NEW (error): A gateway does not answer: berlin" in ours and "HEALED (error): A gateway does not answer: berlin" in ours


async def test_a_domains_incident_is_told_to_the_domains_address(house: IncidentHouse) -> None:
    """From the domain's own sender; the one who heard of it hears that it healed, whatever the settings are then."""
    domains = {"a.example": Address("admin@a.example", "gatepost@a.example")}
    house.addressees = Addressees(house.addressees.house, domains)
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    await house.send(after=6)
    assert sorted((one.recipient, one.sender) for one, _ in house.letters) == [
        ("admin@a.example", "gatepost@a.example"),
        ("admin@house.example", "gatepost@house.example"),
    ]
    house.addressees = Addressees(house.addressees.house)
    await house.heal("queue.stuck")
    await house.send(after=400)
    assert [one.recipient for one, _ in house.letters[2:]] == ["admin@a.example", "admin@house.example"]
    assert all("HEALED" in read(one).get_content() for one, _ in house.letters[2:])


async def test_without_an_address_that_is_an_incident_and_nothing_is_lost(house: IncidentHouse) -> None:
    """When there is one, it is told of all that is open, and not of what healed before."""
    house.addressees = Addressees()
    nowhere = Finding("notices.nowhere", "mail", "warning")
    await house.look("notices.nowhere", nowhere)
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    await house.look("queue.stuck", stuck("a.example"), after=1)
    await house.look("queue.stuck", stuck("a.example"), after=11)
    await house.send(after=100)
    assert house.letters == []
    house.addressees = Addressees(Address("new@house.example", ""))
    await house.heal("notices.nowhere")
    await house.send(after=6)
    [(letter, _)] = house.letters
    said = read(letter).get_content()
    assert (letter.recipient, letter.sender) == ("new@house.example", "")
    assert "a.example" in said and "b.example" not in said
    assert read(letter)["from"] == "Gatepost <gatepost@intranet.example>"
    await house.look("queue.stuck", stuck("a.example"), after=400)
    await house.send(after=400)
    assert len(house.letters) == 1


async def test_tenants_share_no_mail(house: IncidentHouse) -> None:
    """Two tenants with one address get a mail each, which tells of their own incident alone."""
    await house.look("queue.stuck", stuck("a.example", tenant_id=1), stuck("b.example", tenant_id=2))
    await house.send(after=6)
    found = {letter.tenant_id: read(letter).get_content() for letter, _ in house.letters}
    assert set(found) == {1, 2}
    assert "a.example" in found[1] and "b.example" not in found[1]
    assert "b.example" in found[2] and "a.example" not in found[2]


async def test_hostile_names_stay_on_their_line(house: IncidentHouse) -> None:
    """What a next hop answers, or a domain is called, can neither end a line of the mail nor begin a field."""
    evil = Finding("link.away", "berlin\r\nBcc: all@world.example", "error", {"reason": "x\r\n\r\nSpend money\u202e"})
    await house.look("link.away", evil)
    await house.look("link.away", evil, after=21)
    await house.send(after=6)
    mail = read(house.letters[0][0])
    assert mail["bcc"] is None and "berlin??Bcc: all@world.example" in mail["subject"]
    assert "  Reason: x????Spend money?\r\n" in mail.get_content()
    assert b"\n" not in house.letters[0][0].content.replace(b"\r\n", b"")
    assert max(map(len, house.letters[0][0].content.split(b"\r\n"))) <= 200


async def test_an_address_that_nobody_can_reach_holds_up_no_other(house: IncidentHouse) -> None:
    """However much waits for it, and however long."""
    other = Address("admin@b.example", "")
    house.addressees = Addressees(house.addressees.house, {"b.example": other})
    many = [stuck(f"d{number}.example") for number in range(450)]
    await house.look("queue.stuck", *many)
    await house.send(after=6)
    assert len(house.letters) == 1, "200 of them"
    await house.look("queue.stuck", *many, stuck("b.example"))
    await house.send(after=6)
    assert [letter.recipient for letter, _ in house.letters[1:]] == [other.recipient]
