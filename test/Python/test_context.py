# ===- test_context.py - Sequences in Python -----------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import os
import pathlib
import unittest

import numpy as np
import sherry
import support


class ContextTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = sherry.Model(support.MODEL)
        cls.addClassCleanup(cls.model.close)
        cls.tokens = cls.model.tokenize("First Citizen: Before we proceed any further")
        cls.logits = cls.model.logits(cls.tokens)

    def setUp(self):
        self.context = self.model.context(threads=2, size=64, full_sequences=4)
        self.addCleanup(self.context.close)

    def test_outputs(self):
        context, tokens, n = self.context, self.tokens, len(self.tokens)
        self.assertEqual((context.size, context.threads), (64, 2))
        self.assertIsNone(context.eval(tokens[:2], "none"))
        np.testing.assert_array_equal(context.eval(tokens[2:4]), self.logits[3:4])
        np.testing.assert_array_equal(context.eval(tokens[4:], "all"), self.logits[4:])
        self.assertEqual(context.position(), n)
        np.testing.assert_array_equal(context.tokens(), tokens)
        context.truncate(0)
        states = context.eval(tokens, "hidden_all")
        self.assertEqual(states.shape, (n, self.model.hidden_size))
        context.truncate(0)
        np.testing.assert_array_equal(context.eval(tokens, "hidden_last"), states[-1:])
        self.assertEqual(context.eval([], "all").shape, (0, self.model.vocab_size))

    def test_sequences(self):
        context, tokens = self.context, self.tokens
        context.eval(tokens[:5], "none")
        fork = context.fork(4)
        np.testing.assert_array_equal(context.tokens(fork), tokens[:4])
        path = os.path.join(support.FOLDER, "sequence")
        context.save(path, fork)
        loaded = context.load(pathlib.Path(path))
        empty = context.create()
        results = context.eval_batch(
            [(0, tokens[5:], "all"), (loaded, tokens[4:], "last"), (empty, tokens[:2], "all")]
        )
        np.testing.assert_array_equal(results[0], self.logits[5:])
        np.testing.assert_array_equal(results[1], self.logits[-1:])
        np.testing.assert_array_equal(results[2], self.logits[:2])
        context.drop(fork)
        with self.assertRaises(sherry.Error):
            context.drop(fork)
        with context.sequence() as sequence:
            self.assertEqual(sequence.number, fork)
            np.testing.assert_array_equal(sequence.eval(tokens[:1]), self.logits[:1])
        self.assertEqual(context.position(fork), 0)

    def test_outputs_are_given_one_by_one(self):
        rows = {}

        def receive(entry, index, logits):
            rows[index] = logits.copy()

        self.assertEqual(
            self.context.eval_batch([(0, self.tokens, "all")], receive), [None]
        )
        np.testing.assert_array_equal([rows[i] for i in range(len(rows))], self.logits)

    def test_exceptions_of_callers_arrive(self):
        def fail(entry, index, logits):
            raise KeyError(index)

        with self.assertRaises(KeyError):
            self.context.eval_batch([(0, self.tokens, "last")], fail)

    def test_what_evaluates_is_not_closed(self):
        def close(entry, index, logits):
            with self.assertRaisesRegex(sherry.Error, "in use"):
                self.context.eval([1])
            self.context.close()

        with self.assertRaisesRegex(sherry.Error, "is evaluating"):
            self.context.eval_batch([(0, self.tokens, "last")], close)
        self.assertEqual(self.context.position(), len(self.tokens))

    def test_errors(self):
        with self.assertRaisesRegex(sherry.Error, "token"):
            self.context.eval([self.model.vocab_size])
        with self.assertRaisesRegex(ValueError, "output"):
            self.context.eval(self.tokens, "first")
        with self.assertRaisesRegex(ValueError, "dimension"):
            self.context.eval([[1, 2]])
        with self.assertRaises(sherry.Error):
            self.context.eval(self.tokens, sequence=3)
        self.assertEqual(self.context.position(), 0)
        with self.assertRaises(sherry.Error):
            self.context.load(os.path.join(support.FOLDER, "none"))
        self.context.close()
        with self.assertRaisesRegex(sherry.Error, "closed"):
            self.context.eval(self.tokens)


support.main()
