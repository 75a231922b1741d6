# ===- test_answers.py - Answers depend on nothing but the request --------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
"""Any mix of requests, in any order, with any number of slots, cold and warm,
with drafts and without, with cancellations between: tokens, texts and log probabilities are those of
each request alone in sherry-run, bit for bit.

SHERRY_REQUESTS says how many; 100 if it is not set.
"""
import json
import os
import random
import socket
import struct
import unittest

import serving

COUNT = int(os.environ.get("SHERRY_REQUESTS", "100"))


def make_requests(count):
    """Bodies of requests, of which many begin alike."""
    chance = random.Random(1)
    prompts = []
    bodies = []
    for i in range(count):
        prompt = [chance.randrange(256) for _ in range(chance.randrange(1, 90))]
        if prompts and chance.random() < 0.5:
            old = chance.choice(prompts)
            prompt = old[: chance.randrange(1, len(old) + 1)] + prompt[:5]
        prompts.append(prompt)
        body = {
            "prompt": prompt,
            "max_tokens": chance.choice([1, 5, 30, 60]),
            "temperature": chance.choice([0, 0.8, 2]),
            "top_k": chance.choice([0, 20]),
            "top_p": chance.choice([1, 0.9]),
            "seed": chance.randrange(1000),
            "return_token_ids": True,
        }
        if chance.random() < 0.3:
            body["stop"] = ["e", "th"]
        if chance.random() < 0.5:
            body["logprobs"] = chance.randrange(4)
        if chance.random() < 0.3:
            body["presence_penalty"] = 1.5
        bodies.append(body)
    return bodies


def answer_alone(body):
    """What sherry-run says, in the form of a reply's choice."""
    options = ["--tokens", ",".join(map(str, body["prompt"])), "--json"]
    options += ["--draft-max", "0"]
    options += ["-n", str(body["max_tokens"]), "--temp", str(body["temperature"])]
    options += ["--top-k", str(body["top_k"]), "--top-p", str(body["top_p"])]
    options += ["--seed", str(body["seed"])]
    for stop in body.get("stop", []):
        options += ["--stop", stop]
    if "logprobs" in body:
        options += ["--logprobs", str(body["logprobs"])]
    if "presence_penalty" in body:
        options += ["--presence-penalty", str(body["presence_penalty"])]
    lines = serving.run_model(*options).splitlines()
    *events, end = [json.loads(line) for line in lines]
    logprobs = [event.get("logprob") for event in events]
    if end["reason"] == "stop" and events[-1]["text"] == "" and "logprobs" in body:
        logprobs.pop()  # a token of which nothing is in the text
    reasons = {"eos": "stop", "stop": "stop", "length": "length"}
    return {
        "token_ids": [event["token"] for event in events],
        "text": end["text"],
        "finish_reason": reasons[end["reason"]],
        "logprobs": logprobs,
    }


def simplify(choice):
    logprobs = choice["logprobs"]
    count = len(choice["token_ids"])
    return {
        "token_ids": choice["token_ids"],
        "text": choice["text"],
        "finish_reason": choice["finish_reason"],
        "logprobs": logprobs["token_logprobs"] if logprobs else [None] * count,
    }


def abandon(server, body, after):
    """Asks, and leaves: at once, or after some bytes of a stream."""
    with server.raw() as connection:
        body = {**body, "stream": True, "max_tokens": 500, "stop": []}
        connection.sendall(serving.http_post("/v1/completions", body))
        if after:
            connection.recv(after)
        # The client is gone, rather than done.
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )


class AnswersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bodies = make_requests(COUNT)
        cls.alone = [answer_alone(body) for body in cls.bodies]

    def check(self, server, order, chance, leaves):
        def ask(i):
            if leaves and chance.random() < 0.2:
                abandon(server, self.bodies[i], chance.choice([0, 1, 300]))
            status, reply = server.post("/v1/completions", self.bodies[i])
            assert status == 200, reply
            return simplify(reply["choices"][0])

        width = 12
        for begin in range(0, len(order), width):
            part = order[begin : begin + width]
            found = serving.together([lambda i=i: ask(i) for i in part])
            for i, choice in zip(part, found):
                self.assertEqual(choice, self.alone[i], self.bodies[i])

    # llama.cpp 7052, 6950; vLLM 11778, 42019; ollama 586: answers depend on the
    # batch. llama.cpp 27148, 27422, 25992; mlx-lm 965: on what a slot has held.
    def test_answers_are_those_of_requests_alone(self):
        chance = random.Random(2)
        # Drafts: from the text, by a model that is always right, and none.
        drafts = ([], ["--draft", serving.MODEL], ["--draft-max", "0"])
        for slots, options in zip((1, 4, 16), drafts):
            with serving.Server("--slots", str(slots), "-q", *options) as server:
                order = list(range(COUNT))
                chance.shuffle(order)
                self.check(server, order, chance, leaves=False)  # cold
                chance.shuffle(order)
                self.check(server, order, chance, leaves=True)  # warm
                server.await_idle()

    def test_drafts_are_counted(self):
        """By a model that is the same, all of them are accepted."""
        body = {"prompt": [9, 8, 7], "temperature": 0, "max_tokens": 300}
        with serving.Server("--draft-max", "0") as server:
            plain = server.complete(ignore_eos=True, **body)
            self.assertEqual(plain["timings"]["draft_n"], 0)
            self.assertEqual(server.metric("sherry_drafted_tokens_total"), 0)
        with serving.Server("--draft", serving.MODEL) as server:
            reply = server.complete(ignore_eos=True, **body)
            timings = reply["timings"]
            self.assertLessEqual(timings["draft_n_accepted"], timings["draft_n"])
            for name, key in (("", "draft_n"), ("_accepted", "draft_n_accepted")):
                name = f"sherry_drafted_tokens{name}_total"
                server.await_metric(name, timings[key])
        self.assertEqual(reply["choices"], plain["choices"])

    def test_clients_with_keys_share_nothing(self):
        path = os.path.join(os.path.dirname(serving.MODEL), "keys.txt")
        with open(path, "w") as file:
            file.write("# two of them\none\ntwo\n")
        body = {"prompt": list(range(100)), "max_tokens": 1}
        with serving.Server("--api-key-file", path) as server:
            cached = []
            for key in ("one", "one", "two", "two"):
                status, reply = server.post(
                    "/v1/completions", body, headers={"Authorization": f"Bearer {key}"}
                )
                usage = reply["usage"]
                cached.append(usage["prompt_tokens_details"]["cached_tokens"])
            self.assertEqual(cached, [0, 99, 0, 99])

    def test_choices_of_a_prompt_read_it_once(self):
        with serving.Server("--slots", "4") as server:
            prompt = [i * 7 % 256 for i in range(1000)]
            server.complete(prompt=prompt, n=4, max_tokens=2, temperature=1)
            read = server.metric("sherry_prompt_tokens_evaluated_total")
            self.assertEqual(read, 1003)

    # llama.cpp 23652; LM Studio 1757: one that is full ends all.
    def test_a_sequence_that_is_full_ends_alone(self):
        with serving.Server("--slots", "4", "-c", "64") as server:
            body = {"prompt": [9], "temperature": 0, "ignore_eos": True}
            long = {**body, "max_tokens": 100}
            replies = serving.together(
                [lambda: server.complete(**long)]
                + [lambda: server.complete(**{**body, "max_tokens": 40})] * 3
            )
            full, *others = [reply["choices"][0] for reply in replies]
            self.assertEqual(full["finish_reason"], "length")
            self.assertEqual(replies[0]["usage"]["completion_tokens"], 64)
            for other in others:
                self.assertEqual(other["text"], others[0]["text"])
                self.assertTrue(full["text"].startswith(other["text"]))


class HarnessTest(unittest.TestCase):
    """Requests as lm-evaluation-harness's local-completions sends them."""

    pairs = [
        ("First Citizen: Before we proceed any further,", " hear me speak."),
        ("First Citizen: Before we proceed any further,", " speak, speak."),
        ("First Citizen: Before we proceed any further, ", "hear"),
        ("", "You are all resolved rather to die than to famish?"),
        ("The day is", " cold"),
        ("The day is", " Grüße 🙂"),
        ("To be, or not to be:", " that is the question"),
        ("To be, or not to be:", "\nthat"),
    ]

    @classmethod
    def setUpClass(cls):
        lines = [
            json.dumps({"context": context, "continuation": continuation})
            for context, continuation in cls.pairs
        ]
        out = serving.run_model("--score", "-", text="\n".join(lines) + "\n")
        cls.expected = [json.loads(line) for line in out.splitlines()]

    @staticmethod
    def encode(server, context, continuation):
        """As its TemplateLM does it."""

        def tokens(text, whole=True):
            body = {"prompt": text, "add_special_tokens": whole}
            return server.post("/tokenize", body)[1]["tokens"]

        if context == "":
            bos = server.get("/tokenizer_info")[1]["bos_token"]
            return tokens(bos, False), tokens(continuation, False)
        spaces = len(context) - len(context.rstrip())
        if spaces:
            continuation = context[-spaces:] + continuation
            context = context[:-spaces]
        both, first = tokens(context + continuation), tokens(context)
        return first, both[len(first) :]

    @staticmethod
    def score(choice, context_size):
        """As its LocalCompletionsAPI.parse_logprobs does it."""
        logprobs = choice["logprobs"]
        tokens = logprobs["token_logprobs"][context_size:-1]
        tops = logprobs["top_logprobs"][context_size:-1]
        isGreedy = all(
            token == max(top.values()) for token, top in zip(tokens, tops)
        )
        return {
            "loglikelihood": sum(tokens),
            "tokens": len(tokens),
            "is_greedy": isGreedy,
        }

    # llama.cpp 27174; lm-evaluation-harness 4158, 1437
    def test_scores_are_those_of_sherry_run(self):
        for slots in ("1", "8"):
            with serving.Server("--slots", slots) as server:
                encoded = [self.encode(server, *pair) for pair in self.pairs]

                def ask(part):
                    reply = server.complete(
                        model="bard",
                        prompt=[context + rest for context, rest in part],
                        temperature=0,
                        max_tokens=1,
                        logprobs=1,
                        seed=1234,
                        echo=True,
                    )
                    return [
                        self.score(choice, len(part[choice["index"]][0]))
                        for choice in reply["choices"]
                    ]

                for batch in (1, 8):
                    parts = [
                        encoded[i : i + batch] for i in range(0, len(encoded), batch)
                    ]
                    for _ in range(2):  # cold and warm
                        one_by_one = [score for part in parts for score in ask(part)]
                        self.assertEqual(one_by_one, self.expected)
                    at_once = serving.together([lambda p=p: ask(p) for p in parts])
                    self.assertEqual(
                        [score for part in at_once for score in part], self.expected
                    )
                cached = server.metric("sherry_prompt_tokens_cached_total")
                self.assertGreater(cached, 0)

    def test_whatever_the_harness_adds_passes(self):
        with serving.Server() as server:
            reply = server.complete(
                prompt=[[1, 2, 3]],
                model="bard",
                max_tokens=4,
                temperature=0.0,
                stop=[],
                seed=1234,
                do_sample=False,
            )
            self.assertEqual(reply["usage"]["completion_tokens"], 4)
            status, _ = server.post(
                "/v1/completions",
                {"prompt": [1], "max_tokens": 1},
                headers={"Authorization": "Bearer "},
            )
            self.assertEqual(status, 200)


serving.main()
