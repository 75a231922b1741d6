#!/usr/bin/env python3
# ===- check_metadata.py - Keys of models, of the table and of the docs ----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Compares the keys of a model's description with metadata.def and the docs."""

import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[3]


def list_fields():
    """The keys of metadata.def, and those that every model has."""
    text = (root / "include/sherry-abi/metadata.def").read_text()
    fields = re.findall(
        r'^SHERRY_METADATA_FIELD\(\w+, "(\w+)",\s*\w+,\s*(\w+)\)', text, re.M
    )
    return {key for key, _ in fields}, {
        key for key, presence in fields if presence == "ALWAYS"
    }


def list_documented():
    """The keys in the first column of the table of docs/Pipeline.md."""
    text = (root / "docs/Pipeline.md").read_text().split("## Metadata")[1]
    rows = re.findall(r"^\| (`.*?) \|", text.split("\n\n")[2], re.M)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def main():
    model = set(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    known, always = list_fields()
    differences = {
        "in metadata.def, not in docs/Pipeline.md": known - list_documented(),
        "in docs/Pipeline.md, not in metadata.def": list_documented() - known,
        "in the model, not in metadata.def": model - known,
        "in metadata.def, not in the model": always - model,
    }
    for where, keys in differences.items():
        if keys:
            sys.exit(f"{where}: {', '.join(sorted(keys))}")


main()
