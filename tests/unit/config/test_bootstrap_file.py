# SPDX-License-Identifier: Apache-2.0
"""The bootstrap file: what is read, what the environment overrides, and how each mistake is told."""

from pathlib import Path

import pytest

from gatepost.config.bootstrap import Listener
from gatepost.config.loader import load_bootstrap, read_bootstrap
from gatepost.errors import ConfigError

PLAIN = '[[listeners]]\nport = 2525\ntls = "none"\n'


@pytest.fixture
def write(tmp_path):
    """Write a bootstrap file and give its path."""

    def written(text: str) -> Path:
        path = tmp_path / "gatepost.toml"
        path.write_text(text)
        return path

    return written


def fault_of(path, environ=None) -> str:
    """Give the one line that loading ends with, its file's path cut off."""
    with pytest.raises(ConfigError) as caught:
        load_bootstrap(path, environ or {})
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.exit_code == 3
    return line.removeprefix(f"{path}: ")


def test_a_small_file_is_read_and_the_rest_has_defaults(write):
    """What the file does not say has its default."""
    bootstrap = load_bootstrap(write('hostname = "mx.example.com"\n' + PLAIN), {})
    assert bootstrap.hostname == "mx.example.com"
    assert bootstrap.listeners == (Listener(port=2525, tls="none"),)
    assert bootstrap.processes.receive == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("listners = 1", "listners: unknown key; did you mean listeners?"),
        ("zzz = 1", "zzz: unknown key; the keys here are role, hostname, data, run, configuration, user, listeners, tls, processes"),
        ("[[listeners]]\nprot = 25", "listeners[0].prot: unknown key; did you mean port?"),
        ('[[listeners]]\nport = "25"', "listeners[0].port: expected int, got str; write a whole number from 1 to 65535"),
        ("[[listeners]]\nport = 0", "listeners[0].port: expected int >= 1; write a whole number from 1 to 65535"),
        ("[processes]\nreceive = 65", "processes.receive: expected int <= 64; write a whole number from 1 to 64"),
        ('role = "castle"', "role: 'castle' is not one of the choices; write one of gateway, intranet, single"),
        ("hostname = 1", "hostname: expected str, got int; write a text in quotes"),
        ("tls = 3", "tls: expected table, got int; write a [table] of its own"),
        ("listeners = 3", "listeners: expected list, got int; write tables in [[double brackets]]"),
        ('[[listeners]]\nproxy_from = "a"', 'listeners[0].proxy_from: expected list, got str; write a list of texts, as ["a", "b"]'),
        ("[[listeners]]\nserves = 1", "listeners[0].serves: expected str, got int"),
        ('hostname = "x', "at its end: is not TOML"),
        ("a = 1\nb =\n", "line 2, column 4: is not TOML (invalid value)"),
        ("a = 1\na = 2\n", "is not TOML (cannot overwrite a value)"),
    ],
)
def test_a_malformed_key_is_told_with_path_cause_and_mend(write, text, line):
    """Each wrong form is one line that says where, what and how to mend it."""
    assert line in fault_of(write(text))


@pytest.mark.parametrize(
    ("text", "path", "cause"),
    [
        ('hostname = "not a name"\n' + PLAIN, "hostname", "is no domain name"),
        ('hostname = "192.0.2.1"\n' + PLAIN, "hostname", "is an IP address"),
        ('user = "nobody-of-that-name"\n' + PLAIN, "user", "has no user"),
        ("listeners = []", "listeners", "there is none for mail"),
        (PLAIN + PLAIN, "listeners[1]", "listens where listeners[0] does"),
        (PLAIN + 'address = "localhost"', "listeners[0].address", "is no IP address"),
        (PLAIN + 'proxy_from = ["10.0.0.1/8"]', "listeners[0].proxy_from[0]", "meant 10.0.0.0/8?"),
        (PLAIN + 'serves = "submission"', "listeners[0].tls", "submission without TLS"),
        (PLAIN + 'client_ca = "/ca.pem"', "listeners[0].client_ca", "need TLS"),
        ("[[listeners]]", "tls.certificate", "is empty, but listeners[0] has TLS"),
        ('[[listeners]]\n[tls]\ncertificate = "/nowhere"', "tls.certificate", "there is no file /nowhere"),
    ],
)
def test_settings_that_cannot_work_are_refused(write, text, path, cause):
    """What each key alone cannot show is checked across keys."""
    line = fault_of(write(text))
    assert line.startswith(f"{path}: ")
    assert cause in line
    assert "; " in line


def test_a_missing_unreadable_or_binary_file_is_told(tmp_path):
    """A file that is not there, is a folder or is no text is one sentence."""
    assert "there is no such file; write it, or name another with --config" in fault_of(tmp_path / "absent.toml")
    assert "cannot be read (Is a directory)" in fault_of(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"a = '\xff'")
    assert "byte 5 is not UTF-8" in fault_of(tmp_path / "binary.toml")


def test_tls_files_that_exist_are_taken(write, tmp_path):
    """TLS with its two files is in order."""
    pem = tmp_path / "pem"
    pem.write_text("")
    text = f'[[listeners]]\nserves = "submission"\ntls = "required"\nclient_ca = "{pem}"\n[tls]\ncertificate = "{pem}"\nkey = "{pem}"\n'
    assert load_bootstrap(write(text), {}).listeners[0].serves == "submission"


def test_the_environment_overrides_the_file_in_each_type(write):
    """Texts, numbers, choices, lists and entries of a list can be set by variables."""
    environ = {
        "GATEPOST_HOSTNAME": "other.example.com",
        "GATEPOST_PROCESSES__RECEIVE": "2",
        "GATEPOST_LISTENERS__0__PORT": "2526",
        "GATEPOST_LISTENERS__0__PROXY_FROM": "127.0.0.0/8, ::1",
        "GATEPOST_LISTENERS__1__ADDRESS": "127.0.0.1",
        "GATEPOST_LISTENERS__1__TLS": "none",
        "GATEPOST_LISTENERS__1__SERVES": "mail",
        "GATEPOST_SHARED": "/anywhere",
        "PATH": "/bin",
    }
    bootstrap = load_bootstrap(write(PLAIN), environ)
    assert bootstrap.hostname == "other.example.com"
    assert bootstrap.processes.receive == 2
    assert bootstrap.listeners == (
        Listener(port=2526, tls="none", proxy_from=("127.0.0.0/8", "::1")),
        Listener(address="127.0.0.1", tls="none"),
    )


@pytest.mark.parametrize(
    ("variable", "value", "rest"),
    [
        ("GATEPOST_HOSTNAM", "x", "names no setting; the keys here are role"),
        ("GATEPOST_HOSTNAME__X", "x", "names no setting; hostname has nothing below it, so end the name there"),
        ("GATEPOST_HOSTNAME__0", "x", "names no setting; hostname has nothing below it"),
        ("GATEPOST_TLS", "x", "names a table, not a key; set a key of it, as GATEPOST_TLS__KEY"),
        ("GATEPOST_LISTENERS", "x", "names a table, not a key; set a key of it, as GATEPOST_LISTENERS__0__KEY"),
        ("GATEPOST_LISTENERS__PORT", "1", "'port' is not a number in a list; number the entries of listeners from 0"),
        ("GATEPOST_LISTENERS__5__PORT", "1", "there are only 1 entries before it; use the number 1"),
        ("GATEPOST_PROCESSES__RECEIVE", "two", "'two' cannot be read; write a whole number from 1 to 64"),
        ("GATEPOST_PROCESSES__RECEIVE", "0", "expected int >= 1; write a whole number from 1 to 64"),
        ("GATEPOST_LISTENERS__0__TLS", "maybe", "'maybe' is not one of the choices"),
        ("GATEPOST_LISTENERS__0__SERVES", "perhaps", "'perhaps' is not one of the choices"),
    ],
)
def test_a_wrong_variable_is_named_instead_of_the_file(write, variable, value, rest):
    """A mistake in the environment is told by the variable's name."""
    assert fault_of(write(PLAIN), {variable: value}).startswith(f"{variable}: {rest}")


def test_a_variable_below_a_value_that_is_no_table_is_refused(write):
    """A file that has a number where a table belongs is not overridden from below."""
    assert "the file has no table above receive" in fault_of(write("processes = 3"), {"GATEPOST_PROCESSES__RECEIVE": "2"})


def test_reading_alone_asks_for_no_certificate(write):
    """A command that only asks a running gateway needs no access to its keys."""
    assert read_bootstrap(write("[[listeners]]"), {}).tls.certificate == ""
