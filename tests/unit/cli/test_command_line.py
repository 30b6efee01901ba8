# SPDX-License-Identifier: Apache-2.0
"""The command line as a person meets it: exit codes, one sentence for each mistake, no tracebacks."""

import subprocess
import sys

import pytest

from gatepost.cli import main


def test_help_lists_the_commands_and_loads_nothing_heavy():
    """The list of commands comes without the machinery of mail: no event loop, engine, resolver or cipher is loaded for it."""
    answer = subprocess.run([sys.executable, "-X", "importtime", "-m", "gatepost", "--help"], capture_output=True, text=True, check=True)
    for command in ("run", "demo", "queue", "check", "config"):
        assert f" {command} " in answer.stdout
    loaded = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "cyclopts" in loaded
    assert loaded.isdisjoint(
        {"uvloop", "dns", "cryptography", "pysqlite3", "sqlite3", "argon2", "gatepost.storage", "gatepost.smtp", "gatepost.message"}
    )


@pytest.mark.parametrize("noun", ["run", "demo", "queue", "check", "config"])
def test_each_command_explains_itself(noun, capfd):
    """`--help` after a noun is a page about that noun alone."""
    assert main([noun, "--help"]) == 0
    assert f"Usage: gatepost {noun}" in capfd.readouterr().out


def test_version_is_one_line(capfd):
    """`--version` names the program and its version."""
    assert main(["--version"]) == 0
    assert capfd.readouterr().out.startswith("gatepost 0.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "no command was given; `gatepost --help` lists them"),
        (["queue"], "no command was given; `gatepost queue --help` lists them"),
        (["quue", "list"], 'Did you mean "queue"?'),
        (["queue", "lst"], 'Did you mean "list"?'),
        (["queue", "list", "--jsn"], "Did you mean --json?"),
        (["--nonsense"], "--nonsense"),
        (["queue", "list", "surplus"], "surplus"),
        (["queue", "show", "--limit", "many"], "--limit"),
        (["queue", "show", "--limit", "0"], "--limit is a number of at least 1"),
        (["queue", "drop"], "requires an argument"),
        (["queue", "drop", ""], "name a track id or a domain to drop"),
        (["queue", "retry"], "or say --all"),
        (["queue", "retry", "a.example", "--all"], "or say --all"),
        (["check"], "requires an argument"),
        (["run", "--role", "castle"], "gateway"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(words, sentence, capfd):
    """A mistake is told in one line on standard error, without a panel or a traceback."""
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("gatepost: ")
    assert err.count("\n") == 1
    assert "╭" not in err
    assert sentence in err


@pytest.mark.parametrize("words", [["run"], ["queue", "list"], ["queue", "list", "--json"]])
def test_what_cannot_be_done_is_one_sentence_and_exit_code_3(words, capfd, tmp_path):
    """A missing file is said with what to do about it."""
    assert main([*words, "--config", str(tmp_path / "absent.toml")]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "there is no such file; write it" in err


def test_a_defect_of_ours_is_a_sentence_too(monkeypatch, capfd):
    """Whatever goes wrong inside, nobody sees a traceback, and the exit code is none of an answer's."""

    def explode(words):
        raise ZeroDivisionError("a surprise")

    monkeypatch.setattr("gatepost.cli.app.carry_out", explode)
    assert main(["queue", "list"]) == 70
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert "ZeroDivisionError at test_command_line.py:" in err


def test_a_librarys_panic_is_a_sentence_too(monkeypatch, capfd):
    """Libraries in Rust raise what is no Exception."""

    class Panic(BaseException):
        pass

    def explode(words):
        raise Panic("called `unwrap()` on nothing")

    monkeypatch.setattr("gatepost.cli.app.carry_out", explode)
    assert main(["queue", "list"]) == 70
    err = capfd.readouterr().err
    assert (err.count("\n"), "Panic at test_command_line.py:" in err) == (1, True)


def test_an_interrupt_is_quiet(monkeypatch, capfd):
    """Ctrl-C ends a command as a shell expects, without a word."""

    def interrupt(words):
        raise KeyboardInterrupt

    monkeypatch.setattr("gatepost.cli.app.carry_out", interrupt)
    assert main(["demo"]) == 130
    assert capfd.readouterr().err == ""


def test_a_reader_that_goes_away_is_no_fault():
    """`gatepost ... | head -0` ends without a complaint."""
    command = f"{sys.executable} -m gatepost --help | true; echo ${{PIPESTATUS[0]}}"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert answer.stdout == "0\n"
    assert answer.stderr == ""


def test_run_hands_over_to_the_role(monkeypatch, tmp_path):
    """`run` loads the bootstrap, puts the role in, and gives the role's exit code."""
    seen = []
    from gatepost.roles import single

    monkeypatch.setattr(single, "run", lambda *args: seen.append(args) or 3)
    path = tmp_path / "gatepost.toml"
    path.write_text('[[listeners]]\ntls = "none"\n')
    assert main(["run", "--config", str(path), "--role", "gateway", "--process", "receive"]) == 3
    assert [(bootstrap.role, config, process) for bootstrap, config, process in seen] == [("gateway", str(path), "receive")]
