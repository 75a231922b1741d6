#!/usr/bin/env python3
# ===- break_checkpoint.py - Copies a checkpoint and damages the copy -----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: break_checkpoint.py GOOD BAD DAMAGE
#
# GOOD is a folder that make_checkpoint.py wrote, of one file or of shards; BAD
# is replaced; DAMAGE is the name of a function below.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import shutil
import struct
import sys

QUERY = "model.layers.0.self_attn.q_proj.weight"
KEY = "model.layers.0.self_attn.k_proj.weight"
NORM = "model.norm.weight"
DAMAGES = {}


def damage(function):
    DAMAGES[function.__name__.replace("_", "-")] = function
    return function


def damage_json(name, file, **fields):
    """Registers a damage that sets fields of a JSON file; None removes one."""

    def change(folder):
        content = json.loads((folder / file).read_text())
        content.update(fields)
        content = {key: value for key, value in content.items() if value is not None}
        (folder / file).write_text(json.dumps(content))

    DAMAGES[name] = change


def damage_entry(name, tensor, **fields):
    """Registers a damage that sets fields of a tensor in the header; with no
    fields the tensor is removed."""

    def change(folder):
        header, data = read_weights(folder)
        if fields:
            header[tensor].update(fields)
        else:
            del header[tensor]
        write_weights(folder, header, data)

    DAMAGES[name] = change


def damage_values(name, tensor, position, *values):
    """Registers a damage that sets bf16 bits of a tensor from `position` on."""

    def change(folder):
        header, data = read_weights(folder)
        offset = header[tensor]["data_offsets"][0] + 2 * position
        struct.pack_into(f"<{len(values)}H", data, offset, *values)
        write_weights(folder, header, data)

    DAMAGES[name] = change


def read_weights(folder):
    content = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])


def write_weights(folder, header, data):
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + data
    (folder / "model.safetensors").write_bytes(content)


def change_bytes(folder, change):
    path = folder / "model.safetensors"
    path.write_bytes(change(path.read_bytes()))


# config.json


@damage
def no_config(folder):
    (folder / "config.json").unlink()


@damage
def config_cut(folder):
    path = folder / "config.json"
    path.write_bytes(path.read_bytes()[:100])


@damage
def config_list(folder):
    (folder / "config.json").write_text("[]")


damage_json("no-field", "config.json", num_hidden_layers=None)
damage_json("model-type", "config.json", model_type="mixtral")
damage_json("architecture", "config.json", architectures=["GPT2LMHeadModel"])
damage_json("hidden-size", "config.json", hidden_size=30)
damage_json("ffn-size", "config.json", intermediate_size=42)
damage_json("head-width", "config.json", num_attention_heads=3, head_dim=10)
damage_json("vocab-size", "config.json", vocab_size=320)
damage_json("token-id", "config.json", eos_token_id=300)
damage_json(
    "config-group-size",
    "config.json",
    quantization_config={"quant_method": "sherry", "group_size": 6},
)
damage_json("quant-method", "config.json", quantization_config={"quant_method": "gptq"})

# model.safetensors


@damage
def no_weights(folder):
    (folder / "model.safetensors").unlink()


@damage
def weights_empty(folder):
    change_bytes(folder, lambda content: b"")


@damage
def header_cut(folder):
    change_bytes(folder, lambda content: content[:300])


@damage
def data_cut(folder):
    change_bytes(folder, lambda content: content[:-2])


@damage
def header_length(folder):
    change_bytes(folder, lambda content: b"\xff" * 8 + content[8:])


@damage
def header_not_json(folder):
    change_bytes(folder, lambda content: content[:8] + b"[" + content[9:])


@damage
def overlap(folder):
    header, data = read_weights(folder)
    header[KEY]["data_offsets"] = header[QUERY]["data_offsets"]
    write_weights(folder, header, data)


damage_entry("offsets-wrap", QUERY, data_offsets=[2**64 - 8, 2**64 - 8 + 2048])
damage_entry("offsets-reversed", QUERY, data_offsets=[2**64 - 1024, 1024])
damage_entry("offsets-negative", QUERY, data_offsets=[-2048, 0])
damage_entry("offsets-apart", QUERY, data_offsets=[0, 1024])
damage_entry("shape-overflow", QUERY, shape=[2**32, 2**32])
damage_entry("dtype", QUERY, dtype="I16")
damage_entry("dtype-size", QUERY, dtype="F32")
damage_entry("shape", QUERY, shape=[64, 16])
damage_entry("no-tensor", QUERY)
damage_values("nan", QUERY, 3 * 32 + 5, 0x7FC0)
damage_values("inf", QUERY, 31 * 32 + 31, 0xFF80)
damage_values("nan-norm", NORM, 7, 0x7FC0)
damage_values("nan-embedding", "model.embed_tokens.weight", 0, 0x7F81)
damage_values("all-nan", "model.embed_tokens.weight", 0, *[0x7FC0] * (300 * 32))
damage_values("large", QUERY, 0, *[0x7F7F] * 32)

# Shards


@damage
def no_shard(folder):
    (folder / "model-00002-of-00003.safetensors").unlink()


@damage
def shard_outside(folder):
    path = folder / "model.safetensors.index.json"
    path.write_text(path.read_text().replace("model-00002", "../model-00002"))


@damage
def shard_without_tensor(folder):
    path = folder / "model.safetensors.index.json"
    path.write_text(path.read_text().replace("model-00002", "model-00001"))


# tokenizer.json


@damage
def tokenizer_cut(folder):
    path = folder / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:1000])


damage_json("tokenizer-no-vocab", "tokenizer.json", model={"type": "WordPiece"})
damage_json(
    "tokenizer-id",
    "tokenizer.json",
    added_tokens=[{"id": 300, "content": "<|python_tag|>"}],
)


def main():
    good, bad, name = sys.argv[1:]
    shutil.rmtree(bad, ignore_errors=True)
    shutil.copytree(good, bad)
    DAMAGES[name](pathlib.Path(bad))


if __name__ == "__main__":
    sys.exit(main())
