#!/usr/bin/env python3
# ===- count_tests.py - Results of the tests ------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: count_tests.py RESULTS STATUS [FEATURE]...
#
# Counts the tests in a file of lit's results. Prints why tests were skipped and,
# last, a line that counts all tests. Fails with STATUS, or if a test failed, if no
# test ran, or if a test was skipped because a FEATURE is missing.
#
# ===----------------------------------------------------------------------=== #
import collections
import json
import re
import sys

REASON = re.compile(r"requires the following unavailable features: (.*)")


def read_tests(results):
    try:
        with open(results) as file:
            return json.load(file)["tests"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"test: error: lit wrote no results: {error}")


def count_missing(tests):
    """The number of skipped tests for each feature."""
    missing = collections.Counter()
    for test in tests:
        if test["code"] == "UNSUPPORTED" and (match := REASON.search(test["output"])):
            missing.update(name.strip() for name in match.group(1).split(","))
    return missing


def main():
    results, status, *expected = sys.argv[1:]
    tests = read_tests(results)
    counts = collections.Counter(test["code"] for test in tests)
    passed = counts["PASS"] + counts["XFAIL"] + counts["FLAKYPASS"]
    skipped = counts["UNSUPPORTED"] + counts["SKIPPED"] + counts["EXCLUDED"]
    failed = len(tests) - passed - skipped
    missing = count_missing(tests)
    for name, count in missing.most_common():
        if name in expected:
            print(f"test: error: {count} skipped, which need '{name}'; it should be here")
        else:
            print(f"test: {count} skipped, which need '{name}'")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    absent = any(name in expected for name in missing)
    sys.exit(int(status) or (1 if failed or absent or not passed else 0))


if __name__ == "__main__":
    main()
