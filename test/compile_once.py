#!/usr/bin/env python3
# ===- compile_once.py - sherry-compile, once for all tests ---------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: compile_once.py CACHE sherry-compile MODEL [OPTION]... -o OUTPUT
#
# Runs the command; what the same compiler made of the same model with the same
# options is copied from the folder CACHE. For tests of what is done with a model.
#
# ===----------------------------------------------------------------------=== #
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys


def describe(path):
    """What changes if a file, or one in a folder, does."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    stats = [(file.name, file.stat()) for file in files]
    return [(name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def make_key(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def find_folder(cache, compiler):
    """Where the files of this compiler are; those of others are removed."""
    folder = cache / make_key(describe(pathlib.Path(compiler).resolve()))
    if not folder.exists():
        shutil.rmtree(cache, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def main():
    cache, compiler, model, *options, flag, output = sys.argv[1:]
    if flag != "-o":
        sys.exit("compile_once.py: the command must end in -o OUTPUT")
    key = make_key(
        describe(pathlib.Path(model)),
        os.path.abspath(model),
        options,
        os.environ.get("SHERRY_WITHOUT_CPU_FEATURES"),
        subprocess.check_output([pathlib.Path(compiler).with_name("sherry-cpu-features")]),
    )
    cache = pathlib.Path(cache)
    with open(f"{cache}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = find_folder(cache, compiler) / key
    # Who comes second waits for the first.
    with open(f"{kept}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = kept.with_suffix(".part")
            status = subprocess.run([compiler, model, *options, "-o", made]).returncode
            if status:
                sys.exit(status)
            made.rename(kept)
    shutil.copyfile(kept, output)


if __name__ == "__main__":
    main()
