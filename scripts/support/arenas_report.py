# ===- arenas_report.py - Report of scripts/experiments/arenas ------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import datetime
import math
import statistics
import sys

from arenas_runs import CONFIGURATIONS, LEARNING_RATE, LIMITS, MAIN, MAXIMA, PTQ, Results, maximum_name, rate_name
from experiment import run_name
from figures import Curve, cpu_name, fail, plot, replace_section, table
from metrics import density, thin

SCHEDULES = ["sherry", "arenas", "linear", "exponential", "constant"]
# Thresholds of the claims.
EQUAL_SHARE = 0.01  # losses that differ by a smaller share are about equal
COLLAPSE = 0.5  # nats per token above training in the same format


def spread(values, digits):
    """The mean and the standard deviation over the seeds."""
    values = list(values)
    text = f"{statistics.mean(values):.{digits}f}"
    return f"{text} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else text


#  Tables


def losses_table(results):
    rows = []
    for name in [*CONFIGURATIONS, *PTQ]:
        losses = results.losses(name)
        if not losses:
            continue
        title = (CONFIGURATIONS.get(name) or PTQ[name]).title
        written = ""
        if name in CONFIGURATIONS:
            ends = [run.end for run in results.runs[name].values()]
            written = spread((end["written_validation_loss"] for end in ends), 4)
        rows.append(
            [
                title, len(losses), f"{results.bits(name):.3f}", spread(losses.values(), 4), written,
                f"{math.exp(statistics.mean(losses.values())):.2f}",
            ]
        )
    head = ["weights", "seeds", "bits per weight", "validation loss", "as compiled", "perplexity"]
    return table(head, rows)


def circle_table(results):
    rows = []
    for name, circles in results.circles.items():
        if not circles:
            continue
        circles = circles.values()
        row = [CONFIGURATIONS[name].title, len(circles), f"{statistics.mean(c.trained for c in circles):.4f}"]
        row += [f"{statistics.mean(c.compiled[mode] for c in circles):.4f}" for mode in LIMITS]
        for mode in LIMITS:
            worst = max((c.deviations[mode] for c in circles), key=abs)
            row.append(f"{100 * worst:+.3f} %")
        rows.append(row)
    head = ["weights", "seeds", "trainer", "compiled, f32", "compiled, i8", "f32 against trainer", "i8 against f32"]
    return table(head, rows) if rows else ""


def circle(results):
    """The table of compiled models, and whether they agree with the trainer."""
    rows = circle_table(results)
    if not rows:
        return ""
    outside = list_open(results)
    verdict = "All are within" if not outside else f"**Outside of these limits: {', '.join(outside)}.** Others are within"
    return f"""
Perplexities of the validation text by the trainer, and by `sherry-run --perplexity` on what `sherry-compile` makes of the
last checkpoint: exactly (`--activations=f32 --head=bf16 --scale-type=f32`) and by default (i8, scales in f16, head q8_0),
both with `--no-quantize` where weights are dense. Means of the seeds; deviations are the largest of a seed. {verdict}
{100 * LIMITS["f32"]:g} % of the trainer for f32 and {100 * LIMITS["i8"]:g} % of f32 for i8.

{rows}
{example(results)}
"""


def example(results):
    """Whether a run has a better model than examples/shakespeare."""
    if not results.example:
        return ""
    best, ours, shipped = (results.example[key] for key in ("best", "bits_per_byte", "example_bits_per_byte"))
    verdict = "better than" if ours < shipped else "not better than"
    return (
        f"The best Sherry model, {best}, takes {ours:.4f} bits per byte of the validation text, compiled in f32; "
        f"examples/shakespeare takes {shipped:.4f}.\nThe best model is **{verdict}** the one that is shipped. Windows are as "
        f"long as each was trained to read, and overlap by half."
    )


def list_open(results):
    """The runs whose compiled models do not agree with the trainer."""
    return [
        run_name(name, seed)
        for name, circles in results.circles.items()
        for seed, circle in circles.items()
        if not circle.is_closed()
    ]


def diagnostics_table(results):
    def at(points, share):
        """The value at the record nearest to a share of the steps."""
        last = points[-1][0]
        return f"{min(points, key=lambda point: abs(point[0] - share * last))[1]:.1f}"

    rows = []
    for name, configuration in CONFIGURATIONS.items():
        gradients = results.mean_points(name, lambda run: run.layer_means("effective_rank_gradient"))
        weights = results.mean_points(name, lambda run: run.layer_means("effective_rank_weight"))
        trapped = results.mean_points(name, lambda run: run.layer_means("trapped"))
        if gradients:
            row = [configuration.title] + [at(gradients, share) for share in (0.1, 0.5, 1)]
            row += [at(weights, share) for share in (0.1, 0.5, 1)]
            percent = [(step, 100 * share) for step, share in trapped]
            rows.append(row + [at(percent, 0.5) + " %" if trapped else "", at(percent, 1) + " %" if trapped else ""])
    head = ["weights"]
    head += [f"{what} at {share} %" for what in ("gradients", "weights") for share in (10, 50, 100)]
    return table(head + ["trapped at 50 %", "trapped at 100 %"], rows)


#  Claims of the paper


def compare(results, name, other):
    """The differences of the losses by seed, first minus second."""
    first, second = results.losses(name), results.losses(other)
    return [first[seed] - second[seed] for seed in first if seed in second]


def verdict_of(differences):
    """Whether all, some or none of the losses are lower."""
    lower = sum(difference < 0 for difference in differences)
    return "seen" if lower == len(differences) else "not seen" if lower else "the opposite is seen"


def helps(results):
    """Whether Arenas lowers the loss: with three seeds, by its maximum, and with
    another learning rate."""
    differences = compare(results, "arenas", "sherry")
    if not differences:
        return
    lower = sum(difference < 0 for difference in differences)
    yield (
        f"Arenas helps with maximum 1: **{verdict_of(differences)}**. With it the loss is lower for {lower} of {len(differences)} "
        f"seeds; the difference is {spread(differences, 4)} nats per token."
    )
    # Conclusions from a single seed.
    noise = statistics.stdev(differences) if len(differences) > 1 else None
    limit = f"; one seed cannot show differences below {noise:.4f}, the deviation over the seeds" if noise else ""

    def single(difference):
        if noise and abs(difference) < noise:
            return "too small to tell"
        return verdict_of([difference]) + ", with one seed"

    smaller = {maximum: compare(results, maximum_name(maximum), "sherry") for maximum in MAXIMA}
    smaller = {maximum: values for maximum, values in smaller.items() if values}
    if smaller:
        best = min(smaller, key=lambda maximum: statistics.mean(smaller[maximum]))
        verdict = verdict_of(smaller[best]) if len(smaller[best]) > 1 else single(smaller[best][0])
        lower = sum(difference < 0 for difference in smaller[best])
        values = "; ".join(f"{maximum:g}: {spread(values, 4)}" for maximum, values in smaller.items())
        yield (
            f"Arenas with a smaller maximum helps: **{verdict}**. The differences by maximum are {values}. With "
            f"the best, {best:g}, which was chosen knowing these, the loss is lower for {lower} of {len(smaller[best])} "
            f"seeds{'' if len(smaller[best]) > 1 else limit}."
        )
    differences = compare(results, rate_name("arenas"), rate_name("sherry"))
    if differences:
        gains = [
            f"{CONFIGURATIONS[name].title} {statistics.mean(compare(results, rate_name(name), name)):+.4f}"
            for name in MAIN
            if compare(results, rate_name(name), name)
        ]
        yield (
            f"Arenas helps with the learning rate {LEARNING_RATE}: **{single(differences[0])}**. The difference, of one "
            f"seed, is {differences[0]:+.4f}{limit}. The rate changes the losses themselves by: {', '.join(gains)}."
        )


def equals_ternary(results):
    """Whether sparsity with Arenas costs nothing."""
    for first, second, seeds in (
        ("arenas", "absmean", ""),
        (rate_name("arenas"), rate_name("absmean"), f", with the learning rate {LEARNING_RATE} and one seed"),
    ):
        differences = compare(results, first, second)
        if differences:
            mean = statistics.mean(differences)
            limit = EQUAL_SHARE * statistics.mean(results.losses(second).values())
            verdict = "seen" if abs(mean) <= limit else "seen, and better" if mean < 0 else "not seen"
            yield (
                f"Sherry with Arenas equals ternary weights without sparsity{seeds}: **{verdict}**. The "
                f"difference is {spread(differences, 4)} nats per token; up to {100 * EQUAL_SHARE:.0f} % of the "
                f"loss, {limit:.4f}, counts as equal."
            )


def ptq_collapses(results):
    differences = [
        statistics.mean(results.losses(ptq).values()) - statistics.mean(results.losses("arenas").values())
        for ptq in ("ptq-mean", "ptq-least-squares")
        if results.losses(ptq) and results.losses("arenas")
    ]
    if differences:
        verdict = "seen" if min(differences) > COLLAPSE else "not seen"
        texts = " and ".join(f"{difference:.2f}" for difference in differences)
        yield (
            f"Quantization after training collapses: **{verdict}**. With scales in closed form and of "
            f"least squares it loses {texts} nats per token against training in the same format; "
            f"more than {COLLAPSE} counts as a collapse."
        )


def claims(results):
    """Sentences on the paper's claims."""
    return [*helps(results), *equals_ternary(results), *ptq_collapses(results)]


def overfitting(results):
    """The number of runs whose last loss was their best."""
    best = 0
    for run in results.all():
        validation = run.points("validation", "loss")
        best += min(loss for _, loss in validation) == validation[-1][1]
    return f"{best} of {len(results.all())} runs had their lowest validation loss at their last step."


#  Plots


def title_of(name):
    return CONFIGURATIONS[name].title


def plot_all(results, figures):
    """The names of the plots, with their titles."""
    x, plots = "optimizer steps", {}

    def add(name, alt, title, ylabel, names, get_points, *, seeds=None, from_zero=False, marks=True):
        curves = []
        for number, configuration in enumerate(names):
            points = results.mean_points(configuration, get_points, seeds)
            if points:
                curves.append(Curve(points, title_of(configuration), number, marks))
        if curves:
            plot(figures / f"training-{name}.svg", title, x, ylabel, curves, from_zero=from_zero)
            plots[name] = alt

    def late(run):
        """The end of the curves: differences are invisible beside the first losses."""
        points = run.points("validation", "loss")
        return [point for point in points if point[0] >= 0.3 * points[-1][0]]

    nats = "nats per token"
    add(
        "loss", "validation loss", "Validation loss, mean of the seeds", nats, MAIN, late
    )
    add(
        "schedules", "validation loss by schedule", "Validation loss by schedule, seed 1", nats,
        SCHEDULES, late, seeds=[1],
    )
    add(
        "lambda", "lambda by schedule", "Lambda by schedule", "lambda", SCHEDULES,
        lambda run: thin(run.points("step", "lambda")), seeds=[1], from_zero=True, marks=False,
    )
    add(
        "rank-gradient", "effective rank of gradients",
        "Effective rank of gradients, mean of layers and seeds", "effective rank", MAIN,
        lambda run: run.layer_means("effective_rank_gradient"),
    )
    add(
        "rank-weight", "effective rank of latent weights",
        "Effective rank of latent weights, mean of layers and seeds", "effective rank", MAIN,
        lambda run: run.layer_means("effective_rank_weight"),
    )
    add(
        "trapped", "trapped weights", "Trapped weights, mean of layers and seeds",
        "% of the weights", ["absmean", "sherry", "arenas"],
        lambda run: [(step, 100 * share) for step, share in run.layer_means("trapped")],
        from_zero=True,
    )
    curves = []
    for number, name in enumerate(MAIN):
        run = results.runs[name].get(1)
        if run and run.records["diagnostics"]:
            layers = run.records["diagnostics"][-1]["layers"].values()
            curves.append(Curve(density(list(layers)), title_of(name), number, marks=False))
    if curves:
        plot(
            figures / "training-histogram.svg", "Latent weights at the end, all layers, seed 1",
            "weight / root mean square of its layer", "density", curves,
        )
        plots["histogram"] = "latent weights"
    return plots


def write(folder, docs, document):
    """Writes the section of `document`, with its plots, to the folder `docs`; returns
    whether all compiled models agree with the trainer."""
    results = Results(folder)
    runs = results.all()
    if not runs:
        fail(f"{folder}: no run is finished yet")
    figures = docs / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    plots = plot_all(results, figures)
    start = runs[0].records["start"][0]
    config = start["config"]
    steps = config["steps"]
    tokens = runs[0].records["step"][-1]["tokens"]
    minutes = statistics.mean(run.end["seconds"] for run in runs) / 60
    text = f"""{cpu_name()}, {datetime.date.today()}, `scripts/experiments/arenas --steps {steps}`: {len(runs)} runs of {steps}
steps with {tokens / 1e6:.2f} M tokens, which is {tokens / start["train_tokens"]:.1f} times the training text ({start["train_tokens"]} tokens);
{start["weights"] / 1e6:.2f} M weights; {minutes:.1f} minutes each on the average. {overfitting(results)}

Losses are nats per token of the validation text ({start["validation_tokens"]} tokens), at the end, where lambda
is 0; mean ± standard deviation over the seeds. Bits per weight are those of the linear layers, scales included.
"As compiled" has the weights of the checkpoint, in {config["dtype"]}, and scales in f16.

{losses_table(results)}
{circle(results)}
"""
    text += "\n".join(f"* {claim}" for claim in claims(results))
    text += f"""

Effective rank and share of trapped weights, means of layers and seeds, at a share of the steps. A weight is
trapped if its trit has not changed for {config["trapped_steps"]} steps.

{diagnostics_table(results)}
"""
    text += "\n\n".join(f"![{alt}](figures/training-{name}.svg)" for name, alt in plots.items())
    replace_section(document, "scripts/experiments/arenas", text, docs / document.name)
    print(f"arenas: wrote {docs / document.name} and {figures}/training-*.svg", file=sys.stderr)
    for name in list_open(results):
        print(f"arenas: {name}: perplexities differ beyond the limits: see {folder / name}/compiled.json", file=sys.stderr)
    return not list_open(results)
