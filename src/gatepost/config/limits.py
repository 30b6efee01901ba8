# SPDX-License-Identifier: Apache-2.0
"""Every limit by name, with its unit, its default and the reason for it. Reaching one gives a verdict, never an exception."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class ReceiveLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one client, one session and one mail may cost while it is received."""

    size_bytes: Annotated[int, Meta(ge=65536, description="Largest mail, announced as SIZE.")] = 104_857_600
    recipients: Annotated[int, Meta(ge=100, description="Recipients of one mail (RFC 5321 §4.5.3.1.8 asks for 100).")] = 1000
    connections: Annotated[int, Meta(ge=1, description="Open sessions of one receiving process.")] = 10_000
    connections_per_client: Annotated[int, Meta(ge=1, description="Open sessions of one client address.")] = 100
    line_bytes: Annotated[int, Meta(ge=512, description="Longest command line (RFC 5321 §4.5.3.1.4, RFC 3461 §4, RFC 4954 §4).")] = 12_288
    errors: Annotated[int, Meta(ge=1, description="Wrong commands in one session before it is ended.")] = 20
    idle_commands: Annotated[int, Meta(ge=10, description="Commands without a mail in between (RSET, NOOP, VRFY, ...).")] = 1000
    refused_recipients: Annotated[int, Meta(ge=1, description="Refused recipients in one session before it is ended.")] = 1000
    chunks: Annotated[int, Meta(ge=1, description="BDAT commands of one mail.")] = 100_000
    command_timeout_s: Annotated[float, Meta(gt=0, description="Wait for a whole command (RFC 5321 §4.5.3.2.7: 5 minutes).")] = 300.0
    data_timeout_s: Annotated[float, Meta(gt=0, description="Wait for the next block of a mail (RFC 5321 §4.5.3.2.5: 3 minutes).")] = 180.0
    data_total_s: Annotated[float, Meta(gt=0, description="Time for one mail's whole content.")] = 3600.0
    tls_timeout_s: Annotated[float, Meta(gt=0, description="Time for a TLS handshake, and for a PROXY header.")] = 30.0
    verdict_timeout_s: Annotated[float, Meta(gt=0, le=60, description="Time after the final dot for all that may refuse; then 451.")] = 20.0
    drain_s: Annotated[float, Meta(ge=0, description="Time that sessions in a mail get to finish it when the process ends.")] = 10.0
    tar_pit: Annotated[
        Literal["off", "low", "medium", "high"],
        Meta(description="Delay of each answer once a client sent a wrong or misplaced command: 2, 5 or 10 seconds."),
    ] = "off"
    block_suspicious_clients: Annotated[
        bool, Meta(description="Refuse a client for a while after it sent a mail that only an attacker sends.")
    ] = True
    block_minutes: Annotated[int, Meta(ge=5, le=1440, description="How long a suspicious client is refused.")] = 30
    auth_failures: Annotated[int, Meta(ge=1, description="Failed logins in one session before it is ended.")] = 3
    auth_parallel: Annotated[int, Meta(ge=1, description="Password checks at one time; each takes 64 MiB and a thread.")] = 2


class MessageLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How much structure one mail may have."""

    depth: Annotated[int, Meta(ge=1, description="Nesting of MIME entities.")] = 64
    message_depth: Annotated[int, Meta(ge=1, description="Nesting of message/rfc822.")] = 16
    parts: Annotated[int, Meta(ge=1, description="MIME entities in all.")] = 10_000
    headers: Annotated[int, Meta(ge=1, description="Header fields of one entity.")] = 10_000
    header_bytes: Annotated[int, Meta(ge=1000, description="Bytes of one entity's header block.")] = 1_048_576
    parameters: Annotated[int, Meta(ge=1, description="Parameters of one Content-Type or Content-Disposition.")] = 64
    continuations: Annotated[int, Meta(ge=1, description="RFC 2231 continuations of one parameter.")] = 64
    comment_depth: Annotated[int, Meta(ge=1, description="Nested comments in one header field.")] = 32
    addresses: Annotated[int, Meta(ge=1, description="Addresses of one header field.")] = 5_000
    received: Annotated[int, Meta(ge=1, description="Received fields before a mail counts as looping (RFC 5321 §6.3).")] = 100


class DeliveryLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How mail is sent on, and for how long it is tried."""

    connections_per_route: Annotated[int, Meta(ge=1, description="Open connections to one route's next hops.")] = 20
    mails_per_connection: Annotated[int, Meta(ge=1, description="Mails over one connection before it is renewed.")] = 1000
    connection_idle_s: Annotated[float, Meta(ge=0, description="How long an unused connection is kept.")] = 5.0
    connect_timeout_s: Annotated[float, Meta(gt=0, description="Time for a TCP connection to a next hop.")] = 30.0
    greeting_timeout_s: Annotated[float, Meta(gt=0, description="Wait for a greeting (RFC 5321 §4.5.3.2.1: 5 minutes).")] = 300.0
    command_timeout_s: Annotated[float, Meta(gt=0, description="Wait for MAIL's and RCPT's reply (RFC 5321 §4.5.3.2.2).")] = 300.0
    data_start_timeout_s: Annotated[float, Meta(gt=0, description="Wait for DATA's 354 (RFC 5321 §4.5.3.2.4).")] = 120.0
    data_block_timeout_s: Annotated[float, Meta(gt=0, description="Wait for a block to be taken (RFC 5321 §4.5.3.2.5).")] = 180.0
    data_end_timeout_s: Annotated[float, Meta(gt=0, description="Wait for the reply to the final dot (RFC 5321 §4.5.3.2.6).")] = 600.0
    expire_outbound_h: Annotated[float, Meta(gt=0, description="Hours after which mail to the world is given up.")] = 48.0
    expire_inbound_h: Annotated[float, Meta(gt=0, description="Hours after which mail to owned domains is given up.")] = 120.0
    lease_s: Annotated[float, Meta(ge=1, description="How long a claim of the queue holds unless renewed.")] = 60.0
    memory_mails: Annotated[int, Meta(ge=0, description="Fresh mails kept in memory for delivery; the others are read back.")] = 2000
    memory_bytes: Annotated[int, Meta(ge=0, description="Bytes of those mails.")] = 33_554_432
