# SPDX-License-Identifier: Apache-2.0
"""How roles tell each other what changed: artefacts, their outbox, and how they are applied once. Knows nothing of mail."""
