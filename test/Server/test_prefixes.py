# ===- test_prefixes.py - What was read, in files -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import os
import pathlib
import shutil
import time
import unittest

import serving

FOLDER = pathlib.Path(serving.MODEL).parent / "prefixes"
PROMPT = [i * 7 % 256 for i in range(1000)]
BODY = {"prompt": PROMPT + [1, 2, 3], "max_tokens": 5, "temperature": 0, "logprobs": 1}


def cached(reply):
    return reply["usage"]["prompt_tokens_details"]["cached_tokens"]


class PrefixesTest(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(FOLDER, ignore_errors=True)

    def serve(self, *options):
        return serving.Server("--prefix-cache", str(FOLDER), *options)

    def await_files(self, count):
        end = time.monotonic() + serving.PATIENCE
        while len(files := list(FOLDER.rglob("*.tokens"))) != count:
            self.assertLess(time.monotonic(), end, files)
            time.sleep(0.02)
        return files

    def test_prompts_are_known_to_later_processes(self):
        with self.serve() as server:
            first = server.complete(**BODY)
            self.assertEqual(cached(first), 0)
            self.await_files(1)
        with self.serve() as server:
            second = server.complete(**BODY)
            self.assertEqual(cached(second), 1002)
            self.assertEqual(first["choices"], second["choices"])
            # Another one that begins alike.
            other = server.complete(**{**BODY, "prompt": PROMPT + [9]})
            self.assertEqual(cached(other), 1000)
            # Nothing in a file is known of these.
            echo = server.complete(**{**BODY, "echo": True, "max_tokens": 1})
            self.assertEqual(cached(echo), 0)
        with serving.Server() as server:
            alone = server.complete(**{**BODY, "prompt": PROMPT + [9]})
            self.assertEqual(other["choices"], alone["choices"])

    def test_short_prompts_are_not_kept(self):
        with self.serve() as server:
            server.complete(**{**BODY, "prompt": PROMPT[:100]})
            server.complete(**BODY)
            self.await_files(1)

    def test_clients_with_keys_share_no_files(self):
        keys = FOLDER.parent / "prefix-keys.txt"
        keys.write_text("one\ntwo\n")
        options = ["--api-key-file", str(keys)]

        def ask(server, key):
            headers = {"Authorization": f"Bearer {key}"}
            status, reply = server.post("/v1/completions", BODY, headers=headers)
            self.assertEqual(status, 200, reply)
            return cached(reply)

        with self.serve(*options) as server:
            self.assertEqual(ask(server, "one"), 0)
            self.await_files(1)
        # The order of the keys does not matter.
        keys.write_text("two\none\n")
        with self.serve(*options) as server:
            self.assertEqual(ask(server, "two"), 0)
            self.assertEqual(ask(server, "one"), 1002)

    def test_damaged_files_are_evaluated_anew(self):
        with self.serve() as server:
            first = server.complete(**BODY)
            (tokens,) = self.await_files(1)
        self.assertEqual(tokens.parent.stat().st_mode & 0o077, 0)
        pages = tokens.with_suffix(".kv")
        data = bytearray(pages.read_bytes())
        data[len(data) // 2] ^= 1
        pages.write_bytes(data)
        with self.serve() as server:
            second = server.complete(**BODY)
            self.assertEqual(cached(second), 0)
            self.assertEqual(first["choices"], second["choices"])
            self.await_files(1)
        # Whatever else lies there.
        tokens.write_bytes(b"abc")
        (tokens.parent / "x-1.tokens").write_bytes(os.urandom(4000))
        (tokens.parent / "x-1.kv").write_bytes(b"")
        orphan = tokens.parent / "x-2.kv"
        orphan.write_bytes(b"x" * 1000)
        with self.serve() as server:
            self.assertEqual(server.complete(**BODY)["choices"], first["choices"])
            self.assertFalse(orphan.exists())

    def test_the_oldest_files_go(self):
        with self.serve("--prefix-cache-bytes", "3000000") as server:
            for i in range(4):
                server.complete(**{**BODY, "prompt": [i] + PROMPT})
                server.await_idle()
            size = sum(file.stat().st_size for file in FOLDER.rglob("*.kv"))
            self.assertGreater(size, 0)
        with self.serve() as server:
            self.assertEqual(cached(server.complete(**{**BODY, "prompt": [0] + PROMPT})), 0)

    def test_a_folder_that_cannot_be_used_is_named(self):
        FOLDER.write_text("")
        done = serving.subprocess.run(
            [serving.SERVE, serving.MODEL, "--port", "0", "--prefix-cache", str(FOLDER)],
            capture_output=True,
            text=True,
        )
        FOLDER.unlink()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not a folder for prefixes", done.stderr)


serving.main()
