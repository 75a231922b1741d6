# ===- check_exports.py - libsherry.so exports sherry.h ------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: llvm-nm -D --defined-only libsherry.so | check_exports.py sherry.h
#
# ===----------------------------------------------------------------------=== #
import re
import sys

with open(sys.argv[1]) as file:
    text = re.sub(r"//.*", "", file.read())
declared = set(re.findall(r"\b(sherry_\w+)\(", text))
exported = {line.split()[-1] for line in sys.stdin if line.strip()}
if len(declared) < 50 or declared != exported:
    sys.exit(f"declared or exported alone: {sorted(declared ^ exported)}")
