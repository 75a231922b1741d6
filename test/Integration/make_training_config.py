#!/usr/bin/env python3
# ===- make_training_config.py - A run of a few seconds -------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: make_training_config.py FILE SOURCE_DIR
#
# Writes a configuration of sherry-train. The texts are those of the project.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import sys


def make_config(source):
    docs = pathlib.Path(source) / "docs"
    return {
        "tokenizer": str(pathlib.Path(source) / "examples" / "shakespeare"),
        "train_files": [str(docs / "Rationale.md"), str(docs / "BlockFormat.md")],
        "validation_files": [str(docs / "Overview.md")],
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_scaling_factor": 8,
        "context_length": 32,
        "batch_size": 4,
        "group_size": 64,
        "steps": 20,
        "learning_rate": 3e-3,
        "log_interval": 5,
        "validation_interval": 10,
        "diagnostics_interval": 10,
        "trapped_steps": 5,
        "checkpoint_interval": 8,
        "threads": 1,
    }


def main():
    pathlib.Path(sys.argv[1]).write_text(json.dumps(make_config(sys.argv[2])))


if __name__ == "__main__":
    main()
