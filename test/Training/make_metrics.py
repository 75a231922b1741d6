#!/usr/bin/env python3
# ===- make_metrics.py - Records as sherry-train writes them --------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: make_metrics.py FOLDER
#
# Makes in FOLDER the runs `dense` (finished), `sherry` (cut off in a line) and
# `begun` (nothing recorded yet), and files with mistakes.
#
# ===----------------------------------------------------------------------=== #
import json
import math
import pathlib
import sys


def records(steps, has_trits):
    yield {"event": "start", "config": {"steps": steps}}
    for step in range(1, steps + 1):
        loss = 4 * math.exp(-step / steps) + 1
        share = 1 - step / steps
        yield {
            "event": "step", "step": step, "tokens": 4096 * step, "loss": loss,
            "learning_rate": 1e-3 * share, "lambda": share, "gradient_norm": 1.0,
            "tokens_per_second": 1000.0,
        }
        if step % 20 == 0:
            yield {"event": "validation", "step": step, "loss": loss + 0.1, "lambda": share}
            layer = {
                "effective_rank_weight": 100 + step / 10, "effective_rank_gradient": 40 - step / 10,
                "trapped": step / steps, "histogram": [1, 5, 20, 5, 1], "bin_width": 0.01,
            }
            if not has_trits:
                del layer["trapped"]
            names = ["model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj"]
            layers = {name: layer for name in names}
            yield {"event": "diagnostics", "step": step, "lambda": share, "layers": layers}
    yield {"event": "end", "validation_loss": loss, "bits_per_weight": 16.0, "seconds": 1.0}


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = {
        "dense": [json.dumps(record) for record in records(100, False)],
        "sherry": [json.dumps(record) for record in records(100, True)],
    }
    bad = list(lines["sherry"])
    texts = {name: "\n".join(part) + "\n" for name, part in lines.items()}
    texts["sherry"] = "\n".join(lines["sherry"][:-1]) + '\n{"event": "end", "valid'
    texts["begun"] = lines["dense"][0] + "\n"
    bad[4] = '{"event": "step", "step": 4'
    texts["cut"] = "\n".join(bad) + "\n"
    bad[4] = '{"event": "step", "step": 4, "tokens": 1, "loss": "x", "learning_rate": 1, "lambda": 0}'
    texts["text"] = "\n".join(bad) + "\n"
    bad[4] = '{"event": "epoch"}'
    texts["unknown"] = "\n".join(bad) + "\n"
    for name, text in texts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "metrics.jsonl").write_text(text)


if __name__ == "__main__":
    main()
