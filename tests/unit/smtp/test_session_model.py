# SPDX-License-Identifier: Apache-2.0
"""Any conversation, cut anywhere: the session answers what the model answers and takes what the model takes."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from unit.smtp.session_model import CONTENT, DEADLY, PLAIN, Pair

EDGES = st.lists(st.integers(0, 2000), max_size=12)


class Conversation(RuleBasedStateMachine):
    """One rule for each thing a client may say, and one that sends what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    def _say(self, wire: bytes) -> None:
        self.pair.add(wire)
        if self.pair.must_flush:
            self.pair.flush([1, 7, 20], b"NOOP\r\n")

    @rule(verb=st.sampled_from([b"EHLO", b"EHLO", b"HELO"]))
    def hello(self, verb: bytes) -> None:
        self._say(self.pair.model.hello(verb))

    @rule(kind=st.sampled_from(["ok"] * 6 + ["refused", "away", "malformed", "path", "utf8", "size"]))
    def mail(self, kind: str) -> None:
        self._say(self.pair.model.mail(kind))

    @rule(kind=st.sampled_from(["ok"] * 4 + ["refused", "malformed", "nobody"]))
    def rcpt(self, kind: str) -> None:
        self._say(self.pair.model.rcpt(kind))

    @rule(kind=st.sampled_from(list(CONTENT)), lines=st.integers(0, 4))
    def data(self, kind: str, lines: int) -> None:
        self._say(self.pair.model.data(kind, lines))

    @rule(kind=st.sampled_from(list(CONTENT)), cut=st.integers(0, 10), last=st.booleans())
    def bdat(self, kind: str, cut: int, last: bool) -> None:
        self._say(self.pair.model.bdat(kind, cut, last=last))

    @rule(kind=st.sampled_from(["plain", "long"]), lines=st.integers(0, 3), chunked=st.booleans())
    def whole_mail(self, kind: str, lines: int, chunked: bool) -> None:
        model = self.pair.model
        for step in (lambda: model.hello(b"EHLO"), lambda: model.mail("ok"), lambda: model.rcpt("ok")):
            self._say(step())
        self._say(model.bdat(kind, lines, last=True) if chunked else model.data(kind, lines))

    @rule(line=st.sampled_from(list(PLAIN)))
    def plain(self, line: bytes) -> None:
        self._say(self.pair.model.plain(line))

    @rule()
    def rset(self) -> None:
        self._say(self.pair.model.rset())

    @rule()
    def starttls(self) -> None:
        self._say(self.pair.model.starttls())

    @rule(wire=st.sampled_from(list(DEADLY)))
    def deadly(self, wire: bytes) -> None:
        self._say(self.pair.model.deadly(wire))

    @rule(edges=EDGES)
    def send(self, edges: list[int]) -> None:
        self.pair.flush(edges)

    @rule(away=st.booleans())
    def store(self, away: bool) -> None:
        self.pair.flush([])
        self.pair.model.house_away = away

    def teardown(self) -> None:
        self.pair.flush([5])


Conversation.TestCase.settings = settings(max_examples=120, stateful_step_count=40)
TestConversation = Conversation.TestCase
TestConversation.__doc__ = "No conversation makes the session differ from its model."
