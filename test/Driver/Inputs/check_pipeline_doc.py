# ===- check_pipeline_doc.py - The example of docs/Pipeline.md ------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Usage: check_pipeline_doc.py Pipeline.md
#
# The first block behind "## One linear layer" goes through the pipelines; each line
# of the other blocks must be in the IR of its stage, in this order. "..." stands
# for what is left out.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import re
import subprocess
import sys

CPU = "x86-64-v4"


def run(passes, text):
    command = ["sherry-opt", *passes, "-"]
    return subprocess.run(
        command, input=text, stdout=subprocess.PIPE, check=True, encoding="utf-8"
    ).stdout


def check(stage, block, text):
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(map(str.strip, block.splitlines())):
        if not line or line == "...":
            continue
        # Only what precedes and follows "..." is compared.
        pattern = ".*".join(map(re.escape, line.split("...")))
        found = [i for i, other in enumerate(lines) if re.fullmatch(pattern, other)]
        assert found, f"{stage}, line {number + 1} is not in the IR, or too early: {line}"
        lines = lines[found[0] + 1 :]
    return len(block.splitlines())


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    section = text.split("## One linear layer\n")[1].split("\n## ")[0]
    blocks = dict(re.findall(r"`(\S+)`:\n\n```mlir\n(.*?)```", section, re.DOTALL))
    assert list(blocks) == ["sherry", "layout", "loops", "kernel", "llvm-mlir"], list(blocks)
    ir = run([f"-sherry-attach-target=cpu={CPU}"], blocks.pop("sherry"))
    for stage, block in blocks.items():
        ir = run([f"-sherry-{stage.split('-')[0]}-pipeline"], ir)
        assert check(stage, block, ir) >= 5, stage


if __name__ == "__main__":
    main()
