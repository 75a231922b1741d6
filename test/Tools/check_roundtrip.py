#!/usr/bin/env python3
# ===- check_roundtrip.py - Any bytes to tokens and back ------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_roundtrip.py MODEL FOLDER
#
# Texts of all kinds become tokens and the same bytes again, in a time that
# grows with their length only: a megabyte takes seconds of the processor at most.
# The symbol that SentencePiece writes for a space may become one.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import random
import resource
import subprocess
import sys

MEGABYTE = 1_000_000
# Of the processor, whatever else it does; linear texts take tenths of a second,
# quadratic ones minutes.
MAX_SECONDS = 20
EMOJI = ["😀", "👩‍👩‍👧", "e\u0301", "漢", "ا", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\u200d"]


def make_texts():
    rng = random.Random(7)

    def draw(characters, count):
        return "".join(rng.choices(characters, k=count)).encode()

    def any_character():
        low, high = rng.choice([(0, 0xD800), (0xE000, 0x110000)])
        return chr(rng.randrange(low, high))

    yield "nothing", b""
    yield "one letter over and over", b"a" * MEGABYTE
    yield "letters without spaces", draw("abcdefghijklmnopqrstuvwxyz", MEGABYTE)
    yield "digits", draw("0123456789", MEGABYTE)
    yield "punctuation", draw("!?.,;:-#$%&'", MEGABYTE)
    yield "spaces", b" " * MEGABYTE
    yield "white space", draw(" \n\t\r", MEGABYTE)
    yield "emoji", draw(EMOJI, MEGABYTE // 10)
    yield "any characters", "".join(any_character() for _ in range(MEGABYTE // 4)).encode()
    yield "invalid UTF-8", rng.randbytes(MEGABYTE)
    yield "cut characters", "漢字".encode()[:-1] + b"x\xc3"
    yield "names of special tokens", b"</s><s><|endoftext|><|begin_of_text|><unk><0x41>"
    yield "the symbol for a space", "a\u2581b \u2581\u2581 c".encode()
    for number in range(20):
        words = [rng.choice(["", " ", "  ", "\n", "\t ", "\u00a0", "\u3000"]) for _ in range(40)]
        words += [any_character() for _ in range(40)] + ["it's", "I'LL", "12345", "a.b"]
        rng.shuffle(words)
        yield f"mixture {number}", "".join(words).encode()


def run(*command):
    # A process that takes longer is killed.
    limit = resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS)
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: resource.setrlimit(*limit),
    ).stdout


def main():
    model, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    text_file, id_file = folder / "text", folder / "ids"
    for name, text in make_texts():
        text_file.write_bytes(text)
        options = ("--no-bos", "--no-special")
        id_file.write_bytes(run("sherry-tokenize", model, "-f", text_file, *options))
        again = run("sherry-tokenize", model, "-f", id_file, "--decode")
        if again not in (text, text.replace("\u2581".encode(), b" ")):
            place = next(
                (i for i, (a, b) in enumerate(zip(again, text)) if a != b),
                min(len(again), len(text)),
            )
            sys.exit(f"{name}: differs from byte {place} on: {again[place:][:20]}")
        print(f"{name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
