# ===- test_api.py - What replies look like -------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import base64
import gzip
import math
import struct
import unittest

import serving

PROMPT = "First Citizen:"
GREEDY = {"temperature": 0, "max_tokens": 8}


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = serving.Server("--alias", "bard", "--slots", "4")
        cls.addClassCleanup(cls.server.close)

    def complete(self, **body):
        return self.server.complete(**{**GREEDY, **body})

    def test_the_server_tells_of_itself(self):
        self.assertEqual(self.server.get("/health"), (200, {"status": "ok"}))
        status, models = self.server.get("/v1/models")
        self.assertEqual(models["data"][0]["id"], "bard")
        self.assertEqual(self.server.get("/v1/models/bard")[0], 200)
        status, error = self.server.get("/v1/models/other")
        self.assertEqual(
            (status, error["error"]["code"]), (404, "model_not_found")
        )
        status, props = self.server.get("/props")
        self.assertEqual((props["n_ctx"], props["slots"]), (2048, 4))
        self.assertTrue(props["has_chat_template"])
        settings = props["default_generation_settings"]
        self.assertEqual((settings["temperature"], settings["top_p"]), (0.8, 0.95))
        status, slots = self.server.get("/slots")
        self.assertEqual((slots["slots"], slots["queued"]), (4, 0))
        self.assertEqual(self.server.get("/nothing")[0], 404)
        self.assertEqual(self.server.get("/tokenize")[0], 405)

    def test_the_page_is_there(self):
        connection = self.server.connect()

        def get(path, **headers):
            connection.request("GET", path, headers=headers)
            reply = connection.getresponse()
            return reply, reply.read()

        reply, plain = get("/")
        self.assertEqual(reply.status, 200)
        self.assertIn(b"<!doctype html>", plain[:100].lower())
        self.assertIn("script-src 'self'", reply.getheader("Content-Security-Policy"))
        self.assertEqual(reply.getheader("X-Content-Type-Options"), "nosniff")
        etag = reply.getheader("ETag")
        reply, packed = get("/", **{"Accept-Encoding": "gzip"})
        self.assertEqual(reply.getheader("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(packed), plain)
        reply, nothing = get("/", **{"If-None-Match": etag})
        self.assertEqual((reply.status, nothing), (304, b""))
        reply, module = get("/page/app.mjs")
        self.assertEqual(reply.getheader("Content-Type").split(";")[0], "text/javascript")
        for path in ("/page/", "/page/../app.mjs", "/page/%2e%2e/x", "/page/none"):
            self.assertEqual(get(path)[0].status, 404)
        connection.close()

    def test_tokens_are_those_of_the_model(self):
        status, info = self.server.get("/tokenizer_info")
        self.assertEqual(info["eos_token"], "<|end_of_text|>")
        text = "Grüße, <|end_of_text|> 🙂"
        status, ours = self.server.post("/tokenize", {"content": text})
        ids = serving.run_model(
            "-p", text, "--no-bos", "-n", "0", "--print-tokens"
        )
        self.assertEqual(ours["tokens"], [int(i) for i in ids.split(",")])
        status, other = self.server.post(
            "/tokenize", {"prompt": text, "add_special_tokens": False}
        )
        self.assertEqual(other["tokens"], ours["tokens"])
        status, pieces = self.server.post(
            "/tokenize", {"content": "Hello", "with_pieces": True}
        )
        self.assertEqual("".join(p["piece"] for p in pieces["tokens"]), "Hello")
        status, back = self.server.post("/detokenize", {"tokens": ours["tokens"]})
        self.assertEqual(back["content"], "Grüße,  🙂")
        self.assertEqual(back["prompt"], back["content"])

    def test_a_prompt_is_a_text_or_tokens_or_a_list(self):
        status, ids = self.server.post(
            "/tokenize", {"prompt": PROMPT, "add_special_tokens": True}
        )
        tokens = ids["tokens"]
        whole = self.complete(prompt=PROMPT)
        self.assertEqual(whole["object"], "text_completion")
        self.assertEqual(whole["model"], "bard")
        choice = whole["choices"][0]
        self.assertEqual(choice["finish_reason"], "length")
        self.assertEqual(whole["usage"]["prompt_tokens"], len(tokens))
        self.assertEqual(whole["usage"]["completion_tokens"], 8)
        text = choice["text"]
        self.assertEqual(
            text, serving.run_model("-p", PROMPT, "--temp", "0", "-n", "8")[len(PROMPT) : -1]
        )
        for prompt in (tokens, [PROMPT], [tokens]):
            self.assertEqual(self.complete(prompt=prompt)["choices"][0]["text"], text)
        several = self.complete(prompt=[PROMPT, "To be", tokens])["choices"]
        self.assertEqual([c["index"] for c in several], [0, 1, 2])
        self.assertEqual(several[0]["text"], text)
        self.assertEqual(several[2]["text"], text)
        self.assertEqual(
            several[1]["text"], self.complete(prompt="To be")["choices"][0]["text"]
        )

    def test_streams_say_what_replies_say(self):
        for body in (
            {"prompt": PROMPT},
            {"prompt": PROMPT, "echo": True},
            {"prompt": PROMPT, "stop": ["the"], "max_tokens": 60},
            {"prompt": [PROMPT, "O"], "n": 2, "temperature": 1, "seed": 5},
        ):
            body = {**GREEDY, **body}
            whole = self.server.complete(**body)
            events = list(self.server.stream("/v1/completions", body))
            self.assertIsNone(events.pop())
            texts = {}
            reasons = {}
            for event in events:
                self.assertNotIn("usage", event)
                choice = event["choices"][0]
                i = choice["index"]
                texts[i] = texts.get(i, "") + choice["text"]
                if choice["finish_reason"]:
                    self.assertNotIn(i, reasons)
                    reasons[i] = choice["finish_reason"]
            for choice in whole["choices"]:
                self.assertEqual(choice["text"], texts[choice["index"]])
                self.assertEqual(choice["finish_reason"], reasons[choice["index"]])

    # llama.cpp 12102, 16052; ik_llama.cpp 467; openai-node 1292; vllm-mlx 101:
    # clients stop at chunks that they do not expect, or wait for ever.
    def test_usage_comes_last_and_only_if_it_is_asked_for(self):
        body = {**GREEDY, "prompt": PROMPT, "stream_options": {"include_usage": True}}
        events = list(self.server.stream("/v1/completions", body))
        self.assertIsNone(events.pop())
        last = events.pop()
        self.assertEqual(last["choices"], [])
        self.assertEqual(last["usage"]["completion_tokens"], 8)
        self.assertEqual(last["timings"]["predicted_n"], 8)
        for event in events:
            self.assertIsNone(event["usage"])

    # llama.cpp 24774, 20872: a proxy keeps a stream until it has ended.
    def test_streams_tell_proxies_what_they_are(self):
        connection = self.server.connect()
        body = serving.json.dumps({**GREEDY, "prompt": PROMPT, "stream": True})
        connection.request(
            "POST", "/v1/completions", body, {"Content-Type": "application/json"}
        )
        reply = connection.getresponse()
        self.assertEqual(reply.getheader("Content-Type"), "text/event-stream")
        self.assertEqual(reply.getheader("X-Accel-Buffering"), "no")
        self.assertEqual(reply.getheader("Cache-Control"), "no-cache")
        reply.read()
        connection.close()

    def test_a_chat_is_that_of_sherry_run(self):
        reply = self.server.chat("Who are you?", **GREEDY)
        self.assertEqual(reply["object"], "chat.completion")
        message = reply["choices"][0]["message"]
        self.assertEqual(message["role"], "assistant")
        expected = serving.run_model(
            "--chat", "--template", serving.TEMPLATE, "--temp", "0", "-n", "8",
            text="Who are you?\n",
        )
        self.assertEqual(message["content"], expected[:-1])
        events = list(
            self.server.stream(
                "/v1/chat/completions",
                {**GREEDY, "messages": [{"role": "user", "content": "Who are you?"}]},
            )
        )
        self.assertIsNone(events.pop())
        self.assertEqual(
            events[0]["choices"][0]["delta"], {"role": "assistant", "content": ""}
        )
        said = "".join(e["choices"][0]["delta"].get("content", "") for e in events)
        self.assertEqual(said, message["content"])
        self.assertEqual(events[-1]["choices"][0]["finish_reason"], "length")

    def test_an_answer_can_be_continued(self):
        body = {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
                {"role": "assistant", "content": "I am"},
            ],
            "continue_final_message": True,
            "add_generation_prompt": False,
        }
        status, reply = self.server.post("/apply-template", body)
        self.assertEqual(
            reply["prompt"], "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nI am"
        )

    def test_logprobs_are_those_of_sherry_run(self):
        events = serving.run_model(
            "-p", PROMPT, "--temp", "0", "-n", "8", "--json", "--logprobs", "3"
        )
        expected = [serving.json.loads(line) for line in events.splitlines()][:-1]
        logprobs = self.complete(prompt=PROMPT, logprobs=3)["choices"][0]["logprobs"]
        self.assertEqual(
            logprobs["token_logprobs"], [event["logprob"] for event in expected]
        )
        self.assertEqual(logprobs["tokens"], [event["text"] for event in expected])
        chat = self.server.chat("Hi", **GREEDY, logprobs=True, top_logprobs=2)
        for entry in chat["choices"][0]["logprobs"]["content"]:
            self.assertEqual(bytes(entry["bytes"]).decode(), entry["token"])
            self.assertEqual(len(entry["top_logprobs"]), 2)
            self.assertEqual(entry["top_logprobs"][0]["logprob"], entry["logprob"])

    def test_an_echo_has_the_logprobs_of_the_prompt(self):
        text = "Grüße, First Citizen:"
        reply = self.complete(prompt=text, logprobs=1, echo=True, max_tokens=1)
        choice = reply["choices"][0]
        logprobs = choice["logprobs"]
        size = reply["usage"]["prompt_tokens"] + 1
        for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
            self.assertEqual(len(logprobs[name]), size)
        self.assertIsNone(logprobs["token_logprobs"][0])
        self.assertIsNone(logprobs["top_logprobs"][0])
        self.assertTrue(choice["text"].startswith(text))
        for token, offset in zip(logprobs["tokens"], logprobs["text_offset"]):
            if not token.startswith("bytes:"):
                end = offset + len(token)
                self.assertEqual(choice["text"][offset:end], token)
        only = self.complete(prompt=text, logprobs=1, echo=True, max_tokens=0)
        self.assertEqual(
            only["choices"][0]["logprobs"]["token_logprobs"],
            logprobs["token_logprobs"][:-1],
        )

    def test_the_best_choices_are_the_likeliest(self):
        body = {"prompt": "O", "temperature": 1, "seed": 3, "logprobs": 0}
        every = self.complete(n=4, **body)["choices"]
        best = self.complete(n=2, best_of=4, **body)["choices"]

        def mean(choice):
            values = choice["logprobs"]["token_logprobs"]
            return sum(values) / len(values)

        ranked = sorted(every, key=mean, reverse=True)
        self.assertEqual(
            [c["text"] for c in best], [c["text"] for c in ranked[:2]]
        )
        self.assertEqual(len({c["text"] for c in every}), 4)

    def test_a_seed_and_a_bias_decide(self):
        body = {"prompt": "O", "temperature": 1, "max_tokens": 12}
        one = self.complete(**body, seed=11)["choices"][0]["text"]
        self.assertEqual(self.complete(**body, seed=11)["choices"][0]["text"], one)
        self.assertNotEqual(self.complete(**body, seed=12)["choices"][0]["text"], one)
        self.assertNotEqual(
            self.complete(**body)["choices"][0]["text"],
            self.complete(**body)["choices"][0]["text"],
        )
        forced = self.complete(
            prompt="O", logit_bias={"65": 100}, return_token_ids=True
        )
        self.assertEqual(forced["choices"][0]["token_ids"], [65] * 8)

    def test_embeddings_have_norm_one(self):
        body = {"input": ["To be", "or not to be"]}
        status, reply = self.server.post("/v1/embeddings", body)
        self.assertEqual(status, 200)
        vectors = [entry["embedding"] for entry in reply["data"]]
        for vector in vectors:
            self.assertAlmostEqual(math.hypot(*vector), 1, places=5)
        status, coded = self.server.post(
            "/v1/embeddings", {**body, "encoding_format": "base64"}
        )
        for entry, vector in zip(coded["data"], vectors):
            data = base64.b64decode(entry["embedding"])
            self.assertEqual(
                list(struct.unpack(f"<{len(data) // 4}f", data)), vector
            )
        status, last = self.server.post(
            "/v1/embeddings", {"input": "To be", "pooling": "last"}
        )
        self.assertNotEqual(last["data"][0]["embedding"], vectors[0])

    def test_metrics_count(self):
        before = self.server.metric("sherry_generated_tokens_total")
        self.complete(prompt="Ay")
        self.assertEqual(
            self.server.metric("sherry_generated_tokens_total"), before + 8
        )


serving.main()
