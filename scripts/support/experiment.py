# ===- experiment.py - Comparisons of runs of sherry-train -----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Shared code of scripts/experiments.
#
# ===----------------------------------------------------------------------=== #
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading

from figures import fail, run
from metrics import Run

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A LLaMA of 2.6 M weights; all runs see the same texts in the same order.
MODEL = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "context_length": 128,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "learning_rate_warmup": 0.1,
    "granularity": "per_group",
    "group_size": 128,
    "arenas_schedule": "none",
}
TINY_MODEL = {
    **MODEL,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "context_length": 32,
    "batch_size": 4,
    "group_size": 32,
}
VOCAB_SIZE = 1024
SPECIAL_TOKENS = ["<|begin_of_text|>", "<|end_of_text|>"]
TOOLS = ["sherry-train", "sherry-train-tokenizer", "sherry-compile", "sherry-run"]
# Keys whose files and folders may have moved.
PLACES = ["tokenizer", "train_files", "validation_files", "output"]


def write_whole(path, text):
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.rename(path)


def run_name(name, seed):
    return f"{name}-seed{seed}"


class Experiment:
    """Trains the runs of `configurations`: name -> object with a title and keys."""

    def __init__(self, name, configurations, options):
        self.name = name
        self.configurations = configurations
        self.options = options
        self.tools = options.tools or ROOT / "build/release/bin"
        self.folder = options.output
        self.stopped = threading.Event()
        self.threads = max(1, len(os.sched_getaffinity(0)) // options.jobs)

    def finish(self, name, seed):
        """Called when a run has ended."""

    def say(self, text):
        print(f"{self.name}: {text}", file=sys.stderr)

    def title(self, name, seed):
        return f"{self.configurations[name].title}, seed {seed}"

    def config(self, name, seed):
        """The configuration file of a run."""
        steps = self.options.steps
        validations = 2 if self.options.tiny else 20
        return {
            **(TINY_MODEL if self.options.tiny else MODEL),
            **self.configurations[name].keys,
            "seed": seed,
            "steps": steps,
            "log_interval": max(1, steps // 100),
            "validation_interval": max(1, steps // validations),
            "checkpoint_interval": max(1, steps // 10),
            "keep_checkpoints": 1,
            "tokenizer": str(self.folder / "tokenizer"),
            "train_files": [str(self.options.data / "shakespeare-train.txt")],
            "validation_files": [str(self.options.data / "shakespeare-valid.txt")],
            "output": str(self.folder / run_name(name, seed)),
        }

    def prepare(self):
        if not self.options.tools:
            for command in (
                ["scripts/install-deps", "--training"],
                ["scripts/build", "-DSHERRY_BUILD_TRAINING=ON", *TOOLS],
            ):
                if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
                    fail(f"{command[0]} failed")
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "tokenizer/tokenizer.json").exists():
            special = [word for token in SPECIAL_TOKENS for word in ("--special", token)]
            run(
                self.tools / "sherry-train-tokenizer", self.options.data / "shakespeare-train.txt",
                "-o", self.folder / "tokenizer", "--vocab-size", VOCAB_SIZE, *special,
            )

    def is_finished(self, config):
        """Refuses a run with another configuration."""
        path = pathlib.Path(config["output"]) / "metrics.jsonl"
        if not path.exists():
            return False
        metrics = Run(path)
        for start in metrics.records["start"]:
            for key, value in config.items():
                if key not in PLACES and start["config"].get(key) != value:
                    fail(
                        f"{path.parent}: is a run with {key} {start['config'].get(key)}, not "
                        f"{value}; remove it, or give another --output"
                    )
        return metrics.end is not None

    def train(self, name, seed):
        """Starts or continues one run. Returns an error, or None."""
        config = self.config(name, seed)
        title = self.title(name, seed)
        output = pathlib.Path(config["output"])
        if not self.is_finished(config):
            output.mkdir(exist_ok=True)
            config_file = output / "config.json"
            config_file.write_text(json.dumps({**config, "threads": self.threads}, indent=1) + "\n")
            self.say(f"{title} begins; its log is {output}/log")
            with open(output / "log", "a") as log:
                command = [str(self.tools / "sherry-train"), str(config_file)]
                process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
                while process.poll() is None:
                    if self.stopped.wait(0.1):
                        # The trainer writes a checkpoint and ends.
                        process.send_signal(signal.SIGTERM)
                        process.wait()
            if self.stopped.is_set():
                return None
            if process.returncode != 0:
                last = (output / "log").read_text().splitlines()[-1:]
                return f"{title}: " + " ".join(last)
        end = Run(output / "metrics.jsonl").end
        loss, minutes = end["validation_loss"], end["seconds"] / 60
        self.say(f"{title}: validation loss {loss:.4f}, {minutes:.1f} min")
        self.finish(name, seed)
        return None

    def score(self, model, options, *windows):
        """Compiles a folder; returns the negative log likelihood of the validation text
        and the number of its tokens."""
        with tempfile.TemporaryDirectory() as folder:
            compiled = f"{folder}/model.so"
            run(self.tools / "sherry-compile", model, "-o", compiled, *options)
            text = self.options.data / "shakespeare-valid.txt"
            output, _ = run(
                self.tools / "sherry-run", compiled, "--perplexity", text, "-q",
                "--threads", self.threads, *windows,
            )
        nll, tokens = (re.search(rf"^{key}: (.*)$", output, re.MULTILINE) for key in ("nll", "tokens"))
        return float(nll[1]), int(tokens[1])

    def run_all(self, tasks):
        """Trains all (name, seed)."""
        for task in tasks:
            self.is_finished(self.config(*task))
        error = None
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            futures = [pool.submit(self.train, *task) for task in tasks]
            try:
                for future in concurrent.futures.as_completed(futures):
                    error = error or future.result()
                    if error:
                        break
            finally:
                # After a failed run, an interruption, or success.
                unfinished = [future for future in futures if not future.done()]
                if unfinished:
                    self.stopped.set()
                    for future in unfinished:
                        future.cancel()
        if error:
            fail(error)


def add_options(parser, steps, folder):
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, default=ROOT / "build/experiments" / folder, metavar="DIR",
        help=f"folder of the runs (default: build/experiments/{folder})",
    )
    parser.add_argument("--steps", type=int, default=steps, help="steps of each run (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the main runs (default: %(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=2,
        help="number of runs at a time; they share the processors (default: %(default)s)",
    )
    parser.add_argument("--tiny", action="store_true", help="use a tiny model that learns little, to try the script")
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared/data", metavar="DIR",
        help="folder of shakespeare-train.txt and shakespeare-valid.txt (default: ../shared/data)",
    )
    parser.add_argument(
        "--tools", type=pathlib.Path, metavar="DIR", help="folder of the programs; builds nothing"
    )
    parser.add_argument(
        "--docs", type=pathlib.Path, default=ROOT / "docs", metavar="DIR",
        help="folder for Training.md and its plots instead of docs",
    )
    parser.add_argument("--report", action="store_true", help="only report finished runs")


def parse_options(parser):
    options = parser.parse_args()
    for name in ("steps", "seeds", "jobs"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be 1 or more")
    for name in ("output", "data", "docs"):
        setattr(options, name, getattr(options, name).resolve())
    return options


def run_program(name, options, train, report):
    """Trains (unless only a report is requested) and reports. Reports an interruption."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if not options.report:
            train()
        if not report():
            sys.exit(1)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; the same command goes on", file=sys.stderr)
        sys.exit(130)
