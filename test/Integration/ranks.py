#!/usr/bin/env python3
# ===- ranks.py - The same logits on several ranks ------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: ranks.py [CASE FOLDER]
#
# Compiles random models whole and cut among ranks; logits and hidden states must
# be equal bit for bit, see check_ranks.cpp.
#
# ===----------------------------------------------------------------------=== #
import functools
import json

from support import Case, require_target, run, run_case

LLAMA = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "vocab_size": 384,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
}
QWEN3 = {**LLAMA, "model_type": "qwen3", "tie_word_embeddings": True}
QWEN2 = {k: v for k, v in LLAMA.items() if k != "head_dim"} | {"model_type": "qwen2"}
# Heads and the feed-forward network have whole blocks of 256 on two ranks.
WIDE = {
    **LLAMA,
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_attention_heads": 16,
    "vocab_size": 256,
}

EIGHT = {**WIDE, "num_key_value_heads": 8}
HUNYUAN = {**LLAMA, "model_type": "hunyuan_v1_dense", "tie_word_embeddings": True}
BITNET = {
    **LLAMA,
    "model_type": "bitnet",
    "hidden_act": "relu2",
    "tie_word_embeddings": True,
}

# name: (configuration, options of the compiler, level of x86-64, ranks)
MODELS = {
    "llama": (LLAMA, [], "native", 2),
    "llama, four ranks": (LLAMA, ["--head=q6_K"], "native", 4),
    "llama, i8 cache, blocks of 256": (
        WIDE,
        ["--granularity=per_channel", "--kv=i8", "--max-block=32"],
        "native",
        2,
    ),
    "llama, f32": (LLAMA, ["--activations=f32", "--head=bf16"], "native", 2),
    "llama, trits of one scale, nibbles": (
        LLAMA,
        ["--granularity=per_tensor", "--codebook=dense", "--scale-type=f32"],
        "x86-64-v3",
        4,
    ),
    "llama, dense layers, no FMA": (LLAMA, ["--no-quantize"], "x86-64-v2", 2),
    "qwen3, strided": (
        QWEN3,
        ["--grouping=strided", "--granularity=per_channel"],
        "native",
        4,
    ),
    "qwen3, ternary head": (QWEN3, ["--head=ternary"], "x86-64-v3", 2),
    "hunyuan": (HUNYUAN, [], "native", 2),
    "bitnet": (BITNET, ["--activations=i8-token", "--codebook=dense"], "native", 4),
    "llama, eight ranks": (EIGHT, [], "native", 8),
    "qwen2, scales of tokens": (QWEN2, ["--activations=i8-token"], "native", 2),
}


def check(folder, config, options, target, ranks):
    (folder / "config.json").write_text(json.dumps(config))
    command = ("sherry-compile", folder, "--random-weights", f"--target-cpu={target}")
    whole, cut = folder / "whole.so", folder / "cut.so"
    run(*command, *options, "-o", whole)
    run(*command, *options, "-o", cut, f"--ranks={ranks}")
    run("sherry-check-ranks", whole, cut, ranks)
    return 0


def list_cases():
    for name, (config, options, target, ranks) in MODELS.items():
        yield Case(
            name,
            functools.partial(
                check, config=config, options=options, target=target, ranks=ranks
            ),
            require_target(target),
        )


if __name__ == "__main__":
    run_case(list_cases())
