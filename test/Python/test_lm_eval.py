# ===- test_lm_eval.py - The model of lm-evaluation-harness --------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Inputs/stub has the harness's interface.
#
# ===----------------------------------------------------------------------=== #
import types
import unittest

import numpy as np
import sherry
import sherry.lm_eval
import support
from lm_eval.api.registry import MODELS


def ask(*arguments):
    return types.SimpleNamespace(args=arguments)


class HarnessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The harness passes a size of batches and a device along.
        cls.lm = MODELS["sherry"](path=support.MODEL, batch_size="2", max_length=32, device="cpu")
        cls.model = sherry.Model(support.MODEL, context=32)
        cls.addClassCleanup(cls.lm.model.close)
        cls.addClassCleanup(cls.model.close)

    def test_loglikelihood(self):
        pairs = [("ROMEO:", " I am"), ("", "I am"), ("the king", " of the"), ("x" * 99, " y")]
        results = self.lm.loglikelihood([ask(*pair) for pair in pairs])
        self.assertEqual(len(results), len(pairs))
        for pair, (value, is_greedy) in zip(pairs, results):
            score = self.model.score(*pair)
            self.assertEqual(value, score.log_likelihood)
            self.assertEqual(is_greedy, score.is_greedy)
        self.assertIn(("loglikelihood", pairs[1], results[1]), self.lm.cache_hook.results)

    def log_probability(self, tokens):
        """Of the last token after the others."""
        with self.model.context() as context:
            logits = context.eval(tokens[:-1])[0].astype(float)
        return logits[tokens[-1]] - np.log(np.exp(logits - logits.max()).sum()) - logits.max()

    def test_loglikelihood_rolling(self):
        text = "First Citizen:\nBefore we proceed any further, hear me speak. " * 3
        tokens = np.concatenate(
            [[self.model.bos_token], self.model.tokenize(text, bos=False)]
        ).astype(np.int32)
        self.assertGreater(len(tokens), 33)
        self.assertLess(len(tokens), 65)  # two windows
        # The second window ends with the text, and is full.
        expected = sum(
            self.log_probability(tokens[: i + 1] if i <= 32 else tokens[-33 : i + 1])
            for i in range(1, len(tokens))
        )
        short = "the king"
        results = self.lm.loglikelihood_rolling([ask(text), ask(short), ask("")])
        self.assertAlmostEqual(results[0], expected, places=6)
        self.assertAlmostEqual(results[1], self.model.score("", short).log_likelihood, places=9)
        self.assertEqual(results[2], 0)

    def test_generate_until(self):
        whole = self.model.generate("ROMEO:", max_tokens=12, temperature=0)
        stop = whole[8:11]
        options = {"until": [stop], "max_gen_toks": 12, "do_sample": False, "temperature": 0.0}
        free = {"until": ["\x00"], "max_gen_toks": 6}
        sampled = {**free, "do_sample": True, "temperature": 0.9, "top_p": 0.9}
        long = "the king " * 99
        results = self.lm.generate_until(
            [ask("ROMEO:", options), ask("KING", free), ask("ROMEO:", sampled),
             ask("the", free), ask(long, free)]
        )
        self.assertEqual(results[0], whole[: whole.index(stop)])
        for result, prompt in ((results[1], "KING"), (results[3], "the")):
            self.assertEqual(
                result, self.model.generate(prompt, max_tokens=6, temperature=0)
            )
        self.assertEqual(
            results[2],
            self.model.generate("ROMEO:", max_tokens=6, temperature=0.9, top_p=0.9, seed=1234),
        )
        with self.assertRaisesRegex(sherry.Error, "no room for a prompt"):
            self.lm.generate_until([ask("KING", {"until": [], "max_gen_toks": 32})])
        end = self.model.tokenize(long)[-26:]
        self.assertEqual(results[4], self.model.generate(end, max_tokens=6, temperature=0))

    def test_devices(self):
        with self.assertRaisesRegex(ValueError, "cuda"):
            sherry.lm_eval.SherryLM(support.MODEL, device="cuda")


support.main()
