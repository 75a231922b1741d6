#!/usr/bin/env python3
# ===- break_gguf.py - A GGUF file with a defect --------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: break_gguf.py REFERENCE_FOLDER MODEL_FOLDER OUTPUT DEFECT...
#
# Writes a folder of make_checkpoint.py as GGUF with tensors in STQ1_0. DEFECT is
# KEY=TYPE:JSON, a value to set, TYPE one of those of make_gguf.py or U64; KEY=, a
# value to leave out; or one of
#   scale=BITS      the first scale of blk.0.attn_q.weight
#   tensor=NAME     one more tensor, of 64 ones; NAME=NUMBER: of that number
#   merge=TEXT      one more merge
#   token=ID=TEXT   the name of a token
#
# ===----------------------------------------------------------------------=== #
import argparse
import json
import pathlib
import struct
import sys

sys.path.insert(0, sys.argv[1])

# The module is only found through the path above.
import make_gguf  # noqa: E402 isort: skip

U64 = 10
make_gguf.FORMATS[U64] = "<Q"


def list_tensors(folder, config):
    for name, (shape, numbers) in make_gguf.read_safetensors(folder).items():
        type_name = "STQ1_0" if "_proj" in name else "F32"
        if ".q_proj." in name or ".k_proj." in name:
            head = config["hidden_size"] // config["num_attention_heads"]
            numbers = make_gguf.interleave(list(numbers), shape, head)
        number, data, _ = make_gguf.encode(numbers, type_name)
        yield make_gguf.gguf_name(name), [shape, number, bytearray(data)]


def set_list(values, key, change):
    """Changes a list of strings."""
    data = values["tokenizer.ggml." + key]
    (count,) = struct.unpack_from("<Q", data, 8)
    place, items = 16, []
    for _ in range(count):
        (size,) = struct.unpack_from("<Q", data, place)
        items.append(data[place + 8 : place + 8 + size].decode())
        place += 8 + size
    change(items)
    values["tokenizer.ggml." + key] = make_gguf.value(make_gguf.STRING, items)


def apply(defect, values, tensors):
    key, _, text = defect.partition("=")
    if key == "scale":
        struct.pack_into("<H", tensors["blk.0.attn_q.weight"][2], 40, int(text, 0))
    elif key == "tensor":
        name, _, number = text.partition("=")
        numbers = [float(number)] if number else [1] * 64
        data = struct.pack(f"<{len(numbers)}f", *numbers)
        tensors[name] = [[len(numbers)], 0, data]
    elif key == "merge":
        set_list(values, "merges", lambda merges: merges.append(text))
    elif key == "token":
        place, _, name = text.partition("=")
        set_list(values, "tokens", lambda tokens: tokens.__setitem__(int(place), name))
    elif not text:
        del values[key]
    else:
        kind, _, content = text.partition(":")
        kind = U64 if kind == "U64" else getattr(make_gguf, kind)
        values[key] = make_gguf.value(kind, json.loads(content))


def main():
    folder, output = map(pathlib.Path, sys.argv[2:4])
    config = json.loads((folder / "config.json").read_text())
    options = argparse.Namespace(version=3, alignment=32)
    values = dict(make_gguf.make_values(config, folder, options))
    tensors = dict(list_tensors(folder, config))
    for defect in sys.argv[4:]:
        apply(defect, values, tensors)
    make_gguf.write_gguf(
        output,
        list(values.items()),
        [(name, *content) for name, content in tensors.items()],
        options,
    )


if __name__ == "__main__":
    main()
