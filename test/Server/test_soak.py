# ===- test_soak.py - A server that runs for long -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""What needs thousands of requests to be seen."""
import contextlib
import random
import re
import socket
import unittest

import serving

COUNT = 10000


def memory(server):
    """Bytes that the process holds for itself, in memory or swapped out."""
    with open(f"/proc/{server.process.pid}/status") as file:
        text = file.read()
    return 1024 * sum(
        int(re.search(rf"{name}:\s+(\d+)", text).group(1))
        for name in ("RssAnon", "VmSwap")
    )


def by_schema(schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


class SoakTest(unittest.TestCase):
    # ollama 18106; LM Studio 2105; llama.cpp 22629: each prompt takes memory.
    def test_memory_stays_and_counts_add_up(self):
        with serving.Server("--slots", "8", "-q") as server:
            asked = [self.ask_many(server, COUNT // 10, 0)]
            before = memory(server)
            asked.append(self.ask_many(server, COUNT - COUNT // 10, 1))
            self.assertLess(memory(server) - before, 16 << 20)
            server.await_idle()
            replies = sum(
                float(value)
                for value in re.findall(
                    r'requests_total{route="/v1/completions",status="(?:200|400|499)"} (\S+)',
                    server.get("/metrics")[1].decode(),
                )
            )
            self.assertEqual(replies, sum(asked))

    def ask_many(self, server, count, seed):
        def ask(part):
            chance = random.Random(f"{seed} {part}")
            connection = server.connect()
            for _ in range(count // 4):
                body = {
                    "prompt": [chance.randrange(256) for _ in range(chance.randrange(1, 200))],
                    "max_tokens": chance.randrange(12),
                    "logprobs": 5,
                    "echo": chance.random() < 0.5,
                    "temperature": 1,
                }
                kind = chance.random()
                if kind < 0.1:
                    body["top_p"] = chance.choice([-1, "x", [], 1e300])
                if kind < 0.8:
                    server.post("/v1/completions", body, connection=connection)
                    continue
                with server.raw() as other, contextlib.suppress(OSError):
                    other.sendall(serving.http_post("/v1/completions", body))
                    if kind < 0.9:
                        other.shutdown(socket.SHUT_WR)
                        serving.read_all(other)
            connection.close()

        serving.together([lambda part=part: ask(part) for part in range(4)])
        return count // 4 * 4

    # vLLM 16283 (GHSA-389x-67px-mjg3): each schema does.
    def test_many_schemas_take_no_more_memory_than_some(self):
        with serving.Server() as server:
            self.ask_for_schemas(server)

    def ask_for_schemas(self, server):
        def ask(first, last):
            connection = server.connect()
            for i in range(first, last):
                schema = {"type": "string", "minLength": i, "maxLength": i + 9000}
                status, reply = server.post(
                    "/v1/completions",
                    {
                        "prompt": "x",
                        "max_tokens": 0,
                        "response_format": by_schema({**schema, "title": "t" * 60000}),
                    },
                    connection=connection,
                )
                self.assertEqual(status, 200, reply)
            connection.close()

        ask(0, 600)  # 36 MB of texts
        before = server.metric("process_resident_memory_bytes")
        ask(600, 1200)
        after = server.metric("process_resident_memory_bytes")
        self.assertLess(after - before, 16 << 20)

    # llama.cpp 25158: who waits long is taken for dead by what is between.
    def test_a_stream_that_waits_says_that_it_lives(self):
        with serving.Server("--slots", "1", "-q") as server:
            with server.raw() as first, server.raw() as second:
                body = {"prompt": [[1]] * 30, "n": 16, "max_tokens": 2000, "ignore_eos": True}
                first.sendall(serving.http_post("/v1/completions", body))
                server.await_metric("sherry_requests_running", 1)
                body = {"prompt": [1], "max_tokens": 1, "stream": True}
                second.sendall(serving.http_post("/v1/completions", body))
                data = b""
                while b": ping\n\n" not in data:
                    data += second.recv(65536)
                self.assertNotIn(b"data: ", data)


serving.main()
