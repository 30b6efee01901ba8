# SPDX-License-Identifier: Apache-2.0
"""Fuzz what reads a mail: structure, headers, addresses, text: `python tests/fuzz/fuzz_message.py [-max_total_time=3600]`.

Needs atheris. A crasher that is found becomes a case of the unit tests.
"""

import sys

import atheris

with atheris.instrument_imports(include=["gatepost"]):
    from gatepost.config.limits import MessageLimits
    from gatepost.message.auto import is_bounce_or_auto
    from gatepost.message.decode import decoded, text_of
    from gatepost.message.mailboxes import parse_mailboxes
    from gatepost.message.parse import parse
    from gatepost.message.readable_text import readable_text
    from gatepost.message.splice import splice
    from gatepost.smtp.session.paths import parse_arguments

_TIGHT = MessageLimits(depth=4, message_depth=2, parts=10, headers=10, header_bytes=1000, parameters=4, continuations=4, comment_depth=3)


def check_one(data: bytes) -> None:
    """Read one input by every reader; their promises are asserted."""
    for limits in (MessageLimits(), _TIGHT):
        message = parse(data, limits)
        assert splice(data, []) == data
        for entity in message.walk():
            assert 0 <= entity.header_start <= entity.body_start <= entity.end <= len(data)
            assert isinstance(entity.filename, str)
        for leaf in message.leaves():
            decoded(leaf)
            text_of(leaf)
        for field in message.headers.fields:
            parse_mailboxes(field.raw, limits)
            assert isinstance(field.decoded, str)
        readable_text(message)
        is_bounce_or_auto(message, null_sender=False)
    parse_arguments("FROM:" + data.decode("utf-8", "replace"), "FROM:")


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_one)
    atheris.Fuzz()
