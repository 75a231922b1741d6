# ===- check_stages.py - Each stage from the one before it ----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_stages.py N_sherry-verify-stage.mlir...
#
# The files are the IR after the stages, as --mlir-print-ir-tree-dir writes it.
# sherry-opt must make each from the one before it.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import subprocess
import sys

PIPELINES = [
    "sherry-layout-pipeline",
    "sherry-loops-pipeline",
    "sherry-kernel-pipeline",
    "sherry-llvm-pipeline",
]


def main():
    paths = sorted(map(pathlib.Path, sys.argv[1:]), key=lambda path: int(path.name.split("_")[0]))
    stages = ["".join(path.read_text().splitlines(True)[1:]) for path in paths]
    assert len(stages) == 1 + len(PIPELINES), paths
    for before, after, pipeline in zip(stages, stages[1:], PIPELINES):
        result = subprocess.run(
            ["sherry-opt", f"-{pipeline}", "-"],
            input=before,
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
        assert result.stdout.strip() == after.strip(), pipeline


if __name__ == "__main__":
    main()
