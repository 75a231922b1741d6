#!/usr/bin/env python3
# ===- report.py - The figures of docs/Benchmarking.md --------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Run by scripts/bench, which says what it does.
#
# ===----------------------------------------------------------------------=== #
import argparse
import datetime
import json
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/support"))

from figures import Curve, cpu_name, plot, replace_section, run, table

TOOLS = ROOT / "build/release/bin"
SHAPES = ROOT / "test/Benchmark/Shapes"
DOCUMENT = ROOT / "docs/Benchmarking.md"
CONTEXTS = [0, 1024, 4096]
BATCHES = [1, 2, 4, 8, 16]
# What a model of the 1B shape is compiled with, and what to call it.
VARIANTS = {
    "q8_0": [],
    "q6_K": ["--head=q6_K"],
    "q6_K, strided": ["--head=q6_K", "--grouping=strided"],
    "q4_0": ["--head=q4_0"],
    "q8_0, i8 cache": ["--kv=i8"],
    "q8_0, AVX2": ["--target-cpu=x86-64-v3"],
}


class Models:
    """Compiles models into a folder, one at a time: they are large."""

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "model.so"
        self.compilations = []

    def compile(self, shape, name, options):
        arguments = [SHAPES / shape, "-o", self.file, "--random-weights", "--stats", *options]
        _, log = run(TOOLS / "sherry-compile", *arguments)
        seconds = re.search(r"^total +([\d.]+)", log, re.MULTILINE).group(1)
        peaks = [float(x) for x in re.findall(r"([\d.]+) MiB$", log, re.MULTILINE)]
        bits = re.search(r"^ternary.* ([\d.]+)$", log, re.MULTILINE).group(1)
        size = self.file.stat().st_size / 1e6
        self.compilations.append(
            [shape.upper(), name, f"{size:.0f}", f"{float(bits):.3f}", seconds, f"{max(peaks):.0f}"]
        )

    def bench(self, *options):
        output, _ = run(TOOLS / "sherry-bench", self.file, "-o", "json", "-q", *options)
        return json.loads(output)["models"][0]["results"]


def speed(result):
    share = result.get("share_of_plain_read", result.get("share_of_int8_peak"))
    return f"{result['tokens_per_second']:.0f} ({100 * share:.0f} %)"


def speeds_table(results):
    """Rows are variants and threads, columns are tests."""
    tests = list(dict.fromkeys(r["test"] for rs in results.values() for r in rs))
    rows = []
    for name, measured in results.items():
        for threads in dict.fromkeys(r["threads"] for r in measured):
            cells = {r["test"]: speed(r) for r in measured if r["threads"] == threads}
            rows.append([name, threads, *(cells.get(test, "") for test in tests)])
    return table(["model", "threads", *tests], rows)


def kernels_table(quick):
    output, _ = run(
        TOOLS / "sherry-kernel-benchmarks",
        "--benchmark_format=json",
        "--benchmark_enable_random_interleaving=true",
        f"--benchmark_repetitions={3 if quick else 15}",
        "--benchmark_min_time=0.1",
    )
    times = {}
    for entry in json.loads(output)["benchmarks"]:
        if entry.get("aggregate_name") == "median":
            name, side = entry["run_name"].rsplit("/", 1)
            times.setdefault(name, {})[side] = entry
    rows = []
    for name, sides in times.items():
        rates = {side: entry["G mul-adds"] / 1e9 for side, entry in sides.items()}
        rates = {side: rate if rate > 1 else rate * 1e9 for side, rate in rates.items()}
        ratio = rates["generated"] / rates["hand_written"]
        rows.append(
            [name, f"{rates['generated']:.0f}", f"{rates['hand_written']:.0f}", f"{ratio:.2f}"]
        )
    return table(
        ["one matrix of 2048 x 2048 in the cache", "generated", "hand-written", "ratio"], rows
    )


def curves(results, key):
    series = {}
    for name, measured in results.items():
        for result in measured:
            if result["test"].startswith("tg"):
                label = f"{name}, {result['threads']} threads"
                point = (result[key], result["tokens_per_second"])
                series.setdefault(label, []).append(point)
    return [Curve(points, name, number) for number, (name, points) in enumerate(series.items())]


def default_threads():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    cores = set(zip(*(re.findall(rf"^{key}\s*: (\d+)$", text, re.M) for key in ("physical id", "core id"))))
    count = min(len(cores) or 1, len(os.sched_getaffinity(0)))
    return [1] if count == 1 else [1, count]


def measure(options):
    threads = ",".join(map(str, options.threads))
    repetitions = ["-r", 2 if options.quick else 5, "-t", threads]
    contexts = ",".join(map(str, CONTEXTS))
    heads, batches, shapes = {}, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        models = Models(folder)
        for name, arguments in VARIANTS.items():
            models.compile("1b", name, arguments)
            heads[name] = models.bench("-p", "128,512", "-n", 64, "--ctx-fill", contexts, *repetitions)
            if name == "q6_K":
                numbers = ",".join(map(str, BATCHES))
                batches[name] = models.bench("-p", 0, "-n", 32, "-b", numbers, *repetitions)
        for shape in [] if options.quick else ["3b", "8b"]:
            models.compile(shape, "q6_K", ["--head=q6_K"])
            shapes[shape.upper()] = models.bench("-p", 128, "-n", 32, *repetitions)
    return heads, batches, shapes, models.compilations


def write(options):
    heads, batches, shapes, compilations = measure(options)
    kernels = kernels_table(options.quick)
    folder = options.output or DOCUMENT.parent
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    plot(
        figures / "context.svg", "Decoding, 1B shape", "tokens of context", "tokens/s",
        curves(heads, "context_fill"), ticks=CONTEXTS,
    )
    plot(
        figures / "batch.svg", "Decoding several sequences together, 1B shape", "sequences",
        "tokens/s of all", curves(batches, "batch"), ticks=BATCHES, log_scale=True,
    )
    threads = ",".join(map(str, options.threads))
    text = f"""{cpu_name()}, {datetime.date.today()}, `scripts/bench -t {threads}`. Medians in tokens/s; in brackets the share of the limit that was
measured in the same run, the peak of 8-bit products for `pp` and a plain read of the same
bytes for `tg`. Shapes of LLaMA-3.2 1B and 3B and LLaMA-3.1 8B, random weights, 8-bit
activations, compiled for this CPU; `sherry-bench -p 128,512 -n 64 --ctx-fill 0,1024,4096`.

{speeds_table(heads)}
![decoding by length of context](figures/context.svg)

Several sequences at once, `sherry-bench -p 0 -n 32 -b 1,2,4,8,16`:

{speeds_table(batches)}
![decoding by number of sequences](figures/batch.svg)

Other shapes, `sherry-bench -p 128 -n 32`:

{speeds_table(shapes) if shapes else "not measured"}
Compilation, `sherry-compile --random-weights --stats`; the peak of memory includes pages of
files that are mapped:

{table(["shape", "model", "file MB", "bits per ternary weight", "seconds", "peak MiB"], compilations)}
Generated code against intrinsics that were written by hand for the same bytes (test/Benchmark),
with the quantization of the input, one thread, G mul-adds/s:

{kernels}"""
    target = folder / DOCUMENT.name
    replace_section(DOCUMENT, "scripts/bench", text, target)
    print(f"bench: wrote {target} and {figures}/*.svg", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("-t", dest="threads", type=lambda s: [int(x) for x in s.split(",")])
    parser.add_argument("-o", dest="output", type=pathlib.Path)
    options = parser.parse_args()
    options.threads = options.threads or default_threads()
    write(options)


if __name__ == "__main__":
    main()
