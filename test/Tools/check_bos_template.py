#!/usr/bin/env python3
# ===- check_bos_template.py - How a folder says BOS ----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_bos_template.py FOLDER ID
#
# The post_processor of tokenizer.json puts the token ID in front, as all readers
# of Hugging Face's tokenizers understand it.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import sys


def main():
    text = (pathlib.Path(sys.argv[1]) / "tokenizer.json").read_text()
    processor = json.loads(text)["post_processor"]
    assert processor["type"] == "TemplateProcessing"
    name = processor["single"][0]["SpecialToken"]["id"]
    assert processor["single"][1]["Sequence"]["id"] == "A"
    special = processor["special_tokens"][name]
    assert special == {"id": name, "ids": [int(sys.argv[2])], "tokens": [name]}, special


if __name__ == "__main__":
    main()
