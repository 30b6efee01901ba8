# SPDX-License-Identifier: Apache-2.0
"""The configuration file: what cannot work or would open a door is refused in one line."""

import pytest

from gatepost.config.loader import load_configuration
from gatepost.errors import ConfigError

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"
INBOUND = '[[send_connectors]]\nname = "in"\ndirection = "inbound"\nsmart_hosts = ["192.0.2.1:25"]\n'
OUTBOUND = '[[send_connectors]]\nname = "out"\ndirection = "outbound"\n'
DOMAIN = '[[owned_domains]]\nname = "example.com"\n'
SERVER = '[[corporate_servers]]\nname = "a"\n'
USER = f'[[submission_users]]\nname = "u"\npassword = "{HASH}"\n'


@pytest.fixture
def load(tmp_path):
    """Load a configuration from its text."""

    def loaded(text: str):
        (tmp_path / "configuration.toml").write_text(text)
        return load_configuration(tmp_path / "configuration.toml")

    return loaded


def test_an_empty_configuration_owns_nothing_and_has_every_limit(load):
    """All limits have defaults; nobody may send and nothing is received."""
    configuration = load("")
    assert configuration.owned_domains == ()
    assert configuration.receive.size_bytes == 104_857_600


@pytest.mark.parametrize(
    "text",
    [
        DOMAIN + INBOUND,
        DOMAIN + INBOUND + 'domains = ["EXAMPLE.com"]',
        '[[owned_domains]]\nname = "*.example.com"\n' + INBOUND + 'domains = ["*.example.com"]',
        '[[owned_domains]]\nname = "bücher.example"\n' + INBOUND,
        INBOUND + OUTBOUND.replace('"out"', '"in"'),
        OUTBOUND + 'smart_hosts = ["[2001:db8::1]:26", "2001:db8::1", "[::1]", "mx.example.com", "mx:2525"]\n',
        OUTBOUND + 'smart_hosts = ["mx"]\nuser = "u"\npassword = "env:PASSWORD"\nsecurity = "required"\n',
        SERVER + 'networks = ["192.0.2.10", "2001:db8::/64"]',
        SERVER + f'certificate_sha256 = "{"aF" * 32}"',
        USER,
        "[receive]\ntls_timeout_s = 5",
        'corporate_users = ["user@example.com", "grüße@bücher.example", "\\"a b\\"@example.com"]',
        "[retention]\nsummaries_days = 5\ndetails_days = 5",
        *(
            f'[console]\npublic_address = "{one}"'
            for one in (
                "",
                "https://console.example.com",
                "https://console.example.com/",
                "http://gate:6060",
                "HTTPS://192.0.2.1:8443",
                "https://[2001:db8::1]",
                "https://[::1]:65535/",
                "https://xn--bcher-kva.example",
            )
        ),
    ],
)
def test_what_can_work_is_taken(load, text):
    """Every documented form of a setting is accepted."""
    load(text)


@pytest.mark.parametrize(
    ("text", "path", "cause"),
    [
        ('[[owned_domains]]\nname = ""', "owned_domains[0].name", "expected str of length >= 1"),
        ("[[owned_domains]]", "owned_domains[0].name", "missing"),
        ('[[owned_domains]]\nname = "ex ample"\n' + INBOUND, "owned_domains[0].name", "is no domain name"),
        ('[[owned_domains]]\nname = "*"\n' + INBOUND, "owned_domains[0].name", "is no domain name"),
        ('[[owned_domains]]\nname = "-a.example"\n' + INBOUND, "owned_domains[0].name", "is no domain name"),
        (f'[[owned_domains]]\nname = "{"a" * 64}.de"\n' + INBOUND, "owned_domains[0].name", "is no domain name"),
        (DOMAIN + DOMAIN.replace("example", "EXAMPLE") + INBOUND, "owned_domains[1].name", "is owned_domains[0] already"),
        (DOMAIN, "owned_domains[0].name", "no inbound connector serves example.com"),
        (DOMAIN + OUTBOUND, "owned_domains[0].name", "no inbound connector serves example.com"),
        (DOMAIN + INBOUND + 'domains = ["other.example"]', "owned_domains[0].name", "no inbound connector serves example.com"),
        (DOMAIN + INBOUND + "tenant = 1", "owned_domains[0].name", "no inbound connector serves example.com"),
        (SERVER, "corporate_servers[0].networks", "nothing says how to know this server"),
        (SERVER + 'networks=["::1"]\nprovider_header="X: 1"', "corporate_servers[0].provider_networks", "only one of provider_networks"),
        (SERVER + 'networks=["::1"]\nprovider_networks=["::2"]', "corporate_servers[0].provider_header", "only one of provider_networks"),
        ('corporate_users = ["user@example.com", "user"]', "corporate_users[1]", "'user' is no mail address"),
        ('corporate_users = ["a b@example.com"]', "corporate_users[0]", "'a b@example.com' is no mail address"),
        ('corporate_users = [""]', "corporate_users[0]", "the address is empty"),
        ("[retention]\nsummaries_days = 5", "retention.details_days", "longer than the summaries, which are kept for 5 days"),
        (SERVER + 'networks = ["300.1.2.3"]', "corporate_servers[0].networks[0]", "is no IP address or network"),
        (SERVER + 'networks = ["192.0.2.1/24"]', "corporate_servers[0].networks[0]", "meant 192.0.2.0/24?"),
        (SERVER + 'networks = ["0.0.0.0/0"]', "corporate_servers[0].networks[0]", "open relay"),
        (SERVER + 'networks = ["::/0"]', "corporate_servers[0].networks[0]", "open relay"),
        ('[console]\ntrusted_proxies = ["::1", "proxy.example"]', "console.trusted_proxies[1]", "is no IP address or network"),
        ('[console]\ntrusted_proxies = ["192.0.2.1/24"]', "console.trusted_proxies[0]", "meant 192.0.2.0/24?"),
        ('[console]\ntrusted_proxies = ["0.0.0.0/0"]', "console.trusted_proxies[0]", "everybody could say himself where he comes from"),
        ('[console]\ntrusted_proxies = ["::/0"]', "console.trusted_proxies[0]", "everybody could say himself where he comes from"),
        *(
            (f'[console]\npublic_address = "{one}"', "console.public_address", "is no web address; write it as https://console.example.com")
            for one in (
                "console.example.com",
                "ftp://console.example.com",
                "https://",
                "https:///",
                "https://a..b",
                "https://a:0",
                "https://a:65536",
                "https://a:",
                "https://a b",
                "https://::1",
                "https://[192.0.2.1]",
                "https://[::1",
                "https://[::g]",
                "https://1.2.3",
                "https://a\\tb",
                "https://bücher.example",
                "https:// a",
                "//console.example.com",
                "javascript://a",
            )
        ),
        *(
            (f'[console]\npublic_address = "{one}"', "console.public_address", "has more than scheme, host and port")
            for one in (
                "https://console.example.com/path",
                "https://a//",
                "https://a/?q",
                "https://a?q",
                "https://a#f",
                "https://anna@a",
                "https://a:b@c",
                "http://a/b/",
            )
        ),
        ('[dns]\nservers = ["192.0.2.53", "nonsense:x:y"]', "dns.servers[1]", "is no IP address"),
        ('[dns]\nservers = ["192.0.2.53:99999"]', "dns.servers[0]", "is no port"),
        ('[dns]\nservers = ["[2001:db8::53]53"]', "dns.servers[0]", "is no name server"),
        (SERVER + 'certificate_sha256 = "xyz"', "corporate_servers[0].certificate_sha256", "is not a SHA-256 in hex"),
        (SERVER + 'networks=["::1"]\n' + SERVER + 'networks=["::1"]', "corporate_servers[1].name", "is corporate_servers[0] already"),
        (USER + USER, "submission_users[1].name", "is submission_users[0] already"),
        (USER.replace(HASH, "secret"), "submission_users[0].password", "expected str matching regex"),
        (USER.replace(HASH, "$argon2id$v=19$x"), "submission_users[0].password", "is not a whole argon2id hash"),
        (INBOUND + INBOUND, "send_connectors[1].name", "inbound 'in' is send_connectors[0] already"),
        (INBOUND.partition("smart")[0], "send_connectors[0].smart_hosts", "mail would run in a circle"),
        (OUTBOUND + 'domains = ["a..b"]', "send_connectors[0].domains[0]", "is no domain name"),
        (OUTBOUND + 'smart_hosts = ["mx:0"]', "send_connectors[0].smart_hosts[0]", "is no port"),
        (OUTBOUND + 'smart_hosts = ["mx:x"]', "send_connectors[0].smart_hosts[0]", "is no port"),
        (OUTBOUND + 'smart_hosts = ["[::1"]', "send_connectors[0].smart_hosts[0]", "is no next hop"),
        (OUTBOUND + 'smart_hosts = ["[::1]x"]', "send_connectors[0].smart_hosts[0]", "is no next hop"),
        (OUTBOUND + 'smart_hosts = ["1:2:x"]', "send_connectors[0].smart_hosts[0]", "is no next hop"),
        (OUTBOUND + 'smart_hosts = ["a b"]', "send_connectors[0].smart_hosts[0]", "is no domain name"),
        (OUTBOUND + 'user = "u"', "send_connectors[0].password", "is empty, but user is given"),
        (OUTBOUND + 'password = "env:P"', "send_connectors[0].user", "is empty, but password is given"),
        (OUTBOUND + 'user = "u"\npassword = "hunter2"', "send_connectors[0].password", "given by reference"),
        (OUTBOUND + 'user = "u"\npassword = "file:x"', "send_connectors[0].password", "names no absolute path"),
        (OUTBOUND + 'user="u"\npassword="env:P"\nsecurity="none"', "send_connectors[0].security", "would show the password"),
        (OUTBOUND.replace("outbound", "up"), "send_connectors[0].direction", "'up' is not one of the choices"),
        (OUTBOUND + 'tenant = "x"', "send_connectors[0].tenant", "expected int, got str"),
        ("[receive]\nsize_bytes = 1", "receive.size_bytes", "expected int >= 65536"),
        ("[receive]\nverdict_timeout_s = 61.0", "receive.verdict_timeout_s", "expected float <= 60"),
        ("[delivery]\nlease_s = inf", "delivery.lease_s", "inf is no limit"),
        ("[receive]\nsize = 1", "receive.size", "unknown key; did you mean"),
    ],
)
def test_what_cannot_work_is_refused_with_its_path(load, tmp_path, text, path, cause):
    """Each fault is one line that begins with the file and the key."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}/configuration.toml: {path}: ")
    assert cause in line
    assert "\n" not in line


def test_a_secret_never_stands_in_an_error(load):
    """A password written where a reference belongs is not repeated."""
    with pytest.raises(ConfigError) as caught:
        load(OUTBOUND + 'user = "u"\npassword = "hunter2"')
    assert "hunter2" not in str(caught.value)
