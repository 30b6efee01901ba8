# SPDX-License-Identifier: Apache-2.0
"""Where a process is put together: one file shows all the parts of a role, and nothing else imports them all."""
