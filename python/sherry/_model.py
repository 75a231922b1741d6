# ===- _model.py - Compiled models ---------------------------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import codecs
import ctypes
import json
import numbers
import os
import threading
import weakref
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

import numpy as np

from . import _generate, _score
from ._context import Context
from ._library import (
    TOKENIZE_BOS,
    TOKENIZE_SPECIAL,
    WEIGHTS_COPIED,
    WEIGHTS_MAPPED,
    Error,
    Owner,
    check,
    lib,
)

Text = Union[str, bytes]
# A text, or its tokens [n].
Prompt = Union[str, bytes, Sequence[int], np.ndarray]


class Model(Owner):
    """A compiled model, a file that sherry-compile wrote.

    Methods that evaluate share one context, and wait for each other if several
    threads call them. Make a Context for each thread to do otherwise.
    """

    _destroy = lib.sherry_model_close
    _context: Optional[Context] = None

    def __init__(
        self,
        path: Union[str, os.PathLike],
        *,
        mapped: bool = False,
        threads: int = 0,
        context: int = 0,
        batch: int = 16,
    ):
        """Opens a model.

        mapped: leave the weights in the file, shared by all processes, instead of
            copying them into faster memory.
        threads, context, batch: of the context of this object's methods: threads
            (0: one per physical core), positions of a sequence (0: at most 4096),
            and most sequences that are evaluated together.

        Raises Error if the file is no model for this machine and runtime.
        """
        self._lock = threading.RLock()
        weights = WEIGHTS_MAPPED if mapped else WEIGHTS_COPIED
        if batch < 1:
            raise ValueError("batch must be at least 1")
        self._handle = check(lib.sherry_model_open(os.fsencode(path), weights))
        self.batch = batch
        self._options = {"threads": threads, "size": context}

    def close(self) -> None:
        """Ends the use of the model; contexts made from it may outlive this call."""
        with self._lock:
            if self._context:
                self._context.close()
                self._context = None
            super().close()

    def context(self, **options: int) -> Context:
        """A new Context, of which `options` are those of its constructor."""
        return Context(self, **options)

    def own_context(self) -> Context:
        """The context of this object's methods: for `batch` full sequences."""
        if not self._context:
            # Without a cycle, so that weights go as soon as nobody has the model.
            self._context = Context(
                weakref.proxy(self), full_sequences=self.batch, **self._options
            )
        return self._context

    # Description.

    @property
    def metadata(self) -> Dict[str, Any]:
        """The model's description; its keys are listed in docs/Pipeline.md."""
        return json.loads(lib.sherry_model_metadata(self.handle))

    @property
    def vocab_size(self) -> int:
        return lib.sherry_model_vocab_size(self.handle)

    @property
    def hidden_size(self) -> int:
        return lib.sherry_model_hidden_size(self.handle)

    @property
    def max_context(self) -> int:
        """Most positions of a sequence."""
        return lib.sherry_model_max_context(self.handle)

    @property
    def max_block(self) -> int:
        """Most tokens that are evaluated in one go."""
        return lib.sherry_model_max_block(self.handle)

    @property
    def checksum(self) -> int:
        """The checksums of code and weights as one number of 64 bits."""
        return lib.sherry_model_checksum(self.handle)

    def verify(self) -> None:
        """Reads all weights; raises Error if their checksum is wrong."""
        check(lib.sherry_model_verify(self.handle))

    # Text and tokens.

    @property
    def bos_token(self) -> Optional[int]:
        """The token that begins a text."""
        token = lib.sherry_model_bos_token(self.handle)
        return None if token < 0 else token

    def is_eos(self, token: int) -> bool:
        """Whether a text ends with `token`."""
        return lib.sherry_model_is_eos(self.handle, token)

    @property
    def has_tokenizer(self) -> bool:
        return lib.sherry_model_has_tokenizer(self.handle)

    def tokenize(
        self, text: Text, *, bos: bool = True, special: bool = False
    ) -> np.ndarray:
        """The tokens of a text, int32 [n].

        bos: begin with the BOS token if the model's texts do.
        special: take names of special tokens in the text as these tokens.
        """
        data = text.encode() if isinstance(text, str) else text
        flags = bos * TOKENIZE_BOS | special * TOKENIZE_SPECIAL
        tokens = np.empty(len(data) + 2, np.int32)
        while True:
            count = check(
                lib.sherry_tokenize(
                    self.handle, data, len(data), flags, tokens.ctypes.data, len(tokens)
                )
            )
            if count <= len(tokens):
                return tokens[:count].copy()
            tokens = np.empty(count, np.int32)

    def token_bytes(self, token: int) -> bytes:
        """The text of one token; it may be a part of a character."""
        size = ctypes.c_size_t()
        data = check(lib.sherry_token_bytes(self.handle, token, ctypes.byref(size)))
        return ctypes.string_at(data, size.value)

    def is_special(self, token: int) -> bool:
        """Whether a token has a meaning and no text, for example a token that ends a text."""
        return lib.sherry_token_is_special(self.handle, token)

    def detokenize(self, tokens: Sequence[int]) -> str:
        """The text of tokens [n]. Special tokens have no text; invalid UTF-8 becomes U+FFFD."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with _generate.TextStream(self) as stream:
            pieces = [stream.push(int(token)) for token in tokens]
            return decoder.decode(b"".join(pieces) + stream.finish(), final=True)

    def tokens_of(self, prompt: Prompt) -> np.ndarray:
        """The tokens of a prompt, int32 [n]; tokens stay as they are."""
        if isinstance(prompt, (str, bytes)):
            return self.tokenize(prompt)
        return np.ascontiguousarray(prompt, np.int32)

    # Results of the model.

    def logits(self, prompt: Prompt) -> np.ndarray:
        """The logits after each token of a prompt, float32 [n, vocab_size]."""
        with self._lock, self.own_context().sequence() as sequence:
            return sequence.eval(self.tokens_of(prompt), "all")

    def stream(self, prompt: Prompt, **options: Any) -> Iterator[str]:
        """Continues a prompt: gives text as it comes, in whole characters.

        The options are those of generate(). Until the iterator has ended or is
        closed, it takes the place of one of the `batch` sequences.
        """
        chosen = _generate.Options.of(self, options)
        tokens = self.tokens_of(prompt)

        def steps() -> Iterator[str]:
            with self.own_context().sequence() as sequence:
                yield from _generate.stream(sequence, tokens, chosen)

        # Any thread may ask for the next text, and others evaluate in between.
        texts = steps()
        try:
            while True:
                with self._lock:
                    text = next(texts, None)
                if text is None:
                    return
                yield text
        finally:
            with self._lock:
                texts.close()

    def generate(
        self, prompt: Union[Prompt, List[Prompt]], **options: Any
    ) -> Union[str, List[str]]:
        """The text that the model continues a prompt with.

        Of a list of prompts, a list of their continuations, each the same as alone.

        max_tokens: most tokens (default: 128).
        stop: a text, or a list of texts, before the first of which to end.
        seed: of the choices (default: a random one).
        ignore_eos: go on after the end of the text.
        temperature, top_k, top_p, min_p, typical_p, repetition_penalty,
        presence_penalty, frequency_penalty, penalty_last_n, biases: see Sampler; by
            default as the model says, else temperature 0.8, top_k 40, top_p 0.95.
        """
        is_tokens = isinstance(prompt, list) and all(
            isinstance(token, numbers.Integral) for token in prompt
        )
        if isinstance(prompt, list) and not (prompt and is_tokens):
            chosen = _generate.Options.of(self, options)
            prompts = [self.tokens_of(one) for one in prompt]
            with self._lock:
                return _generate.generate_batch(
                    self.own_context(), prompts, chosen, self.batch
                )
        return "".join(self.stream(prompt, **options))

    def score(self, context: str, continuation: str, *, special: bool = True) -> "_score.Score":
        """How likely `continuation` is after `context`: see docs/Evaluation.md."""
        return self.score_batch([(context, continuation)], special=special)[0]

    def score_batch(self, pairs: Sequence, *, special: bool = True) -> List["_score.Score"]:
        """The same of pairs (context, continuation), evaluated together."""
        with self._lock:
            context = self.own_context()
            scored = [
                _score.encode_pair(self, *pair, special, context.size) for pair in pairs
            ]
            return _score.score_tokens(self, scored)

    def embed(
        self, texts: Union[Text, Sequence[Text]], *, pooling: str = "mean"
    ) -> np.ndarray:
        """Embeddings of texts: float32 [texts, hidden_size], of norm 1; of one text
        [hidden_size].

        pooling: "mean" or "last", of the hidden states of a text's tokens.
        """
        if isinstance(texts, (str, bytes)):
            return self.embed([texts], pooling=pooling)[0]
        if pooling not in ("mean", "last"):
            raise ValueError(f"pooling must be 'mean' or 'last', not {pooling!r}")
        output = "hidden_all" if pooling == "mean" else "hidden_last"
        result = np.empty((len(texts), self.hidden_size), np.float32)
        with self._lock:
            for row, text in enumerate(texts):
                with self.own_context().sequence() as sequence:
                    states = sequence.eval(self.tokenize(text), output)
                pool = states.astype(np.float64).sum(axis=0)
                norm = np.linalg.norm(pool)
                if not 0 < norm < np.inf:
                    raise Error("the hidden states of a text have no direction")
                result[row] = pool / norm
        return result
