#!/usr/bin/env python3
# ===- check_nfc.py - NFC against Python's ---------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_nfc.py FOLDER
#
# Makes a byte-level tokenizer with the normalizer NFC. The tokens of a text are
# the text in NFC, which Python's is an independent implementation of. The
# characters are those of Unicode 3.2, whose forms are the same in all versions.
#
# ===----------------------------------------------------------------------=== #
import json
import pathlib
import random
import subprocess
import sys
import unicodedata

OLD = unicodedata.ucd_3_2_0


def make_tokenizer():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    names = {byte: chr(byte) for byte in printable}
    names.update({byte: chr(256 + i) for i, byte in enumerate(others)})
    return {
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel"}]},
        "model": {
            "type": "BPE",
            "vocab": {name: byte for byte, name in names.items()},
            "merges": [],
        },
    }


def make_texts():
    characters = [
        chr(c)
        for c in range(0x110000)
        if OLD.category(chr(c)) not in ("Cn", "Cs", "Co")
    ]
    active = [
        c
        for c in characters
        if OLD.combining(c) or OLD.decomposition(c) or "\u1100" <= c <= "\u11ff"
    ]
    marks = [c for c in active if OLD.combining(c)]
    rng = random.Random(5)
    yield "all characters, decomposed", " ".join(
        unicodedata.normalize("NFD", c) for c in characters
    )
    yield "all characters", " ".join(characters)
    yield "any characters", "".join(rng.choices(characters, k=100_000))
    yield "those that change", "".join(rng.choices(active, k=200_000))
    yield "letters and marks", "".join(
        rng.choice("aeoAÅḐ가각각") + "".join(rng.choices(marks, k=rng.randrange(5)))
        for _ in range(50_000)
    )
    yield "one letter and many marks", "a" + "".join(rng.choices(marks, k=2_000))


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(make_tokenizer()))
    text_file, id_file = folder / "text", folder / "ids"
    run = lambda *options: subprocess.run(
        ["sherry-tokenize", folder, *options], check=True, stdout=subprocess.PIPE
    ).stdout
    for name, text in make_texts():
        text_file.write_bytes(text.encode())
        id_file.write_bytes(run("-f", text_file))
        actual = run("-f", id_file, "--decode").decode()
        expected = unicodedata.normalize("NFC", text)
        if actual != expected:
            place = next(
                (i for i, (a, b) in enumerate(zip(actual, expected)) if a != b),
                min(len(actual), len(expected)),
            )
            sys.exit(
                f"{name}: {ascii(actual[place:][:8])}, not "
                f"{ascii(expected[place:][:8])}"
            )
        print(f"{name}: {len(text)} characters")


if __name__ == "__main__":
    main()
