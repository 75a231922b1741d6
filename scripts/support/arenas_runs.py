# ===- arenas_runs.py - Runs of scripts/experiments/arenas ----------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import json
import math
import statistics
from dataclasses import dataclass

from metrics import Run


@dataclass
class Configuration:
    title: str
    keys: dict  # keys of sherry-train's configuration
    is_main: bool = False  # in most comparisons; trained with every seed
    has_seeds: bool = False  # not a main run, and trained with every seed


CONFIGURATIONS = {
    "dense": Configuration("dense", {"quantizer": "none"}, True),
    "absmean": Configuration("ternary (absmean)", {"quantizer": "sherry", "codebook": "dense"}, True),
    "sherry": Configuration("Sherry without Arenas", {"quantizer": "sherry"}, True),
    "arenas": Configuration(
        "Sherry with Arenas", {"quantizer": "sherry", "arenas_schedule": "cosine"}, True
    ),
    "linear": Configuration(
        "Sherry, Arenas linear", {"quantizer": "sherry", "arenas_schedule": "linear"}
    ),
    "exponential": Configuration(
        "Sherry, Arenas exponential", {"quantizer": "sherry", "arenas_schedule": "exponential"}
    ),
    "constant": Configuration(
        "Sherry, Arenas constant", {"quantizer": "sherry", "arenas_schedule": "constant"}
    ),
    "channel": Configuration(
        "Sherry with Arenas, a scale per channel",
        {"quantizer": "sherry", "arenas_schedule": "cosine", "granularity": "per_channel"},
    ),
    "binary": Configuration("binary", {"quantizer": "binary"}),
}
MAIN = [name for name, configuration in CONFIGURATIONS.items() if configuration.is_main]
MAXIMA = [0.1, 0.25, 0.5]  # maxima of lambda, besides that of "arenas", which is 1
LEARNING_RATE = "2e-3"  # for the second comparison


def maximum_name(maximum):
    return f"arenas-maximum-{maximum}"


def rate_name(name):
    return f"{name}-rate-{LEARNING_RATE}"


for maximum in MAXIMA:
    CONFIGURATIONS[maximum_name(maximum)] = Configuration(
        f"Sherry with Arenas, maximum {maximum}",
        {**CONFIGURATIONS["arenas"].keys, "arenas_maximum": maximum},
        has_seeds=True,
    )
for name in MAIN:
    CONFIGURATIONS[rate_name(name)] = Configuration(
        f"{CONFIGURATIONS[name].title}, learning rate {LEARNING_RATE}",
        {**CONFIGURATIONS[name].keys, "learning_rate": float(LEARNING_RATE)},
    )


@dataclass
class Quantization:
    title: str
    options: list  # options of sherry-train --evaluate


# Projections of the dense models after training.
PTQ = {
    "ptq-absmean": Quantization("dense, then ternary (absmean)", ["--quantizer", "sherry", "--codebook", "dense"]),
    "ptq-mean": Quantization("dense, then Sherry, closed form", ["--quantizer", "sherry"]),
    "ptq-least-squares": Quantization(
        "dense, then Sherry, least squares", ["--quantizer", "sherry", "--scales", "least_squares"]
    ),
}
LIMITS = {"f32": 0.005, "i8": 0.01}  # for perplexities of compiled models: see Circle


def list_runs(seeds):
    """All (name, seed), the important comparisons first."""
    others = [name for name in CONFIGURATIONS if name not in MAIN]
    runs = [(name, seed) for seed in range(1, seeds + 1) for name in MAIN]
    runs += [(name, 1) for name in others]
    repeated = [name for name in others if CONFIGURATIONS[name].has_seeds]
    return runs + [(name, seed) for seed in range(2, seeds + 1) for name in repeated]


def is_compiled(name):
    """Whether sherry-compile knows the weights."""
    return CONFIGURATIONS[name].keys["quantizer"] in ("none", "sherry")


class Circle:
    """The perplexities of a run: the trainer's and the compiled model's."""

    def __init__(self, run):
        self.trained = math.exp(run.end["validation_loss"])
        self.compiled = json.loads((run.path.parent / "compiled.json").read_text())
        # f32 is compared with the trainer, i8 with f32.
        self.deviations = {
            "f32": self.compiled["f32"] / self.trained - 1,
            "i8": self.compiled["i8"] / self.compiled["f32"] - 1,
        }

    def is_closed(self):
        return all(abs(self.deviations[mode]) <= limit for mode, limit in LIMITS.items())

    def __str__(self):
        modes = ", ".join(
            f"{self.compiled[mode]:.4f} compiled in {mode} ({100 * self.deviations[mode]:+.3f} %, "
            f"at most {100 * limit:g} %)"
            for mode, limit in LIMITS.items()
        )
        return f"perplexity {self.trained:.4f} by the trainer, {modes}"


class Results:
    """The finished runs in a folder."""

    def __init__(self, folder):
        self.runs = {name: {} for name in CONFIGURATIONS}  # name -> seed -> Run
        self.ptq = {name: {} for name in PTQ}  # name -> seed -> output of --evaluate
        for name in CONFIGURATIONS:
            for path in sorted(folder.glob(f"{name}-seed*/metrics.jsonl")):
                run = Run(path)
                if run.end:
                    self.runs[name][run.records["start"][0]["config"]["seed"]] = run
        self.circles = {  # name -> seed -> Circle
            name: {
                seed: Circle(run) for seed, run in runs.items()
                if (run.path.parent / "compiled.json").exists()
            }
            for name, runs in self.runs.items()
        }
        example = folder / "example.json"
        self.example = json.loads(example.read_text()) if example.exists() else None
        for name in PTQ:
            for seed, run in self.runs["dense"].items():
                path = run.path.parent / f"{name}.json"
                if path.exists():
                    self.ptq[name][seed] = json.loads(path.read_text())

    def all(self):
        return [run for runs in self.runs.values() for run in runs.values()]

    def losses(self, name):
        """The values by seed."""
        if name in PTQ:
            return {seed: result["validation_loss"] for seed, result in self.ptq[name].items()}
        return {seed: run.end["validation_loss"] for seed, run in self.runs[name].items()}

    def best_sherry(self):
        """The run with the lowest loss whose weights are 3:4-sparse."""
        runs = [
            run for name, runs in self.runs.items() for run in runs.values()
            if CONFIGURATIONS[name].keys["quantizer"] == "sherry" and "codebook" not in CONFIGURATIONS[name].keys
        ]
        return min(runs, key=lambda run: run.end["validation_loss"])

    def bits(self, name):
        if name in PTQ:
            return next(iter(self.ptq[name].values()))["bits_per_weight"]
        return next(iter(self.runs[name].values())).end["bits_per_weight"]

    def mean_points(self, name, get_points, seeds=None):
        """The mean of curves of all seeds, or of some."""
        curves = [dict(get_points(run)) for seed, run in self.runs[name].items() if seed in (seeds or [seed])]
        if not curves:
            return []
        return [(x, statistics.mean(curve[x] for curve in curves)) for x in curves[0]]
