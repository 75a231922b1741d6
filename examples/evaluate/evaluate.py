#!/usr/bin/env python3
# ===- evaluate.py - Multiple choice by log-likelihoods --------------------===#
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: evaluate.py MODEL.so ITEMS.jsonl [OPTION_OF_SHERRY_RUN...]
#
# Asks a compiled model which of several continuations is the likeliest, as the
# tasks PIQA, ARC, HellaSwag and WinoGrande do. A line of the file is an object
# with a "context", a list of "choices" and the "answer", its place in the list.
# Prints the share of right answers: by log-likelihood (acc), and by
# log-likelihood per byte (acc_norm), as EleutherAI's harness defines them.
#
# ===-----------------------------------------------------------------------===#
import json
import subprocess
import sys


def read_items(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def score(model, items, options):
    """The log-likelihood of each choice of each item."""
    requests = "".join(
        json.dumps({"context": item["context"], "continuation": choice}) + "\n"
        for item in items
        for choice in item["choices"]
    )
    process = subprocess.run(
        ["sherry-run", model, "--score", "-", *options],
        input=requests,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    results = map(json.loads, process.stdout.splitlines())
    return [[next(results)["loglikelihood"] for _ in item["choices"]] for item in items]


def best(scores):
    return max(range(len(scores)), key=scores.__getitem__)


def main():
    model, path, *options = sys.argv[1:]
    items = read_items(path)
    right = right_per_byte = 0
    for item, scores in zip(items, score(model, items, options)):
        per_byte = [
            value / len(choice.encode())
            for value, choice in zip(scores, item["choices"])
        ]
        right += best(scores) == item["answer"]
        right_per_byte += best(per_byte) == item["answer"]
    print(f"items: {len(items)}")
    print(f"acc: {right / len(items):.4f}")
    print(f"acc_norm: {right_per_byte / len(items):.4f}")


if __name__ == "__main__":
    main()
