# SPDX-License-Identifier: Apache-2.0
"""Gateways and their intranet at work, each with its own store: what is told arrives once, whoever was away."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatepost.config.bootstrap import Bootstrap, Link
from gatepost.errors import ControlError
from gatepost.replication import follow
from gatepost.replication.artefact import Artefact
from gatepost.replication.follow import Follower
from gatepost.replication.outbox import Outbox
from gatepost.replication.outbox_sqlite import Entry
from gatepost.replication.service import Operation, Peer, Service
from gatepost.replication.wire import new_request
from gatepost.roles import link_gateway
from gatepost.roles.link_gateway import GatewayLink
from gatepost.roles.link_intranet import IntranetLinks
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.testing.ports import LOOPBACK, free_port
from postgres_server import postgres_server
from waiting import PATIENCE_S

ROOT = Peer("uid 0", ("*",))
LONG_AGO = 1_700_000_000.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses short that only spare a machine."""
    monkeypatch.setattr(follow, "PAUSES_S", (0.02, 0.05))
    monkeypatch.setattr(follow, "GATHER_PAUSE_S", 0.01)
    monkeypatch.setattr(follow, "TOLD_AFTER_S", 0.1)
    monkeypatch.setattr(link_gateway, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(link_gateway, "HANG_UP_S", 0.05)


def entry(number: int, kind: str = "note") -> Entry:
    return (kind, 1, 0, LONG_AGO, b"%d" % number)


class Kept:
    """What a store has been told: rows, and which were there when it heard last that there are new ones."""

    def __init__(self, store: Store) -> None:
        self.store, self.heard = store, list[int]()
        mark = "?" if store.engine == "sqlite" else "%s"
        self._insert = f"INSERT INTO note VALUES ({mark})"

    async def make(self) -> None:
        text = "CREATE TABLE IF NOT EXISTS note (number BIGINT)"
        await self.store.perform(lambda connection, _: [connection.execute(text) and None], None)

    def apply(self, connection: Any, artefacts: list[Artefact]) -> None:
        for artefact in artefacts:
            connection.execute(self._insert, (int(artefact.payload),))

    async def tell(self) -> None:
        self.heard = await self.numbers()

    async def numbers(self) -> list[int]:
        question = "SELECT number FROM note"
        return await self.store.ask(lambda connection: [int(row[0]) for row in connection.execute(question).fetchall()])


class GatewayRole:
    """A gateway's store and its side of the private API; may be ended and begun again."""

    def __init__(self, folder: Path, *, listen: bool = False, role: str = "gateway", store: str = "sqlite") -> None:
        self.port = free_port() if listen else 0
        self.address = f"{LOOPBACK}:{self.port}"
        link = Link(listen=self.address if listen else "")
        self.bootstrap = Bootstrap(data=str(folder), hostname="gateway.example", role=role, link=link)  # type: ignore[arg-type]
        self.folder, self._where = folder, store

    async def begin(self) -> "GatewayRole":
        self.store = open_store(self._where, "gateway", self.folder)
        self.kept = Kept(self.store)
        await self.kept.make()
        self.link = GatewayLink(self.bootstrap, self.store, lambda: [{"process": "deliver", "pid": 1, "version": 3, "error": ""}])
        self.link.applier.register("note", (1,), self.kept.apply, self.kept.tell)
        await self.link.start({})
        return self

    async def end(self) -> None:
        await self.link.close()
        await self.store.close()

    async def say(self, *numbers: int, kind: str = "note") -> None:
        await self.link.outbox.append(*(entry(number, kind) for number in numbers))

    async def token(self) -> str:
        return str((await self.link._invite())["token"])


class IntranetRole:
    """An intranet's store and its links."""

    def __init__(self, folder: Path, role: str = "intranet") -> None:
        self.bootstrap = Bootstrap(data=str(folder), hostname="intranet.example", role=role)  # type: ignore[arg-type]
        self.folder = folder
        self.knows: tuple[str, ...] = ("note",)
        self.greeted: list[str] = []

    async def begin(self) -> "IntranetRole":
        self.store = open_store("sqlite", "intranet", self.folder)
        self.kept = Kept(self.store)
        await self.kept.make()
        self.links = IntranetLinks(self.bootstrap, self.store)
        for kind in self.knows:
            self.links.applier.register(kind, (1,), self.kept.apply)
        self.links.links.greet(self._greet)
        await self.links.prepare()
        self.links.start()
        return self

    async def _greet(self, name: str) -> None:
        self.greeted.append(name)
        await Outbox(self.store, name).append(entry(1000))

    async def end(self) -> None:
        await self.links.close()
        await self.store.close()

    async def ask(self, do: str, **args: Any) -> Any:
        """Ask what people ask, without a socket in between."""
        operation = self.links.operations()[do]
        return await (operation.handler if isinstance(operation, Operation) else operation)(**args)

    async def say(self, *numbers: int, kind: str = "note") -> None:
        for name in self.links.names:
            await Outbox(self.store, name).append(*(entry(number, kind) for number in numbers))
        self.links.stir()

    async def line(self, name: str) -> dict[str, Any]:
        """What `gatepost role list` says of one link."""
        return next(line for line in await self.ask("role.list") if line["name"] == name)


async def until(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(patience_s):
        while not await what():  # noqa: ASYNC110 -- it is another role's store that is asked
            await asyncio.sleep(0.01)


async def has(kept: Kept, *numbers: int) -> None:
    """Wait until just these numbers have arrived, in this order for each sender."""
    try:
        await until(lambda: _equal(kept, list(numbers)))
    except TimeoutError:
        assert await kept.numbers() == list(numbers)


async def _equal(kept: Kept, numbers: list[int]) -> bool:
    found = await kept.numbers()
    assert len(found) <= len(numbers), found
    return found == numbers


@pytest.fixture
async def single(tmp_path: Path) -> Any:
    """Give both roles of one machine."""
    gateway = await GatewayRole(tmp_path / "data", role="single").begin()
    intranet = await IntranetRole(tmp_path / "data", role="single").begin()
    yield gateway, intranet
    await intranet.end()
    await gateway.end()


@pytest.fixture
async def site(tmp_path: Path) -> Any:
    """Give a gateway that listens and an intranet elsewhere, not yet paired."""
    gateway = await GatewayRole(tmp_path / "gateway", listen=True).begin()
    intranet = await IntranetRole(tmp_path / "intranet").begin()
    yield gateway, intranet
    await intranet.end()
    await gateway.end()


async def test_a_machines_own_gateway_needs_no_pairing(single: Any) -> None:
    """What it tells arrives over the unix socket, and its outbox is empty again."""
    gateway, intranet = single
    await gateway.say(*range(1200))
    await has(intranet.kept, *range(1200))
    await until(lambda: _waits(gateway, 0))
    assert (await intranet.line("local"))["trouble"] == ""


async def _waits(gateway: GatewayRole, count: int) -> bool:
    return (await gateway.link.outbox.health()).waiting == count


async def test_an_intranet_that_is_away_changes_nothing_but_the_outbox(single: Any) -> None:
    """What was told meanwhile waits, and comes in order when it is back."""
    gateway, intranet = single
    await intranet.end()
    await gateway.say(*range(3000))
    assert (await gateway.link.outbox.health()).waiting == 3000
    await intranet.begin()
    await has(intranet.kept, *range(3000))
    await until(lambda: _waits(gateway, 0))


async def test_an_intranet_that_dies_at_any_moment_applies_nothing_twice(single: Any) -> None:
    """Between fetch, COMMIT and acknowledgement, again and again."""
    gateway, intranet = single
    for turn in range(25):
        await gateway.say(*range(turn * 100, turn * 100 + 100))
        await asyncio.sleep(0.004 * (turn % 7))
        await intranet.end()
        await intranet.begin()
    await has(intranet.kept, *range(2500))


async def test_a_gateway_that_was_away_is_followed_again(
    single: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trouble is told while it lasts, once, and its end."""
    gateway, intranet = single
    monkeypatch.setattr(follow, "TOLD_AFTER_S", 3.0)  # so that the first words, of connections that ended, are over by then
    await gateway.say(1)
    await has(intranet.kept, 1)
    await gateway.end()
    told = ""
    async with asyncio.timeout(PATIENCE_S):
        while '"event":"link.trouble"' not in told:
            told += capfd.readouterr().err
            await asyncio.sleep(0.01)
    line = await intranet.line("local")
    assert "no gateway is running at" in line["trouble"] and line["waiting"] is None
    await gateway.begin()
    await gateway.say(2)
    await has(intranet.kept, 1, 2)
    await until(lambda: _trouble(intranet, ""))
    told += capfd.readouterr().err
    assert told.count('"event":"link.trouble"') == told.count('"event":"link.restored"') == 1


async def test_what_the_intranet_does_not_know_waits_and_is_named(single: Any) -> None:
    """Nothing of the batch is applied until the intranet is upgraded; then all of it."""
    gateway, intranet = single
    await gateway.say(1)
    await has(intranet.kept, 1)
    await gateway.say(2)
    await gateway.say(3, kind="soul")
    await gateway.say(4)
    await until(lambda: _trouble(intranet, "'soul' in version 1, this role knows no 'soul' at all; upgrade it"))
    assert (await intranet.line("local"))["waiting"] >= 1
    await intranet.end()
    intranet.knows = ("note", "soul")
    await intranet.begin()
    await has(intranet.kept, 1, 2, 3, 4)
    await until(lambda: _trouble(intranet, ""))


async def _trouble(intranet: IntranetRole, sentence: str, name: str = "local") -> bool:
    trouble = (await intranet.line(name))["trouble"]
    return sentence in trouble if sentence else trouble == ""


async def test_what_the_intranet_changes_goes_the_other_way(single: Any) -> None:
    """A gateway that is met for the first time is told what it must know; what comes later arrives at once."""
    gateway, intranet = single
    await has(gateway.kept, 1000)
    await intranet.say(1, 2, 3)
    await has(gateway.kept, 1000, 1, 2, 3)
    await until(lambda: _heard(3, gateway))
    assert intranet.greeted == ["local"]
    await until(lambda: _sent(intranet))
    await intranet.end()
    await intranet.begin()
    await intranet.say(4)
    await has(gateway.kept, 1000, 1, 2, 3, 4)
    assert intranet.greeted == ["local"]


async def _sent(intranet: IntranetRole, name: str = "local") -> bool:
    return bool((await intranet.line(name))["to_send"] == 0)


async def test_a_gateway_that_does_not_know_what_it_is_told_names_it(single: Any) -> None:
    """The trouble stands in the link's line; nothing is lost."""
    _, intranet = single
    await intranet.say(7, kind="soul")
    await until(lambda: _trouble(intranet, "'soul' in version 1, this role knows no 'soul' at all"))
    assert not await _sent(intranet)


async def test_a_gateway_with_a_fresh_store_is_greeted_anew(single: Any) -> None:
    """Another store answers: it must know all, and what it tells is not taken for known."""
    gateway, intranet = single
    await gateway.say(1, 2)
    await has(intranet.kept, 1, 2)
    await has(gateway.kept, 1000)
    await until(lambda: _sent(intranet))
    await gateway.end()
    for left in gateway.folder.glob("gateway.sqlite*"):
        left.unlink()
    await gateway.begin()
    await gateway.say(3)
    await has(intranet.kept, 1, 2, 3)
    await has(gateway.kept, 1000)
    assert intranet.greeted == ["local", "local"]


async def test_a_gateway_whose_older_copy_was_put_back_loses_nothing(single: Any) -> None:
    """Its numbers begin anew below what the intranet knows; it takes another identity."""
    gateway, intranet = single
    await gateway.say(1)
    await has(intranet.kept, 1)
    await until(lambda: _waits(gateway, 0))
    await gateway.end()
    shutil.copy(gateway.folder / "gateway.sqlite", gateway.folder / "backup")
    await gateway.begin()
    await gateway.say(*range(2, 30))
    await has(intranet.kept, *range(1, 30))
    await gateway.end()
    for left in gateway.folder.glob("gateway.sqlite*"):
        left.unlink()
    shutil.copy(gateway.folder / "backup", gateway.folder / "gateway.sqlite")
    await gateway.begin()
    await until(lambda: _known(intranet, gateway))
    await gateway.say(30)
    await has(intranet.kept, *range(1, 31))


async def _known(intranet: IntranetRole, gateway: GatewayRole) -> bool:
    return bool((await intranet.links.links.all())[0].store == await gateway.link.outbox.identity())


# Other machines


async def join(gateway: GatewayRole, intranet: IntranetRole, name: str = "") -> Any:
    return await intranet.ask("role.join", address=gateway.address, token=await gateway.token(), name=name)


async def test_two_sites_and_one_intranet_over_mutual_tls(site: Any, tmp_path: Path) -> None:
    """Each gateway's tracks arrive, each is told what the intranet changes, and one that is away holds up no other."""
    first, intranet = site
    second = await GatewayRole(tmp_path / "second", listen=True).begin()
    one, two = await join(first, intranet, "first"), await join(second, intranet, "second")
    assert one["fingerprint"] != two["fingerprint"] and one["own_fingerprint"] == two["own_fingerprint"]
    await first.say(*range(0, 700))
    await second.say(*range(1000, 1700))
    await until(lambda: _sorted(intranet, [*range(0, 700), *range(1000, 1700)]))
    await first.end()
    await intranet.say(5)
    await second.say(2000)
    await has(second.kept, 1000, 5)
    await until(lambda: _sorted(intranet, [*range(0, 700), *range(1000, 1700), 2000]))
    await until(lambda: _trouble(intranet, "cannot be reached", "first"))
    assert (await intranet.line("second"))["trouble"] == ""
    await first.begin()
    await has(first.kept, 1000, 5)
    await second.end()


async def _sorted(intranet: IntranetRole, numbers: list[int]) -> bool:
    found = sorted(await intranet.kept.numbers())
    assert len(found) <= len(numbers)
    return found == numbers


async def test_joining_shows_what_to_compare_and_survives_restarts(site: Any) -> None:
    """The fingerprints are those that the other end shows; link and pin are in the stores."""
    gateway, intranet = site
    joined = await join(gateway, intranet)
    (peer,) = await gateway.link._list()
    assert joined["name"] == LOOPBACK and joined["hostname"] == "gateway.example"
    assert joined["fingerprint"].replace(" ", "") == gateway.link._identity.fingerprint
    assert joined["own_fingerprint"].replace(" ", "") == peer["fingerprint"]
    assert peer["name"] == "intranet.example" and peer["contact_at"] > LONG_AGO
    for role in (intranet, gateway):
        await role.end()
        await role.begin()
    await gateway.say(1)
    await has(intranet.kept, 1)
    line = await intranet.line(LOOPBACK)
    assert (line["address"], line["processes"][0]["version"]) == (gateway.address, 3)


@pytest.mark.parametrize(
    ("address", "token", "name", "sentence"),
    [
        ("nowhere", "", "", "is no address; write HOST:PORT"),
        (f"{LOOPBACK}:1", "gp1.short", "", "this is no token"),
        (f"{LOOPBACK}:1", "gp1." + "A" * 64, "", "cannot be reached"),
        (f"{LOOPBACK}:1", "gp1." + "A" * 64, "local", "there is a link 'local' already"),
        (f"{LOOPBACK}:1", "gp1." + "A" * 64, "a b", "a role's name has"),
    ],
)
async def test_a_join_that_cannot_be_says_why_and_leaves_nothing(site: Any, address: str, token: str, name: str, sentence: str) -> None:
    """Neither a link nor a follower."""
    _, intranet = site
    with pytest.raises(Exception, match=sentence):
        await intranet.ask("role.join", address=address, token=token, name=name)
    assert await intranet.ask("role.list") == [] and await intranet.links.links.all() == []


async def test_a_token_of_another_gateway_joins_nobody(site: Any, tmp_path: Path) -> None:
    """The certificate that answers is not the one in the token: nothing is said to it."""
    gateway, intranet = site
    other = await GatewayRole(tmp_path / "other", listen=True).begin()
    with pytest.raises(ControlError, match="shows the certificate"):
        await intranet.ask("role.join", address=gateway.address, token=await other.token())
    assert await gateway.link._list() == await other.link._list() == []
    await other.end()


async def test_parting_ends_it_at_both_ends(site: Any) -> None:
    """The gateway takes the pin back, the intranet forgets what waited for it."""
    gateway, intranet = site
    await join(gateway, intranet, "east")
    assert await intranet.ask("role.leave", name="east") == {"name": "east", "told": True, "trouble": ""}
    assert await gateway.link._list() == [] and await intranet.ask("role.list") == []
    with pytest.raises(ControlError, match="there is no link 'east'"):
        await intranet.ask("role.leave", name="east")
    await join(gateway, intranet, "east")


async def test_who_is_paired_anew_at_once_is_not_hung_up_on(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections of before are ended, those of the new pairing are not."""
    gateway, intranet = site
    monkeypatch.setattr(link_gateway, "HANG_UP_S", 0.5)
    await join(gateway, intranet, "east")
    await intranet.ask("role.leave", name="east")
    await join(gateway, intranet, "east")
    follower = intranet.links._followers["east"]
    await until(lambda: _has_calls(follower))
    calls = set(follower._calls)
    await asyncio.sleep(0.7)  # the very time after which the old ones are ended
    assert follower._calls == calls


async def _has_calls(follower: Follower) -> bool:
    return len(follower._calls) == 2


async def test_parting_from_a_gateway_that_is_away_says_what_is_left_to_do(site: Any) -> None:
    """It is left here, and there it must be said, too."""
    gateway, intranet = site
    await join(gateway, intranet, "east")
    await gateway.end()
    parted = await intranet.ask("role.leave", name="east")
    assert not parted["told"] and "cannot be reached" in parted["trouble"]
    await gateway.begin()
    assert (await gateway.link._leave("intranet.example"))["name"] == "intranet.example"
    assert await gateway.link._list() == []


async def test_a_gateways_intranet_that_was_left_there_is_told_why(site: Any) -> None:
    """The link's trouble says that the certificate is no longer known."""
    gateway, intranet = site
    await join(gateway, intranet, "east")
    await gateway.link._leave("intranet.example")
    await until(lambda: _trouble(intranet, "does not know our certificate; pair the two anew", "east"))


async def test_an_own_gateway_cannot_be_left(single: Any) -> None:
    """The sentence names the setting that does it."""
    _, intranet = single
    with pytest.raises(ControlError, match='role = "intranet"'):
        await intranet.ask("role.leave", name="local")


async def test_a_gateway_that_listens_to_nobody_invites_nobody(single: Any) -> None:
    """The sentence names the setting."""
    gateway, _ = single
    with pytest.raises(ControlError, match=r"set `link\.listen`"):
        await gateway.token()


async def test_two_gateways_of_one_store_tell_each_thing_once(tmp_path: Path) -> None:
    """They share one PostgreSQL: both write, either is asked, and killing one of them loses nothing."""
    url = postgres_server().create_database()
    gateways = [await GatewayRole(tmp_path / name, listen=True, store=url).begin() for name in ("one", "two")]
    intranet = await IntranetRole(tmp_path / "intranet").begin()
    for name, gateway in zip(("one", "two"), gateways, strict=True):
        await join(gateway, intranet, name)
    for turn in range(20):
        await asyncio.gather(
            *(gateway.say(*range(base, base + 20)) for gateway, base in zip(gateways, (turn * 20, 1000 + turn * 20), strict=True))
        )
    await until(lambda: _sorted(intranet, [*range(400), *range(1000, 1400)]))
    await intranet.say(1)
    await until(lambda: _heard(1, *gateways))
    await gateways[0].end()
    await gateways[1].say(5000)
    await until(lambda: _sorted(intranet, [*range(400), *range(1000, 1400), 5000]))
    await intranet.end()
    await gateways[1].end()


async def _heard(number: int, *gateways: GatewayRole) -> bool:
    """Each process hears of what any of its store took in."""
    return all(number in gateway.kept.heard for gateway in gateways)


async def test_a_peer_may_ask_for_no_more_than_it_was_granted(site: Any) -> None:
    """A gateway's own operations are for its own people."""
    gateway, intranet = site
    await join(gateway, intranet, "east")
    follower = intranet.links._followers["east"]
    for do in ("role.invite", "role.list", "role.leave", "role.pair"):
        with pytest.raises(ControlError, match="may not call"):
            await follower.ask(do, {})


async def test_what_is_no_batch_and_no_pairing_is_told(site: Any) -> None:
    """Values of another kind are refused with a sentence, and nothing happens."""
    gateway, _ = site
    service = Service(gateway.link._operations())
    reply = await service.carry_out(ROOT, new_request("replication.apply", {"batch": "nonsense"}))
    assert "this is no batch of artefacts" in reply.refused
    reply = await service.carry_out(ROOT, new_request("role.pair", {"secret": "text", "certificate": 1, "name": None}))
    assert "a pairing takes the token's bytes" in reply.refused
