#!/usr/bin/env python3
# ===- make_checkpoint.py - Writes a random model of any shape -------------===#
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A Hugging Face folder with config.json, safetensors and, if asked for, a
# tokenizer.json. The weights depend on the seed and on the names of the tensors
# only, so two folders that differ in shards or in dtype hold the same model up
# to rounding.
#
# ===-----------------------------------------------------------------------===#
import argparse
import json
import math
import pathlib
import random
import struct
import sys

# Of the weights of linear layers this part is exactly 0 or -0: the quantizer
# must drop just one of a group and give the others a sign.
ZEROS = 0.03

# model_type: class, biases of q, k and v, norms of the heads of q and k
ARCHITECTURES = {
    "llama": ("LlamaForCausalLM", False, ()),
    "qwen2": ("Qwen2ForCausalLM", True, ()),
    "qwen3": ("Qwen3ForCausalLM", False, ("q_norm", "k_norm")),
    "hunyuan_v1_dense": (
        "HunYuanDenseV1ForCausalLM",
        False,
        ("query_layernorm", "key_layernorm"),
    ),
    "bitnet": ("BitNetForCausalLM", False, ()),
}

# How the weights of linear layers are stored: quantization_config.
TRITS = {
    "multiply": {"linear_class": "autobitlinear", "quantization_mode": "offline"},
    "divide": {"modules_to_not_convert": ["lm_head"]},
    "online": {"linear_class": "autobitlinear", "quantization_mode": "online"},
    # Dense numbers without one, a scale for each matrix, row, or so many inputs.
    "tensor": None,
    "row": None,
    "256": None,
    "128": None,
    "64": None,
}

HUNYUAN_SCALING = {"type": "dynamic", "alpha": 50.0, "factor": 1.0}

LLAMA3_SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}

# Some of the pairs keep their frequency, and some are between.
YARN_SCALING = {
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 256,
}

SCALINGS = {
    "none": None,
    "hunyuan": HUNYUAN_SCALING,
    "linear": {"rope_type": "linear", "factor": 2.5},
    "llama3": LLAMA3_SCALING,
    "yarn": YARN_SCALING,
}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Writes a random LLaMA.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="llama")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--ffn", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--kv-heads", type=int, help="default: --heads")
    parser.add_argument(
        "--head-dim", type=int, help="default: hidden / heads, not written"
    )
    parser.add_argument("--vocab", type=int, default=300)
    parser.add_argument("--context", type=int, default=128)
    tied = parser.add_mutually_exclusive_group()
    tied.add_argument("--tied", dest="tied", action="store_true", default=True)
    tied.add_argument("--untied", dest="tied", action="store_false")
    parser.add_argument("--dtype", choices=("bf16", "f16", "f32"), default="bf16")
    parser.add_argument("--rope-theta", type=float, default=10000.0)
    parser.add_argument("--rope-scaling", choices=SCALINGS, default="none")
    parser.add_argument(
        "--granularity",
        choices=("per_tensor", "per_channel", "per_group"),
        default="per_group",
    )
    parser.add_argument("--group-size", type=int, default=128)
    parser.add_argument(
        "--no-quant-config",
        action="store_true",
        help="a config.json without quantization_config",
    )
    parser.add_argument(
        "--keep-dense",
        action="append",
        default=[],
        metavar="MODULE",
        help="adds to modules_to_not_convert",
    )
    parser.add_argument(
        "--trits",
        choices=TRITS,
        help="weights of linear layers of a BitNet model, or unpacked ones",
    )
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--tokenizer",
        choices=("none", "bytes"),
        default="none",
        help="bytes: byte-level BPE; needs --vocab of 258 at least",
    )
    options = parser.parse_args()
    options.kv_heads = options.kv_heads or options.heads
    options.width = options.head_dim or options.hidden // options.heads
    if options.tokenizer == "bytes" and options.vocab < 258:
        parser.error("--tokenizer bytes needs --vocab of 258 at least")
    return options


def make_config(options):
    config = {
        "architectures": [ARCHITECTURES[options.architecture][0]],
        "model_type": options.architecture,
        "hidden_act": "relu2" if options.architecture == "bitnet" else "silu",
        "hidden_size": options.hidden,
        "intermediate_size": options.ffn,
        "num_hidden_layers": options.layers,
        "num_attention_heads": options.heads,
        "num_key_value_heads": options.kv_heads,
        "vocab_size": options.vocab,
        "max_position_embeddings": options.context,
        "rms_norm_eps": 1e-5,
        "rope_theta": options.rope_theta,
        "rope_scaling": SCALINGS[options.rope_scaling],
        "tie_word_embeddings": options.tied,
        "bos_token_id": options.vocab - 2,
        "eos_token_id": options.vocab - 1,
        "torch_dtype": {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}[
            options.dtype
        ],
    }
    if options.head_dim:
        config["head_dim"] = options.head_dim
    if options.trits:
        if TRITS[options.trits]:
            config["quantization_config"] = {
                "quant_method": "bitnet",
                **TRITS[options.trits],
            }
    elif not options.no_quant_config:
        config["quantization_config"] = {
            "quant_method": "sherry",
            "granularity": options.granularity,
            "group_size": options.group_size,
            "N": 3,
            "M": 4,
            "modules_to_not_convert": ["lm_head", "model.embed_tokens"]
            + options.keep_dense,
        }
    return config


def list_tensors(options):
    """Yields (name, shape, standard deviation); norms have none.

    Linear layers keep the size of their input, so that attention is far from
    uniform and every block weighs as much as the residual stream; the head
    makes logits of standard deviation 2.
    """
    hidden, ffn = options.hidden, options.ffn
    query, key = options.heads * options.width, options.kv_heads * options.width
    head = 2 / math.sqrt(hidden)
    vocabulary = (options.vocab, hidden)
    yield "model.embed_tokens.weight", vocabulary, head if options.tied else 1.0
    for layer in range(options.layers):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (hidden,), None
        yield prefix + "post_attention_layernorm.weight", (hidden,), None
        for module, rows, cols in (
            ("self_attn.q_proj", query, hidden),
            ("self_attn.k_proj", key, hidden),
            ("self_attn.v_proj", key, hidden),
            ("self_attn.o_proj", hidden, query),
            ("mlp.gate_proj", ffn, hidden),
            ("mlp.up_proj", ffn, hidden),
            ("mlp.down_proj", hidden, ffn),
        ):
            yield prefix + module + ".weight", (rows, cols), 1 / math.sqrt(cols)
        _, has_biases, norms = ARCHITECTURES[options.architecture]
        for module, rows in (("q_proj", query), ("k_proj", key), ("v_proj", key)):
            if has_biases:
                yield f"{prefix}self_attn.{module}.bias", (rows,), 0.5
        if options.architecture == "bitnet":
            yield prefix + "self_attn.attn_sub_norm.weight", (query,), None
            yield prefix + "mlp.ffn_sub_norm.weight", (ffn,), None
        for module in norms:
            yield f"{prefix}self_attn.{module}.weight", (options.width,), None
    yield "model.norm.weight", (hidden,), None
    if not options.tied:
        yield "lm_head.weight", vocabulary, head


def draw(name, shape, deviation, seed):
    generator = random.Random(f"{seed} {name}")
    count = math.prod(shape)
    if deviation is None:
        return [generator.uniform(0.8, 1.2) for _ in range(count)]
    values = [generator.gauss(0, deviation) for _ in range(count)]
    if "_proj" in name:
        for i in generator.sample(range(count), int(count * ZEROS)):
            values[i] = math.copysign(0.0, values[i])
    return values


def round_f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def make_trits(values, shape, kind):
    """Trits without a pattern, and the same times scales."""
    rows, cols = shape
    step = int(kind) if kind.isdigit() else cols
    is_whole = kind not in ("row", "256", "128", "64")
    scale = round_f32(sum(map(abs, values)) / len(values))
    trits, scaled = [], []
    for row in range(0, rows * cols, cols):
        for begin in range(row, row + cols, step):
            block = values[begin : min(begin + step, row + cols)]
            if not is_whole:
                scale = round_f32(sum(map(abs, block)) / len(block))
            for x in block:
                trits.append(max(-1, min(1, round(x / scale))))
                scaled.append(trits[-1] * scale)
    return trits, scaled, scale


def encode_linear(name, shape, values, options):
    """Yields (name, dtype, shape, bytes) of the weights of a linear layer."""
    kind, dtype = options.trits, options.dtype
    if kind in (None, "online"):
        yield name, dtype, shape, encode(values, dtype)
        return
    trits, scaled, scale = make_trits(values, shape, kind)
    if TRITS[kind] is None:
        yield name, dtype, shape, encode(scaled, dtype)
        return
    quarter = len(trits) // 4
    packed = (
        sum((trits[part * quarter + i] + 1) << 2 * part for part in range(4))
        for i in range(quarter)
    )
    yield name, "U8", (shape[0] // 4, shape[1]), bytes(packed)
    stored = 1 / scale if kind == "divide" else scale
    yield name + "_scale", dtype, (1,), encode([stored], dtype)


def encode(values, dtype):
    if dtype == "f32":
        return struct.pack(f"<{len(values)}f", *values)
    if dtype == "f16":
        return struct.pack(f"<{len(values)}e", *values)
    bits = struct.unpack(f"<{len(values)}I", encode(values, "f32"))
    rounded = [(word + 0x7FFF + (word >> 16 & 1)) >> 16 for word in bits]
    return struct.pack(f"<{len(values)}H", *rounded)


def write_safetensors(path, tensors, options):
    header, data = {"__metadata__": {"format": "pt"}}, []
    offset = 0
    for tensor, drawn_shape, deviation in tensors:
        values = draw(tensor, drawn_shape, deviation, options.seed)
        if "_proj.weight" in tensor:
            parts = encode_linear(tensor, drawn_shape, values, options)
        else:
            dtype = options.dtype
            parts = [(tensor, dtype, drawn_shape, encode(values, dtype))]
        for name, dtype, shape, content in parts:
            data.append(content)
            header[name] = {
                "dtype": dtype.upper(),
                "shape": shape,
                "data_offsets": [offset, offset + len(content)],
            }
            offset += len(content)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(data)
    return offset


def write_weights(folder, options):
    tensors = list(list_tensors(options))
    if options.shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, options)
        return
    weight_map, total = {}, 0
    for shard in range(options.shards):
        name = f"model-{shard + 1:05}-of-{options.shards:05}.safetensors"
        part = tensors[shard :: options.shards]
        total += write_safetensors(folder / name, part, options)
        weight_map.update({tensor: name for tensor, _, _ in part})
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def byte_characters():
    """The printable character that stands for each byte in byte-level BPE."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(b if b in printable else next(others)) for b in range(256)]


def make_tokenizer(options):
    vocab = byte_characters()
    space = vocab[ord(" ")]
    merges = []
    for left, right in (("t", "h"), ("th", "e"), (space, "the"), ("i", "n")):
        if len(vocab) < options.vocab - 2:
            merges.append(f"{left} {right}")
            vocab.append(left + right)
    special = ("<|begin_of_text|>", "<|end_of_text|>")
    return {
        "version": "1.0",
        "added_tokens": [
            {
                "id": options.vocab - 2 + i,
                "content": content,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i, content in enumerate(special)
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        },
        "post_processor": None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(vocab)},
            "merges": merges,
        },
    }


def main():
    options = parse_arguments()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(make_config(options), indent=1))
    write_weights(folder, options)
    if options.tokenizer == "bytes":
        text = json.dumps(make_tokenizer(options), indent=1)
        (folder / "tokenizer.json").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
