#!/usr/bin/env python3
# ===- check_cut_input.py - A checkpoint that is cut under its reader -----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_cut_input.py MODEL_FOLDER FOLDER
#
# ===----------------------------------------------------------------------=== #
import os
import pathlib
import shutil
import subprocess
import sys
import time


def main():
    model, folder = map(pathlib.Path, sys.argv[1:])
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder)
    weights, pipe = folder / "model.safetensors", folder / "pipe"
    # The program opens its output before it reads the weights, and waits there
    # until somebody opens the other end.
    os.mkfifo(pipe)
    process = subprocess.Popen(
        ["sherry-quantize", folder, "-o", pipe, "--type=F16"],
        stderr=subprocess.PIPE,
        text=True,
    )
    maps = pathlib.Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and str(weights.resolve()) not in maps.read_text():
        time.sleep(0.01)
    # What the file begins with may not be read yet.
    os.truncate(weights, 1 << 17)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    error = process.communicate(timeout=60)[1]
    os.close(reader)
    print(error, end="")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
