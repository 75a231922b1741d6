# ===- serving.py - A server for tests ------------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Starts sherry-serve and asks it, with Python's own library alone.

Tests are modules of unittest that lit runs as `python TEST.py SERVE RUN MODEL`
with the paths of sherry-serve, sherry-run and a compiled model.
"""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SERVE, RUN, MODEL = sys.argv[1:4]
TEMPLATE = os.path.join(os.path.dirname(__file__), "..", "Tools", "Inputs", "chatml.jinja")
PATIENCE = 60  # seconds: for a busy machine


class Server:
    """A process that serves, on a port of its own, until the block ends."""

    def __init__(self, *options, model=MODEL, template=TEMPLATE, before=None):
        self.log = tempfile.TemporaryFile("w+")
        command = [SERVE, model, "--port", "0", "-t", "2"]
        if template:
            command += ["--template", template]
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        self.process = subprocess.Popen(
            command + list(options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment,
            preexec_fn=before,
        )
        line = self.process.stdout.readline()
        found = re.search(r"at http://(\S+):(\d+), (\d+) slots", line)
        if not found:
            raise AssertionError(f"{line!r} {self.errors()}")
        self.host, self.port = found.group(1).strip("[]"), int(found.group(2))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        code = self.end()
        with self.log:
            if kind is None and code != 0:
                raise AssertionError(f"exit code {code}: {self.errors()}")

    def end(self):
        """The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()

    def errors(self):
        """What it has logged."""
        self.log.seek(0)
        return self.log.read()

    def close(self):
        """Ends it where no block does."""
        self.end()
        self.log.close()

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=(), connection=None):
        """The status and what the reply says, as JSON if it is."""
        own = connection or self.connect()
        all_headers = dict(headers)
        if body is not None:
            all_headers.setdefault("Content-Type", "application/json")
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = body.encode()
        own.request(method, path, body, all_headers)
        reply = own.getresponse()
        data = reply.read()
        if reply.getheader("Content-Type", "").startswith("application/json"):
            data = json.loads(data)
        if not connection:
            own.close()
        return reply.status, data

    def get(self, path, **rest):
        return self.ask("GET", path, **rest)

    def post(self, path, body, **rest):
        return self.ask("POST", path, body, **rest)

    def complete(self, **body):
        status, reply = self.post("/v1/completions", body)
        assert status == 200, (status, reply)
        return reply

    def chat(self, *messages, **body):
        roles = ["user", "assistant"] * len(messages)
        body["messages"] = [
            {"role": role, "content": text} for role, text in zip(roles, messages)
        ]
        status, reply = self.post("/v1/chat/completions", body)
        assert status == 200, (status, reply)
        return reply

    def stream(self, path, body):
        """The events of a stream, as they come; None stands for [DONE]."""
        connection = self.connect()
        try:
            text = json.dumps({**body, "stream": True})
            connection.request(
                "POST", path, text.encode(), {"Content-Type": "application/json"}
            )
            reply = connection.getresponse()
            assert reply.status == 200, (reply.status, reply.read())
            for line in reply:
                line = line.decode().rstrip("\n")
                if line.startswith("data: "):
                    data = line[len("data: ") :]
                    yield None if data == "[DONE]" else json.loads(data)
                else:
                    assert line == "" or line.startswith(":"), line
        finally:
            connection.close()

    def raw(self):
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def send(self, data):
        """What comes back for these bytes, until the server closes."""
        with self.raw() as connection:
            connection.sendall(data)
            return read_all(connection)

    def metric(self, name):
        status, text = self.get("/metrics")
        assert status == 200
        found = re.search(rf"^{re.escape(name)} (\S+)$", text.decode(), re.M)
        return float(found.group(1)) if found else 0.0

    def await_metric(self, name, value):
        end = time.monotonic() + PATIENCE
        while self.metric(name) != value:
            if time.monotonic() > end:
                raise AssertionError(f"{name} is {self.metric(name)}, not {value}")
            time.sleep(0.02)

    def await_idle(self):
        self.await_metric("sherry_requests_queued", 0)
        self.await_metric("sherry_requests_running", 0)


def read_all(connection):
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            data += part
    return data


def http_post(path, body, close=False):
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Connection: {'close' if close else 'keep-alive'}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{text}"
    ).encode()


def together(functions):
    """Calls them at once; their results, in order."""
    results = [None] * len(functions)

    def call(i):
        try:
            results[i] = functions[i]()
        except BaseException as error:  # is raised below
            results[i] = error

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def run_model(*options, text=None):
    """Standard output of sherry-run."""
    done = subprocess.run(
        [RUN, MODEL, "-q", "-t", "1", *options],
        input=text,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def main():
    unittest.main(argv=sys.argv[:1], verbosity=0)
