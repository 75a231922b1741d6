# ===- _generate.py - Texts that a model continues -----------------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------=== #
import codecs
import ctypes
import dataclasses
import secrets
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence

import numpy as np

from ._library import Error, LogitBias, Owner, SamplerOptions, check, lib

if TYPE_CHECKING:
    from ._context import Context, OwnedSequence
    from ._model import Model


class Sampler(Owner):
    """Picks tokens by their logits."""

    _destroy = lib.sherry_sampler_destroy

    def __init__(
        self,
        *,
        temperature: float = 0.8,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0,
        typical_p: float = 0,
        repetition_penalty: float = 0,
        presence_penalty: float = 0,
        frequency_penalty: float = 0,
        penalty_last_n: int = 64,
        biases: Optional[Mapping[int, float]] = None,
        seed: Optional[int] = None,
    ):
        """temperature: 0 picks the most likely token.
        top_k: keep the k most likely tokens; 0: all.
        top_p: keep the fewest tokens that reach this probability; 1: all.
        min_p: keep tokens with this share of the probability of the most likely one.
        typical_p: keep the most typical tokens that reach this probability; 0: all.
        repetition_penalty, presence_penalty, frequency_penalty: of the last
            `penalty_last_n` tokens that were accepted; 0: none.
        biases: numbers that are added to the logits of tokens; -inf forbids one.
        seed: the same seed gives the same tokens; None: a random one.
        """
        biases = biases or {}
        array = (LogitBias * max(1, len(biases)))(*map(tuple, biases.items()))
        seed = secrets.randbits(64) if seed is None else seed
        options = SamplerOptions(
            temperature, top_k, top_p, seed, min_p, typical_p, repetition_penalty,
            presence_penalty, frequency_penalty, penalty_last_n, array, len(biases)
        )
        self._handle = check(lib.sherry_sampler_create(ctypes.byref(options)))

    def sample(self, logits: np.ndarray) -> int:
        """Picks a token by its logits [vocab_size]."""
        logits = np.ascontiguousarray(logits, np.float32)
        if logits.ndim != 1:
            raise ValueError(f"logits must have one dimension, not {logits.ndim}")
        return check(lib.sherry_sample(self.handle, logits.ctypes.data, len(logits)))

    def accept(self, token: int) -> None:
        """Tells of a token of the text, for the penalties."""
        check(lib.sherry_sampler_accept(self.handle, token))


class TextStream(Owner):
    """Joins tokens to bytes that end at the end of a character."""

    _destroy = lib.sherry_text_stream_destroy

    def __init__(self, model: "Model"):
        self._handle = check(lib.sherry_text_stream_create(model.handle))

    def push(self, token: int) -> bytes:
        size = ctypes.c_size_t()
        data = lib.sherry_text_stream_push(self.handle, token, ctypes.byref(size))
        return ctypes.string_at(check(data), size.value)

    def finish(self) -> bytes:
        """The bytes of a character that never became complete."""
        size = ctypes.c_size_t()
        data = lib.sherry_text_stream_finish(self.handle, ctypes.byref(size))
        return ctypes.string_at(check(data), size.value)


@dataclasses.dataclass
class Options:
    """Options of an answer, and of its sampler."""

    max_tokens: int = 128
    stop: Sequence[str] = ()
    ignore_eos: bool = False
    sampling: Dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, model: "Model", given: Mapping[str, Any]) -> "Options":
        """The model's own values where `given` has none."""
        rest = dict(given)
        own = {name: rest.pop(name) for name in ("max_tokens", "ignore_eos") if name in rest}
        stop = rest.pop("stop", ())
        stop = (stop,) if isinstance(stop, str) else tuple(stop)
        sampling = {**model.metadata.get("sampling", {}), **rest}
        return cls(stop=tuple(filter(None, stop)), sampling=sampling, **own)


class Answer:
    """A text that grows token by token."""

    def __init__(self, model: "Model", prompt: np.ndarray, options: Options):
        if len(prompt) == 0:
            raise Error("the prompt has no tokens to continue")
        self._model = model
        self._options = options
        self._sampler = Sampler(**options.sampling)
        self._stream = TextStream(model)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""  # may begin with a part of a text in `stop`
        self._is_stopped = False
        self.tokens: List[int] = []
        for token in prompt:
            self._sampler.accept(int(token))

    def take(self, logits: np.ndarray) -> Optional[str]:
        """Picks a token by its logits [vocab_size]. Returns the text that it adds; None
        if the answer has ended."""
        if len(self.tokens) >= self._options.max_tokens or self._is_stopped:
            return None
        token = self._sampler.sample(logits)
        if self._model.is_eos(token) and not self._options.ignore_eos:
            return None
        self.tokens.append(token)
        self._sampler.accept(token)
        return self._release(self._decoder.decode(self._stream.push(token)))

    def wants_more(self) -> bool:
        return len(self.tokens) < self._options.max_tokens and not self._is_stopped

    def finish(self) -> str:
        """The rest of the text."""
        rest = self._decoder.decode(self._stream.finish(), final=True)
        self._stream.__exit__()
        if self._is_stopped:
            return ""
        text = self._release(rest)
        return text if self._is_stopped else text + self._held

    def _release(self, text: str) -> str:
        """Appends text; returns what cannot be the beginning of a text in `stop`."""
        self._held += text
        stops = self._options.stop
        places = [place for stop in stops if (place := self._held.find(stop)) >= 0]
        if places:
            self._is_stopped = True
            return self._held[: min(places)]
        longest = max(map(len, stops), default=1) - 1
        keep = 0
        for size in range(1, min(longest, len(self._held)) + 1):
            if any(stop.startswith(self._held[-size:]) for stop in stops):
                keep = size
        text = self._held[: len(self._held) - keep]
        self._held = self._held[len(text) :]
        return text


def stream(
    sequence: "OwnedSequence", prompt: np.ndarray, options: Options
) -> Iterator[str]:
    """Continues a prompt [n] in a new sequence: gives text as it comes."""
    context = sequence.context
    answer = Answer(context.model, prompt, options)
    tokens: Sequence[int] = prompt
    while answer.wants_more():
        logits = sequence.eval(tokens)
        assert logits is not None
        text = answer.take(logits[0])
        if text is None:
            break
        if text:
            yield text
        tokens = answer.tokens[-1:]
        if sequence.position == context.size:
            break
    rest = answer.finish()
    if rest:
        yield rest


def generate_batch(
    context: "Context", prompts: Sequence[np.ndarray], options: Options, batch: int
) -> List[str]:
    """Continues prompts [n], `batch` of them at a time."""
    results = [""] * len(prompts)
    waiting = list(enumerate(prompts))[::-1]
    active: Dict[int, tuple] = {}  # by sequence: index, answer, tokens to read
    try:
        while waiting or active:
            while waiting and len(active) < batch:
                index, prompt = waiting.pop()
                answer = Answer(context.model, prompt, options)
                if answer.wants_more():
                    active[context.create()] = (index, answer, prompt)
            numbers = list(active)
            entries = [(number, active[number][2], "last") for number in numbers]
            for number, logits in zip(numbers, context.eval_batch(entries)):
                index, answer, _ = active[number]
                assert logits is not None
                text = answer.take(logits[0])
                results[index] += text or ""
                active[number] = (index, answer, answer.tokens[-1:])
                is_full = context.position(number) == context.size
                if text is None or is_full or not answer.wants_more():
                    results[index] += answer.finish()
                    del active[number]
                    context.drop(number)
    finally:
        for number in active:
            context.drop(number)
    return results
