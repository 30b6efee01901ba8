# SPDX-License-Identifier: Apache-2.0
"""The gateways that are compared with filters on: bare Postfix, Postfix with rspamd, Gatepost with its default rules.

All take mail for the same fifty people from clients that they do not know, and refuse everybody else's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import Configuration, Dns, OwnedDomain, SendConnector
from gatepost.config.rules import FilterSettings, WordGroup
from gatepost.testing.gateway import Gateway
from gatepost.testing.ports import free_port
from gatepost.testing.postfix import Postfix
from measure.engines import engine
from measure.isolation import GATEWAY_ADDRESS, NAMES_ADDRESS, SINK_ADDRESS
from measure.mailbag import DOMAIN, USERS
from measure.rivals import Rival, Rivals, tracked_rival
from measure.rspamd import Rspamd
from measure.senders import BLOCKLISTS

NAMES = ("postfix", "postfix+rspamd", "gatepost")
_ANYWHERE = "0.0.0.0"
WORDS = (
    WordGroup(name="Advertising", words=("cheap watches", "lottery", "casino", "act now", "click here"), points=2.0),
    WordGroup(name="Paper", words=("invoice", "quarterly report"), area="subject", points=0.5),
    WordGroup(name="Our people", words=("gatepost*", "order number"), search="wildcard", points=-0.5),
)


class Filtering(NamedTuple):
    """All three, running."""

    rivals: Rivals
    gatepost: Gateway
    rspamd: Rspamd


def configuration(hop: int) -> Configuration:
    """Give Gatepost's: the default rules with all their filters, and what they look for."""
    lists = RealtimeBlocklistSettings(lists=tuple(Blocklist(zone=name) for name in BLOCKLISTS))
    return Configuration(
        owned_domains=(OwnedDomain(name=DOMAIN, recipients="list"),),
        corporate_users=USERS,
        send_connectors=(SendConnector(name="inwards", direction="inbound", smart_hosts=(f"[{SINK_ADDRESS}]:{hop}",)),),
        filters=FilterSettings(word_groups=WORDS, realtime_blocklists=lists),
        dns=Dns(servers=(NAMES_ADDRESS,)),
    )


@contextmanager
def filtering(folder: Path, hop: int, receive: int, store: str) -> Iterator[Filtering]:
    """Run all three on the host `gateway`; they relay to port `hop` of the host `sink`."""
    bare = Postfix(folder / "postfix", address=_ANYWHERE, parameters=_postfix(folder / "postfix-users", hop))
    rspamd = Rspamd(folder / "rspamd")
    asking = {"smtpd_milters": f"unix:{rspamd.milter}", "milter_default_action": "tempfail", "milter_protocol": "6"}
    judging = Postfix(folder / "postfix-rspamd", address=_ANYWHERE, parameters={**_postfix(folder / "rspamd-users", hop), **asking})
    listener = Listener(address=_ANYWHERE, port=free_port(), tls="none")
    with rspamd, bare, judging, engine(store, folder / "postgres") as kept:
        gatepost = Gateway(folder / "gatepost", configuration(hop), listeners=[listener], receive=receive, stores=kept.stores)
        with gatepost:
            plain, milter = (bare.master_pid,), (judging.master_pid, rspamd.pid)
            ours = tracked_rival(NAMES[2], gatepost, kept, (*plain, *milter), GATEWAY_ADDRESS)
            found = (
                Rival(NAMES[0], bare.port, plain, (*milter, *ours.roots), GATEWAY_ADDRESS),
                Rival(NAMES[1], judging.port, milter, (*plain, *ours.roots), GATEWAY_ADDRESS),
                ours,
            )
            yield Filtering(found, gatepost, rspamd)


def _postfix(users: Path, hop: int) -> dict[str, str]:
    users.write_text("".join(f"{user} known\n" for user in USERS))
    return {
        "inet_interfaces": "all",
        "relay_domains": DOMAIN,
        "relay_recipient_maps": f"texthash:{users}",
        "relayhost": f"[{SINK_ADDRESS}]:{hop}",
        "default_transport": "smtp",
    }
