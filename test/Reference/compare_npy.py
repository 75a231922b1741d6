#!/usr/bin/env python3
# ===- compare_npy.py - Compares two arrays of f32 --------------------------===#
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Exit code 1 if the arrays differ in shape, hold a NaN or an infinity, or
# differ by more than --max-abs anywhere.
#
# ===-----------------------------------------------------------------------===#
import argparse
import ast
import math
import struct
import sys


class Mismatch(Exception):
    """Two arrays, or an array and what it should be, do not agree."""


def load(path):
    """Returns (shape, values) of a .npy file of little-endian f32, version 1.0."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise Mismatch(f"{path}: not a .npy file of version 1.0")
    begin = 10 + struct.unpack_from("<H", data, 8)[0]
    header = ast.literal_eval(data[10:begin].decode("latin-1").strip())
    if header["descr"] != "<f4" or header["fortran_order"]:
        raise Mismatch(f"{path}: not an array of f32 in C order")
    shape = header["shape"]
    count = math.prod(shape)
    if len(data) - begin != 4 * count:
        raise Mismatch(
            f"{path}: {len(data) - begin} bytes of data, the shape {shape} "
            f"needs {4 * count}"
        )
    return shape, struct.unpack_from(f"<{count}f", data, begin)


def compare(path, other_path, max_abs, limit=math.inf):
    """Returns the largest difference; raises Mismatch if it is above max_abs."""
    (shape, values), (other_shape, others) = load(path), load(other_path)
    if shape != other_shape:
        raise Mismatch(
            f"{path} has the shape {shape}, {other_path} has {other_shape}"
        )
    if not values:
        raise Mismatch(f"{path}: an empty array")
    for file, numbers in ((path, values), (other_path, others)):
        if not all(map(math.isfinite, numbers)):
            raise Mismatch(f"{file}: holds NaN or infinity")
    others = [max(-limit, min(number, limit)) for number in others]
    differences = [abs(a - b) for a, b in zip(values, others)]
    largest = max(differences)
    if largest > max_abs:
        place = differences.index(largest)
        raise Mismatch(
            f"{path} and {other_path}: element {place} of shape {shape} is "
            f"{values[place]:.7g} and {others[place]:.7g}: they differ by "
            f"{largest:.3g}, more than {max_abs:.3g}"
        )
    return largest


def main():
    parser = argparse.ArgumentParser(description="Compares two arrays of f32.")
    parser.add_argument("files", nargs=2)
    parser.add_argument("--max-abs", type=float, default=1e-3)
    parser.add_argument(
        "--clamp", type=float, default=math.inf, help="clamp the second array first"
    )
    options = parser.parse_args()
    try:
        largest = compare(*options.files, options.max_abs, options.clamp)
    except Mismatch as mismatch:
        print(f"compare_npy.py: {mismatch}", file=sys.stderr)
        return 1
    print(f"max abs difference: {largest:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
