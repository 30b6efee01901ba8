# SPDX-License-Identifier: Apache-2.0
"""Each named limit of receiving has a test that can fail."""

import ast
from pathlib import Path

import pytest

from gatepost.config.limits import ReceiveLimits

TESTS = Path(__file__).parent.parent.parent
SESSION = "unit/smtp/test_session_limits.py"
GATE, CLOCKS = "journeys/test_smtp_server_gate.py", "journeys/test_smtp_server_clocks.py"
TESTED = {
    "size_bytes": (SESSION, "test_size_bytes"),
    "recipients": (SESSION, "test_recipients"),
    "connections": (GATE, "test_connections"),
    "connections_per_client": (GATE, "test_connections_per_client"),
    "line_bytes": (SESSION, "test_line_bytes"),
    "errors": (SESSION, "test_errors"),
    "idle_commands": (SESSION, "test_idle_commands"),
    "refused_recipients": (SESSION, "test_refused_recipients"),
    "chunks": (SESSION, "test_chunks"),
    "command_timeout_s": (CLOCKS, "test_command_timeout_s"),
    "data_timeout_s": (CLOCKS, "test_data_timeout_s"),
    "data_total_s": (CLOCKS, "test_data_total_s"),
    "tls_timeout_s": ("journeys/test_smtp_server_tls.py", "test_tls_timeout_s_bounds_the_handshake"),
    "verdict_timeout_s": ("journeys/test_processes_crash.py", "test_a_mail_whose_commit_hangs_is_deferred"),
    "drain_s": (CLOCKS, "test_drain_s"),
    "tar_pit": (GATE, "test_tar_pit"),
    "block_suspicious_clients": (GATE, "test_block_suspicious_clients_and_block_minutes"),
    "block_minutes": (GATE, "test_block_suspicious_clients_and_block_minutes"),
    "auth_failures": (SESSION, "test_auth_failures"),
    "auth_parallel": ("unit/mailflow/test_login.py", "test_only_so_many_checks_run_and_wait"),
}


@pytest.mark.parametrize("name", ReceiveLimits.__struct_fields__)
def test_each_limit_has_a_test(name):
    """A limit that is added without one fails here; so does a test that is gone or does not name the limit."""
    file, function = TESTED[name]
    bodies = {
        node.name: ast.unparse(node)
        for node in ast.parse((TESTS / file).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in bodies[function]


def test_the_table_names_no_limit_that_is_gone():
    """Both lists are the same."""
    assert set(TESTED) == set(ReceiveLimits.__struct_fields__)
