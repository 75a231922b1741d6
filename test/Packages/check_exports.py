# ===- check_exports.py - libsherry.so exports its headers ---------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: llvm-nm -D --defined-only libsherry.so | check_exports.py HEADER...
#
# ===----------------------------------------------------------------------=== #
import re
import sys

declared = set()
for header in sys.argv[1:]:
    with open(header) as file:
        text = re.sub(r"//.*", "", file.read())
    declared |= set(re.findall(r"\b(sherry_\w+)\(", text))
exported = {line.split()[-1] for line in sys.stdin if line.strip()}
if len(declared) < 50 or declared != exported:
    sys.exit(f"declared or exported alone: {sorted(declared ^ exported)}")
