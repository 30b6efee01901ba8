# SPDX-License-Identifier: Apache-2.0
"""No sequence of operations gives a session or a token more rights than its administrator has."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.access_house import HERE, OWNER, PASSWORD, House, Person
from gatepost.access.administrators import Change, Changed
from gatepost.access.roles import ADMINISTRATION, RIGHTS, ROLES
from gatepost.access.sign_in import Done, Step
from gatepost.access.tokens import MadeToken
from gatepost.contracts.actor import Actor
from gatepost.storage.opening import open_store

NAMES = ("anna", "bert")
ROLE_SETS = st.lists(st.sampled_from(ROLES), unique=True).map(tuple) | st.just(ROLES)


class Doors(RuleBasedStateMachine):
    """Two administrators, and a plain model of what each may; every key that was ever given out is tried after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="access_")
        self.run = self.runner.run
        self.house = self.run(self._house())
        self.people: dict[str, Person] = {}
        self.roles: dict[str, tuple[str, ...]] = {}
        self.enabled: dict[str, bool] = {}
        self.cookies: list[tuple[str, str]] = []
        self.tokens: list[tuple[str, str, tuple[str, ...]]] = []
        self.ended: set[str] = set()

    async def _house(self) -> House:
        return House(open_store("sqlite", "intranet", Path(self.folder.name)), Path(self.folder.name))

    @initialize()
    def settle(self) -> None:
        """Both have signed in once and may everything."""
        for name in NAMES:
            person = self.run(self.house.settle_in(name))
            self.people[name], self.roles[name], self.enabled[name] = person, ROLES, True
            self.cookies.append((name, person.done.cookie))

    def may(self, name: str) -> set[str]:
        """Say by the model what somebody may."""
        if not self.enabled[name]:
            return set()
        areas = {*self.roles[name]} | ({ADMINISTRATION} if set(self.roles[name]) == set(ROLES) else set())
        return {right for right in RIGHTS if right.partition(":")[0] in areas}

    def _end(self, name: str) -> None:
        self.ended |= {cookie for owner, cookie in self.cookies if owner == name}

    @rule(name=st.sampled_from(NAMES))
    def sign_in(self, name: str) -> None:
        """Who is enabled and knows his password gets a session; nobody else does."""
        outcome = self.run(self.house.sign_in(self.people[name]))
        assert isinstance(outcome, Done) == self.enabled[name]
        if isinstance(outcome, Done):
            self.cookies.append((name, outcome.cookie))

    @rule(actor=st.sampled_from((*NAMES, "")), name=st.sampled_from(NAMES), roles=ROLE_SETS)
    def give_roles(self, actor: str, name: str, roles: tuple[str, ...]) -> None:
        """Somebody, or the machine's owner, changes somebody's roles."""
        if self._changed(actor, name, Change(roles=roles)):
            if set(roles) != set(self.roles[name]):
                self._end(name)
            self.roles[name] = roles

    @rule(actor=st.sampled_from((*NAMES, "")), name=st.sampled_from(NAMES), enabled=st.booleans())
    def enable(self, actor: str, name: str, enabled: bool) -> None:
        """Somebody is let in, or no more."""
        if self._changed(actor, name, Change(enabled=enabled)):
            if enabled != self.enabled[name]:
                self._end(name)
            self.enabled[name] = enabled

    def _changed(self, actor: str, name: str, change: Change) -> bool:
        by = Actor(actor, "console", "192.0.2.7") if actor else OWNER
        answer = self.run(self.house.access.administrators.change(by, name, change))
        if actor and f"{ADMINISTRATION}:write" not in self.may(actor):
            assert not isinstance(answer, Changed)
        return isinstance(answer, Changed)

    @rule(name=st.sampled_from(NAMES), scopes=st.lists(st.sampled_from(RIGHTS), min_size=1, unique=True).map(tuple))
    def make_token(self, name: str, scopes: tuple[str, ...]) -> None:
        """Somebody asks for a token."""
        answer = self.run(self.house.access.tokens.make(Actor(name, "console"), "ci", scopes, 300))
        assert isinstance(answer, MadeToken) == (set(scopes) <= self.may(name))
        if isinstance(answer, MadeToken):
            self.tokens.append((name, answer.secret, scopes))

    @rule(name=st.sampled_from(NAMES))
    def end_sessions(self, name: str) -> None:
        """Somebody ends all of his."""
        if self.run(self.house.access.sessions.end_all(Actor(name, "console"), name)):
            self._end(name)

    @rule(name=st.sampled_from(NAMES))
    def replace_password(self, name: str) -> None:
        """The machine's owner gives a one-time password to somebody who is enabled, and he takes it."""
        if not self.enabled[name]:
            return
        changed = self.run(self.house.access.administrators.change(OWNER, name, Change(one_time_password=True)))
        assert isinstance(changed, Changed)
        self._end(name)
        self.people[name] = self.people[name]._replace(password=changed.one_time_password)
        self._take_password(name, PASSWORD + str(len(self.cookies)))

    def _take_password(self, name: str, password: str) -> None:
        step = self.run(self.house.sign_in(self.people[name]))
        assert isinstance(step, Step) and step.needs == "new_password"
        done = self.run(self.house.access.sign_in.give_password(step.ticket, password, HERE))
        assert isinstance(done, Done)
        self.people[name] = self.people[name]._replace(password=password)
        self.cookies.append((name, done.cookie))

    @rule(seconds=st.sampled_from((1, 61, 700)))
    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.house.now += seconds

    @rule()
    def start_anew(self) -> None:
        """The process starts anew: memory is empty."""
        self.house.access.close()
        self.house = self.house.again(Path(self.folder.name))

    @invariant()
    def nobody_has_more_than_he_may(self) -> None:
        """Each cookie and each token, as often as it was given out."""
        for name, cookie in self.cookies:
            session = self.run(self.house.access.sessions.find(cookie, active=False))
            assert session is None or cookie not in self.ended
            assert session is None or (session.rights == self.may(name) and self.enabled[name])
        for name, secret, scopes in self.tokens:
            use = self.run(self.house.access.tokens.check(secret))
            reach = {*scopes} | {f"{one.partition(':')[0]}:read" for one in scopes}
            assert (use is None) == (not self.enabled[name])
            assert use is None or use.rights == reach & self.may(name)

    def teardown(self) -> None:
        """Close what was opened."""
        self.run(self.house.store.close())
        self.house.access.close()
        self.runner.close()
        self.folder.cleanup()


class TestRights(Doors.TestCase):  # type: ignore[misc,name-defined]
    """Runs the machine."""

    settings = settings(max_examples=25, stateful_step_count=25)
