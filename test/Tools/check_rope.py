#!/usr/bin/env python3
# ===- check_rope.py - Scalings of rope in all files ----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_rope.py REFERENCE_FOLDER FOLDER
#
# A folder, the GGUF file that sherry-quantize makes of it and the folder that it
# makes of that file must give the same frequencies, but for the rounding of GGUF
# files to f32.
#
# ===----------------------------------------------------------------------=== #
import json
import math
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, sys.argv[1])

# The module is only found through the path above.
import make_gguf  # noqa: E402 isort: skip

SHAPE = "--hidden 64 --ffn 64 --layers 1 --heads 2 --vocab 32 --context 512"
ROUNDING = 3e-7
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}
TABLE = [1 + i / 7 for i in range(16)]
SCALINGS = {
    "llama3": LLAMA3,
    "no power of two": {**LLAMA3, "original_max_position_embeddings": 6000},
    "low frequencies": {**LLAMA3, "low_freq_factor": 2.0},
    "long context": {**LLAMA3, "original_max_position_embeddings": 1 << 22},
    "linear": {"rope_type": "linear", "factor": 2.5},
    "yarn": YARN,
    "yarn, betas": {**YARN, "beta_fast": 16.0, "beta_slow": 2.0},
    "yarn, magnitude": {**YARN, "attention_factor": 1.25},
    "yarn, not truncated": {**YARN, "truncate": False},
    "table": {
        "rope_type": "longrope",
        "attention_factor": 1.125,
        "short_factor": TABLE,
        "long_factor": TABLE,
    },
}
# GGUF files of other architectures than llama have no table.
HAVE_KEYS = ("linear", "yarn", "yarn, betas", "yarn, magnitude")


def run(*arguments):
    return subprocess.run(
        [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def read_table(model, folder):
    """The frequencies and the magnitude of a compiled model."""
    output = folder / "model.mlir"
    result = run("sherry-compile", model, "--emit=sherry", "-o", output)
    if result.returncode != 0:
        sys.exit(result.stdout)
    line = re.search("sherry.rope_table .*", output.read_text())[0]
    theta = float(re.search("theta ([^ ]+)", line)[1])
    size = int(re.search(r"tensor<\?x(\d+)xf32>$", line)[1])
    divisors = [1.0] * (size // 2)
    if found := re.search(r"divisors \[(.*?)\]", line):
        divisors = [float(text) for text in found[1].split(",")]
    if "scaling" in line:
        names = ("low_freq_factor", "high_freq_factor", "factor", "original_context")
        values = {n: float(re.search(rf"\b{n} = ([^ ,>]+)", line)[1]) for n in names}
        values["original_max_position_embeddings"] = values["original_context"]
        divisors = make_gguf.rope_divisors(values, theta, size)
    magnitude = re.search("magnitude ([^ ]+)", line)
    frequencies = [theta ** (-2 * i / size) / x for i, x in enumerate(divisors)]
    return [*frequencies, float(magnitude[1]) if magnitude else 1.0]


def check_same(name, actual, expected):
    if not all(map(lambda a, e: math.isclose(a, e, rel_tol=ROUNDING), actual, expected)):
        sys.exit(f"{name}: {actual}, not {expected}")


def check_model(name, architecture, scaling, folder):
    checkpoint, gguf = folder / "checkpoint", folder / "model.gguf"
    again = folder / "again"
    path = checkpoint / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "rope_scaling": scaling}))
    quantized = run("sherry-quantize", checkpoint, "-o", gguf, "--type=f32")
    if architecture != "llama" and name not in HAVE_KEYS:
        message = "GGUF files cannot hold the rope scaling of this model"
        if quantized.returncode == 0 or message not in quantized.stdout:
            sys.exit(f"{name}: not refused: {quantized.stdout}")
        return
    if quantized.returncode != 0:
        sys.exit(f"{name}: {quantized.stdout}")
    if (b"rope_freqs.weight" in gguf.read_bytes()) == (name in HAVE_KEYS):
        sys.exit(f"{name}: a table where there should be keys, or no table")
    expected = read_table(checkpoint, folder)
    check_same(f"{name}, GGUF", read_table(gguf, folder), expected)
    run("sherry-quantize", gguf, "--hf", again, "--type=f32")
    check_same(f"{name}, folder", read_table(again, folder), expected)
    copied = folder / "copied.gguf"
    run("sherry-quantize", gguf, "-o", copied, "--type=f32")
    check_same(f"{name}, copied", read_table(copied, folder), expected)


def main():
    folder = pathlib.Path(sys.argv[2])
    make = pathlib.Path(sys.argv[1]) / "make_checkpoint.py"
    for architecture in ("llama", "qwen2"):
        subprocess.run(
            [
                *(sys.executable, make, folder / "checkpoint"),
                *("--architecture", architecture, *SHAPE.split()),
            ],
            check=True,
        )
        for name, scaling in SCALINGS.items():
            check_model(name, architecture, scaling, folder)


if __name__ == "__main__":
    main()
