# SPDX-License-Identifier: Apache-2.0
"""The command line against a console on another machine: over HTTP and TLS, with a token by reference."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console_site import Served, served_site
from contracts.track_mails import NOON, change, head
from gatepost.cli import main
from gatepost.cli.people import people
from gatepost.cli.place import HERE, Place
from gatepost.errors import ControlError, UsageError
from gatepost.roles.remote import Console, ask, written
from gatepost.smtp.certificate import Identity
from gatepost.testing.ports import free_port
from gatepost.testing.tls import self_signed

MAIL = head(NOON)
Say = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a console behind TLS, with one mail and one gateway that holds a queue."""
    folder = tmp_path_factory.mktemp("client")
    files = self_signed(folder, "console.example")
    with served_site(folder, identity=Identity(files.certificate, files.key), gateways=("berlin",)) as opened:
        opened.run(opened.site.administrator("anna"))
        (folder / "token").write_text(opened.run(opened.site.token("anna")) + "\n")
        opened.run(opened.site.tell(change(MAIL)))
        line = {"domain": "partner.example", "waiting": 3, "sending": 0, "oldest_at": NOON, "next_due_at": 0.0}
        opened.site.links.answers["berlin", "queue.list"] = [line]
        opened.site.links.answers["berlin", "queue.retry"] = 3
        yield opened


@pytest.fixture
def console(served: Served) -> Console:
    """Give how it is asked."""
    return Console(served.url, (served.folder / "token").read_text().strip(), str(served.folder / "certificate.pem"))


@pytest.fixture
def say(served: Served, capfd: pytest.CaptureFixture[str]) -> Say:
    """Give the command line with --url; it answers with the exit code and what was printed."""

    def said(
        *words: str, token: str = f"file:{served.folder / 'token'}", ca: str = str(served.folder / "certificate.pem")
    ) -> tuple[int, str]:
        capfd.readouterr()
        code = main([*words, "--url", served.url, "--token", token, "--ca", ca])
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return said


def test_tracks_are_searched_shown_and_exported(say: Say, tmp_path: Path):
    """The same commands, the same output."""
    code, shown = say("track", "search", "alice@partner.example", "--json")
    assert code == 0 and json.loads(shown)["tracks"][0]["track"] == MAIL.track
    assert say("track", "search", "nobody@partner.example") == (1, "No mail was found.\n")
    code, shown = say("track", "show", MAIL.track)
    assert code == 0 and "inbound mail from Alice@partner.example" in shown
    code, shown = say("track", "export", MAIL.track, "--output", str(tmp_path / "tracks.json"))
    assert (code, shown) == (0, f"1 track was written to {tmp_path / 'tracks.json'}.\n")
    assert say("track", "import", str(tmp_path / "tracks.json")) == (0, "0 tracks were imported, 1 known already.\n")


def test_queues_are_looked_at_and_tried_again(say: Say):
    """Of the only gateway, or of one that is named; one that is not there is told."""
    code, shown = say("queue", "list", "--gateway", "berlin")
    assert code == 0 and "partner.example" in shown
    assert say("queue", "retry", "partner.example") == (0, "3 recipients are due now.\n")
    code, shown = say("queue", "list", "--gateway", "rome")
    assert code == 1 and "there is no gateway 'rome'" in shown
    code, shown = say("role", "list")
    assert code == 0 and "berlin" in shown


def test_the_configuration_is_exported_changed_and_applied(say: Say, served: Served, tmp_path: Path):
    """The author is the token's owner; a faulty file and a late one are told as on the machine itself."""
    file = tmp_path / "new.toml"
    assert say("config", "export", "-o", str(file))[0] == 0
    file.write_text(file.read_text().replace("example.com", "example.org"))
    code, shown = say("config", "apply", str(file), "--plan")
    assert code == 0 and shown.endswith("This is only a plan.\n")
    code, shown = say("config", "apply", str(file), "--reason", "another domain")
    assert code == 0 and "Version 2 is made" in shown
    assert say("config", "status")[0] == 1
    code, shown = say("config", "history", "--json")
    assert json.loads(shown)[0]["author"] == "anna"
    file.write_text(file.read_text() + "\n[nonsense]\n")
    code, shown = say("config", "apply", str(file), "--reason", "x")
    assert code == 1 and f"{file}: nonsense: unknown key" in shown
    code, shown = say("config", "rollback", "1", "--reason", "x", "--author", "somebody")
    assert code == 2 and "--author is for this machine's own console" in shown
    assert say("config", "rollback", "1", "--reason", "x")[0] == 0


def test_people_are_added_changed_and_listed(served: Served, capfd: pytest.CaptureFixture[str]):
    """`gatepost people` by URL; a fault is told at its field, with exit code 1."""
    place = ["--url", served.url, "--token", f"file:{served.folder / 'token'}", "--ca", str(served.folder / "certificate.pem")]

    def say(*words: str) -> tuple[int, str]:
        code = people([*words, *place], exit_on_error=False, result_action="return_value")
        return int(code), capfd.readouterr().out

    assert say("add", "jo@example.com", "--name", "Jo")[0] == 0
    code, shown = say("add", "jo@elsewhere.example")
    assert code == 1 and "addresses[0].address: elsewhere.example is none of your owned domains" in shown
    assert say("change", "jo@example.com", "--name", "Joanna", "--add-address", "sales@example.com")[0] == 0
    code, shown = say("list", "joanna")
    assert code == 0 and "jo@example.com" in shown
    assert say("partner", "set", "default", "--connection-security", "required")[0] == 0
    assert say("partner", "set", "a.b@partner.example", "--comment", "x")[0] == 0
    assert say("partner", "set", "partner.example")[0] == 0
    assert "required" in say("partner", "show", "partner.example")[1]
    assert say("admins")[0] == 0
    assert say("remove", "jo@example.com")[0] == 0


def test_what_the_token_says_cannot_be_said_otherwise(say: Say):
    """--tenant and --config are about this machine."""
    code, shown = say("track", "search", "--tenant", "1")
    assert code == 2 and "the token says whose it is" in shown
    code, shown = say("track", "search", "--config", "other.toml")
    assert code == 2 and "--config is about this machine, --url about another one" in shown


def test_a_bad_token_and_a_missing_one_are_told(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not taken by the console: 3; not to be had here, or written into the command: a sentence that says how."""
    (tmp_path / "bad").write_text("gp_abcdefghijkl_" + "x" * 43)
    code, shown = say("track", "legacy", token=f"file:{tmp_path / 'bad'}")
    assert code == 3 and "does not take this token" in shown
    code, shown = say("track", "legacy", token=f"file:{tmp_path / 'none'}")
    assert code == 3 and "cannot be read" in shown
    code, shown = say("track", "legacy", token="gp_abcdefghijkl_secret")
    assert code == 3 and "a secret is given by reference" in shown and "abcdefghijkl" not in shown
    monkeypatch.delenv("GATEPOST_TOKEN", raising=False)
    code, shown = say("track", "legacy", token="")
    assert code == 2 and "--url needs a token" in shown


def test_the_environment_says_where_and_with_what(served: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """GATEPOST_URL and GATEPOST_TOKEN stand for the options; --config is this machine still."""
    monkeypatch.setenv("GATEPOST_URL", served.url)
    monkeypatch.setenv("GATEPOST_TOKEN", (served.folder / "token").read_text().strip())
    monkeypatch.setenv("SSL_CERT_FILE", str(served.folder / "certificate.pem"))
    assert main(["track", "legacy", "--json", "--ca", str(served.folder / "certificate.pem")]) == 0
    monkeypatch.setenv("GATEPOST_TOKEN", f"file:{served.folder / 'token'}")
    assert main(["track", "legacy", "--json", "--ca", str(served.folder / "certificate.pem")]) == 0
    assert Place(config=Path("here.toml")).address == ""
    assert HERE.address == served.url


def test_a_certificate_that_is_not_trusted_ends_it(say: Say, tmp_path: Path):
    """Nothing is sent to who cannot show a certificate of --ca, or of the system."""
    other = self_signed(tmp_path, "other.example")
    for ca in (str(other.certificate), ""):
        code, shown = say("track", "legacy", ca=ca)
        assert code == 3 and "certificate verify failed" in shown and "--ca" in shown
    code, shown = say("track", "legacy", ca=str(tmp_path / "none.pem"))
    assert code == 2 and "cannot be used" in shown


@pytest.mark.parametrize(
    "url", ["http://console.example", "ftp://x.example", "https://", "console.example", "https://a:b@x.example", "https://x:99999"]
)
def test_an_address_that_would_betray_the_token_is_refused(url: str):
    """TLS, or this machine's own loopback; no user, no other scheme."""
    with pytest.raises(UsageError, match="--url"):
        ask(Console(url, "gp_x"), "track.legacy")


def test_nobody_there_and_no_console_there_are_told():
    """Exit code 3, as when no console runs on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ControlError, match=r"did not answer within 0\.2 s") as late:
            ask(Console(f"http://127.0.0.1:{port}", "gp_x"), "track.legacy", timeout_s=0.2)
        assert late.value.exit_code == 3
    with pytest.raises(ControlError, match="cannot be reached"):
        ask(Console(f"http://127.0.0.1:{free_port()}", "gp_x"), "track.legacy")


def test_a_path_that_is_no_console_is_told(console: Console):
    """An answer that is none of ours is not shown as one."""
    with pytest.raises(ControlError, match="is no console of Gatepost"):
        ask(console._replace(url=f"{console.url}/static"), "track.legacy")


def test_what_is_lacking_is_as_what_is_not_there(served: Served, console: Console):
    """A right that the token has not: exit code 1, as for what does not exist."""
    weak = served.run(served.site.token("anna", "people:read"))
    with pytest.raises(ControlError, match="nothing that this token may see") as refused:
        ask(console._replace(token=weak), "track.legacy")
    assert refused.value.exit_code == 1


def test_an_operation_that_no_console_has_is_refused_here():
    """What is this machine's alone, as an invitation, is not sent."""
    with pytest.raises(UsageError, match=r"role\.invite cannot be asked"):
        written("role.invite", {})


def test_names_are_written_so_that_they_stay_names():
    """A slash, a question mark, a dot or a percent sign in a name changes no path."""
    call = written("people.user.show", {"user": "a/../b?c#%2F d@example.com"})
    assert call.path == "/people/users/a%2F..%2Fb%3Fc%23%252F%20d%40example.com"
    asked: dict[str, Any] = {"between": ["a", "b"], "after": 1.5, "subject": "", "rule": None, "limit": 3, "tenant_id": 0}
    assert written("track.search", asked).query == (("between", "a"), ("between", "b"), ("after", "1.5"), ("subject", ""), ("limit", "3"))


def test_a_new_and_a_known_user_take_different_ways():
    """Without an id he is added, with one he is changed at the revision that was seen."""
    assert written("people.user.save", {"user": {"a": 1}, "id": "", "revision": 0, "author": "x"})[:3] == ("POST", "/people/users", ())
    changed = written("people.user.save", {"user": {"a": 1}, "id": "ab", "revision": 4, "author": "x", "tenant_id": 0})
    assert changed[:3] == ("PUT", "/people/users/ab", (("revision", "4"),))
    assert msgspec.json.decode(changed.content or b"") == {"a": 1}
