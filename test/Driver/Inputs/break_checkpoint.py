#!/usr/bin/env python3
# ===- break_checkpoint.py - Copies a checkpoint with one defect -----------===#
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: break_checkpoint.py GOOD BAD DEFECT
#
# GOOD has one model.safetensors in f32; BAD is made anew.
#
# ===-----------------------------------------------------------------------===#
import json
import os
import pathlib
import shutil
import struct
import sys

Q_PROJ = "model.layers.0.self_attn.q_proj.weight"
DOWN_PROJ = "model.layers.0.mlp.down_proj.weight"


def edit_json(path, **changes):
    content = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            del content[key]
        else:
            content[key] = value
    path.write_text(json.dumps(content))


class Tensors:
    """The header and the data of a safetensors file."""

    def __init__(self, path):
        self.path = path
        content = path.read_bytes()
        (size,) = struct.unpack_from("<Q", content)
        self.header = json.loads(content[8 : 8 + size])
        self.data = bytearray(content[8 + size :])

    def write(self, size=None):
        header = json.dumps(self.header).encode()
        size = len(header) if size is None else size
        self.path.write_bytes(struct.pack("<Q", size) + header + self.data)

    def set_value(self, name, index, value):
        begin = self.header[name]["data_offsets"][0]
        struct.pack_into("<f", self.data, begin + 4 * index, value)


def truncate(folder):
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size - 100)


def header_beyond_file(tensors):
    tensors.write(size=1 << 40)


def header_without_end(tensors):
    tensors.write(size=17)


def overlap(tensors):
    begin, end = tensors.header[DOWN_PROJ]["data_offsets"]
    size = end - begin
    other = tensors.header[Q_PROJ]["data_offsets"][0]
    tensors.header[DOWN_PROJ]["data_offsets"] = [other + 4, other + 4 + size]
    tensors.write()


def overflow(tensors):
    size = tensors.header[Q_PROJ]["data_offsets"]
    size = size[1] - size[0]
    tensors.header[Q_PROJ]["data_offsets"] = [2**64 - size, 2**64]
    tensors.write()


def shape_overflow(tensors):
    tensors.header[Q_PROJ]["shape"] = [2**33, 2**33]
    tensors.write()


def wrong_dtype(tensors):
    tensors.header[Q_PROJ]["dtype"] = "I32"
    tensors.write()


def wrong_shape(tensors):
    tensors.header[Q_PROJ]["shape"] = tensors.header[Q_PROJ]["shape"][::-1]
    tensors.header[DOWN_PROJ]["shape"] = tensors.header[DOWN_PROJ]["shape"][::-1]
    tensors.write()


def missing_tensor(tensors):
    del tensors.header[DOWN_PROJ]
    tensors.write()


def not_a_number(tensors):
    tensors.set_value(DOWN_PROJ, 9, float("nan"))
    tensors.write()


def infinite(tensors):
    tensors.set_value("model.norm.weight", 3, float("-inf"))
    tensors.write()


def missing_shard(folder):
    names = Tensors(folder / "model.safetensors").header
    index = {"weight_map": {name: "model-00001-of-00002.safetensors" for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()


def shard_elsewhere(folder):
    missing_shard(folder)
    path = folder / "model.safetensors.index.json"
    path.write_text(path.read_text().replace("model-00001", "../model-00001"))


CONFIG_CHANGES = {
    "architecture": {"architectures": ["MambaForCausalLM"], "model_type": "mamba"},
    "size-not-multiple-of-4": {"intermediate_size": 130},
    "no-hidden-size": {"hidden_size": None},
    "zero-layers": {"num_hidden_layers": 0},
    "gqa": {"num_key_value_heads": 3},
    "rope": {"rope_scaling": {"rope_type": "ntk", "factor": 4.0}},
    "partial-rotary": {"partial_rotary_factor": 0.5},
    "no-module": {
        "quantization_config": {
            "quant_method": "sherry",
            "modules_to_not_convert": ["visual"],
        }
    },
    "activation": {"hidden_act": "gelu"},
    "huge": {"vocab_size": 2**62},
}
FILE_DEFECTS = {
    "truncated": truncate,
    "missing-shard": missing_shard,
    "shard-elsewhere": shard_elsewhere,
    "no-config": lambda folder: (folder / "config.json").unlink(),
    "no-weights": lambda folder: (folder / "model.safetensors").unlink(),
    "config-not-json": lambda folder: (folder / "config.json").write_text('{"a": '),
    "tokenizer": lambda folder: edit_json(
        folder / "tokenizer.json",
        model={"type": "BPE", "vocab": {"a": 4000}, "merges": []},
    ),
    "tokenizer-not-json": lambda folder: os.truncate(folder / "tokenizer.json", 50),
}
TENSOR_DEFECTS = {
    "header-beyond-file": header_beyond_file,
    "header-without-end": header_without_end,
    "overlap": overlap,
    "overflow": overflow,
    "shape-overflow": shape_overflow,
    "dtype": wrong_dtype,
    "shape": wrong_shape,
    "missing-tensor": missing_tensor,
    "nan": not_a_number,
    "infinity": infinite,
}


def main():
    good, bad, defect = sys.argv[1:]
    folder = pathlib.Path(bad)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    if defect in CONFIG_CHANGES:
        edit_json(folder / "config.json", **CONFIG_CHANGES[defect])
    elif defect in FILE_DEFECTS:
        FILE_DEFECTS[defect](folder)
    else:
        TENSOR_DEFECTS[defect](Tensors(folder / "model.safetensors"))


if __name__ == "__main__":
    main()
