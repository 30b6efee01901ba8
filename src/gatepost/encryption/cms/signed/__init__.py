# SPDX-License-Identifier: Apache-2.0
"""SignedData (RFC 5652 §5): read, verify, write. A signature's way is: signer -> certificate -> digest -> attributes -> key."""
