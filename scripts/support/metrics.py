# ===- metrics.py - Reads the records of sherry-train ---------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# docs/Training.md describes the records. While a run goes on, the last line may be
# incomplete; it is left out.
#
# ===----------------------------------------------------------------------=== #
import json
import math
import pathlib

from figures import fail

MAX_POINTS = 1000  # points of a curve; more cannot be seen
# The fields of a record that scripts read.
NUMBERS = {
    "start": [],
    "step": ["step", "tokens", "loss", "learning_rate", "lambda"],
    "validation": ["step", "loss", "lambda"],
    "diagnostics": ["step", "lambda"],
    "end": ["bits_per_weight", "seconds"],
}
# "trapped" is missing if weights have no trits.
LAYER_NUMBERS = ["effective_rank_weight", "effective_rank_gradient", "bin_width"]
# Width of a layer's histogram around 0, in root mean squares of the weights.
HISTOGRAM_SPAN = 8


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def check_numbers(fields, names, where):
    for name in names:
        if not is_number(fields.get(name)):
            fail(f"{where}: \"{name}\" is {json.dumps(fields.get(name))}; it must be a number")


def check_layers(layers, where):
    if not isinstance(layers, dict):
        fail(f"{where}: \"layers\" must be an object")
    for name, layer in layers.items():
        if not isinstance(layer, dict):
            fail(f"{where}: \"{name}\" must be an object")
        names = LAYER_NUMBERS + ["trapped"] * ("trapped" in layer)
        check_numbers(layer, names, f"{where}: {name}")
        histogram = layer.get("histogram")
        if not isinstance(histogram, list) or not all(map(is_number, histogram)) or not any(histogram):
            fail(f"{where}: {name}: \"histogram\" must be a list of numbers, and not only of 0")


class Run:
    """The records of a run, by kind, in their order."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        # sherry-train gives all its files the same name.
        is_folder = self.path.name == "metrics.jsonl"
        self.name = self.path.resolve().parent.name if is_folder else self.path.stem
        self.records = {kind: [] for kind in NUMBERS}
        try:
            data = self.path.read_bytes()
        except OSError as error:
            fail(f"{path}: {error.strerror}")
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            self.add(line, f"{path}:{number}")

    def add(self, line, where):
        try:
            record = json.loads(line)
        except ValueError as error:
            fail(f"{where}: is not JSON: {error}")
        kind = record.get("event") if isinstance(record, dict) else None
        if kind not in NUMBERS:
            fail(f"{where}: \"event\" is {json.dumps(kind)}; it must be one of {', '.join(NUMBERS)}")
        check_numbers(record, NUMBERS[kind], where)
        if kind == "diagnostics":
            check_layers(record.get("layers"), where)
        self.records[kind].append(record)

    def points(self, kind, key, x="step"):
        return [(record[x], record[key]) for record in self.records[kind]]

    def layer_means(self, key):
        """The mean of a number over the layers that have it, by step."""
        points = []
        for record in self.records["diagnostics"]:
            values = [layer[key] for layer in record["layers"].values() if key in layer]
            if values:
                points.append((record["step"], sum(values) / len(values)))
        return points

    @property
    def end(self):
        """The last record of a finished run, or None."""
        return self.records["end"][-1] if self.records["end"] else None


def thin(points):
    return points[:: max(1, len(points) // MAX_POINTS)]


def smooth(points):
    """Means over the last fiftieth of the records."""
    window = max(1, len(points) // 50)
    total, result = 0, []
    for number, (x, y) in enumerate(points):
        total += y - (points[number - window][1] if number >= window else 0)
        result.append((x, total / min(number + 1, window)))
    return thin(result)


def density(layers):
    """The histogram of the latent weights, in units of their layer's root mean square;
    all layers count equally."""
    shares = {}
    for layer in layers:
        counts, total = layer["histogram"], sum(layer["histogram"])
        width = HISTOGRAM_SPAN / len(counts)
        for number, count in enumerate(counts):
            place = (number - (len(counts) - 1) / 2) * width
            shares[place] = shares.get(place, 0) + count / total / width / len(layers)
    return sorted(shares.items())


def read_runs(paths):
    runs = [Run(path) for path in paths]
    names = [run.name for run in runs]
    for run in runs:
        if names.count(run.name) > 1:
            run.name = str(run.path)
    return runs
