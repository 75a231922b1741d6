# ===- test_http.py - HTTP as strangers speak it --------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import json
import random
import socket
import time
import unittest

import serving

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


def status_of(data):
    return int(data.split(b" ", 2)[1]) if data else None


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serving.Server("--max-body", "10000", "--request-timeout", "1")
        cls.addClassCleanup(cls.server.close)

    def tearDown(self):
        self.assertEqual(self.server.get("/health")[0], 200)

    def send(self, data):
        return self.server.send(data)

    def test_requests_may_come_in_any_pieces(self):
        whole = serving.http_post("/tokenize", {"content": "Hello"})
        with self.server.raw() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for size in (1, 7):
                for i in range(0, len(whole), size):
                    connection.sendall(whole[i : i + size])
                self.assertIn(b'"count":3', connection.recv(65536))

    def test_requests_may_come_ahead(self):
        last = GET + b"Connection: close\r\n\r\n"
        data = self.send((GET + b"\r\n") * 50 + last)
        self.assertEqual(data.count(b"HTTP/1.1 200"), 51)
        # Of the same connection, in order.
        posts = b"".join(
            serving.http_post("/tokenize", {"content": "x" * (i + 1)}) for i in range(9)
        )
        data = self.send(posts + last)
        counts = [
            json.loads(part.split(b"\r\n\r\n")[1])["count"]
            for part in data.split(b"HTTP/1.1 ")[1:-1]
        ]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(len(counts), 9)

    def test_chunked_bodies_are_read(self):
        body = b'{"content": "Hello"}'
        head = (
            b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunks = b"".join(b"1\r\n" + body[i : i + 1] + b"\r\n" for i in range(len(body)))
        self.assertIn(b'"count":3', self.send(head + chunks + b"0\r\n\r\n"))
        for bad in (b"x\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabcdefg\r\n"):
            self.assertIn(status_of(self.send(head + bad + b"\r\n0\r\n\r\n")), (400, 413))

    def test_what_two_servers_could_read_differently_is_refused(self):
        for fields in (
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Content-Length: -5\r\n",
            b"Content-Length: 0x5\r\n",
            b"Content-Length : 5\r\n",
            b"Host: other\r\n",
            b"Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n",
            b"Bad Name: x\r\n",
            b"A: \x00\r\n",
        ):
            data = self.send(
                b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\nabcde"
                b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
            self.assertEqual(status_of(data), 400, (fields, data))
            self.assertEqual(data.count(b"HTTP/1.1"), 1, fields)

    def test_what_is_too_large_is_refused(self):
        self.assertEqual(status_of(self.send(GET + b"A: " + b"x" * 10**6)), 431)
        self.assertEqual(
            status_of(self.send(GET + b"".join(b"A%d: x\r\n" % i for i in range(10**5)))),
            431,
        )
        self.assertIn(
            status_of(self.send(b"GET /" + b"x" * 10**5 + b" HTTP/1.1\r\n\r\n")),
            (400, 431),
        )
        status, error = self.server.post("/tokenize", {"content": "x" * 20000})
        self.assertEqual(status, 413)

    def test_who_expects_to_be_told_is_told(self):
        with self.server.raw() as connection:
            connection.sendall(
                b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n"
                b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
            )
            self.assertEqual(connection.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b'{"content": "Hello"}')
            self.assertIn(b'"count":3', connection.recv(65536))

    def test_who_is_told_to_go_on_must_do_so(self):
        data = self.send(
            b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n"
            b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n{"
        )
        self.assertIn(b"HTTP/1.1 408", data)

    def test_a_line_without_an_end_is_refused(self):
        head = b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        head += b"Content-Type: application/json\r\n\r\n"
        for line in (b"5;x=" + b"a" * 10**6, b"0\r\nA: " + b"x" * 10**6):
            self.assertEqual(status_of(self.send(head + line)), 431)

    def test_older_clients_are_served(self):
        body = b'{"prompt": "O", "max_tokens": 3, "stream": true}'
        data = self.send(
            b"POST /v1/completions HTTP/1.0\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )
        head, _, events = data.partition(b"\r\n\r\n")
        self.assertNotIn(b"chunked", head)
        self.assertTrue(events.startswith(b"data: {"), events)
        self.assertTrue(events.endswith(b"data: [DONE]\n\n"))

    def test_a_request_that_does_not_arrive_is_given_up(self):
        begin = time.monotonic()
        for part in (b"GET", GET, serving.http_post("/tokenize", {"content": "x"})[:-1]):
            data = self.send(part)
            self.assertIn(status_of(data), (408, None))
        self.assertLess(time.monotonic() - begin, serving.PATIENCE)

    def test_a_header_only_reply_has_no_body(self):
        data = self.send(b"HEAD /health HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n")
        self.assertEqual(status_of(data), 200)
        self.assertTrue(data.endswith(b"\r\n\r\n"))

    def test_noise_is_refused(self):
        chance = random.Random(3)
        valid = serving.http_post("/v1/completions", {"prompt": "x", "max_tokens": 1})
        for _ in range(60):
            data = bytearray(valid)
            for _ in range(chance.randrange(1, 5)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with self.server.raw() as connection:
                connection.sendall(bytes(data[: chance.randrange(1, len(data))]))

    def test_a_client_may_leave_at_any_byte_of_a_reply(self):
        body = {"prompt": "O", "max_tokens": 4, "stream": True}
        for size in range(1, 1500, 60):
            with self.server.raw() as connection:
                connection.sendall(serving.http_post("/v1/completions", body, close=True))
                left = size
                while left > 0 and (part := connection.recv(left)):
                    left -= len(part)
        self.server.await_idle()


serving.main()
