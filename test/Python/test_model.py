# ===- test_model.py - Models in Python ----------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import concurrent.futures
import json
import os
import unittest

import numpy as np
import sherry
import support

TEXT = "First Citizen:\nBefore we proceed"
PAIRS = [("ROMEO:", " I am"), ("", "I am"), ("the king ", "and queen"), ("A", " b c d")]


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = sherry.Model(support.MODEL, threads=2, batch=3)
        cls.addClassCleanup(cls.model.close)

    def test_description(self):
        self.assertEqual(self.model.metadata["vocab_size"], self.model.vocab_size)
        self.assertEqual(self.model.metadata["hidden_size"], self.model.hidden_size)
        self.assertEqual(self.model.metadata["bos_token_id"], self.model.bos_token)
        self.assertTrue(self.model.is_eos(self.model.metadata["eos_token_ids"][0]))
        self.assertFalse(self.model.is_eos(0))
        self.model.verify()

    def test_tokens_are_those_of_sherry_tokenize(self):
        for text in (TEXT, "", "na\u00efve \u2603 \U0001f600", "a<|begin_of_text|>b"):
            for special in (False, True):
                flag = "--special" if special else "--no-special"
                ids = support.run("sherry-tokenize", support.MODEL, "-p", text, flag)
                tokens = self.model.tokenize(text, special=special)
                self.assertEqual(tokens.dtype, np.int32)
                self.assertEqual(tokens.tolist(), [int(i) for i in ids.split(",") if i.strip()])

    def test_texts_come_back(self):
        text = "na\u00efve \u2603 \U0001f600 \n"
        tokens = self.model.tokenize(text)
        self.assertEqual(self.model.detokenize(tokens), text)
        pieces = [self.model.token_bytes(t) for t in tokens if not self.model.is_special(t)]
        self.assertEqual(b"".join(pieces).decode(), text)

    def test_logits_are_those_of_sherry_run(self):
        path = os.path.join(support.FOLDER, "logits.npy")
        support.run(
            "sherry-run", support.MODEL, "-p", TEXT, "-n", 0, "-q", "--logits", path
        )
        logits = self.model.logits(TEXT)
        self.assertEqual(logits.dtype, np.float32)
        np.testing.assert_array_equal(logits, np.load(path))
        np.testing.assert_array_equal(logits, self.model.logits(self.model.tokenize(TEXT)))

    def generate(self, prompt, *options):
        return support.run(
            "sherry-run", support.MODEL, "-p", prompt, "-q", "--no-echo", *options
        ).rstrip("\n")

    def test_answers_are_those_of_sherry_run(self):
        for seed in (1, 2):
            self.assertEqual(
                self.model.generate(TEXT, max_tokens=24, seed=seed).rstrip("\n"),
                self.generate(TEXT, "-n", 24, "--seed", seed),
            )
        self.assertEqual(
            self.model.generate(
                TEXT, max_tokens=16, temperature=0, repetition_penalty=1.3
            ).rstrip("\n"),
            self.generate(TEXT, "-n", 16, "--temp", 0, "--repeat-penalty", 1.3),
        )

    def test_an_answer_ends_before_a_stop(self):
        whole = self.model.generate(TEXT, max_tokens=40, temperature=0)
        stop = whole[20:24]
        place = whole.index(stop)
        for stops in (stop, [stop, "\x00"]):
            pieces = list(self.model.stream(TEXT, max_tokens=40, temperature=0, stop=stops))
            self.assertEqual("".join(pieces), whole[:place])
        # Text that only begins like a stop is given, also at the end.
        for end in range(1, 4):
            stop = whole[-end:] + "\x00"
            self.assertEqual(
                self.model.generate(TEXT, max_tokens=40, temperature=0, stop=stop), whole
            )

    def test_batches_answer_as_alone(self):
        prompts = [TEXT, "ROMEO:", "KING", "O", "the"]  # more than are read together
        options = {"max_tokens": 12, "seed": 7}
        together = self.model.generate(prompts, **options)
        self.assertEqual(together, [self.model.generate(p, **options) for p in prompts])
        self.assertEqual(len(set(together)), len(prompts))
        tokens = [self.model.tokenize(prompt) for prompt in prompts]
        self.assertEqual(self.model.generate(tokens, **options), together)
        self.assertEqual(self.model.generate([], **options), [])

    def test_threads_share_a_stream_and_the_model(self):
        options = {"max_tokens": 12, "temperature": 0, "ignore_eos": True}
        stream = self.model.stream("the king", **options)
        texts = [next(stream)]
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            texts.append(other.submit(next, stream).result(60))
            answer = other.submit(self.model.generate, "the king", **options).result(60)
        texts.extend(stream)
        self.assertEqual("".join(texts), answer)

    def test_an_answer_ends_with_the_context(self):
        with sherry.Model(support.MODEL, context=16, threads=1) as model:
            options = {"temperature": 0, "ignore_eos": True}
            text = model.generate("the king", max_tokens=99, **options)
            most = 17 - len(model.tokenize("the king"))
            self.assertEqual(
                text, self.model.generate("the king", max_tokens=most, **options)
            )
            with self.assertRaisesRegex(sherry.Error, "context"):
                model.generate(TEXT * 9)

    def test_scores_are_those_of_sherry_run(self):
        lines = [json.dumps({"context": c, "continuation": t}) for c, t in PAIRS]
        output = support.run(
            "sherry-run", support.MODEL, "--score", "-", input="\n".join(lines)
        )
        scores = self.model.score_batch(PAIRS)
        self.assertEqual((len(output.splitlines()), len(scores)), (len(PAIRS),) * 2)
        for line, score in zip(output.splitlines(), scores):
            expected = json.loads(line)
            self.assertAlmostEqual(score.log_likelihood, expected["loglikelihood"], places=9)
            self.assertEqual(score.tokens, expected["tokens"])
            self.assertEqual(score.is_greedy, expected["is_greedy"])
        greedy = self.model.generate(TEXT, max_tokens=3, temperature=0)
        self.assertTrue(self.model.score(TEXT, greedy).is_greedy)
        with self.assertRaisesRegex(sherry.Error, "empty"):
            self.model.score(TEXT, "")

    def test_embeddings(self):
        texts = ["the king", "the queen and I"]
        for pooling in ("mean", "last"):
            vectors = self.model.embed(texts, pooling=pooling)
            self.assertEqual(vectors.shape, (2, self.model.hidden_size))
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
            with self.model.context(threads=1) as context:
                states = context.eval(self.model.tokenize(texts[1]), "hidden_all")
            pool = states.astype(float).mean(axis=0) if pooling == "mean" else states[-1]
            np.testing.assert_allclose(
                vectors[1], pool / np.linalg.norm(pool.astype(float)), rtol=1e-5
            )
            np.testing.assert_array_equal(self.model.embed(texts[1], pooling=pooling), vectors[1])
        with self.assertRaisesRegex(ValueError, "pooling"):
            self.model.embed(texts, pooling="max")

    def test_errors(self):
        with self.assertRaisesRegex(sherry.Error, "none.so"):
            sherry.Model(os.path.join(support.FOLDER, "none.so"))
        with self.assertRaisesRegex(sherry.Error, "test_model"):
            sherry.Model(__file__)
        with self.assertRaises(sherry.Error):
            self.model.generate(TEXT, temperature=-1)
        with self.assertRaises(TypeError):
            self.model.generate(TEXT, temprature=1)
        with self.assertRaisesRegex(sherry.Error, "prompt"):
            self.model.generate(np.array([], np.int32))
        closed = sherry.Model(support.MODEL, mapped=True)
        closed.close()
        with self.assertRaisesRegex(sherry.Error, "closed"):
            closed.tokenize(TEXT)


class SamplerTest(unittest.TestCase):
    def test_biases_and_penalties(self):
        logits = np.array([1, 3, 2], np.float32)
        self.assertEqual(sherry.Sampler(temperature=0).sample(logits), 1)
        biased = sherry.Sampler(temperature=0, biases={1: -np.inf})
        self.assertEqual(biased.sample(logits), 2)
        punished = sherry.Sampler(temperature=0, presence_penalty=2)
        punished.accept(1)
        self.assertEqual(punished.sample(logits), 2)
        with self.assertRaisesRegex(ValueError, "dimension"):
            biased.sample(logits[None])


support.main()
