# SPDX-License-Identifier: Apache-2.0
"""Load the two files a gateway lives by, or say in one line what to mend.

Promises: an unknown key, a wrong type, a value out of range or a setting that cannot work is a
ConfigError of one line (path, cause, mend); nothing is guessed, and what is returned can be used
without a further check. No secret is read here; a reference's form is checked.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.bootstrap_checks import bootstrap_faults
from gatepost.config.complaint import complaint
from gatepost.config.configuration import Configuration
from gatepost.config.configuration_checks import configuration_faults
from gatepost.config.environment import origin, overlay
from gatepost.errors import ConfigError

DEFAULT_BOOTSTRAP = "/etc/gatepost/gatepost.toml"

_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)\Z", re.DOTALL)


def load_bootstrap(path: str | Path, environ: Mapping[str, str] = os.environ) -> Bootstrap:
    """Read the bootstrap file, with `GATEPOST_` variables above it; raises ConfigError."""
    bootstrap = read_bootstrap(path, environ)
    for fault in bootstrap_faults(bootstrap, str(path)):
        raise fault
    return bootstrap


def load_configuration(path: str | Path) -> Configuration:
    """Read the configuration file; raises ConfigError."""
    configuration = read_configuration(path)
    for fault in configuration_faults(configuration, str(path)):
        raise fault
    return configuration


def read_bootstrap(path: str | Path, environ: Mapping[str, str] = os.environ) -> Bootstrap:
    """Read the bootstrap file and check the form of each key alone; raises ConfigError."""
    document = _document(path, "name another with --config")
    overlay(document, Bootstrap, environ)
    try:
        return msgspec.convert(document, Bootstrap)
    except msgspec.ValidationError as fault:
        raise origin(Bootstrap, fault, str(path), environ) from None


def read_configuration(path: str | Path) -> Configuration:
    """Read the configuration file and check the form of each key alone; raises ConfigError."""
    return read_configuration_text(text_of(path, "name another as `configuration` in the bootstrap file"), str(path))


def parse_configuration(untrusted_text: str, source: str) -> Configuration:
    """Read a configuration's text, checked as `load_configuration` does; `source` is what a ConfigError calls it."""
    configuration = read_configuration_text(untrusted_text, source)
    for fault in configuration_faults(configuration, source):
        raise fault
    return configuration


def read_configuration_text(untrusted_text: str, source: str) -> Configuration:
    """Read a configuration's text and check the form of each key alone; raises ConfigError."""
    try:
        return msgspec.convert(tomllib.loads(untrusted_text), Configuration)
    except tomllib.TOMLDecodeError as fault:
        raise _syntax(source, str(fault)) from None
    except msgspec.ValidationError as fault:
        raise complaint(source, Configuration, fault) from None


def _document(path: str | Path, elsewhere: str) -> dict[str, Any]:
    source = str(path)
    untrusted_text = text_of(path, elsewhere)
    try:
        return tomllib.loads(untrusted_text)
    except tomllib.TOMLDecodeError as fault:
        raise _syntax(source, str(fault)) from None


def text_of(path: str | Path, elsewhere: str = "name another file") -> str:
    """Give a settings file's text; raises ConfigError, whose mend ends with `elsewhere`."""
    source = str(path)
    try:
        return Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(source, "there is no such file", f"write it, or {elsewhere}") from None
    except OSError as fault:
        raise ConfigError(source, f"cannot be read ({fault.strerror})", f"mend its permissions, or {elsewhere}") from None
    except UnicodeDecodeError as fault:
        raise ConfigError(source, f"byte {fault.start} is not UTF-8", "save the file as UTF-8") from None


def _syntax(source: str, said: str) -> ConfigError:
    place = _PLACE.match(said)
    if not place:
        return ConfigError(source, f"is not TOML ({said})", "mend it there")
    where = f"{source}: line {place['line']}, column {place['column']}" if place["line"] else f"{source}: at its end"
    what = place["what"]
    return ConfigError(where, f"is not TOML ({what[:1].lower()}{what[1:]})", "mend that line; a text stands in quotes")
