# ===- test_clients.py - Clients that leave, stall or come in crowds ------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import contextlib
import json
import os
import resource
import signal
import socket
import struct
import time
import unittest

import serving

LONG = {"prompt": [1], "max_tokens": 2000, "ignore_eos": True, "temperature": 0}
EVALUATED = "sherry_prompt_tokens_evaluated_total"


def reset(connection):
    """Leaves so that the other side is told at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class ClientsTest(unittest.TestCase):
    # llama.cpp 24496, 11720, 13262: a slot works on for nobody.
    def test_who_leaves_costs_no_more(self):
        for is_stream in (True, False):
            for leave in (reset, socket.socket.close):
                with serving.Server("--slots", "1") as server:
                    running, queued = server.raw(), server.raw()
                    body = {**LONG, "stream": is_stream}
                    running.sendall(serving.http_post("/v1/completions", body))
                    server.await_metric("sherry_requests_running", 1)
                    prompt = {**LONG, "prompt": list(range(200))}
                    queued.sendall(serving.http_post("/v1/completions", prompt))
                    server.await_metric("sherry_requests_queued", 1)
                    leave(queued)
                    leave(running)
                    server.await_idle()
                    self.assertEqual(server.metric(EVALUATED), 1)
                    self.assertLess(
                        server.metric("sherry_generated_tokens_total"), 1990
                    )
                    server.complete(prompt="x", max_tokens=1)
                    self.assertEqual(server.metric("sherry_cancelled_total"), 2)

    # ik_llama.cpp 1020, 1134: so it does while a prompt is read.
    def test_who_leaves_while_the_prompt_is_read_costs_no_more(self):
        with serving.Server("--slots", "1") as server:
            for i in range(3):
                before = server.metric(EVALUATED)
                connection = server.raw()
                prompt = [(i + 3) * j % 256 for j in range(2000)]
                connection.sendall(
                    serving.http_post("/v1/completions", {**LONG, "prompt": prompt})
                )
                while server.metric(EVALUATED) == before:
                    pass
                reset(connection)
                server.await_idle()
                self.assertLess(server.metric(EVALUATED) - before, 2000)

    # llama.cpp 27604: one that leaves stops what others read.
    def test_who_leaves_does_not_disturb_others(self):
        with serving.Server("--slots", "2") as server:
            prompt = [7 * i % 256 for i in range(1900)]
            body = {"prompt": prompt, "max_tokens": 3, "temperature": 0}
            alone = server.complete(**body)["choices"][0]["text"]

            def leave_often():
                for _ in range(30):
                    connection = server.raw()
                    connection.sendall(
                        serving.http_post("/v1/completions", {**LONG, "stream": True})
                    )
                    connection.recv(1)
                    reset(connection)

            def ask():
                prompt[0] = (prompt[0] + 1) % 256
                return server.complete(**body)["choices"][0]["text"]

            serving.together([leave_often, ask])
            prompt[0] = 0
            self.assertEqual(server.complete(**body)["choices"][0]["text"], alone)
            server.await_idle()

    # llama.cpp 20684, 20799; ik_llama.cpp 1210: no health while it is busy.
    def test_the_server_tells_of_itself_while_all_slots_are_busy(self):
        with serving.Server(
            "--slots", "1", "--max-queued", "2", "--max-unsent", str(10**9)
        ) as server:
            with contextlib.ExitStack() as stack:
                idle = [stack.enter_context(server.raw()) for _ in range(200)]
                for waiting in range(3):
                    connection = stack.enter_context(server.raw())
                    body = {**LONG, "stream": True, "logprobs": 20}
                    connection.sendall(serving.http_post("/v1/completions", body))
                    server.await_metric("sherry_requests_running", 1)
                    server.await_metric("sherry_requests_queued", waiting)
                self.assertEqual(server.get("/health")[0], 200)
                self.assertEqual(server.get("/slots")[1]["active"], 1)
                self.assertGreater(server.metric("sherry_connections"), 200)
                connection = server.connect()
                status, error = server.post("/v1/completions", LONG, connection=connection)
                self.assertEqual(
                    (status, error["error"]["code"]), (429, "queue_full")
                )
                connection.request(
                    "POST", "/v1/completions", json.dumps(LONG),
                    {"Content-Type": "application/json"},
                )  # fmt: skip
                self.assertEqual(connection.getresponse().getheader("Retry-After"), "1")
                connection.close()
                del idle
            server.await_idle()

    def test_who_does_not_read_is_cut_off(self):
        with serving.Server("--slots", "1", "--max-unsent", "20000") as server:
            with server.raw() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                body = {**LONG, "stream": True, "logprobs": 20, "n": 16}
                connection.sendall(serving.http_post("/v1/completions", body))
                server.await_idle()
                self.assertLess(
                    server.metric("sherry_generated_tokens_total"), 16 * 2000
                )
            server.complete(prompt="x", max_tokens=1)

    def test_who_reads_gets_an_event_of_any_size(self):
        with serving.Server("--slots", "1", "--max-unsent", "20000") as server:
            body = {"prompt": [1] * 500, "echo": True, "logprobs": 20, "max_tokens": 3}
            events = list(server.stream("/v1/completions", body))
            self.assertIsNone(events[-1])
            self.assertGreater(len(json.dumps(events[0])), 10000)

    def test_who_leaves_gives_back_his_place_in_the_queue(self):
        with serving.Server("--slots", "1", "--max-queued", "2") as server:
            with server.raw() as running:
                running.sendall(serving.http_post("/v1/completions", LONG))
                server.await_metric("sherry_requests_running", 1)
                queued = [server.raw() for _ in range(2)]
                for connection in queued:
                    connection.sendall(serving.http_post("/v1/completions", LONG))
                server.await_metric("sherry_requests_queued", 2)
                for connection in queued:
                    reset(connection)
                end = time.monotonic() + serving.PATIENCE
                with server.raw() as other:
                    while True:  # until the server has noticed
                        other.sendall(serving.http_post("/v1/completions", LONG))
                        other.settimeout(0.3)
                        try:
                            answer = other.recv(65536)
                        except TimeoutError:
                            break  # it waits
                        if b" 429 " not in answer:  # or had its turn already
                            self.assertIn(b" 200 ", answer)
                            break
                        self.assertLess(time.monotonic(), end)

    def test_a_moment_without_descriptors_passes(self):
        with open(serving.SERVE, "rb") as program:
            if b"__ubsan_handle" in program.read():
                self.skipTest("the sanitizer itself needs descriptors")
        few = (60, 60)
        with serving.Server(
            "-q", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few)
        ) as server:
            with contextlib.ExitStack() as stack:
                for _ in range(80):
                    stack.enter_context(server.raw())
                time.sleep(0.1)
            end = time.monotonic() + serving.PATIENCE
            while True:
                with contextlib.suppress(OSError, serving.http.client.HTTPException):
                    if server.get("/health")[0] == 200:
                        break
                self.assertLess(time.monotonic(), end)

    def test_a_log_that_is_full_stops_nobody(self):
        def fill():
            os.dup2(os.open("/dev/full", os.O_WRONLY), 2)

        with serving.Server(before=fill) as server:
            for i in range(3):
                server.complete(prompt="x", max_tokens=1, **{f"strange{i}": 1})

    def test_connections_beyond_the_limit_are_closed(self):
        with serving.Server("--max-connections", "3") as server:
            with contextlib.ExitStack() as stack:
                held = [stack.enter_context(server.raw()) for _ in range(3)]
                for connection in held:
                    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    self.assertIn(b"200", connection.recv(65536))
                with server.raw() as other:
                    self.assertEqual(serving.read_all(other), b"")
            end = time.monotonic() + serving.PATIENCE
            while True:  # until the server has noticed
                with contextlib.suppress(OSError, serving.http.client.HTTPException):
                    if server.get("/health")[0] == 200:
                        break
                self.assertLess(time.monotonic(), end)


class EndTest(unittest.TestCase):
    # surogate 137: the end cuts off what is under way.
    def test_sigterm_lets_replies_end(self):
        server = serving.Server("--slots", "1", "--drain", "600")
        body = {**LONG, "max_tokens": 300}
        events = server.stream("/v1/completions", body)
        next(events)
        server.process.send_signal(signal.SIGTERM)
        rest = list(events)
        self.assertIsNone(rest[-1])
        self.assertEqual(rest[-2]["choices"][0]["finish_reason"], "length")
        self.assertEqual(server.process.wait(serving.PATIENCE), 0)
        server.close()

    def test_what_takes_too_long_ends_with_an_error(self):
        server = serving.Server("--slots", "1", "--drain", "0")
        events = server.stream("/v1/completions", {**LONG, "max_tokens": 2040})
        next(events)
        server.process.send_signal(signal.SIGTERM)
        rest = list(events)
        self.assertIn("the server ends", json.dumps(rest[-1]))
        self.assertEqual(server.process.wait(serving.PATIENCE), 0)
        server.close()

    def test_the_end_waits_for_nobody(self):
        server = serving.Server("--slots", "1")
        words = [{"type": "text", "text": "x" * 900000}]
        heavy = {"messages": [{"role": "user", "content": words}] * 4}
        with contextlib.ExitStack() as stack:
            for body in (heavy,) * 4:
                connection = stack.enter_context(server.raw())
                connection.sendall(serving.http_post("/v1/chat/completions", body))
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(serving.PATIENCE), 0)
        server.close()

    def test_an_idle_server_ends_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = serving.Server()
            with server.raw():
                server.process.send_signal(number)
                self.assertEqual(server.process.wait(serving.PATIENCE), 0)
            server.close()


serving.main()
