# ===- test_package.py - The wheel, the compiler, the demo ---------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import base64
import hashlib
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile

import sherry
import support

SOURCES = pathlib.Path(sherry.__file__).resolve().parents[1]
EXAMPLE = SOURCES.parent / "examples" / "shakespeare"


def build(sources, folder):
    os.makedirs(folder)
    command = [sys.executable, "-B", os.path.join(sources, "build_backend.py"), folder]
    name = subprocess.check_output(command, encoding="utf-8").strip()
    return os.path.join(folder, name)


class PackageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=support.FOLDER)
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_python(self, *arguments, path):
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(
            [sys.executable, "-B", *arguments],
            env=environment, cwd=self.folder, capture_output=True, encoding="utf-8",
        )  # fmt: skip

    def test_wheel(self):
        wheel = build(SOURCES, self.path("a"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.path("site"))
            record = next(n for n in archive.namelist() if n.endswith("/RECORD"))
            lines = archive.read(record).decode().splitlines()
            self.assertEqual(len(lines), len(archive.namelist()))
            for line in lines:
                name, digest, size = line.split(",")
                if name != record:
                    content = archive.read(name)
                    own = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
                    self.assertEqual(digest, "sha256=" + own.decode().rstrip("="))
                    self.assertEqual(int(size), len(content))
        # It runs by itself.
        done = self.run_python("-m", "sherry", "--version", path=self.path("site"))
        self.assertEqual(done.stdout.strip(), sherry.__version__)
        done = self.run_python(
            "-m", "sherry", support.MODEL, "-p", "ROMEO:", "-n", "5", path=self.path("site")
        )
        self.assertRegex(done.stdout, r"^ROMEO:.*\w")
        # The same sources give the same bytes, also those of an sdist.
        sys.path.insert(0, str(SOURCES))
        import build_backend

        name = build_backend.build_sdist(self.folder)
        first = pathlib.Path(self.path(name)).read_bytes()
        os.remove(self.path(name))
        time.sleep(1.1)  # archives may have the seconds of the clock
        build_backend.build_sdist(self.folder)
        self.assertEqual(first, pathlib.Path(self.path(name)).read_bytes())
        with tarfile.open(self.path(name)) as archive:
            archive.extractall(self.folder)
        again = build(self.path(name[: -len(".tar.gz")]), self.path("b"))
        self.assertEqual(pathlib.Path(wheel).read_bytes(), pathlib.Path(again).read_bytes())

    def test_compile(self):
        output = sherry.compile(EXAMPLE, self.path("m.mlir"), emit="sherry", max_block=64)
        self.assertIn("sherry.linear", output.read_text())
        # Names may have dots; the default is in the working folder.
        os.symlink(EXAMPLE, self.path("shakespeare-0.6M"))
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            output = sherry.compile("shakespeare-0.6M", emit="sherry")
            self.assertEqual(os.fspath(output), "shakespeare-0.6M.so")
        finally:
            os.chdir(before)
        with self.assertRaisesRegex(sherry.Error, "config.json"):
            sherry.compile(self.folder, self.path("none.so"), no_quantize=True, strict=False)
        with self.assertRaisesRegex(sherry.Error, "unknown"):
            sherry.compile(EXAMPLE, self.path("none.so"), unknown_option=1)

    def test_demo(self):
        done = self.run_python("-m", "sherry", "-n", "5", path=str(SOURCES))
        self.assertRegex(done.stdout, r"^First Citizen:.*\w")
        done = self.run_python("-m", "sherry", self.path("none.so"), path=str(SOURCES))
        self.assertEqual(done.returncode, 1)
        self.assertIn("sherry: error:", done.stderr)

    def test_without_library(self):
        environment = {**os.environ, "SHERRY_LIBRARY": self.path("none.so")}
        done = subprocess.run(
            [sys.executable, "-B", "-c", "import sherry"],
            env=environment, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        self.assertIn("install the package sherry-runtime", done.stderr)


support.main()
