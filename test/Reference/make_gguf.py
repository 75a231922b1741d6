#!/usr/bin/env python3
# ===- make_gguf.py - A Hugging Face folder as GGUF -----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes what make_checkpoint.py wrote as GGUF, in any of the types that the
# compiler reads, and with --dequantized the numbers of that file as a Hugging
# Face folder in F32. Knows nothing of the reader.
#
# ===----------------------------------------------------------------------=== #
import argparse
import json
import math
import pathlib
import random
import struct
import sys

from gguf_types import TYPES

GGUF_ARCHITECTURES = {"bitnet": "bitnet-b1.58", "hunyuan_v1_dense": "hunyuan-dense"}
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.query_layernorm": "attn_q_norm",
    "self_attn.key_layernorm": "attn_k_norm",
    "self_attn.attn_sub_norm": "attn_sub_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.ffn_sub_norm": "ffn_sub_norm",
    "mlp.down_proj": "ffn_down",
}
OTHER_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def read_safetensors(folder):
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        data = path.read_bytes()
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            part = data[begin:end]
            if entry["dtype"] == "F32":
                numbers = struct.unpack(f"<{len(part) // 4}f", part)
            elif entry["dtype"] == "F16":
                numbers = struct.unpack(f"<{len(part) // 2}e", part)
            else:
                words = struct.unpack(f"<{len(part) // 2}H", part)
                wide = b"".join(struct.pack("<I", word << 16) for word in words)
                numbers = struct.unpack(f"<{len(words)}f", wide)
            tensors[name] = (entry["shape"], numbers)
    return tensors


def gguf_name(name):
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{LAYER_NAMES[module]}.{kind}"


def interleave(numbers, shape, head_dim):
    """Rows of a head as llama.cpp's converter orders them for LLaMA."""
    cols = shape[1] if len(shape) > 1 else 1
    rows = [numbers[i : i + cols] for i in range(0, len(numbers), cols)]
    result = []
    for begin in range(0, len(rows), head_dim):
        for i in range(head_dim // 2):
            result += rows[begin + i]
            result += rows[begin + head_dim // 2 + i]
    return result


def rope_divisors(scaling, theta, head_dim):
    divisors = []
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * theta ** (i / head_dim)
        context = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        if wavelength < context / high:
            divisors.append(1.0)
        elif wavelength > context / low:
            divisors.append(scaling["factor"])
        else:
            smooth = (context / wavelength - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return divisors


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
FORMATS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}


def value(kind, content):
    """The bytes of a value; a list is an array of `kind`."""

    def element(item):
        return string(item) if kind == STRING else struct.pack(FORMATS[kind], item)

    if isinstance(content, list):
        head = struct.pack("<IIQ", ARRAY, kind, len(content))
        return head + b"".join(map(element, content))
    return struct.pack("<I", kind) + element(content)


def make_values(config, folder, options):
    name = config["model_type"]
    name = GGUF_ARCHITECTURES.get(name, name)
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim", config["hidden_size"] // heads)
    theta = config["rope_theta"]
    scaling = config.get("rope_scaling") or {}
    if "alpha" in scaling:
        theta *= scaling["alpha"] ** (head_dim / (head_dim - 2))
    yield "general.architecture", value(STRING, name)
    yield "general.name", value(STRING, "test")
    if options.alignment != 32:
        yield "general.alignment", value(U32, options.alignment)
    for key, kind, content in (
        ("context_length", U32, config["max_position_embeddings"]),
        ("embedding_length", U32, config["hidden_size"]),
        ("block_count", U32, config["num_hidden_layers"]),
        ("feed_forward_length", U32, config["intermediate_size"]),
        ("attention.head_count", U32, heads),
        ("attention.head_count_kv", U32, config["num_key_value_heads"]),
        ("attention.key_length", U32, head_dim),
        ("attention.value_length", U32, head_dim),
        ("attention.layer_norm_rms_epsilon", F32, config["rms_norm_eps"]),
        ("rope.freq_base", F32, theta),
        ("rope.dimension_count", U32, head_dim),
        ("vocab_size", U32, config["vocab_size"]),
    ):
        yield f"{name}.{key}", value(kind, content)
    if scaling.get("rope_type") == "yarn":
        yield f"{name}.rope.scaling.type", value(STRING, "yarn")
        yield f"{name}.rope.scaling.factor", value(F32, scaling["factor"])
        context = scaling["original_max_position_embeddings"]
        yield f"{name}.rope.scaling.original_context_length", value(U32, context)
    path = folder / "tokenizer.json"
    if path.exists():
        yield from make_tokenizer(json.loads(path.read_text()), config)


def make_tokenizer(tokenizer, config):
    tokens = [f"[PAD{i}]" for i in range(config["vocab_size"])]
    types = [5] * len(tokens)
    for token, i in tokenizer["model"]["vocab"].items():
        tokens[i], types[i] = token, 1
    for token in tokenizer["added_tokens"]:
        tokens[token["id"]] = token["content"]
        types[token["id"]] = 3 if token["special"] else 4
    yield "tokenizer.ggml.model", value(STRING, "gpt2")
    yield "tokenizer.ggml.pre", value(STRING, "gpt-2")
    yield "tokenizer.ggml.tokens", value(STRING, tokens)
    yield "tokenizer.ggml.token_type", value(I32, types)
    yield "tokenizer.ggml.merges", value(STRING, tokenizer["model"]["merges"])
    yield "tokenizer.ggml.bos_token_id", value(U32, config["bos_token_id"])
    yield "tokenizer.ggml.eos_token_id", value(U32, config["eos_token_id"])
    yield "tokenizer.ggml.add_bos_token", value(BOOL, False)


def choose_type(name, options):
    if not name.endswith("_proj.weight"):
        is_head = name in ("lm_head.weight", "model.embed_tokens.weight")
        return options.head_type if is_head else "F32"
    if name.endswith(".v_proj.weight") and options.value_type:
        return options.value_type
    return options.type


def encode(numbers, type_name):
    number, size, encoder = TYPES[type_name]
    size = size or len(numbers)
    blocks = [encoder(numbers[i : i + size]) for i in range(0, len(numbers), size)]
    data = b"".join(block for block, _ in blocks)
    return number, data, [x for _, decoded in blocks for x in decoded]


def make_scale(name, base):
    """A number for the product of a linear layer: the tensor, and its value."""
    _, data, (value,) = encode([base * (1 + sum(name.encode()) % 64 / 50)], "F32")
    return (gguf_name(name).replace(".weight", ".scale"), [1], 0, data), value


def write_gguf(path, values, tensors, options):
    infos, data = b"", b""
    for name, shape, number, content in tensors:
        data += b"\0" * (-len(data) % options.alignment)
        infos += string(name) + struct.pack("<I", len(shape))
        infos += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        infos += struct.pack("<IQ", number, len(data))
        data += content
    head = b"GGUF" + struct.pack("<IQQ", options.version, len(tensors), len(values))
    head += b"".join(string(key) + content for key, content in values) + infos
    head += b"\0" * (-len(head) % options.alignment)
    # The last tensor is padded too.
    data += b"\0" * (-len(data) % options.alignment)
    path.write_bytes(head + data)


def write_files(values, tensors, options):
    if options.split == 1:
        return write_gguf(options.output, values, tensors, options)
    for part in range(options.split):
        name = f"{options.output.stem}-{part + 1:05}-of-{options.split:05}.gguf"
        own = [("split.no", value(U32, part)), ("split.count", value(U32, options.split))]
        write_gguf(
            options.output.with_name(name),
            own + (values if part == 0 else []),
            tensors[part :: options.split],
            options,
        )


def write_dequantized(folder, config, tensors):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [begin, len(data)],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Writes a folder as GGUF.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--type", choices=TYPES, default="STQ1_0")
    parser.add_argument(
        "--value-type", choices=TYPES, help="of v_proj (default: --type)"
    )
    parser.add_argument("--head-type", choices=TYPES, default="Q6_K")
    parser.add_argument(
        "--scales", type=float, help="products are scaled, by about this much"
    )
    parser.add_argument("--version", type=int, default=3)
    parser.add_argument("--alignment", type=int, default=32)
    parser.add_argument("--split", type=int, default=1)
    parser.add_argument("--dequantized", type=pathlib.Path)
    return parser.parse_args()


def main():
    options = parse_arguments()
    config = json.loads((options.folder / "config.json").read_text())
    head_dim = config.get("head_dim") or (
        config["hidden_size"] // config["num_attention_heads"]
    )
    tensors, dequantized = [], {}
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3":
        divisors = rope_divisors(scaling, config["rope_theta"], head_dim)
        number, data, _ = encode(divisors, "F32")
        tensors.append(("rope_freqs.weight", [len(divisors)], number, data))
    for name, (shape, numbers) in read_safetensors(options.folder).items():
        type_name = choose_type(name, options)
        # Rows are whole blocks, so their order does not change their bytes.
        number, data, decoded = encode(numbers, type_name)
        if options.scales and name.endswith("_proj.weight"):
            tensor, scale = make_scale(name, options.scales)
            tensors.append(tensor)
            decoded = [x * scale for x in decoded]
        dequantized[name] = (shape, decoded)
        is_interleaved = ".q_proj." in name or ".k_proj." in name
        if is_interleaved and config["model_type"] == "llama":
            ordered = interleave(list(numbers), shape, head_dim)
            data = encode(ordered, type_name)[1]
        tensors.append((gguf_name(name), shape, number, data))
    random.Random(1).shuffle(tensors)
    write_files(list(make_values(config, options.folder, options)), tensors, options)
    if options.dequantized:
        write_dequantized(options.dequantized, config, dequantized)
    return 0


if __name__ == "__main__":
    sys.exit(main())
