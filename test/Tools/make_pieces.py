#!/usr/bin/env python3
# ===- make_pieces.py - A tokenizer.json made from SentencePiece ----------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: make_pieces.py OUTPUT_FOLDER MODEL_FOLDER
#
# Copies a model and gives it a tokenizer of the kind that LLaMA 2 has in Hugging
# Face folders: merges of characters, and bytes for what is none of its own.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import shutil
import string
import sys

SPACE = "\u2581"
WORDS = ["the", "is", "model", "token", "what", "error"]


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.copytree(sys.argv[2], folder)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    merges = []
    for word in WORDS:
        # From the front: "_ t", "_t h", "_th e".
        for end in range(1, len(word) + 1):
            left, right = SPACE + word[: end - 1], word[end - 1]
            if (left, right) not in merges:
                merges.append((left, right))
    tokens += [left + right for left, right in merges]
    tokens += [SPACE, *string.ascii_letters, ".", ","]
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": i, "content": tokens[i], "special": True} for i in range(3)
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": SPACE},
                {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [" ".join(merge) for merge in merges],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))


if __name__ == "__main__":
    main()
