# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share and what each of them measures; the executables beside this folder only start it."""
