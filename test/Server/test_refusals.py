# ===- test_refusals.py - Requests that are wrong -------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import os
import unittest

import serving

COMPLETIONS, CHATS = "/v1/completions", "/v1/chat/completions"
VALUES = [
    True, -1, 0.5, 2**31 - 1, 2**31, -(2**31), 2**63, 1e300, "x", "true", [], [1], {},
    {"a": 1},
]  # fmt: skip


class RefusalsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serving.Server("-c", "128")
        cls.addClassCleanup(cls.server.close)

    def tearDown(self):
        reply = self.server.complete(prompt="ok", max_tokens=1)
        self.assertEqual(reply["usage"]["completion_tokens"], 1)

    def refuse(self, body, param=None, path=COMPLETIONS, code=None):
        status, reply = self.server.post(path, body)
        self.assertEqual(status, 400, (body, reply))
        error = reply["error"]
        self.assertEqual(
            set(error), {"message", "type", "param", "code"}, (body, reply)
        )
        self.assertEqual(error["type"], "invalid_request_error")
        if param:
            self.assertEqual(error["param"], param, (body, reply))
        if code:
            self.assertEqual(error["code"], code)
        return error["message"]

    # llama.cpp 6452, 7089, 7152, 22267 (CVE-2026-21869), 24786; llamafile 116: a
    # field of another type, or a number out of range, ends the process.
    def test_any_value_of_any_field_is_answered(self):
        names = [
            "model", "prompt", "max_tokens", "temperature", "top_p", "top_k", "min_p",
            "typical_p", "presence_penalty", "frequency_penalty", "repetition_penalty",
            "repeat_last_n", "seed", "stop", "stream", "stream_options", "n", "best_of",
            "echo", "logprobs", "top_logprobs", "logit_bias", "ignore_eos",
            "add_special_tokens", "return_token_ids", "messages", "response_format",
            "tool_choice", "chat_template_kwargs", "continue_final_message",
        ]  # fmt: skip
        connection = self.server.connect()
        for path in (COMPLETIONS, CHATS):
            for name in names:
                for value in VALUES:
                    body = {
                        "max_tokens": 1,
                        ("prompt" if path == COMPLETIONS else "messages"): (
                            "x"
                            if path == COMPLETIONS
                            else [{"role": "user", "content": "x"}]
                        ),
                        name: value,
                    }
                    if name == "stream" and value is True:
                        continue
                    status, reply = self.server.post(path, body, connection=connection)
                    self.assertIn(status, (200, 400), (path, name, value, reply))
                    if status == 400:
                        self.assertIn("message", reply["error"])
        connection.close()

    def test_values_out_of_range_are_named(self):
        for name, value in {
            "max_tokens": -1,
            "temperature": -0.1,
            "top_p": 1.5,
            "top_k": -2,
            "n": 0,
            "best_of": 17,
            "logprobs": 21,
            "seed": 2**63,
            "stop": [""],
            "stream": "true",
            "echo": 1,
            "logit_bias": {"1024": 1},
            "stream_options": {"include_usage": True},
        }.items():
            self.refuse({"prompt": "x", name: value}, name)
        # vLLM 16529; SGLang 40099: so do counts that nobody can want.
        self.refuse({"prompt": "x", "n": 10**9}, "n")
        self.refuse({"prompt": "x", "stop": ["a"] * 10**5}, "stop")
        self.refuse({"prompt": "x", "logit_bias": {"-1": 1}}, "logit_bias")
        self.refuse({"prompt": "x", "logit_bias": {"1": 101}}, "logit_bias")
        self.refuse({"prompt": [1, 1024]}, "prompt")
        self.refuse({"prompt": []}, "prompt")
        self.refuse({"prompt": [[]]}, "prompt")
        self.refuse({"prompt": "x", "n": 3, "best_of": 2}, "best_of")
        self.refuse({"messages": [], "top_logprobs": 1}, path=CHATS)
        chat = {"messages": [{"role": "user", "content": "x"}], "logprobs": True}
        self.refuse({**chat, "top_logprobs": 21}, "top_logprobs", CHATS)

    # llama.cpp 27174; lm-evaluation-harness 4158, 1437: a parameter that has no
    # effect, and the scores are those of chance.
    def test_what_is_known_and_not_supported_is_refused(self):
        for name, value in {
            "suffix": "x",
            "guided_json": {},
            "functions": [],
            "grammar": "root ::= x",
            "cache_prompt": False,
            "n_predict": 1,
            "truncate_prompt_tokens": 1,
            "use_beam_search": True,
        }.items():
            self.refuse({"prompt": "x", name: value}, name, code="unsupported_parameter")
        self.server.complete(prompt="x", max_tokens=1, suffix=None, strange=1)

    def test_what_is_not_known_is_told_of_once(self):
        with serving.Server() as server:
            strange = {"strange": 1, "odd\n": "x", "nothing": None}
            for path in (COMPLETIONS, CHATS, "/v1/embeddings"):
                for _ in range(2):
                    body = {"max_tokens": 1, "prompt": "x", "input": "x", **strange}
                    if path == CHATS:
                        del body["prompt"]
                        body["messages"] = [{"role": "user", "content": "x"}]
                    self.assertEqual(server.post(path, body)[0], 200)
            told = [line for line in server.errors().splitlines() if "not known" in line]
            # Of each route some are those of another one.
            names = [line.split("ignored: ")[1] for line in told]
            self.assertEqual(
                names, ['"input"', '"strange"', '"odd\\n"', '"max_tokens"', '"prompt"']
            )
            server.complete(**{f"x{i}": "y" * i for i in range(300)}, prompt="x")
            told = [line for line in server.errors().splitlines() if "not known" in line]
            self.assertEqual(len(told), 100)
            self.assertIn("further ones are not", told[-1])

    def test_what_can_never_be_answered_is_refused(self):
        with serving.Server("--max-queued", "4", "--pages", "1") as server:
            status, reply = server.post(COMPLETIONS, {"prompt": "x", "n": 5})
            self.assertEqual((status, reply["error"]["param"]), (400, "n"))
            status, reply = server.post(COMPLETIONS, {"prompt": [1] * 65})
            self.assertEqual(status, 400)
            chat = server.chat("x", ignore_eos=True)
            self.assertEqual(chat["choices"][0]["finish_reason"], "length")
            self.assertEqual(chat["usage"]["total_tokens"], 65)
        with serving.Server() as server:
            prompts = [[1] * 1600] * 20
            body = {"prompt": prompts, "echo": True, "logprobs": 20, "max_tokens": 1}
            status, reply = server.post(COMPLETIONS, body)
            self.assertEqual((status, reply["error"]["param"]), (400, "logprobs"))
            status, reply = server.post("/tokenize", {"content": "x" * (2 << 20)})
            self.assertEqual(status, 400)

    def test_tokens_can_end_an_answer(self):
        status, ids = self.server.post("/tokenize", {"content": "b"})
        token = ids["tokens"][0]
        body = {"prompt": "O", "logit_bias": {str(token): 100}, "stop_token_ids": [token]}
        choice = self.server.complete(**body)["choices"][0]
        self.assertEqual((choice["text"], choice["finish_reason"]), ("", "stop"))

    def test_a_prompt_that_is_too_long_is_refused(self):
        self.refuse({"prompt": [1] * 129}, "prompt", code="context_length_exceeded")
        self.server.complete(prompt=[1] * 128, max_tokens=1)
        # llama.cpp 6638, 9933
        reply = self.server.chat("x", ignore_eos=True)
        self.assertEqual(reply["choices"][0]["finish_reason"], "length")
        self.assertEqual(reply["usage"]["total_tokens"], 129)

    # llama.cpp 6452, 7152, 14051
    def test_bodies_that_are_no_json_are_refused(self):
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"prompt": "x", "prompt": "y"}',
            b'{"prompt": NaN}',
            b'{"prompt": "x", "temperature": 1e999}',
            b'{"prompt": "\xe9"}',
            b'{"prompt": "\xf0\x9f\x99"}',
            b'{"prompt": "x"} x',
            b"[" * 10**5,
            b'{"a":' * 10**5,
            b'{"prompt": ' + b"[" * 65 + b"1" + b"]" * 65 + b"}",
        ):
            self.refuse(body)
        status, _ = self.server.post(
            COMPLETIONS, b"prompt=x", headers={"Content-Type": "text/plain"}
        )
        self.assertEqual(status, 415)

    # llama.cpp 13178, 20733, 21347, 11402: a chat that a template does not
    # expect ends in an error of the server.
    def test_messages_are_checked(self):
        for messages in (
            None,
            [],
            "x",
            [{}],
            [{"role": "user"}, 1],
            [{"role": "god", "content": "x"}],
            [{"role": 1, "content": "x"}],
            [{"role": "user", "content": 1}],
            [{"role": "user", "content": [{"type": "image_url"}]}],
            [{"role": "assistant", "content": "x", "tool_calls": [{}]}],
        ):
            self.refuse({"messages": messages}, "messages", CHATS)
        for messages in (
            [{"role": "user", "content": None}],
            [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
            [{"role": "developer", "content": "a", "name": "x"}],
        ):
            status, reply = self.server.post(
                CHATS, {"messages": messages, "max_tokens": 1}
            )
            self.assertEqual(status, 200, reply)

    def test_a_template_that_refuses_says_why(self):
        path = os.path.join(os.path.dirname(serving.MODEL), "refuses.jinja")
        with open(path, "w") as file:
            file.write("{% if messages[0].role == 'system' %}")
            file.write("{{ raise_exception('no system') }}{% endif %}")
            file.write("{% for m in messages %}{{ m.content }}{% endfor %}")
        with serving.Server(template=path) as server:
            body = {"messages": [{"role": "system", "content": "x"}]}
            status, reply = server.post(CHATS, body)
            self.assertEqual((status, reply["error"]["param"]), (400, "messages"))
            self.assertIn("does not take this chat: no system", reply["error"]["message"])
        with serving.Server(template=None) as server:
            status, reply = server.post(CHATS, body)
            self.assertEqual((status, reply["error"]["code"]), (400, "no_chat_template"))
            self.assertIn("no chat template", reply["error"]["message"])

    # llama.cpp 11402, 21347
    def test_a_template_that_is_not_understood_ends_the_start(self):
        path = os.path.join(os.path.dirname(serving.MODEL), "strange.jinja")
        with open(path, "w") as file:
            file.write("\n{{ messages | frobnicate }}")
        done = serving.subprocess.run(
            [serving.SERVE, serving.MODEL, "--port", "0", "--template", path],
            capture_output=True,
            text=True,
            timeout=serving.PATIENCE,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2: the filter 'frobnicate'", done.stderr)

    # llama.cpp 7038: it ends the process if log probabilities are asked for.
    def test_a_stop_may_be_the_first_token(self):
        body = {"prompt": "O", "logit_bias": {"65": 100}, "stop": ["b"], "logprobs": 1}
        status, ids = self.server.post("/tokenize", {"content": "b"})
        body["logit_bias"] = {str(ids["tokens"][0]): 100}
        choice = self.server.complete(**body)["choices"][0]
        self.assertEqual((choice["text"], choice["finish_reason"]), ("", "stop"))
        for values in choice["logprobs"].values():
            self.assertEqual(values, [])

    # llama.cpp 9195, 11738, 14937: what is no UTF-8 is no JSON.
    def test_half_a_character_is_still_json(self):
        status, ids = self.server.post("/tokenize", {"content": "🙂"})
        first = ids["tokens"][0]
        body = {"prompt": "O", "logit_bias": {str(first): 100}, "max_tokens": 1}
        choice = self.server.complete(**body, logprobs=1)["choices"][0]
        self.assertEqual(choice["text"], "\ufffd")
        self.assertTrue(choice["logprobs"]["tokens"][0].startswith("bytes:\\xf0"))
        events = list(
            self.server.stream(COMPLETIONS, {"prompt": "O", **body, "echo": False})
        )
        texts = [e["choices"][0]["text"] for e in events[:-1]]
        self.assertEqual("".join(texts), "\ufffd")

    # lucebox 641; plano 980: a character of several tokens comes in pieces.
    def test_a_character_comes_as_a_whole(self):
        form = {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"const": "ü🙂é"}},
        }
        body = {"prompt": "O", "response_format": form, "return_token_ids": True}
        events = list(self.server.stream(COMPLETIONS, body))
        choices = [event["choices"][0] for event in events[:-1]]
        texts = [choice["text"] for choice in choices if choice["text"]]
        self.assertEqual("".join(texts), '"ü🙂é"')
        self.assertNotIn("\ufffd", "".join(texts))
        self.assertGreater(sum(len(choice["token_ids"]) for choice in choices), len(texts))

    # transformers 29279; ollama 17262: a message can end itself, or begin one of
    # somebody else.
    def test_names_of_special_tokens_in_messages_are_text(self):
        status, info = self.server.get("/tokenizer_info")
        name = info["eos_token"]
        status, special = self.server.post("/tokenize", {"content": name})
        self.assertEqual(len(special["tokens"]), 1)
        status, reply = self.server.post(
            "/apply-template", {"messages": [{"role": "user", "content": name}]}
        )
        self.assertIn(name, reply["prompt"])
        self.assertNotIn(special["tokens"][0], reply["tokens"])
        # llama.cpp 26273; LM Studio 1509: text that looks like the end ends it.
        form = {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"const": f"a{name}b"}},
        }
        reply = self.server.complete(prompt="O", response_format=form, max_tokens=60)
        self.assertEqual(reply["choices"][0]["text"], f'"a{name}b"')


serving.main()
