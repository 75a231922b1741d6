# ===- run_page.py - Runs the commands of a page -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: run_page.py PAGE TOOLS
#
# Runs the blocks of PAGE that are marked `sh` or `python`, one after the other in
# one Bash in the working folder, with the folder TOOLS in the PATH; each must succeed.
# A block marked `text` behind one has lines that its output must have, in this order;
# `...` stands for anything. `console` marks commands that no test runs.
#
# The port 8080 is replaced by one that is free. A server in the foreground ends when
# it has answered a request, one in the background at the end of the page.
#
# ===----------------------------------------------------------------------=== #
import os
import random
import re
import shlex
import socket
import subprocess
import sys
import tempfile

# Seconds; far more than any page takes.
LIMIT = 1800
SEPARATOR = "=== end of block ==="
PROLOGUE = r"""
set -emuo pipefail
python3() { PYTHON "$@"; }
sherry-serve() {
  [[ $* == *--port* ]] || set -- "$@" --port 8080
  ((BASHPID == $$)) || exec sherry-serve "$@"
  command sherry-serve "$@" &
  curl -sS --fail --retry 9 --retry-connrefused http://127.0.0.1:8080/v1/completions \
    -H 'Content-Type: application/json' -d '{"prompt": "Hello", "max_tokens": 4}'
  curl -sS --fail -o /dev/null http://127.0.0.1:8080/
  kill $!
  wait $!
}
""".replace("PYTHON", shlex.quote(sys.executable))


def read_blocks(text):
    """Pairs of commands and the output that they must have."""
    blocks = []
    for kind, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S):
        if kind == "sh":
            blocks.append([body, ""])
        elif kind == "python":
            blocks.append([f"python3 <<'=== end'\n{body}=== end\n", ""])
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
    script = PROLOGUE
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
            pass
        # Jobs have process groups of their own.
        subprocess.run(["pkill", "-KILL", "-s", str(process.pid)])
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
