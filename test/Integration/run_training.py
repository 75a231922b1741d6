#!/usr/bin/env python3
# ===- run_training.py - Runs that are killed, models that are compiled ---=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: run_training.py SOURCE_DIR FOLDER [CHECK]...
#
# Runs the named checks, by default all.
#
# ===----------------------------------------------------------------------=== #
import functools
import json
import math
import pathlib
import re
import signal
import subprocess
import sys
import time

from make_training_config import make_config
from support import Mismatch, count_failures, run

STEPS = 60
CODEBOOKS = ("2:6", "dense")  # beside that of the other runs
# Relative; the order of additions is another one.
PERPLEXITY_TOLERANCE = 1e-5


def read_records(folder):
    """The records of a run, without what depends on the time."""
    records = []
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name in ("tokens_per_second", "seconds"):
            record.pop(name, None)
        if record["event"] == "start":
            del record["config"]["output"]
        records.append(record)
    return records


def start(config, output, *options):
    command = ["sherry-train", str(config), "--output", str(output), "-q", *options]
    # Jobs in the background of a shell have it ignored, and so what they start.
    return subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def finish(process):
    error = process.communicate()[1].decode()
    if process.returncode < 0:
        return None
    if process.returncode not in (0, 130):
        raise Mismatch(f"exit code {process.returncode}: {error}")
    return process.returncode


def count_steps(output):
    """The number of the last step that is recorded."""
    try:
        text = (output / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return 0
    return max(map(int, re.findall(r'"event":"step","step":(\d+)', text)), default=0)


def check_same(folder, name):
    """The records and the files of a run are those of the run `plain`."""
    expected, got = read_records(folder / "plain"), read_records(folder / name)
    if expected != got:
        for a, b in zip(expected, got):
            if a != b:
                raise Mismatch(f"{name}: {str(b)[:300]} instead of {str(a)[:300]}")
        raise Mismatch(f"{name}: {len(got)} records instead of {len(expected)}")
    for file in ("model.safetensors", "training_state.safetensors", "config.json"):
        a, b = ((folder / run_ / "latest" / file).read_bytes() for run_ in ("plain", name))
        if a != b:
            raise Mismatch(f"{name}: {file} differs")


def check_killed(config, folder):
    """Kills the run a moment after each start, later each time, so that each
    part of a step and of a checkpoint is hit. Returns how often."""
    output = folder / "killed"
    kills, delay = 0, 0.2
    while True:
        process = start(config, output)
        time.sleep(delay)
        process.kill()
        if finish(process) is not None:
            break
        kills += 1
        # What was there stays usable.
        if (output / "latest").exists():
            json.loads((output / "latest" / "config.json").read_text())
        delay *= 1.3
    check_same(folder, "killed")
    return kills


def check_killed_after(config, folder, moments):
    """Kills the run once it has recorded each of some steps."""
    output = folder / "killed-late"
    for moment in moments:
        process = start(config, output)
        while count_steps(output) < moment and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        finish(process)
    if finish(start(config, output)) != 0:
        raise Mismatch("the run does not end")
    check_same(folder, "killed-late")
    return len(moments)


def check_signal(config, folder, number):
    """A run that is asked to end writes a checkpoint, wherever it is."""
    output = folder / f"signal-{number}"
    process = start(config, output)
    while count_steps(output) < 5 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    if finish(process) != 130:
        raise Mismatch("the exit code is not 130")
    step = json.loads((output / "latest" / "training_state.json").read_text())["step"]
    if step < 5:
        raise Mismatch(f"the checkpoint is of step {step}")
    if finish(start(config, output)) != 0:
        raise Mismatch("the run does not end")
    check_same(folder, f"signal-{number}")
    return step


def measure(folder, source, name):
    """The perplexity of a folder or file, compiled."""
    model = folder / "model.so"
    run("sherry-compile", folder / name, "-o", model, "--activations=f32", "--head=bf16")
    config = make_config(source)
    printed = run("sherry-run", model, "--perplexity", config["validation_files"][0],
                  "--window", config["context_length"], "-q")
    return float(re.search(r"perplexity: (\S+)", printed).group(1))


def check_compiled(folder, source, name):
    """The perplexity of the compiled model is what the trainer measured."""
    got = measure(folder, source, f"{name}/latest")
    end = read_records(folder / name)[-1]
    expected = math.exp(end["written_validation_loss"])
    difference = abs(got / expected - 1)
    if not difference <= PERPLEXITY_TOLERANCE:
        raise Mismatch(f"perplexity {got} instead of {expected}")
    return difference


def check_codebook(config, folder, source, codebook):
    """Trains with a codebook, and with Arenas at first; options name it no more. What
    sherry-quantize makes of the folder is the same model."""
    name = "of-" + codebook.replace(":", "-")
    if finish(start(config, folder / name, "--codebook", codebook, "--steps", "20")) != 0:
        raise Mismatch("the run does not end")
    if not any(record.get("lambda") for record in read_records(folder / name)):
        raise Mismatch("there was no residual path")
    difference = check_compiled(folder, source, name)
    for copy, output, type_ in (("trits", "--hf", "sherry"), ("numbers.gguf", "-o", "F32")):
        run("sherry-quantize", folder / name / "latest", output, folder / f"{name}-{copy}", "-q",
            f"--type={type_}")
        if measure(folder, source, f"{name}-{copy}") != measure(folder, source, f"{name}/latest"):
            raise Mismatch(f"{copy} has another perplexity")
    return difference


def main():
    source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    config = make_config(source)
    config.update(steps=STEPS, checkpoint_interval=7, log_interval=1,
                  diagnostics_interval=15)
    path = folder / "run.json"
    path.write_text(json.dumps(config))
    if finish(start(path, folder / "plain")) != 0:
        sys.exit("the run does not end")
    checks = {
        "compiled": lambda: check_compiled(folder, source, "plain"),
        **{
            f"codebook-{codebook}": functools.partial(
                check_codebook, path, folder, source, codebook
            )
            for codebook in CODEBOOKS
        },
        "killed": lambda: check_killed(path, folder),
        "killed-late": lambda: check_killed_after(path, folder, (3, 8, 20, 42, 59)),
        "SIGINT": lambda: check_signal(path, folder, signal.SIGINT),
        "SIGTERM": lambda: check_signal(path, folder, signal.SIGTERM),
    }
    names = sys.argv[3:] or checks
    sys.exit(count_failures([(name, checks[name]) for name in names]))


if __name__ == "__main__":
    main()
