#!/usr/bin/env python3
# ===- check_score.py - Log-likelihoods and events ------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_score.py MODEL.so FOLDER
#
# What sherry-run --score and --json say must fit what --perplexity and
# --tokens say of the same text.
#
# ===----------------------------------------------------------------------=== #
import json
import math
import pathlib
import subprocess
import sys

TEXT = "ROMEO:\nI am the king of this fair world, and will not speak."


def run(*command, text=""):
    process = subprocess.run(
        list(map(str, command)),
        input=text,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return process.stdout


def score(model, *requests):
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    output = run("sherry-run", model, "--score", "-", text=lines)
    return list(map(json.loads, output.splitlines()))


def main():
    model, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    file = folder / "text"
    file.write_text(TEXT)
    lines = run("sherry-run", model, "--perplexity", file, "-q").splitlines()
    values = dict(line.split(": ") for line in lines if ": " in line)

    first, *_ = run("sherry-tokenize", model, "-f", file, "--pieces", "--no-bos").split(
        "\n"
    )
    start = first.split('"')[1]
    whole = {"id": "x", "context": start, "continuation": TEXT[len(start) :]}
    (result,) = score(model, whole)
    assert result["id"] == "x"
    assert result["tokens"] == int(values["tokens"]), result
    assert math.isclose(-result["loglikelihood"], float(values["nll"]), abs_tol=1e-4)

    # Its parts add up, whatever was read before; spaces go along.
    places = [TEXT.index(" the"), TEXT.index(" of"), TEXT.index(", and"), len(TEXT)]
    begins = [len(start), *places]
    parts = [
        {"context": TEXT[:begin], "continuation": TEXT[begin:end]}
        for begin, end in zip(begins, places)
    ]
    parts[1]["context"] += " "
    parts[1]["continuation"] = parts[1]["continuation"][1:]
    together = score(model, *parts)
    alone = [score(model, part)[0] for part in parts]
    assert together == alone
    total = sum(part["loglikelihood"] for part in together)
    assert math.isclose(total, result["loglikelihood"], abs_tol=1e-4)

    # Events: what is greedily picked is the likeliest, and scores as it says.
    output = run(
        *("sherry-run", model, "-p", "ROMEO:", "-n", "8", "--temp", "0"),
        *("--json", "--logprobs", "3", "-q"),
    )
    *events, end = map(json.loads, output.splitlines())
    assert [event["event"] for event in events] == ["token"] * 8
    assert end["event"] == "end" and end["reason"] == "length"
    assert "".join(event["text"] for event in events) + end["rest"] == end["text"]
    for event in events:
        best = event["top"][0]
        assert len(event["top"]) == 3
        assert (best["token"], best["logprob"]) == (event["token"], event["logprob"])
        assert best["logprob"] > event["top"][1]["logprob"]
    (result,) = score(model, {"context": "ROMEO:", "continuation": end["text"]})
    assert result["is_greedy"] and result["tokens"] == 8
    total = sum(event["logprob"] for event in events)
    assert math.isclose(total, result["loglikelihood"], abs_tol=1e-4)

    # A full context ends an answer, or its older half is forgotten. Until then
    # nothing changes.
    command = ("sherry-run", model, "-p", "ROMEO:", "-n", "60", "-c", "32", "-q")
    command += ("--seed", "3", "--json")
    stopped = run(*command).splitlines()
    shifted = run(*command, "--context-shift").splitlines()
    assert json.loads(stopped[-1])["reason"] == "context full"
    assert json.loads(shifted[-1])["reason"] == "length" and len(shifted) == 61
    assert stopped[:-1] == shifted[: len(stopped) - 1] and len(stopped) < 40


if __name__ == "__main__":
    main()
