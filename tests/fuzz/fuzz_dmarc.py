# SPDX-License-Identifier: Apache-2.0
"""Fuzz what reads strangers' text for DMARC and Authentication-Results: `python tests/fuzz/fuzz_dmarc.py [-max_total_time=3600]`.

Needs atheris. A crasher that is found becomes a case of the unit tests.
"""

import asyncio
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["gatepost"]):
    from gatepost.contracts.authentication import Authentication, DkimSignature, Dmarc, Spf
    from gatepost.dns.answers import Answer
    from gatepost.dns.twin import Twin
    from gatepost.message.headers import Headers
    from gatepost.message.parse import parse
    from gatepost.protection.mailauth.authors import author_domains
    from gatepost.protection.mailauth.dmarc.evaluate import evaluate
    from gatepost.protection.mailauth.dmarc.record import parse_record
    from gatepost.protection.mailauth.results import authentication_results, forged_fields, parse_results

_OURS = "mx.owned.example"


class _OneRecord(Twin):
    """Every name has the fuzzed record."""

    def __init__(self, record: bytes) -> None:
        super().__init__("")
        self._answer: Answer[bytes] = Answer("found", (record,))

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the record."""
        return self._answer


def check_one(data: bytes) -> None:
    """Judge one input by every reader; their promises are asserted."""
    record = parse_record(b"v=DMARC1;" + data)
    assert record is None or {record.policy, record.subdomain, record.nonexistent} <= {"none", "quarantine", "reject"}
    authors = author_domains(parse(b"From:" + data + b"\r\n\r\n"))
    text = data.decode("utf-8", "replace")
    spf, dkim = Spf("pass", text, reason=text), (DkimSignature("pass", text, text, text, text, text, 0, text[:8]),)
    dmarc = asyncio.run(evaluate(_OneRecord(b"v=DMARC1;" + data), author_domains=authors, spf=spf, dkim=dkim))
    assert (dmarc.result == "pass") == (dmarc.spf_aligned or dmarc.dkim_aligned)
    written = authentication_results(_OURS, Authentication(spf=spf, dkim=dkim, dmarc=Dmarc("fail", text, policy="none", reason=text)))
    assert len(Headers(written).fields) == 1
    read = parse_results(written.partition(b":")[2])
    assert read is not None
    assert (read.authserv_id, [one.method for one in read.results]) == (_OURS, ["spf", "dkim", "arc", "dmarc"])
    parse_results(data)
    assert (
        len(forged_fields(Headers(b"Authentication-Results: " + _OURS.encode() + b";" + data.replace(b"\n", b"") + b"\r\n"), [_OURS])) == 1
    )


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_one)
    atheris.Fuzz()
