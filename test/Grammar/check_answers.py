#!/usr/bin/env python3
# ===- check_answers.py - Validates answers to schemas --------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Validates what a program answers to schemas, with the Python library jsonschema.

  check_answers.py SHERRY_RANDOM_ANSWERS schemas.json COUNT
"""
import json
import subprocess
import sys

import jsonschema


def refuse(name):
    raise ValueError(f"{name} is no JSON")


def find_format_checker():
    """That of the draft: others know the formats of the first drafts, too."""
    validator = jsonschema.Draft202012Validator
    if hasattr(validator, "FORMAT_CHECKER"):
        return validator.FORMAT_CHECKER
    return jsonschema.draft202012_format_checker  # before 4.16


def main():
    program, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(path, encoding="utf-8") as file:
        schemas = json.load(file)
    done = subprocess.run(
        [program, str(count), "1"],
        input="".join(json.dumps(schema) + "\n" for schema in schemas).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == count * len(schemas)
    for i, schema in enumerate(schemas):
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(
            schema, format_checker=find_format_checker()
        )
        texts = [json.loads(line) for line in lines[i * count : (i + 1) * count]]
        for text in texts:
            document = json.loads(text, parse_constant=refuse)
            for error in validator.iter_errors(document):
                sys.exit(f"schema {i}: {text!r}: {error.message}")
        print(f"schema {i}: {len(set(texts))} different answers of {count}")


if __name__ == "__main__":
    main()
