#!/usr/bin/env python3
# ===- make_chat_model.py - A model that knows special tokens -------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: make_chat_model.py FOLDER TEMPLATE [add-bos]
#
# Writes a model of random weights whose tokens are the bytes, 0 to 255, the
# special tokens of several families, and ".<"; its chats are those of TEMPLATE.
# The BOS is HunYuan's; the end is another one in config.json than in
# tokenizer_config.json. With add-bos the tokenizer adds BOS.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import shutil
import subprocess
import sys

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / "Reference"
BOS = "<｜hy_begin▁of▁sentence｜>"
EOS = "<｜hy_place▁holder▁no▁7｜>"
SPECIAL = [
    BOS,  # 256
    "<｜hy_place▁holder▁no▁2｜>",
    "<｜hy_place▁holder▁no▁3｜>",
    EOS,  # 259
    "<｜hy_User｜>",
    "<｜hy_Assistant｜>",
    "<|startoftext|>",  # 262
    "<|eos|>",
    "<|extra_0|>",
    "<|extra_4|>",
    "<|im_start|>",  # 266
    "<|im_sep|>",
    "<|im_end|>",
    "<|start_header_id|>",  # 269
    "<|end_header_id|>",
    "<|eot_id|>",
]


def name_bytes():
    """GPT-2's names of the bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        byte: chr(byte if byte in printable else 256 + others.index(byte))
        for byte in range(256)
    }


def main():
    folder, template, *options = sys.argv[1:]
    folder = pathlib.Path(folder)
    subprocess.run(
        [sys.executable, REFERENCE / "make_checkpoint.py", folder, "--layers=1"]
        + ["--architecture=hunyuan_v1_dense", "--vocab=320", "--context=256"],
        check=True,
    )
    config = json.loads((folder / "config.json").read_text())
    config.update(bos_token_id=256, eos_token_id=257)
    (folder / "config.json").write_text(json.dumps(config))
    level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    names = name_bytes() | {300: ".<"}
    tokenizer = {
        "added_tokens": [
            {"id": 256 + i, "content": name, "special": True}
            for i, name in enumerate(SPECIAL)
        ],
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "vocab": {name: token for token, name in names.items()},
            "merges": [[".", "<"]],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    described = {"bos_token": BOS, "eos_token": {"content": EOS}}
    if "add-bos" in options:
        described["add_bos_token"] = True
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    shutil.copy(template, folder / "chat_template.jinja")


if __name__ == "__main__":
    main()
