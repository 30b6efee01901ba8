# SPDX-License-Identifier: Apache-2.0
"""The receiving end of an SMTP conversation as a state machine without I/O (RFC 5321).

Code in this room may not wait, read a clock, open a socket or a file. Bytes go in by `feed`; replies
collect in `out`; `advance` gives an *event* where the world must decide (may this sender? this
recipient? this mail?), and the decision comes back by `answer`. Until then nothing that the client
has pipelined is looked at. One file per verb, or per group of verbs that share a state.
"""
