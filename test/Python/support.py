# ===- support.py - What the tests of the Python package share -----------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Tests are modules of unittest that lit runs as `python TEST.py TOOLS MODEL` with the
folder of the tools and the compiled example model."""
import os
import subprocess
import sys
import unittest

TOOLS, MODEL = sys.argv[1:3]
FOLDER = os.path.dirname(MODEL)  # for files of the test


def run(tool, *arguments, **options):
    """The standard output of a tool."""
    return subprocess.run(
        [os.path.join(TOOLS, tool), *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        **options,
    ).stdout


def main():
    unittest.main(argv=sys.argv[:1])
