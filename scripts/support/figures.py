# ===- figures.py - Tables, plots and the sections that hold them ---------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Shared code of the scripts that measure. A failure ends the program with a message.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass

# Colours of the curves, in order; the colour-blind can distinguish them (Okabe and Ito).
COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]


def fail(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: error: {message}")


def run(*command):
    """Runs a program; returns its standard output and standard error."""
    words = [str(word) for word in command]
    print("$ " + shlex.join(words), file=sys.stderr)
    try:
        process = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        fail(f"{words[0]}: {error.strerror}")
    if process.returncode != 0:
        fail(f"{words[0]} failed:\n{process.stderr}")
    return process.stdout, process.stderr


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def cpu_name():
    with open("/proc/cpuinfo") as file:
        match = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return match.group(1) if match else "unknown CPU"


@dataclass
class Curve:
    points: list  # of (x, y)
    name: str = ""  # empty: not in the key
    color: int = 0  # index into COLORS, modulo their number
    marks: bool = True
    width: float = 2
    dashed: bool = False


def plot(path, title, xlabel, ylabel, curves, *, ticks=None, log_scale=False, from_zero=True):
    """Writes an SVG. `ticks` and `log_scale` are for the x axis."""

    # Like JSON, except for characters beyond ASCII.
    def text(value):
        return json.dumps(str(value), ensure_ascii=False)

    commands = [
        "set encoding utf8",
        "set terminal svg size 640,400 font 'sans-serif,12' background 'white'",
        f"set output {text(path)}",
        f"set title {text(title)} noenhanced",
        f"set xlabel {text(xlabel)} noenhanced offset 0,0.4",
        f"set ylabel {text(ylabel)} noenhanced",
        "set key outside below maxcols 3 noenhanced",
        "set grid ytics",
    ]
    if from_zero:
        commands.append("set yrange [0:*]")
    if ticks:
        commands.append("set xtics (" + ", ".join(map(str, ticks)) + ")")
    if log_scale:
        commands.append("set logscale x 2")
    styles = []
    for number, curve in enumerate(curves):
        points = "\n".join(f"{x} {y}" for x, y in curve.points)
        commands.append(f"$data{number} << END\n{points}\nEND")
        style = "linespoints pt 7 ps 0.4" if curve.marks else "lines"
        if curve.dashed:
            style += " dt 2"
        title = f"title {text(curve.name)}" if curve.name else "notitle"
        color = COLORS[curve.color % len(COLORS)]
        styles.append(f"$data{number} with {style} lw {curve.width} lc rgb '{color}' {title}")
    commands.append("plot " + ", ".join(styles))
    script = "\n".join(commands) + "\n"
    try:
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    except FileNotFoundError:
        fail("there is no gnuplot; install the Debian package gnuplot-nox")
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"gnuplot: {error}")


def replace_section(document, writer, text, target):
    """Writes `document` to `target` with `text` between the lines of `writer`."""
    begin, end = f"<!-- figures: written by {writer} -->", "<!-- end of figures -->"
    before = document.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(before):
        fail(f"{document} has no lines '{begin}' and '{end}'")
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    target.write_text(pattern.sub(lambda _: section, before))
