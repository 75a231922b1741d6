#!/usr/bin/env python3
# ===- check_local_names.py - Names of a file that other files have -------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_local_names.py FOLDER
#
# Several files of a folder of FOLDER are compiled as one (SHERRY_UNITY_BUILD), so a
# function of one file could be an overload of a function of another one. Exits with 1
# and a message if two files of a folder have local names that are equal.
#
# ===----------------------------------------------------------------------=== #
import collections
import pathlib
import re
import sys

# Functions and constants at the beginning of a line.
STATIC = re.compile(r"^static\s[\w:<>,&*\s\[\]]*?\b(\w+)\s*[(={\[]", re.M)
ANONYMOUS = re.compile(r"^namespace \{\n(.*?)^\} // namespace$", re.M | re.S)
MEMBER = re.compile(
    r"^(?:(?:struct|class|enum)\s+(?:class\s+)?(\w+)|(?:[\w:<>,&*]+\s+)+(\w+)\()", re.M
)


def list_names(text):
    names = set(STATIC.findall(text))
    for block in ANONYMOUS.findall(text):
        names.update(first or second for first, second in MEMBER.findall(block))
    return names


def main():
    files = collections.defaultdict(list)
    for file in sorted(pathlib.Path(sys.argv[1]).rglob("*.cpp")):
        for name in list_names(file.read_text()):
            files[file.parent, name].append(str(file))
    same = [f"{name}: {', '.join(found)}" for (_, name), found in files.items() if len(found) > 1]
    if same:
        sys.exit("check_local_names.py: rename one of\n" + "\n".join(sorted(same)))
    if not files:
        sys.exit("check_local_names.py: no names")


if __name__ == "__main__":
    main()
