#!/usr/bin/env python3
# ===- check_parts.py - Compares the files of the ranks of a model --------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_parts.py PART...
#
# ===----------------------------------------------------------------------=== #
import pathlib
import struct
import sys
import zlib

parts = [pathlib.Path(path).read_bytes() for path in sys.argv[1:]]
# sherry_abi_identity, the end of a file.
identities = [struct.unpack("<5I", part[-20:]) for part in parts]
assert [identity[3:] for identity in identities] == [
    (rank, len(parts)) for rank in range(len(parts))
], identities
assert len({identity[0] for identity in identities}) == 1, "other code"
weights = [identity[1] for identity in identities]
assert len(set(weights)) == len(parts), "the same weights"
model = zlib.crc32(struct.pack(f"<{len(parts)}I", *weights))
assert all(identity[2] == model for identity in identities), "another model"
