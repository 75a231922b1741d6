# ===- test_access.py - Who may ask ----------------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import contextlib
import os
import unittest

import serving

COMPLETIONS, CHATS = "/v1/completions", "/v1/chat/completions"


class AccessTest(unittest.TestCase):
    routes = [
        ("GET", "/v1/models"), ("GET", "/v1/models/x"), ("POST", COMPLETIONS),
        ("POST", CHATS), ("POST", "/v1/embeddings"), ("POST", "/tokenize"),
        ("POST", "/detokenize"), ("GET", "/tokenizer_info"), ("POST", "/apply-template"),
        ("GET", "/metrics"), ("GET", "/slots"), ("GET", "/props"), ("GET", "/nothing"),
    ]  # fmt: skip

    @classmethod
    def setUpClass(cls):
        path = os.path.join(os.path.dirname(serving.MODEL), "key.txt")
        with open(path, "w") as file:
            file.write("secret\n")
        cls.server = serving.Server(
            "--api-key-file", path, "--allowed-host", "models.example",
            "--cors-origin", "https://page.example",
        )  # fmt: skip
        cls.addClassCleanup(cls.server.close)

    def test_every_route_but_health_needs_the_key(self):
        self.assertEqual(self.server.get("/health")[0], 200)
        for method, path in self.routes:
            for header in ({}, {"Authorization": "Bearer secre"}, {"Authorization": "secret"}):
                status, reply = self.server.ask(
                    method, path, {} if method == "POST" else None, headers=header
                )
                self.assertEqual((status, reply["error"]["code"]), (401, "invalid_api_key"))
            status, _ = self.server.ask(
                method,
                path,
                {} if method == "POST" else None,
                headers={"Authorization": "Bearer secret"},
            )
            self.assertNotEqual(status, 401)
        self.assertNotIn("secret", self.server.errors())

    def test_names_of_strangers_are_refused(self):
        for host, expected in {
            "127.0.0.1": 200,
            "[::1]:80": 200,
            "localhost:1": 200,
            "a.localhost": 200,
            "models.example": 200,
            "evil.example": 403,
            "localhost.evil.example": 403,
            "": 403,
        }.items():
            for path in ("/health", "/v1/models"):
                data = self.server.send(
                    f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                    "Authorization: Bearer secret\r\n\r\n".encode()
                )
                self.assertTrue(data.startswith(b"HTTP/1.1 %d" % expected), (host, data))

    def test_pages_of_strangers_are_refused(self):
        own = f"http://localhost:{self.server.port}"
        for origin, expected in {
            "https://page.example": 200,
            "https://evil.example": 403,
            "null": 403,
            own: 200,
        }.items():
            connection = self.server.connect()
            headers = {
                "Origin": origin,
                "Host": own[len("http://") :],
                "Authorization": "Bearer secret",
            }
            connection.request("GET", "/v1/models", headers=headers)
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, expected, origin)
            allowed = reply.getheader("Access-Control-Allow-Origin")
            self.assertEqual(
                allowed, origin if origin == "https://page.example" else None
            )
            self.assertIsNone(reply.getheader("Access-Control-Allow-Credentials"))
            connection.close()

    def test_a_page_may_ask_what_it_may_ask(self):
        connection = self.server.connect()
        connection.request("OPTIONS", CHATS, headers={"Origin": "https://page.example"})
        reply = connection.getresponse()
        reply.read()
        self.assertEqual(reply.status, 204)
        self.assertIn(
            "Authorization", reply.getheader("Access-Control-Allow-Headers")
        )
        connection.close()

    def test_other_addresses_need_a_key(self):
        with contextlib.suppress(FileNotFoundError):
            done = serving.subprocess.run(
                [serving.SERVE, serving.MODEL, "--host", "0.0.0.0", "--port", "0"],
                capture_output=True,
                text=True,
                timeout=serving.PATIENCE,
            )
            self.assertEqual(done.returncode, 2)
            self.assertIn("--api-key-file", done.stderr)


serving.main()
