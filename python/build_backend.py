#!/usr/bin/env python3
# ===- build_backend.py - Makes the wheel, with the standard library -----=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: build_backend.py FOLDER
#
# Writes the wheel into FOLDER. Also a build backend of PEP 517, for pip. The same
# sources give the same bytes.
#
# ===----------------------------------------------------------------------=== #
import base64
import gzip
import hashlib
import io
import pathlib
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
SUMMARY = "Compiles and runs ternary language models"


def find(name):
    """A file of this folder, as in an sdist, or of the repository."""
    return next(path for path in (HERE / name, HERE.parent / name) if path.exists())


def read_version():
    return find("VERSION").read_text().strip()


def make_metadata():
    return (
        "Metadata-Version: 2.1\n"
        "Name: sherry\n"
        f"Version: {read_version()}\n"
        f"Summary: {SUMMARY}\n"
        "License: Apache-2.0 WITH LLVM-exception\n"
        "Requires-Python: >=3.8\n"
        "Requires-Dist: numpy\n"
    ).encode()


def list_files():
    """Contents by their names in a wheel, without the metadata."""
    files = {
        f"sherry/{path.name}": path.read_bytes()
        for path in sorted((HERE / "sherry").iterdir())
        if path.suffix == ".py" or path.name == "py.typed"
    }
    files["sherry/VERSION"] = find("VERSION").read_bytes()
    return files


def describe(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"{name},sha256={digest.rstrip(b'=').decode()},{len(content)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    stem = f"sherry-{read_version()}"
    info = f"{stem}.dist-info"
    files = list_files()
    files[f"{info}/METADATA"] = make_metadata()
    files[f"{info}/LICENSE"] = find("LICENSE").read_bytes()
    files[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: sherry\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = "".join(describe(*file) for file in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)  # of 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return name


def build_sdist(sdist_directory, config_settings=None):
    stem = f"sherry-{read_version()}"
    files = {"PKG-INFO": make_metadata()}
    for name in ("VERSION", "LICENSE", "pyproject.toml", "build_backend.py"):
        files[name] = find(name).read_bytes()
    files.update({k: v for k, v in list_files().items() if k != "sherry/VERSION"})
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")  # of 1970-01-01
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    target = pathlib.Path(sdist_directory) / f"{stem}.tar.gz"
    target.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return f"{stem}.tar.gz"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: build_backend.py FOLDER")
    print(build_wheel(sys.argv[1]))
