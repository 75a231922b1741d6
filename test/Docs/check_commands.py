#!/usr/bin/env python3
# ===- check_commands.py - Pages whose commands a test runs ---------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_commands.py SOURCE
#
# Exits with 1 and a message if a page has a block marked `sh` or `python`, but no test that runs
# the page. Commands that a test cannot run are in blocks marked `console`.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import re
import sys


def main():
    source = pathlib.Path(sys.argv[1])
    pages = [*source.glob("*.md"), *source.glob("docs/**/*.md")]
    tested = set()
    for test in source.glob("test/*/*.test"):
        tested.update(re.findall(r"run_page\.py (?:%source-dir/)?(\S+\.md)", test.read_text()))
    for page in sorted(pages):
        name = str(page.relative_to(source))
        if re.search(r"^```(sh|python)$", page.read_text(), re.M) and name not in tested:
            sys.exit(f"check_commands.py: no test runs the commands of {name}")


if __name__ == "__main__":
    main()
