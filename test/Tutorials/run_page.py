# ===- run_page.py - Runs the commands of a page -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: run_page.py PAGE TOOLS
#
# Runs the blocks of PAGE that are marked `sh`, one after the other in one Bash in
# the working folder, with the folder TOOLS in the PATH; each must succeed. A block
# marked `text` behind one has lines that its output must have, in this order; `...`
# stands for anything. The port 8080 is replaced by one that is free.
#
# ===----------------------------------------------------------------------=== #
import os
import random
import re
import socket
import subprocess
import sys
import tempfile

# Seconds; far more than any page takes.
LIMIT = 1800
SEPARATOR = "=== end of block ==="


def read_blocks(text):
    """Pairs of commands and the output that they must have."""
    blocks = []
    for kind, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        if kind == "sh":
            blocks.append([body, ""])
        elif kind == "text":
            blocks[-1][1] += body
    return blocks


def find_port():
    """A port that is free, and that no connection gets: those have higher ones."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    sys.exit("run_page.py: no port is free")


def find_missing(expected, output):
    """The first line of `expected` that `output` lacks behind the others; all blanks
    are alike."""
    output = re.sub(r"[ \t]+", " ", output)
    place = 0
    for line in filter(str.strip, expected.splitlines()):
        parts = map(re.escape, line.strip().split("..."))
        found = re.compile("[^\n]*".join(parts)).search(output, place)
        if not found:
            return line
        place = found.end()
    return None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        blocks = read_blocks(file.read())
    if not blocks:
        sys.exit(f"run_page.py: {sys.argv[1]} has no commands")
    script = "set -emuo pipefail\n"
    for commands, _ in blocks:
        script += f"{commands}\necho; echo '{SEPARATOR}'\n"
    script = script.replace("8080", str(find_port()))
    # Into a file: commands that a time limit leaves behind would hold a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["bash", "-c", script],
            env={**os.environ, "PATH": f"{sys.argv[2]}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            # Jobs have process groups of their own.
            session = str(process.pid)
            subprocess.run(["pkill", "-KILL", "-s", session])
            process.wait()
        file.seek(0)
        output = file.read()
    print(output)
    outputs = output.split(SEPARATOR)
    if process.returncode:
        failed = min(len(outputs), len(blocks)) - 1
        sys.exit(f"run_page.py: exit code {process.returncode} of:\n{blocks[failed][0]}")
    for (commands, expected), output in zip(blocks, outputs):
        missing = find_missing(expected, output)
        if missing is not None:
            sys.exit(f"run_page.py: the output of\n{commands}lacks the line\n{missing}")


if __name__ == "__main__":
    main()
