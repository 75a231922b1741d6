#!/usr/bin/env python3
# ===- make_variant.py - A model with a tokenizer of another kind ---------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: make_variant.py OUTPUT_FOLDER MODEL_FOLDER VARIANT
#
# Copies examples/shakespeare and changes its tokenizer:
#   gpt2      cuts text as GPT-2 does, with a space in front of all; one added
#             token takes the space before it; five tokens end a text
#   deepseek  cuts text as DeepSeek-V3 does, in the spelling of its file
#   ends      has the end tokens of LLaMA 3, not in the order of GGUF's names
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import shutil
import sys

DEEPSEEK = [
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|".replace('\\"', '"')
    + "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
    + "\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
]


def change_gpt2(tokenizer):
    tokenizer["model"]["ignore_merges"] = False
    tokenizer["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": True}
    tokenizer["added_tokens"][0]["lstrip"] = True
    return [1023, 10, 11, 12, 13]


def change_deepseek(tokenizer):
    tokenizer["model"]["ignore_merges"] = False
    steps = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
        for pattern in DEEPSEEK
    ]
    steps.append({"type": "ByteLevel", "add_prefix_space": False, "use_regex": False})
    tokenizer["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    return 1023


def change_ends(tokenizer):
    model = tokenizer["model"]
    for number, name in ((1020, "<|eot_id|>"), (1021, "<|eom_id|>")):
        old = next(token for token, i in model["vocab"].items() if i == number)
        del model["vocab"][old]
        model["merges"] = [
            merge
            for merge in model["merges"]
            if "".join(merge.split() if isinstance(merge, str) else merge) != old
        ]
        tokenizer["added_tokens"].append({"id": number, "content": name, "special": True})
    return [1023, 1021, 1020]


CHANGES = {"gpt2": change_gpt2, "deepseek": change_deepseek, "ends": change_ends}


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.copytree(sys.argv[2], folder)
    (folder / "generation_config.json").unlink()
    tokenizer, config = folder / "tokenizer.json", folder / "config.json"
    changed = json.loads(tokenizer.read_text())
    ends = CHANGES[sys.argv[3]](changed)
    tokenizer.write_text(json.dumps(changed))
    config.write_text(json.dumps({**json.loads(config.read_text()), "eos_token_id": ends}))


if __name__ == "__main__":
    main()
