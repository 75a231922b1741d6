# ===- __main__.py - python -m sherry ------------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import argparse
import pathlib
import sys
import tempfile

from . import Error, Model, __version__, compile


def find_example() -> pathlib.Path:
    """The example model: in the sources, or where packages install it."""
    prefixes = [pathlib.Path(__file__).resolve().parents[2]]
    prefixes += [pathlib.Path(p) / "share/sherry" for p in (sys.prefix, "/usr/local", "/usr")]
    for prefix in prefixes:
        folder = prefix / "examples/shakespeare"
        if (folder / "config.json").exists():
            return folder
    raise Error("no example model; install the package sherry-compiler, or name a model")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sherry",
        description="Compiles a model, if it is not compiled yet, and lets it continue "
        "a text.",
    )
    parser.add_argument(
        "model",
        nargs="?",
        help="a compiled model, a Hugging Face folder or a GGUF file (default: the "
        "example, a small model of Shakespeare)",
    )
    parser.add_argument("-p", "--prompt", default="First Citizen:")
    parser.add_argument("-n", "--max-tokens", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(arguments.model or find_example())
            if path.suffix != ".so":
                path = compile(path, pathlib.Path(folder) / "model.so")
            with Model(path) as model:
                print(arguments.prompt, end="", flush=True)
                for text in model.stream(
                    arguments.prompt,
                    max_tokens=arguments.max_tokens,
                    temperature=arguments.temperature,
                    seed=arguments.seed,
                ):
                    print(text, end="", flush=True)
                print()
    except Error as error:
        print(f"sherry: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
